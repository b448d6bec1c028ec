"""Kernels that go along an axis step by step: each row or column needs the one before."""

from __future__ import annotations

import numpy as np

from .kernel import Array, Number


def thomas(lower: Array, diagonal: Array, upper: Array, right: Array) -> Array:
    """Solve many tridiagonal systems, a row each."""
    size = right.shape[1]
    factors = np.empty_like(right)
    solution = np.empty_like(right)
    factors[:, 0] = upper[:, 0] / diagonal[:, 0]
    solution[:, 0] = right[:, 0] / diagonal[:, 0]
    for j in range(1, size):
        pivot = diagonal[:, j] - lower[:, j] * factors[:, j - 1]
        factors[:, j] = upper[:, j] / pivot
        solution[:, j] = (right[:, j] - lower[:, j] * solution[:, j - 1]) / pivot
    for j in range(size - 2, -1, -1):
        solution[:, j] -= factors[:, j] * solution[:, j + 1]
    return solution


def diffuse_rows(u: Array, rate: float) -> None:
    """Take the half step of an alternating-direction method that is implicit along the rows."""
    explicit = u.copy()
    explicit[1:-1] += rate * (u[2:] - 2.0 * u[1:-1] + u[:-2])
    columns = u.shape[1]
    factors = np.zeros(columns)
    for j in range(1, columns - 1):
        pivot = 1.0 + 2.0 * rate - rate * factors[j - 1]
        factors[j] = rate / pivot
        u[1:-1, j] = (explicit[1:-1, j] + rate * u[1:-1, j - 1]) / pivot
    for j in range(columns - 2, 0, -1):
        u[1:-1, j] += factors[j] * u[1:-1, j + 1]


def exponential_average(signals: Array, decay: float) -> None:
    """Average each signal over its past, in place."""
    for t in range(1, signals.shape[1]):
        signals[:, t] = decay * signals[:, t - 1] + (1.0 - decay) * signals[:, t]


def recurrence(x: Array, a: Array, b: Array) -> Array:
    """Return states that follow from two before and an input, a row a time."""
    states = np.empty((len(x) + 2, x.shape[1]))
    states[:2] = 0.0
    for t in range(len(x)):
        states[t + 2] = a * states[t + 1] - b * states[t] + x[t]
    return states[2:]


def running_maximum(x: Array) -> None:
    """Replace each row by the largest elements so far."""
    for row in range(1, len(x)):
        np.maximum(x[row - 1], x[row], out=x[row])


def floyd_warshall(distances: Array) -> None:
    """Shorten the ways between all pairs of points."""
    for k in range(len(distances)):
        through = distances[:, k, None] + distances[k]
        np.minimum(distances, through, out=distances)


def viterbi(start: Array, transitions: Array, emissions: Array) -> tuple[Array, Array]:
    """Return the scores of the best paths to all states at all times, and where they come from."""
    times, states = emissions.shape
    scores = np.zeros((times, states))
    sources = np.zeros((times, states), dtype=np.int64)
    scores[0] = start + emissions[0]
    for t in range(1, times):
        ways = scores[t - 1][:, np.newaxis] + transitions
        sources[t] = ways.argmax(axis=0)
        scores[t] = ways.max(axis=0) + emissions[t]
    return scores, sources


def chebyshev_columns(x: Array, degree: int) -> Array:
    """Return the values of Chebyshev's polynomials, a column each."""
    columns = np.ones((x.size, degree + 1), dtype=x.dtype)
    columns[:, 1] = x
    for n in range(2, degree + 1):
        columns[:, n] = 2 * x * columns[:, n - 1] - columns[:, n - 2]
    return columns


def knapsack(best: Array, weights: tuple[int, ...], values: tuple[int, ...]) -> None:
    """Raise the best value for each capacity by taking or leaving one thing after another."""
    for weight, value in zip(weights, values, strict=True):
        best[weight:] = np.maximum(best[weight:], best[:-weight] + value)


def binomial_option(prices: Array, strike: float, up: float, discount: float) -> Number:
    """Return the value of an option that may be used at any time, going back in time."""
    values = np.maximum(strike - prices, 0.0)
    for last in range(len(prices) - 1, 0, -1):
        held = discount * (up * values[1 : last + 1] + (1.0 - up) * values[:last])
        values[:last] = np.maximum(held, strike - prices[:last])
    return values[0]


def integral_image(image: Array) -> Array:
    """Return the sums of all rectangles that begin in the corner."""
    rows, columns = image.shape
    sums = np.zeros((rows + 1, columns + 1), dtype=image.dtype)
    sums[1:, 1:] = image
    for i in range(rows):
        sums[i + 1] += sums[i]
    for j in range(columns):
        sums[:, j + 1] += sums[:, j]
    return sums


def gauss_seidel_rows(u: Array, sweeps: int) -> Number:
    """Relax whole rows, each with the new values of the one above; return the largest change."""
    change = 0.0
    for _ in range(sweeps):
        before = u.copy()
        for i in range(1, len(u) - 1):
            u[i, 1:-1] = 0.25 * (u[i - 1, 1:-1] + u[i + 1, 1:-1] + u[i, :-2] + u[i, 2:])
        change = np.abs(u - before).max()
    return change
