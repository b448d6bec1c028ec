"""Kernels in which each element of a grid is computed from its neighbours."""

from __future__ import annotations

import numpy as np

from .kernel import Array


def jacobi_1d(u: Array, new: Array, steps: int) -> None:
    """Smooth a line: each step goes to another array and back."""
    for _ in range(steps):
        new[1:-1] = (u[:-2] + u[1:-1] + u[2:]) / 3.0
        u[1:-1] = (new[:-2] + new[1:-1] + new[2:]) / 3.0


def jacobi_2d(u: Array, new: Array, steps: int) -> Array:
    """Smooth a plane: the two arrays change places at each step; return the newer one."""
    for _ in range(steps):
        new[1:-1, 1:-1] = 0.5 * u[1:-1, 1:-1] + 0.125 * (
            u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]
        )
        u, new = new, u
    return u


def heat_3d(u: Array, new: Array, steps: int, rate: float) -> Array:
    """Let heat flow through a block whose surface keeps its temperature."""
    for _ in range(steps):
        center = u[1:-1, 1:-1, 1:-1]
        new[1:-1, 1:-1, 1:-1] = center + rate * (
            (u[2:, 1:-1, 1:-1] - 2.0 * center + u[:-2, 1:-1, 1:-1])
            + (u[1:-1, 2:, 1:-1] - 2.0 * center + u[1:-1, :-2, 1:-1])
            + (u[1:-1, 1:-1, 2:] - 2.0 * center + u[1:-1, 1:-1, :-2])
        )
        u, new = new, u
    return u


def _laplacian(u: Array) -> Array:
    return u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4.0 * u[1:-1, 1:-1]


def _wrap(u: Array) -> None:
    """Fill the border from the opposite side."""
    u[0] = u[-2]
    u[-1] = u[1]
    u[:, 0] = u[:, -2]
    u[:, -1] = u[:, 1]


def gray_scott(u: Array, v: Array, steps: int, feed: float, kill: float) -> None:
    """Let two substances react and diffuse on a torus, through views of their inner parts."""
    inner_u, inner_v = u[1:-1, 1:-1], v[1:-1, 1:-1]
    for _ in range(steps):
        reaction = inner_u * inner_v * inner_v
        change_u = 0.16 * _laplacian(u) - reaction + feed * (1.0 - inner_u)
        change_v = 0.08 * _laplacian(v) + reaction - (feed + kill) * inner_v
        inner_u += change_u
        inner_v += change_v
        _wrap(u)
        _wrap(v)


def advection(u: Array, steps: int, across: float, along: float) -> None:
    """Carry a substance along with the wind; it enters at two borders."""
    for _ in range(steps):
        u[1:, 1:] -= across * (u[1:, 1:] - u[:-1, 1:]) + along * (u[1:, 1:] - u[1:, :-1])
        u[0] = 1.0
        u[1:, 0] = u[1:, 1]


def wave(old: Array, now: Array, steps: int, courant: float) -> tuple[Array, Array]:
    """Let a membrane swing: the state before the last one is overwritten."""
    for _ in range(steps):
        old[1:-1, 1:-1] = 2.0 * now[1:-1, 1:-1] - old[1:-1, 1:-1] + courant * _laplacian(now)
        old, now = now, old
    return old, now


def yee(electric: Array, magnetic: Array, pulse: Array) -> None:
    """Send a pulse along a line with two fields; its ends absorb."""
    for strength in pulse:
        magnetic += 0.5 * (electric[1:] - electric[:-1])
        left, right = electric[1], electric[-2]
        electric[1:-1] += 0.5 * (magnetic[1:] - magnetic[:-1])
        electric[0], electric[-1] = left, right
        electric[len(electric) // 2] += strength


def life(grid: Array, steps: int) -> None:
    """Play Conway's game of life."""
    for _ in range(steps):
        rows = grid.copy()
        rows[1:] += grid[:-1]
        rows[:-1] += grid[1:]
        around = rows.copy()
        around[:, 1:] += rows[:, :-1]
        around[:, :-1] += rows[:, 1:]
        grid[...] = (around == 3) | ((grid == 1) & (around == 4))


def sobel(image: Array) -> Array:
    """Return how steep an image is; the border of the result is 0."""
    smooth = image[:-2] + 2 * image[1:-1] + image[2:]
    steep = image[2:] - image[:-2]
    across = smooth[:, 2:] - smooth[:, :-2]
    down = steep[:, :-2] + 2 * steep[:, 1:-1] + steep[:, 2:]
    edges = np.zeros_like(image)
    edges[1:-1, 1:-1] = np.sqrt(across * across + down * down)
    return edges


def red_black(u: Array, source: Array, sweeps: int, relaxation: float) -> None:
    """Relax first the cells of one colour of a chessboard, then those of the other."""
    for _ in range(sweeps):
        for row, column in ((1, 1), (2, 2), (1, 2), (2, 1)):
            cells = u[row:-1:2, column:-1:2]
            around = (
                u[row - 1 : -2 : 2, column:-1:2]
                + u[row + 1 :: 2, column:-1:2]
                + u[row:-1:2, column - 1 : -2 : 2]
                + u[row:-1:2, column + 1 :: 2]
            )
            residual = 0.25 * (around - source[row:-1:2, column:-1:2]) - cells
            cells += relaxation * residual


def smooth_edges(image: Array, steps: int, contrast: float) -> None:
    """Smooth an image but for its edges, by fluxes between neighbours (Perona and Malik)."""
    for _ in range(steps):
        down = np.diff(image, axis=0)
        across = np.diff(image, axis=1)
        down = 0.2 * down * np.exp(-np.square(down / contrast))
        across = 0.2 * across * np.exp(-np.square(across / contrast))
        image[:-1] += down
        image[1:] -= down
        image[:, :-1] += across
        image[:, 1:] -= across


def shallow_water(height: Array, momentum: Array, steps: int, ratio: float) -> None:
    """Let waves run in a channel between two walls, by the scheme of Lax and Friedrichs."""
    for _ in range(steps):
        flux = momentum * momentum / height + 4.905 * height * height
        height[1:-1], momentum[1:-1] = (
            0.5 * (height[2:] + height[:-2]) - ratio * (momentum[2:] - momentum[:-2]),
            0.5 * (momentum[2:] + momentum[:-2]) - ratio * (flux[2:] - flux[:-2]),
        )
        height[0], height[-1] = height[1], height[-2]
        momentum[0], momentum[-1] = -momentum[1], -momentum[-2]


def prolong(coarse: Array) -> Array:
    """Return a grid of twice the resolution, interpolated, as multigrid methods do."""
    rows, columns = coarse.shape
    fine = np.empty((2 * rows - 1, 2 * columns - 1))
    fine[::2, ::2] = coarse
    fine[1::2, ::2] = 0.5 * (coarse[:-1] + coarse[1:])
    fine[:, 1::2] = 0.5 * (fine[:, :-1:2] + fine[:, 2::2])
    return fine
