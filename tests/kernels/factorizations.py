"""Kernels that factorize matrices by loops over their columns."""

from __future__ import annotations

import numpy as np

from .kernel import Array


def cholesky(a: Array) -> Array:
    """Return the lower triangle whose product with its transpose is a matrix."""
    lower = np.zeros_like(a)
    for j in range(len(a)):
        column = a[j:, j] - lower[j:, :j] @ lower[j, :j]
        lower[j:, j] = column / np.sqrt(column[0])
    return lower


def lu(a: Array) -> None:
    """Replace a matrix by its triangles, without pivoting."""
    for k in range(len(a) - 1):
        a[k + 1 :, k] /= a[k, k]
        a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])


def gram_schmidt(a: Array) -> tuple[Array, Array]:
    """Return orthogonal columns and a triangle, by the modified method."""
    q = a.copy()
    count = a.shape[1]
    r = np.zeros((count, count))
    for k in range(count):
        r[k, k] = np.sqrt(q[:, k].dot(q[:, k]))
        q[:, k] /= r[k, k]
        r[k, k + 1 :] = q[:, k] @ q[:, k + 1 :]
        q[:, k + 1 :] -= np.outer(q[:, k], r[k, k + 1 :])
    return q, r


def householder(a: Array) -> list[Array]:
    """Replace a matrix by its triangle; return the vectors of the reflections."""
    vectors = []
    for k in range(a.shape[1]):
        v = a[k:, k].copy()
        v[0] += np.copysign(np.sqrt(v @ v), v[0])
        v /= np.sqrt(v @ v)
        a[k:, k:] -= 2.0 * np.outer(v, v @ a[k:, k:])
        vectors.append(v)
    return vectors


def givens(hessenberg: Array) -> Array:
    """Rotate pairs of rows until nothing is left below the diagonal; return the rotations."""
    count = len(hessenberg) - 1
    rotations = np.empty((count, 2))
    for k in range(count):
        a, b = hessenberg[k, k], hessenberg[k + 1, k]
        length = np.sqrt(a * a + b * b)
        c, s = a / length, b / length
        upper = c * hessenberg[k] + s * hessenberg[k + 1]
        hessenberg[k + 1] = c * hessenberg[k + 1] - s * hessenberg[k]
        hessenberg[k] = upper
        hessenberg[k + 1, k] = 0.0
        rotations[k] = c, s
    return rotations


def gauss_jordan(a: Array) -> Array:
    """Return the inverse of a matrix, a view of the right half of what is made inside."""
    size = len(a)
    both = np.empty((size, 2 * size))
    both[:, :size] = a
    both[:, size:] = np.eye(size)
    for k in range(size):
        both[k] /= both[k, k]
        factors = both[:, k].copy()
        factors[k] = 0.0
        both -= factors[:, None] * both[k]
    return both[:, size:]


def forward_substitution(lower: Array, right: Array) -> Array:
    """Solve a triangular system for many right sides, in their place, and return them."""
    for i in range(len(lower)):
        right[i] -= lower[i, :i] @ right[:i]
        right[i] /= lower[i, i]
    return right
