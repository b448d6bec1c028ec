"""The search for the largest errors finds them."""

import accuracy
import numpy as np
import pytest
from cases import HERE

pytestmark = pytest.mark.skipif(not HERE, reason="no stencil pack fits this processor")


def test_the_worst_of_a_sample_and_of_its_neighbourhood(monkeypatch):
    monkeypatch.setattr(accuracy, "_CHUNK", 3000)
    monkeypatch.setattr(accuracy, "_CLIMB", 2)
    found = accuracy.sample("exp", 0)
    climbed = accuracy.climb("exp", found, 0)

    assert 0.5 < found.error <= climbed.error <= 1.0
    (error,) = accuracy.error_of("exp", accuracy.F64, [np.array(climbed.operands)])
    assert float(error) == climbed.error


@pytest.mark.parametrize("start", [0, (1 << 32) - (1 << 10)])
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
