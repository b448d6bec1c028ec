"""The search for the largest errors finds them."""

import pickle

import accuracy
import numpy as np
import pytest
from cases import HERE, quiet
from elementary import FUNCTIONS
from elementary.extended import extended
from elementary.function import worst_errors

from cpnum.tables.dtypes import F32, F64

pytestmark = pytest.mark.skipif(not HERE, reason="no stencil pack fits this processor")


def test_the_worst_of_a_sample_and_of_its_neighbourhood(monkeypatch):
    monkeypatch.setattr(accuracy, "_CHUNK", 3000)
    monkeypatch.setattr(accuracy, "_CLIMB", 2)
    found = accuracy.sample("exp", F64, 0)
    climbed = accuracy.climb("exp", F64, found, 0)

    assert 0.5 < found.error <= climbed.error <= 1.0
    (error,) = accuracy.error_of("exp", F64, [np.array(climbed.operands)])
    assert float(error) == climbed.error


def test_pairs_of_float32_are_compared_with_float64(monkeypatch):
    monkeypatch.setattr(accuracy, "_CHUNK", 3000)
    sent = pickle.loads(pickle.dumps(F32))  # as to another process: equal to F32, but not the same
    assert 0.5 < accuracy.sample("hypot", sent, 0).error <= 1.0


def test_long_double_finds_a_wrong_result_and_is_found_when_wrong():
    facts, quick = FUNCTIONS["exp"], extended("exp")
    (x,) = facts.arguments(F64, 3000)
    with quiet():
        actual = np.exp(x)
        at, error = worst_errors(facts, quick, [x], actual)
        assert error.max() <= 1
        actual[np.searchsorted(x, 0.5)] += 4 * np.spacing(np.exp(0.5))
        at, error = worst_errors(facts, quick, [x], actual)
        assert at[np.argmax(error)] == np.searchsorted(x, 0.5)
        assert 3 < error.max() < 5
        everywhere = worst_errors(facts, None, [x], actual)[1]
        assert everywhere.max() == error.max()
        for wrong in (lambda x: quick(x).astype(np.float64), lambda x: quick(x) * 2):
            with pytest.raises(ValueError, match="long double"):
                worst_errors(facts, lambda x, wrong=wrong: np.longdouble(wrong(x)), [x], np.exp(x))


@pytest.mark.parametrize("start", [0, (1 << 32) - (1 << 10)], ids=["first", "last"])
def test_a_part_of_all_float32_and_a_wrong_result_in_it(start, monkeypatch):
    monkeypatch.setattr(accuracy, "_PART", 1 << 10)
    assert accuracy._part("sinh", start).error <= 1.0

    right = accuracy._compiled("sinh")
    wrong = np.uint32(start + 77).view(np.float32)

    def off(x):
        result = right(x)
        return np.where(x == wrong, result + 1, result) if x.dtype == np.float32 else result

    monkeypatch.setattr(accuracy, "_compiled", lambda name: off)
    worst = accuracy._part("sinh", start)
    if np.isfinite(wrong):
        assert worst.error > 1e6
        assert worst.operands == (float(wrong),)
