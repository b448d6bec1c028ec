"""Kernels of neural networks: layers, and steps of their training."""

from __future__ import annotations

import numpy as np

from .kernel import Array, Number


def two_layers(x: Array, weights: Array, bias: Array, weights_2: Array, bias_2: Array) -> Array:
    """Return what a network with one hidden layer makes of a batch."""
    hidden = np.maximum(x @ weights + bias, 0.0)
    return hidden @ weights_2 + bias_2


def train_two_layers(
    x: Array, target: Array, weights: Array, bias: Array, weights_2: Array, rate: float
) -> Number:
    """Take a step of gradient descent; return the loss before it."""
    hidden = x @ weights + bias
    active = np.maximum(hidden, 0.0)
    error = active @ weights_2 - target
    back = error @ weights_2.T
    back[hidden <= 0.0] = 0.0
    weights_2 -= rate * (active.T @ error)
    weights -= rate * (x.T @ back)
    bias -= rate * back.sum(axis=0)
    return 0.5 * np.mean(error * error)


def softmax_step(weights: Array, bias: Array, x: Array, labels: Array, rate: float) -> Number:
    """Take a step of softmax regression; return the cross entropy before it."""
    scores = x @ weights + bias
    scores -= scores.max(axis=1, keepdims=True)
    powers = np.exp(scores)
    total = powers.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(total[:, 0]) - (scores * labels).sum(axis=1))
    error = (powers / total - labels) / len(x)
    weights -= rate * (x.T @ error)
    bias -= rate * error.sum(axis=0)
    return loss


def layer_norm(x: Array, gain: Array, bias: Array) -> Array:
    """Return rows with a mean of 0 and a variance of 1, then scaled and shifted."""
    centered = x - x.mean(axis=-1, keepdims=True)
    variance = np.mean(centered * centered, axis=-1, keepdims=True)
    return centered / np.sqrt(variance + 1e-5) * gain + bias


def layer_norm_in_place(x: Array, gain: Array, bias: Array) -> None:
    """Do the same in the place of the rows."""
    x -= x.mean(axis=-1, keepdims=True)
    x /= np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    x *= gain
    x += bias


def batch_norm(x: Array, mean: Array, variance: Array, keep: float) -> Array:
    """Return normalized columns, and update the averages of their means and variances."""
    batch_mean, batch_variance = x.mean(axis=0), x.var(axis=0)
    mean *= keep
    mean += (1.0 - keep) * batch_mean
    variance[:] = keep * variance + (1.0 - keep) * batch_variance
    return (x - batch_mean) / np.sqrt(batch_variance + 1e-5)


def convolution(image: Array, weights: Array) -> Array:
    """Return an image that is correlated with a small window, by shifted slices."""
    height, width = weights.shape
    rows, columns = image.shape[0] - height + 1, image.shape[1] - width + 1
    result = np.zeros((rows, columns), dtype=image.dtype)
    for i in range(height):
        for j in range(width):
            result += weights[i, j] * image[i : i + rows, j : j + columns]
    return result


def channels(images: Array, weights: Array) -> Array:
    """Return images that are correlated with windows over all their channels, then rectified."""
    count, height, width, _ = weights.shape
    rows, columns = images.shape[1] - height + 1, images.shape[2] - width + 1
    result = np.empty((count, rows, columns), dtype=images.dtype)
    for out in range(count):
        result[out] = 0
        for i in range(height):
            for j in range(width):
                window = images[:, i : i + rows, j : j + columns]
                result[out] += (weights[out, i, j][:, None, None] * window).sum(axis=0)
    result[result < 0] = 0
    return result


def max_pool(x: Array, pooled: Array) -> None:
    """Write the largest of each two by two elements."""
    np.maximum(x[::2, ::2], x[1::2, ::2], out=pooled)
    np.maximum(pooled, x[::2, 1::2], out=pooled)
    np.maximum(pooled, x[1::2, 1::2], out=pooled)


def attention(queries: Array, keys: Array, values: Array) -> Array:
    """Return values weighted by how queries and keys match, each with those before it only."""
    scores = queries @ keys.T
    scores /= np.sqrt(queries.shape[1])
    scores[np.triu(np.ones(scores.shape, dtype=bool), 1)] = -np.inf
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores @ values


def _sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def recurrent(inputs: Array, weights: Array, state: Array, memory: Array) -> Array:
    """Return the states of a long short-term memory; the last ones are kept in the arguments."""
    units = state.shape[1]
    states = np.empty((len(inputs), *state.shape))
    for t, x in enumerate(inputs):
        gates = np.concatenate((x, state), axis=1) @ weights
        gates[:, : 3 * units] = _sigmoid(gates[:, : 3 * units])
        gates[:, 3 * units :] = np.tanh(gates[:, 3 * units :])
        memory *= gates[:, :units]
        memory += gates[:, units : 2 * units] * gates[:, 3 * units :]
        state[:] = gates[:, 2 * units : 3 * units] * np.tanh(memory)
        states[t] = state
    return states
