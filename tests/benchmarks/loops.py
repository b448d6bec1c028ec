"""Programs as loops over elements, for Numba: each is as fast as plain loops are made."""

from __future__ import annotations

import math

import numpy as np

from tests.kernels.kernel import Array


def jacobi_2d(u: Array, new: Array, steps: int) -> Array:
    rows, columns = u.shape
    for _ in range(steps):
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                around = u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1]
                new[i, j] = 0.5 * u[i, j] + 0.125 * around
        u, new = new, u
    return u


def heat_3d(u: Array, new: Array, steps: int, rate: float) -> Array:
    planes, rows, columns = u.shape
    for _ in range(steps):
        for i in range(1, planes - 1):
            for j in range(1, rows - 1):
                for k in range(1, columns - 1):
                    center = u[i, j, k]
                    new[i, j, k] = center + rate * (
                        (u[i + 1, j, k] - 2.0 * center + u[i - 1, j, k])
                        + (u[i, j + 1, k] - 2.0 * center + u[i, j - 1, k])
                        + (u[i, j, k + 1] - 2.0 * center + u[i, j, k - 1])
                    )
        u, new = new, u
    return u


def gray_scott(u: Array, v: Array, steps: int, feed: float, kill: float) -> None:
    rows, columns = u.shape
    # Each step goes from one pair of arrays to the other: elements need their neighbours' old ones.
    a, b, c, d = u, v, np.empty_like(u), np.empty_like(v)
    for _ in range(steps):
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                p, q = a[i, j], b[i, j]
                reaction = p * q * q
                flow_p = a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1] - 4.0 * p
                flow_q = b[i - 1, j] + b[i + 1, j] + b[i, j - 1] + b[i, j + 1] - 4.0 * q
                c[i, j] = p + (0.16 * flow_p - reaction + feed * (1.0 - p))
                d[i, j] = q + (0.08 * flow_q + reaction - (feed + kill) * q)
        # Loops here, too: for slices of arrays that change places, Numba compiles for seconds.
        for j in range(columns):
            c[0, j] = c[rows - 2, j]
            d[0, j] = d[rows - 2, j]
            c[rows - 1, j] = c[1, j]
            d[rows - 1, j] = d[1, j]
        for i in range(rows):
            c[i, 0] = c[i, columns - 2]
            d[i, 0] = d[i, columns - 2]
            c[i, columns - 1] = c[i, 1]
            d[i, columns - 1] = d[i, 1]
        a, b, c, d = c, d, a, b
    if steps % 2:
        for i in range(rows):
            for j in range(columns):
                u[i, j] = a[i, j]
                v[i, j] = b[i, j]


def advection(u: Array, steps: int, across: float, along: float) -> None:
    rows, columns = u.shape
    for _ in range(steps):
        # From the last row, so that the one above is the old one; what was left is carried along.
        for i in range(rows - 1, 0, -1):
            left = u[i, 0]
            for j in range(1, columns):
                here = u[i, j]
                u[i, j] = here - (across * (here - u[i - 1, j]) + along * (here - left))
                left = here
        for j in range(columns):
            u[0, j] = 1.0
        for i in range(1, rows):
            u[i, 0] = u[i, 1]


def nbody(
    positions: Array, velocities: Array, masses: Array, step: float, softening: float
) -> None:
    count = len(positions)
    x, y, z = positions[:, 0].copy(), positions[:, 1].copy(), positions[:, 2].copy()
    pull_x, pull_y, pull_z = np.zeros(count), np.zeros(count), np.zeros(count)
    # The inner loop is over those that are pulled: it has no sum, so it has SIMD code.
    for j in range(count):
        for i in range(count):
            apart_x, apart_y, apart_z = x[j] - x[i], y[j] - y[i], z[j] - z[i]
            squared = apart_x * apart_x + apart_y * apart_y + apart_z * apart_z + softening
            strength = masses[j] / (squared * math.sqrt(squared))
            pull_x[i] += apart_x * strength
            pull_y[i] += apart_y * strength
            pull_z[i] += apart_z * strength
    for i in range(count):
        velocities[i, 0] += step * pull_x[i]
        velocities[i, 1] += step * pull_y[i]
        velocities[i, 2] += step * pull_z[i]
        for axis in range(3):
            positions[i, axis] += step * velocities[i, axis]


def adam(
    parameters: tuple[Array, ...],
    gradients: tuple[Array, ...],
    means: tuple[Array, ...],
    squares: tuple[Array, ...],
    time: int,
    rate: float,
) -> None:
    of_means, of_squares = 1.0 - 0.9**time, 1.0 - 0.999**time
    for layer in range(len(parameters)):
        p, g, m, s = parameters[layer], gradients[layer], means[layer], squares[layer]
        for i in range(p.size):
            m[i] = 0.9 * m[i] + 0.1 * g[i]
            s[i] = 0.999 * s[i] + 0.001 * g[i] * g[i]
            p[i] -= rate * (m[i] / of_means) / (math.sqrt(s[i] / of_squares) + 1e-8)


def two_layers(x: Array, weights: Array, bias: Array, weights_2: Array, bias_2: Array) -> Array:
    # Products of matrices are BLAS's, as NumPy's are: no loop comes near.
    hidden = x @ weights
    for i in range(hidden.shape[0]):
        for j in range(hidden.shape[1]):
            value = hidden[i, j] + bias[j]
            hidden[i, j] = 0.0 if value < 0.0 else value
    result = hidden @ weights_2
    for i in range(result.shape[0]):
        for j in range(result.shape[1]):
            result[i, j] += bias_2[j]
    return result


def cholesky(a: Array) -> Array:
    # Its transpose, so that the inner loops go along rows and have SIMD code.
    size = len(a)
    upper = np.zeros((size, size))
    for j in range(size):
        for i in range(j, size):
            upper[j, i] = a[i, j]
        for k in range(j):
            factor = upper[k, j]
            for i in range(j, size):
                upper[j, i] -= factor * upper[k, i]
        pivot = math.sqrt(upper[j, j])
        for i in range(j, size):
            upper[j, i] /= pivot
    return upper.T.copy()


def rotate(points: Array, yaw: float, pitch: float, roll: float) -> Array:
    # The product of the three matrices, about z, y and x.
    c, s = math.cos(yaw), math.sin(yaw)
    d, t = math.cos(pitch), math.sin(pitch)
    e, u = math.cos(roll), math.sin(roll)
    xx, xy, xz = c * d, c * t * u - s * e, c * t * e + s * u
    yx, yy, yz = s * d, s * t * u + c * e, s * t * e - c * u
    zx, zy, zz = -t, d * u, d * e
    result = np.empty_like(points)
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        result[i, 0] = xx * x + xy * y + xz * z
        result[i, 1] = yx * x + yy * y + yz * z
        result[i, 2] = zx * x + zy * y + zz * z
    return result
