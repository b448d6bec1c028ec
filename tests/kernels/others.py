"""Kernels of other kinds: masks, `out=`, images, statistics, numbers and prices."""

from __future__ import annotations

import numpy as np

from .kernel import Array


def equalize(image: Array, levels: int) -> None:
    """Spread the brightness of an image evenly over a few levels, through masks."""
    before = image.copy()
    darker = 0.0
    for level in range(levels):
        mask = (before >= level / levels) & (before < (level + 1) / levels)
        darker = darker + np.count_nonzero(mask) / image.size
        image[mask] = darker


def despike(x: Array, limit: float) -> Array:
    """Replace spikes by what stands before them; return where they were."""
    spikes = np.zeros(x.shape, dtype=bool)
    spikes[1:] = np.abs(x[1:] - x[:-1]) > limit
    x[1:][spikes[1:]] = x[:-1][spikes[1:]]
    return spikes


def clip_in_place(x: Array, low: float, high: float) -> Array:
    """Clip an array in its place and return it."""
    np.clip(x, low, high, out=x)
    return x


def add_into(a: Array, b: Array, x: Array) -> None:
    """Write sums and products to parts of an array."""
    np.add(a, b, out=x[1:])
    np.multiply(x[1:], x[:-1], out=x[:-1])
    np.sqrt(np.abs(x), out=x)


def fill(x: Array, y: Array, value: float) -> None:
    """Fill arrays as a whole, by rows, by steps and with what is broadcast."""
    x.fill(value)
    x[::2] = y[0]
    x[:, -1] = 7
    x[1, 1] = x[0, 0]
    y[...] = x[:1]
    np.copyto(y[1:], 2 * value)


def mandelbrot(real: Array, imaginary: Array, steps: int) -> Array:
    """Return after how many steps points leave the circle; those outside are not moved on."""
    x, y = np.zeros_like(real), np.zeros_like(imaginary)
    counts = np.zeros(real.shape, dtype=np.int64)
    for _ in range(steps):
        inside = x * x + y * y <= 4.0
        counts[inside] += 1
        moved = x * x - y * y + real
        y[inside] = (2.0 * x * y + imaginary)[inside]
        x[inside] = moved[inside]
    return counts


def running_variance(count: int, mean: Array, squares: Array, batch: Array) -> Array:
    """Update means and sums of squares, a row at a time (Welford); return the variances."""
    for row in batch:
        count += 1
        delta = row - mean
        mean += delta / count
        squares += delta * (row - mean)
    return squares / count


def burgers(u: Array, steps: int, ratio: float) -> None:
    """Let a shock form, by fluxes through the faces of finite volumes (Rusanov)."""
    fluxes = np.empty(len(u) + 1)
    for _ in range(steps):
        left, right = u[:-1], u[1:]
        speed = np.maximum(np.abs(left), np.abs(right))
        fluxes[1:-1] = 0.25 * (left * left + right * right) - 0.5 * speed * (right - left)
        fluxes[0], fluxes[-1] = fluxes[1], fluxes[-2]
        u -= ratio * np.diff(fluxes)


def _normal_distribution(x: Array) -> Array:
    # Abramowitz and Stegun, 26.2.17.
    t = 1.0 / (1.0 + 0.2316419 * np.abs(x))
    tail = 0.0
    for coefficient in (1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.31938153):
        tail = (tail + coefficient) * t
    tail = tail * 0.3989422804014327 * np.exp(-0.5 * x * x)
    return np.where(x > 0.0, 1.0 - tail, tail)


def black_scholes(
    price: Array, strike: Array, years: Array, rate: float, volatility: float
) -> tuple[Array, Array]:
    """Return the values of options to buy and to sell."""
    spread = volatility * np.sqrt(years)
    one = (np.log(price / strike) + (rate + 0.5 * volatility * volatility) * years) / spread
    two = one - spread
    present = strike * np.exp(-rate * years)
    buy = price * _normal_distribution(one) - present * _normal_distribution(two)
    return buy, buy - price + present


def odd_even_sort(x: Array) -> None:
    """Sort by exchanging neighbours, all pairs at once."""
    for turn in range(len(x)):
        first, second = x[turn % 2 : -1 : 2], x[turn % 2 + 1 :: 2]
        low = np.minimum(first, second)
        second[:] = np.maximum(first, second)
        first[:] = low


def rule_30(first: Array, steps: int) -> Array:
    """Return the generations of Wolfram's automaton, a row each."""
    rows = np.zeros((steps, first.size), dtype=bool)
    rows[0] = first
    for t in range(1, steps):
        before = rows[t - 1]
        rows[t] = np.roll(before, 1) ^ (before | np.roll(before, -1))
    return rows


def normalize_rows(x: Array) -> None:
    """Give each row the length 1."""
    x /= np.sqrt(np.sum(x * x, axis=1, keepdims=True))


def primes(limit: int) -> Array:
    """Return which numbers are prime, by the sieve of Eratosthenes."""
    is_prime = np.ones(limit, dtype=bool)
    is_prime[:2] = False
    for k in range(2, int(limit**0.5) + 1):
        if is_prime[k]:
            is_prime[k * k :: k] = False
    return is_prime


def haar(x: Array) -> None:
    """Replace a signal by its wavelets, over halves of halves."""
    size = len(x)
    while size > 1:
        half = size // 2
        sums, differences = x[:size:2] + x[1:size:2], x[:size:2] - x[1:size:2]
        x[:half] = 0.5 * sums
        x[half:size] = 0.5 * differences
        size = half


def tone(image: Array, gains: Array) -> Array:
    """Balance the colours of an image in place; return its brightness."""
    for channel in range(3):
        image[..., channel] *= gains[channel]
    brightness = 0.25 * image[..., 0] + 0.625 * image[..., 1] + 0.125 * image[..., 2]
    image /= 1.0 + brightness[..., None]
    return brightness


def histogram(x: Array, counts: Array) -> None:
    """Add to the counts how many numbers lie in each of equal parts of 0 to 1."""
    bins = len(counts)
    places = np.floor(x * bins).astype(np.int64)
    for k in range(bins):
        counts[k] += (places == k).sum()


def moving_average(x: Array, width: int) -> Array:
    """Return the means of as many neighbours, by differences of sums."""
    sums = np.zeros(len(x) + 1)
    np.cumsum(x, out=sums[1:])
    means = sums[width:] - sums[:-width]
    means /= width
    return means


def quantize(x: Array, codes: Array, step: float) -> Array:
    """Write whole numbers of steps to an array of integers; return what they leave."""
    codes[...] = np.rint(x / step)
    left = x.copy()
    left -= codes * step
    return left
