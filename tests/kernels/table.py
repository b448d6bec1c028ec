"""The table of all kernels, with the arguments that they are called with."""

from __future__ import annotations

import numpy as np

from . import factorizations, networks, optimizers, others, particles, stencils, sweeps
from .kernel import Arguments, Array, Kernel

Random = np.random.Generator


def _positive_definite(random: Random, n: int) -> Array:
    a = random.standard_normal((n, n))
    return a @ a.T + n * np.eye(n)


def _dominant(random: Random, n: int) -> Array:
    """Return a matrix whose pivots are on its diagonal."""
    return random.uniform(-1.0, 1.0, (n, n)) + n * np.eye(n)


def _one_hot(random: Random, n: int, classes: int) -> Array:
    return np.eye(classes)[random.integers(0, classes, n)]


def _spotted(random: Random, n: int) -> tuple[Array, Array]:
    """Return the two substances of Gray and Scott: a spot of the second one in the first."""
    u, v = np.ones((n, n)), np.zeros((n, n))
    spot = slice(n // 3, n // 3 + max(n // 4, 2))
    u[spot, spot], v[spot, spot] = 0.5, 0.25
    u += 0.02 * random.random((n, n))
    v += 0.02 * random.random((n, n))
    return u, v


def _tridiagonal(random: Random, systems: int, n: int) -> Arguments:
    lower, upper, right = random.uniform(-1.0, 1.0, (3, systems, n))
    return lower, random.uniform(3.0, 4.0, (systems, n)), upper, right


def _points(random: Random, n: int) -> tuple[Array, Array]:
    """Return positions and velocities."""
    return random.random((n, 3)), random.uniform(-0.1, 0.1, (n, 3))


def _orbits(random: Random, n: int) -> tuple[Array, Array]:
    angles = random.uniform(0.0, 6.0, n)
    positions = np.stack([np.cos(angles), np.sin(angles), 0.1 * angles], axis=1)
    return positions, np.stack([-np.sin(angles), np.cos(angles), 0.0 * angles], axis=1)


def _layers(random: Random, n: int) -> tuple[Array, ...]:
    """Return arrays as five layers of a network have them, of n and of n * n elements."""
    shapes = ((n, n), (n,), (n, n), (n,), (n, 3))
    return tuple(random.standard_normal(shape) for shape in shapes)


def _adam(random: Random, n: int) -> Arguments:
    squares = tuple(np.square(each) for each in _layers(random, n))
    return _layers(random, n), _layers(random, n), _layers(random, n), squares, 3, 1e-3


def _axes(random: Random, n: int) -> Array:
    axes = random.standard_normal((n, 3))
    return axes / np.sqrt(np.sum(axes * axes, axis=1, keepdims=True))


def _crystal(random: Random, side: int) -> Arguments:
    """Return atoms near the points of a grid, so that none are too close."""
    grid = np.indices((side, side, side)).reshape(3, -1).T
    atoms = 1.2 * grid + random.uniform(-0.1, 0.1, grid.shape)
    return atoms, np.zeros_like(atoms), 1.2 * side


def _knapsack(random: Random, capacity: int, things: int) -> Arguments:
    weights = tuple(int(each) for each in random.integers(1, max(capacity // 3, 2), things))
    values = tuple(int(each) for each in random.integers(1, 100, things))
    return np.zeros(capacity, dtype=np.int64), weights, values


def _plane(n: int) -> tuple[Array, Array]:
    """Return the plane of Mandelbrot's set."""
    real, imaginary = np.linspace(-2.0, 0.5, n), np.linspace(-1.25, 1.25, n)
    return np.tile(real, (n, 1)), np.repeat(imaginary, n).reshape(n, n)


def _markov(random: Random, n: int) -> Array:
    links = random.random((n, n))
    return links / links.sum(axis=0)


# fmt: off
ROWS = (
    # -- stencils --------------------------------------------------------------------------------
    Kernel(
        stencils.jacobi_1d,
        lambda random, n, steps: (random.random(n), random.random(n), steps),
        (37, 3), ((1_000_000, 20),), changes=True,
    ),
    Kernel(
        stencils.jacobi_2d,
        lambda random, n, steps: (random.random((n, n)), random.random((n, n)), steps),
        (13, 3), ((256, 100), (1024, 100), (2048, 100)), changes=True,
    ),
    Kernel(
        stencils.heat_3d,
        lambda random, n, steps: (random.random((n, n, n)), random.random((n, n, n)), steps, 0.1),
        (9, 2), ((64, 20), (128, 20)), changes=True,
    ),
    Kernel(
        stencils.gray_scott,
        lambda random, n, steps: (*_spotted(random, n), steps, 0.035, 0.06),
        (14, 3), ((256, 50), (1024, 10)), changes=True,
    ),
    Kernel(
        stencils.advection,
        lambda random, n, steps: (random.random((n, n)), steps, 0.25, 0.5),
        (14, 3), ((256, 100), (1024, 20)), changes=True,
    ),
    Kernel(
        stencils.wave,
        lambda random, n, steps: (random.random((n, n)), random.random((n, n)), steps, 0.25),
        (14, 3), ((1024, 20),), changes=True,
    ),
    Kernel(
        stencils.yee,
        lambda random, n, steps: (random.random(n), random.random(n - 1), random.random(steps)),
        (37, 4), ((100_000, 50),), changes=True,
    ),
    Kernel(
        stencils.life,
        lambda random, n, steps: (random.integers(0, 2, (n, n), dtype=np.int32), steps),
        (14, 3), ((1024, 20),), changes=True,
    ),
    Kernel(
        stencils.sobel,
        lambda random, n: (random.random((n, n), dtype=np.float32),),
        (19,), ((2048,),),
    ),
    Kernel(
        stencils.red_black,
        lambda random, n, sweeps: (random.random((n, n)), random.random((n, n)), sweeps, 1.5),
        (14, 2), ((1024, 10),), changes=True,
    ),
    Kernel(
        stencils.smooth_edges,
        lambda random, n, steps: (random.random((n, n)), steps, 0.3),
        (14, 2), ((1024, 5),), changes=True, elementary=True,
    ),
    Kernel(
        stencils.shallow_water,
        lambda random, n, steps: (
            random.uniform(1.0, 1.1, n), random.uniform(-0.1, 0.1, n), steps, 0.05,
        ),
        (37, 3), ((100_000, 50),), changes=True,
    ),
    Kernel(
        stencils.prolong,
        lambda random, n: (random.random((n, n)),),
        (11,), ((1024,),),
    ),
    # -- sweeps ----------------------------------------------------------------------------------
    Kernel(
        sweeps.thomas,
        _tridiagonal,
        (11, 9), ((1000, 1000),),
    ),
    Kernel(
        sweeps.diffuse_rows,
        lambda random, n: (random.random((n, n)), 0.4),
        (13,), ((1000,),), changes=True,
    ),
    Kernel(
        sweeps.exponential_average,
        lambda random, signals, times: (random.random((signals, times)), 0.9),
        (11, 9), ((1000, 1000),), changes=True,
    ),
    Kernel(
        sweeps.recurrence,
        lambda random, times, n: (
            random.random((times, n)), random.uniform(0.5, 1.0, n), random.uniform(0.0, 0.5, n),
        ),
        (9, 11), ((1000, 1000),),
    ),
    Kernel(
        sweeps.running_maximum,
        lambda random, times, n: (random.random((times, n)),),
        (9, 11), ((1000, 1000),), changes=True,
    ),
    Kernel(
        sweeps.floyd_warshall,
        lambda random, n: (random.random((n, n)),),
        (9,), ((300,),), changes=True,
    ),
    Kernel(
        sweeps.viterbi,
        lambda random, times, n: (
            random.standard_normal(n), random.standard_normal((n, n)),
            random.standard_normal((times, n)),
        ),
        (6, 7), ((200, 100),),
    ),
    Kernel(
        sweeps.chebyshev_columns,
        lambda random, n, degree: (random.uniform(-1.0, 1.0, n), degree),
        (19, 6), ((100_000, 20),),
    ),
    Kernel(
        sweeps.knapsack,
        _knapsack,
        (40, 6), ((100_000, 50),), changes=True,
    ),
    Kernel(
        sweeps.binomial_option,
        lambda random, n: (np.sort(random.uniform(50.0, 150.0, n)), 100.0, 0.51, 0.999),
        (13,), ((1000,),),
    ),
    Kernel(
        sweeps.integral_image,
        lambda random, n: (random.integers(0, 256, (n, n)),),
        (9,), ((1000,),),
    ),
    Kernel(
        sweeps.gauss_seidel_rows,
        lambda random, n, count: (random.random((n, n)), count),
        (9, 2), ((500, 2),), changes=True,
    ),
    # -- factorizations --------------------------------------------------------------------------
    Kernel(
        factorizations.cholesky,
        lambda random, n: (_positive_definite(random, n),),
        (9,), ((200,),),
    ),
    Kernel(
        factorizations.lu,
        lambda random, n: (_dominant(random, n),),
        (9,), ((200,),), changes=True,
    ),
    Kernel(
        factorizations.gram_schmidt,
        lambda random, rows, columns: (random.standard_normal((rows, columns)),),
        (9, 6), ((1000, 100),),
    ),
    Kernel(
        factorizations.householder,
        lambda random, rows, columns: (random.standard_normal((rows, columns)),),
        (9, 6), ((1000, 100),), changes=True,
    ),
    Kernel(
        factorizations.givens,
        lambda random, n: (np.triu(random.standard_normal((n, n)), -1),),
        (9,), ((300,),), changes=True,
    ),
    Kernel(
        factorizations.gauss_jordan,
        lambda random, n: (_dominant(random, n),),
        (8,), ((200,),),
    ),
    Kernel(
        factorizations.forward_substitution,
        lambda random, n, count: (np.tril(_dominant(random, n)), random.random((n, count))),
        (9, 5), ((300, 300),), changes=True,
    ),
    # -- networks --------------------------------------------------------------------------------
    Kernel(
        networks.two_layers,
        lambda random, n, width: (
            random.standard_normal((n, width)), random.standard_normal((width, width)),
            random.standard_normal(width), random.standard_normal((width, 10)),
            random.standard_normal(10),
        ),
        (9, 7), ((128, 256), (4096, 256)),
    ),
    Kernel(
        networks.train_two_layers,
        lambda random, n, width: (
            random.standard_normal((n, width)), random.standard_normal((n, 10)),
            random.standard_normal((width, width)), random.standard_normal(width),
            random.standard_normal((width, 10)), 1e-4,
        ),
        (9, 7), ((1024, 256),), changes=True,
    ),
    Kernel(
        networks.softmax_step,
        lambda random, n, width: (
            random.standard_normal((width, 10)), random.standard_normal(10),
            random.standard_normal((n, width)), _one_hot(random, n, 10), 0.1,
        ),
        (11, 7), ((10_000, 64),), changes=True, elementary=True,
    ),
    Kernel(
        networks.layer_norm,
        lambda random, n, width: (
            random.standard_normal((n, width)), random.random(width), random.random(width),
        ),
        (7, 19), ((4096, 256),),
    ),
    Kernel(
        networks.layer_norm_in_place,
        lambda random, n, width: (
            random.standard_normal((n, width), dtype=np.float32),
            random.random(width, dtype=np.float32), random.random(width, dtype=np.float32),
        ),
        (7, 19), ((4096, 256),), changes=True,
    ),
    Kernel(
        networks.batch_norm,
        lambda random, n, width: (
            random.standard_normal((n, width)), random.random(width), random.random(width), 0.9,
        ),
        (19, 7), ((4096, 256),), changes=True,
    ),
    Kernel(
        networks.convolution,
        lambda random, n, width: (random.random((n, n)), random.standard_normal((width, width))),
        (13, 3), ((1024, 5),),
    ),
    Kernel(
        networks.channels,
        lambda random, n, count: (
            random.random((3, n, n), dtype=np.float32),
            random.standard_normal((count, 3, 3, 3), dtype=np.float32),
        ),
        (9, 2), ((128, 8),),
    ),
    Kernel(
        networks.max_pool,
        lambda random, n: (random.random((2 * n, 2 * n)), np.zeros((n, n))),
        (11,), ((1024,),), changes=True,
    ),
    Kernel(
        networks.attention,
        lambda random, n, width: tuple(random.standard_normal((3, n, width))),
        (11, 5), ((1024, 64),), elementary=True,
    ),
    Kernel(
        networks.recurrent,
        lambda random, times, n, units: (
            random.standard_normal((times, n, 4)), random.standard_normal((4 + units, 4 * units)),
            random.standard_normal((n, units)), random.standard_normal((n, units)),
        ),
        (3, 5, 3), ((50, 128, 64),), changes=True, elementary=True,
    ),
    # -- particles -------------------------------------------------------------------------------
    Kernel(
        particles.nbody,
        lambda random, n: (*_points(random, n), random.random(n), 1e-3, 1e-2),
        (11,), ((100,), (1000,)), changes=True,
    ),
    Kernel(
        particles.orbits,
        lambda random, n, steps: (*_orbits(random, n), steps, 1e-2),
        (11, 3), ((100_000, 10),), changes=True,
    ),
    Kernel(
        particles.boids,
        lambda random, n: (*_points(random, n), 0.4, 0.1),
        (11,), ((500,),), changes=True,
    ),
    Kernel(
        particles.rotate,
        lambda random, n: (random.standard_normal((n, 3)), 0.3, -1.1, 2.0),
        (11,), ((1000,), (1_000_000,)), elementary=True,
    ),
    Kernel(
        particles.rotate_each,
        lambda random, n: (
            random.standard_normal((n, 3)), _axes(random, n), random.uniform(-3.0, 3.0, n),
        ),
        (11,), ((100_000,),), changes=True, elementary=True,
    ),
    Kernel(
        particles.spring_chain,
        lambda random, n, steps: (
            np.arange(n) + random.uniform(-0.2, 0.2, n), np.zeros(n), steps, 20.0,
        ),
        (19, 4), ((100_000, 50),), changes=True,
    ),
    Kernel(
        particles.lennard_jones,
        _crystal,
        (3,), ((8,),), changes=True,
    ),
    Kernel(
        particles.bounce,
        lambda random, n: (random.random(n), random.uniform(-1.0, 1.0, n), 0.5),
        (37,), ((1_000_000,),), changes=True,
    ),
    # -- optimizers ------------------------------------------------------------------------------
    Kernel(
        optimizers.adam,
        _adam,
        (7,), ((100,), (1000,)), changes=True,
    ),
    Kernel(
        optimizers.momentum,
        lambda random, n: (*random.standard_normal((3, n)), 0.01, 0.9),
        (37,), ((1_000_000,),), changes=True,
    ),
    Kernel(
        optimizers.rmsprop,
        lambda random, n: (
            random.standard_normal(n, dtype=np.float32), random.random(n, dtype=np.float32),
            random.standard_normal(n, dtype=np.float32), 0.01,
        ),
        (37,), ((1_000_000,),), changes=True,
    ),
    Kernel(
        optimizers.lbfgs_direction,
        lambda random, n, count: (
            random.standard_normal(n), random.random((count, n)), random.random((count, n)),
        ),
        (19, 3), ((100_000, 8),),
    ),
    Kernel(
        optimizers.nonnegative,
        lambda random, rows, n, steps: (
            random.standard_normal((rows, n)), random.standard_normal(rows), random.random(n),
            steps, 1e-3,
        ),
        (13, 5, 3), ((1000, 500, 20),), changes=True,
    ),
    Kernel(
        optimizers.conjugate_gradient,
        lambda random, n, steps: (
            _positive_definite(random, n), random.standard_normal(n), steps,
        ),
        (9, 3), ((1000, 20),),
    ),
    Kernel(
        optimizers.kmeans_step,
        lambda random, n, count: (random.random((n, 3)), random.random((count, 3))),
        (19, 3), ((10_000, 10),), changes=True,
    ),
    Kernel(
        optimizers.sinkhorn,
        lambda random, n, steps: (
            random.random((n, n)), np.full(n, 1.0 / n), np.full(n, 1.0 / n), steps,
        ),
        (9, 3), ((1000, 20),), elementary=True,
    ),
    Kernel(
        optimizers.power_iteration,
        lambda random, n, steps: (_positive_definite(random, n), random.random(n), steps),
        (9, 3), ((1000, 20),), changes=True,
    ),
    Kernel(
        optimizers.pagerank,
        lambda random, n, steps: (_markov(random, n), np.full(n, 1.0 / n), steps, 0.85),
        (9, 3), ((1000, 20),), changes=True,
    ),
    # -- others ----------------------------------------------------------------------------------
    Kernel(
        others.equalize,
        lambda random, n, levels: (np.square(random.random((n, n))), levels),
        (11, 4), ((1024, 16),), changes=True,
    ),
    Kernel(
        others.despike,
        lambda random, n: (random.random(n), 0.5),
        (37,), ((1_000_000,),), changes=True,
    ),
    Kernel(
        others.clip_in_place,
        lambda random, n: (random.standard_normal(n), -0.5, 1.0),
        (37,), ((1_000_000,),), changes=True,
    ),
    Kernel(
        others.add_into,
        lambda random, n: (*random.standard_normal((2, n - 1)), random.standard_normal(n)),
        (38,), ((1_000_000,),), changes=True,
    ),
    Kernel(
        others.fill,
        lambda random, n: (random.random((n, n)), random.random((n, n)), 0.5),
        (9,), ((1000,),), changes=True,
    ),
    Kernel(
        others.mandelbrot,
        lambda random, n, steps: (*_plane(n), steps),
        (11, 5), ((500, 50),),
    ),
    Kernel(
        others.running_variance,
        lambda random, rows, n: (
            5, random.random(n), random.random(n), random.standard_normal((rows, n)),
        ),
        (4, 11), ((100, 10_000),), changes=True,
    ),
    Kernel(
        others.burgers,
        lambda random, n, steps: (random.uniform(-1.0, 1.0, n), steps, 0.3),
        (37, 3), ((100_000, 50),), changes=True,
    ),
    Kernel(
        others.black_scholes,
        lambda random, n: (
            random.uniform(80.0, 120.0, n), random.uniform(80.0, 120.0, n),
            random.uniform(0.2, 2.0, n), 0.03, 0.2,
        ),
        (37,), ((1_000_000,),), elementary=True,
    ),
    Kernel(
        others.odd_even_sort,
        lambda random, n: (random.integers(-1000, 1000, n),),
        (13,), ((2000,),), changes=True,
    ),
    Kernel(
        others.rule_30,
        lambda random, n, steps: (random.random(n) < 0.5, steps),
        (37, 4), ((10_000, 100),),
    ),
    Kernel(
        others.normalize_rows,
        lambda random, n, width: (random.standard_normal((n, width)),),
        (11, 3), ((100_000, 3),), changes=True,
    ),
    Kernel(
        others.primes,
        lambda random, limit: (limit,),
        (50,), ((1_000_000,),),
    ),
    Kernel(
        others.haar,
        lambda random, n: (random.random(n),),
        (32,), ((1 << 20,),), changes=True,
    ),
    Kernel(
        others.tone,
        lambda random, n: (random.random((n, n, 3)), random.uniform(0.5, 1.5, 3)),
        (9,), ((1000,),), changes=True,
    ),
    Kernel(
        others.histogram,
        lambda random, n, bins: (random.random(n), np.zeros(bins, dtype=np.int64)),
        (50, 4), ((100_000, 16),), changes=True,
    ),
    Kernel(
        others.moving_average,
        lambda random, n, width: (random.random(n), width),
        (37, 4), ((1_000_000, 16),),
    ),
    Kernel(
        others.quantize,
        lambda random, n: (random.standard_normal(n), np.zeros(n, dtype=np.int32), 0.125),
        (37,), ((1_000_000,),), changes=True,
    ),
)
# fmt: on
