"""Errors and probabilities, against the worked examples of the papers that they are from."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipelines.analytics.calendar import AnalyticsError
from pipelines.analytics.inference import (
    deflated_sharpe,
    expected_best_sharpe,
    lag_count,
    moments,
    newey_west,
    overfitting_probability,
    probabilistic_sharpe,
)


def test_newey_west_by_hand() -> None:
    """1, 2, 4, 3: deviations -1.5 -0.5 1.5 0.5; variance sum 5, first covariance sum 0.75."""
    series = np.array([[1.0], [2.0], [4.0], [3.0]])
    # the covariances of neighbours are 0.75, -0.75 and 0.75, and weigh a half, twice
    assert newey_west(series, 1)[0] == pytest.approx(math.sqrt(5.75 / 16))
    assert newey_west(series, 0)[0] == pytest.approx(math.sqrt(5 / 16))


def test_series_beside_each_other_are_reckoned_alone() -> None:
    pair = np.random.default_rng(1).normal(size=(90, 2))
    alone = [newey_west(pair[:, [column]], 6)[0] for column in (0, 1)]
    assert newey_west(pair, 6).tolist() == pytest.approx(alone, rel=1e-12)


def test_a_constant_has_no_error() -> None:
    assert np.isnan(newey_west(np.full((30, 1), 0.1), 3)).all()


def test_lags_cover_the_overlap_and_grow_with_the_series() -> None:
    assert lag_count(100, 1) == 4
    assert lag_count(1000, 1) == 6
    assert lag_count(1000, 28) == 27
    assert lag_count(5, 28) == 4


PAPER = {"count": 1250, "skewness": -3.0, "kurtosis": 10.0}
FOUND = 2.5 / math.sqrt(250)
VARIANCE = 0.5 / 250


def test_the_best_of_a_hundred_trials_of_the_paper() -> None:
    """Bailey and Lopez de Prado 2014: a yearly Sharpe ratio of 2.5 after 100 trials."""
    assert expected_best_sharpe(100, VARIANCE) == pytest.approx(0.1132, abs=5e-5)
    reported = deflated_sharpe(FOUND, trial_count=100, trial_variance=VARIANCE, **PAPER)
    assert reported == pytest.approx(0.9004, abs=5e-5)


def test_fewer_trials_or_normal_returns_of_the_paper() -> None:
    """The same paper: 46 trials, or 88 of normal returns, would have been significant."""
    fewer = deflated_sharpe(FOUND, trial_count=46, trial_variance=VARIANCE, **PAPER)
    assert fewer == pytest.approx(0.9505, abs=5e-5)
    normal = deflated_sharpe(
        FOUND, count=1250, skewness=0, kurtosis=3, trial_count=88, trial_variance=VARIANCE
    )
    assert normal == pytest.approx(0.9505, abs=5e-5)


def test_one_trial_is_not_deflated() -> None:
    alone = deflated_sharpe(FOUND, trial_count=1, trial_variance=VARIANCE, **PAPER)
    assert alone == probabilistic_sharpe(FOUND, 0.0, **PAPER)


def test_moments_of_a_coin() -> None:
    skewness, kurtosis = moments(np.array([-1.0, 1.0, -1.0, 1.0]))
    assert (skewness, kurtosis) == pytest.approx((0.0, 1.0))


def test_a_trial_that_is_always_best_is_not_overfitted() -> None:
    noise = np.random.default_rng(2).normal(size=(160, 6))
    noise[:, 3] += 2
    probability, logits = overfitting_probability(noise, 8)
    assert probability == 0
    assert len(logits) == math.comb(8, 4)


def test_what_is_best_inside_and_worst_outside_is_overfitted() -> None:
    """Trials whose good halves are each other's bad ones: the choice is wrong every time."""
    ones = np.array([1.0, 1.1, 0.9, 1.0])
    trials = np.column_stack([np.concatenate([ones, -ones]), np.concatenate([-ones, ones])])
    probability, _ = overfitting_probability(trials, 2)
    assert probability == 1


def test_worthless_trials_are_overfitted_about_half_of_the_time() -> None:
    shares = [
        overfitting_probability(np.random.default_rng(seed).normal(size=(320, 20)), 8)[0]
        for seed in range(20)
    ]
    assert 0.35 < np.mean(shares) < 0.65, shares


@pytest.mark.parametrize(("shape", "blocks"), [((40, 1), 4), ((40, 3), 5), ((6, 3), 4)])
def test_too_little_to_cut(shape: tuple[int, int], blocks: int) -> None:
    with pytest.raises(AnalyticsError, match="cannot be cut"):
        overfitting_probability(np.zeros(shape), blocks)
