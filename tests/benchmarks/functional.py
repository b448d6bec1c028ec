"""Programs as functions of arrays that are never written to, for JAX.

One that returns nothing in NumPy returns here the arrays that it changes, in the order of its
parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from tests.kernels.kernel import Array

Arrays = tuple[Array, ...]


def _to_and_fro(step: Callable[[Array, Array], Array], u: Array, new: Array, steps: int) -> Array:
    """Let two arrays change places, two steps a turn: else, the loop would copy both."""

    def turn(_: int, pair: Arrays) -> Arrays:
        u, new = pair
        new = step(u, new)
        return step(new, u), new

    u, new = lax.fori_loop(0, steps // 2, turn, (u, new))
    return step(u, new) if steps % 2 else u


@partial(jax.jit, static_argnames="steps", donate_argnames="u")
def jacobi_2d(u: Array, new: Array, steps: int) -> Array:
    def step(u: Array, new: Array) -> Array:
        around = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]
        return new.at[1:-1, 1:-1].set(0.5 * u[1:-1, 1:-1] + 0.125 * around)

    return _to_and_fro(step, u, new, steps)


@partial(jax.jit, static_argnames="steps", donate_argnames="u")
def heat_3d(u: Array, new: Array, steps: int, rate: float) -> Array:
    def step(u: Array, new: Array) -> Array:
        center = u[1:-1, 1:-1, 1:-1]
        newer = center + rate * (
            (u[2:, 1:-1, 1:-1] - 2.0 * center + u[:-2, 1:-1, 1:-1])
            + (u[1:-1, 2:, 1:-1] - 2.0 * center + u[1:-1, :-2, 1:-1])
            + (u[1:-1, 1:-1, 2:] - 2.0 * center + u[1:-1, 1:-1, :-2])
        )
        return new.at[1:-1, 1:-1, 1:-1].set(newer)

    return _to_and_fro(step, u, new, steps)


def _laplacian(u: Array) -> Array:
    return u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4.0 * u[1:-1, 1:-1]


@partial(jax.jit, donate_argnames=("u", "v"))
def gray_scott(u: Array, v: Array, steps: int, feed: float, kill: float) -> Arrays:
    def step(_: int, pair: Arrays) -> Arrays:
        u, v = pair
        inner_u, inner_v = u[1:-1, 1:-1], v[1:-1, 1:-1]
        reaction = inner_u * inner_v * inner_v
        new_u = inner_u + (0.16 * _laplacian(u) - reaction + feed * (1.0 - inner_u))
        new_v = inner_v + (0.08 * _laplacian(v) + reaction - (feed + kill) * inner_v)
        return jnp.pad(new_u, 1, mode="wrap"), jnp.pad(new_v, 1, mode="wrap")

    u, v = lax.fori_loop(0, steps, step, (u, v))
    return u, v


@partial(jax.jit, donate_argnames="u")
def advection(u: Array, steps: int, across: float, along: float) -> Arrays:
    def step(_: int, u: Array) -> Array:
        here = u[1:, 1:]
        newer = here - (across * (here - u[:-1, 1:]) + along * (here - u[1:, :-1]))
        # Joined, not written into the old array, which would be copied first.
        newer = jnp.concatenate([newer[:, :1], newer], axis=1)
        return jnp.concatenate([jnp.ones_like(u[:1]), newer], axis=0)

    return (lax.fori_loop(0, steps, step, u),)


@partial(jax.jit, donate_argnames=("positions", "velocities"))
def nbody(
    positions: Array, velocities: Array, masses: Array, step: float, softening: float
) -> Arrays:
    # A matrix for each coordinate: XLA is slower with one array of three axes.
    apart = [x - x[:, None] for x in positions.T]
    squared = sum(each * each for each in apart) + softening
    strength = masses / (squared * jnp.sqrt(squared))
    pull = jnp.stack([(each * strength).sum(axis=1) for each in apart], axis=1)
    velocities = velocities + step * pull
    return positions + step * velocities, velocities


@partial(jax.jit, donate_argnames=("parameters", "means", "squares"))
def adam(
    parameters: Arrays, gradients: Arrays, means: Arrays, squares: Arrays, time: int, rate: float
) -> tuple[list[Array], list[Array], list[Array]]:
    means_ = [0.9 * m + 0.1 * g for m, g in zip(means, gradients, strict=True)]
    squares_ = [0.999 * s + 0.001 * g * g for s, g in zip(squares, gradients, strict=True)]
    of_means, of_squares = 1.0 - 0.9**time, 1.0 - 0.999**time
    parameters_ = [
        p - rate * (m / of_means) / (jnp.sqrt(s / of_squares) + 1e-8)
        for p, m, s in zip(parameters, means_, squares_, strict=True)
    ]
    return parameters_, means_, squares_


@jax.jit
def two_layers(x: Array, weights: Array, bias: Array, weights_2: Array, bias_2: Array) -> Array:
    return jnp.maximum(x @ weights + bias, 0.0) @ weights_2 + bias_2


@jax.jit
def cholesky(a: Array) -> Array:
    rows = jnp.arange(len(a))

    def step(j: int, lower: Array) -> Array:
        # Slices have fixed extents in JAX: whole columns, of which the upper part stays 0.
        column = a[:, j] - lower @ lower[j]
        return lower.at[:, j].set(jnp.where(rows >= j, column / jnp.sqrt(column[j]), 0.0))

    return lax.fori_loop(0, len(a), step, jnp.zeros_like(a))


@jax.jit
def rotate(points: Array, yaw: float, pitch: float, roll: float) -> Array:
    c, s = jnp.cos(yaw), jnp.sin(yaw)
    about_z = jnp.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    c, s = jnp.cos(pitch), jnp.sin(pitch)
    about_y = jnp.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    c, s = jnp.cos(roll), jnp.sin(roll)
    about_x = jnp.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    turn = about_z @ about_y @ about_x
    # XLA's product of a long matrix with a small one is slower.
    return sum(points[:, axis, None] * turn[:, axis] for axis in range(3))
