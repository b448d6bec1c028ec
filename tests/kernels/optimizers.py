"""Kernels that improve parameters step by step, most of them in place."""

from __future__ import annotations

import numpy as np

from .kernel import Array, Number

Arrays = tuple[Array, ...]


def adam(
    parameters: Arrays, gradients: Arrays, means: Arrays, squares: Arrays, time: int, rate: float
) -> None:
    """Take a step for the parameters of all layers, with averages of gradients and squares."""
    for p, g, m, s in zip(parameters, gradients, means, squares, strict=True):
        m *= 0.9
        m += 0.1 * g
        s *= 0.999
        s += 0.001 * g * g
        p -= rate * (m / (1.0 - 0.9**time)) / (np.sqrt(s / (1.0 - 0.999**time)) + 1e-8)


def momentum(weights: Array, velocity: Array, gradient: Array, rate: float, keep: float) -> None:
    """Take a step of Nesterov's method."""
    before = velocity.copy()
    velocity *= keep
    velocity -= rate * gradient
    weights += (1.0 + keep) * velocity - keep * before


def rmsprop(weights: Array, squares: Array, gradient: Array, rate: float) -> Array:
    """Take a step that is scaled by an average of squares, and return it."""
    np.multiply(squares, 0.9, out=squares)
    squares += 0.1 * np.square(gradient)
    step = rate * gradient / np.sqrt(squares + 1e-8)
    np.subtract(weights, step, out=weights)
    return step


def lbfgs_direction(gradient: Array, moves: Array, changes: Array) -> Array:
    """Return the direction of descent from the last moves and changes of gradients."""
    count = len(moves)
    q = gradient.copy()
    shares = np.empty(count)
    for i in range(count - 1, -1, -1):
        shares[i] = moves[i].dot(q) / moves[i].dot(changes[i])
        q -= shares[i] * changes[i]
    q *= moves[-1].dot(changes[-1]) / changes[-1].dot(changes[-1])
    for i in range(count):
        share = changes[i].dot(q) / moves[i].dot(changes[i])
        q += (shares[i] - share) * moves[i]
    return -q


def nonnegative(a: Array, b: Array, x: Array, steps: int, rate: float) -> None:
    """Fit nonnegative coefficients by projected gradients."""
    for _ in range(steps):
        x -= rate * (a.T @ (a @ x - b))
        np.maximum(x, 0.0, out=x)


def conjugate_gradient(a: Array, b: Array, steps: int) -> tuple[Array, Number]:
    """Return an approximate solution of a symmetric system, and what is left of it."""
    x = np.zeros_like(b)
    left = b.copy()
    direction = b.copy()
    square = left @ left
    for _ in range(steps):
        image = a @ direction
        length = square / (direction @ image)
        x += length * direction
        left -= length * image
        before, square = square, left @ left
        direction *= square / before
        direction += left
    return x, np.sqrt(square)


def kmeans_step(points: Array, centers: Array) -> Array:
    """Move each center to the mean of the points next to it; return which those were."""
    apart = points[:, None, :] - centers[None, :, :]
    nearest = np.argmin((apart * apart).sum(axis=2), axis=1)
    for k in range(len(centers)):
        mine = (nearest == k)[:, None]
        centers[k] = np.where(mine, points, 0.0).sum(axis=0) / np.maximum(mine.sum(), 1)
    return nearest


def sinkhorn(costs: Array, rows: Array, columns: Array, steps: int) -> Array:
    """Return a plan of transport with given sums of rows and columns."""
    plan = np.exp(-costs)
    for _ in range(steps):
        plan *= (rows / plan.sum(axis=1))[:, None]
        plan *= columns / plan.sum(axis=0)
    return plan


def power_iteration(a: Array, vector: Array, steps: int) -> Number:
    """Turn a vector to the longest axis of a matrix, in place; return its eigenvalue."""
    for _ in range(steps):
        vector[:] = a @ vector
        vector /= np.sqrt(vector @ vector)
    return vector @ a @ vector


def pagerank(links: Array, ranks: Array, steps: int, damping: float) -> None:
    """Let importance flow along links."""
    for _ in range(steps):
        ranks[:] = (1.0 - damping) / ranks.size + damping * (links @ ranks)
        ranks /= ranks.sum()
