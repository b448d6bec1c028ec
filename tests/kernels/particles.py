"""Kernels that move points through space."""

from __future__ import annotations

import numpy as np

from .kernel import Array, Number


def _accelerations(positions: Array, masses: Array, softening: float) -> Array:
    apart = positions[np.newaxis, :, :] - positions[:, np.newaxis, :]
    squared = (apart * apart).sum(axis=-1) + softening
    strength = masses / (squared * np.sqrt(squared))
    return (apart * strength[:, :, np.newaxis]).sum(axis=1)


def nbody(
    positions: Array, velocities: Array, masses: Array, step: float, softening: float
) -> None:
    """Move bodies that attract each other by one step."""
    velocities += step * _accelerations(positions, masses, softening)
    positions += step * velocities


def orbits(positions: Array, velocities: Array, steps: int, step: float) -> Array:
    """Move bodies around a sun by kick, drift and kick; return their energies."""
    radius = np.sqrt((positions * positions).sum(axis=1))
    for _ in range(steps):
        velocities -= 0.5 * step * positions / (radius * radius * radius)[:, None]
        positions += step * velocities
        radius[:] = np.sqrt((positions * positions).sum(axis=1))
        velocities -= 0.5 * step * positions / (radius * radius * radius)[:, None]
    return 0.5 * (velocities * velocities).sum(axis=1) - 1.0 / radius


def boids(positions: Array, velocities: Array, radius: float, limit: float) -> None:
    """Move birds that follow their neighbours, not faster than a limit, on a torus."""
    apart = positions[None, :] - positions[:, None]
    apart -= np.rint(apart)
    near = (apart * apart).sum(axis=2) < radius * radius
    count = near.sum(axis=1)[:, None]
    center = (apart * near[:, :, None]).sum(axis=1) / count
    course = near @ velocities / count
    velocities += 0.1 * center + 0.2 * (course - velocities)
    speed = np.sqrt((velocities * velocities).sum(axis=1))
    fast = speed > limit
    velocities[fast] *= (limit / speed[fast])[:, None]
    positions += velocities
    positions %= 1.0


def rotate(points: Array, yaw: float, pitch: float, roll: float) -> Array:
    """Return points that are turned about three axes, by matrices that are made inside."""
    about_z = np.eye(3)
    about_z[0, 0] = about_z[1, 1] = np.cos(yaw)
    about_z[1, 0] = np.sin(yaw)
    about_z[0, 1] = -about_z[1, 0]
    c, s = np.cos(pitch), np.sin(pitch)
    about_y = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    about_x = np.zeros((3, 3))
    about_x[0, 0] = 1.0
    about_x[1:, 1:] = [[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]]
    return points @ (about_z @ about_y @ about_x).T


def rotate_each(points: Array, axes: Array, angles: Array) -> None:
    """Turn each point about its own axis, by a matrix for each."""
    cosine, sine = np.cos(angles), np.sin(angles)
    x, y, z = axes.T
    matrices = np.zeros((len(points), 3, 3))
    matrices[:, 0, 1], matrices[:, 1, 0] = -z * sine, z * sine
    matrices[:, 0, 2], matrices[:, 2, 0] = y * sine, -y * sine
    matrices[:, 1, 2], matrices[:, 2, 1] = -x * sine, x * sine
    matrices += (1.0 - cosine)[:, None, None] * (axes[:, :, None] * axes[:, None, :])
    for at in range(3):
        matrices[:, at, at] += cosine
    points[...] = (matrices @ points[:, :, None])[:, :, 0]


def spring_chain(x: Array, v: Array, steps: int, stiffness: float) -> None:
    """Let a chain of springs swing between two fixed ends."""
    for _ in range(steps):
        stretch = stiffness * (x[1:] - x[:-1])
        force = np.zeros_like(x)
        force[:-1] += stretch
        force[1:] -= stretch
        v[1:-1] += 0.01 * force[1:-1]
        x += 0.01 * v


def lennard_jones(positions: Array, forces: Array, box: float) -> Number:
    """Write the forces between the atoms of a liquid in a periodic box; return their energy."""
    apart = positions[:, None, :] - positions[None, :, :]
    apart -= box * np.round(apart / box)
    squared = np.einsum("ijk,ijk->ij", apart, apart)
    np.fill_diagonal(squared, np.inf)
    inverse = 1.0 / squared
    sixth = inverse * inverse * inverse
    np.sum((48.0 * (sixth * sixth - 0.5 * sixth) * inverse)[:, :, None] * apart, axis=1, out=forces)
    return 2.0 * np.sum(sixth * sixth - sixth)


def bounce(x: Array, v: Array, step: float) -> None:
    """Move balls between two walls, which throw them back."""
    x += step * v
    below, above = x < 0.0, x > 1.0
    x[below] = -x[below]
    x[above] = 2.0 - x[above]
    v[below | above] *= -0.9
