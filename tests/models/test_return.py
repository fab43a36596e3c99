"""Returns and risk on the golden series."""

# the queries are made of constants
from __future__ import annotations

import math
from datetime import date

import pytest

from tests.models.lake_box import LakeBox, days
from tests.models.market import Market

# bitcoin's closes of 2020-02-14 to 2020-03-18
_CLOSES = """
10361.6156901812 9911.72432700175 9952.04661157218 9683.0796277031 10195.3037904734
9636.00229865576 9614.03012244302 9701.79750268849 9675.24905756868 9972.84242308591
9648.00788310929 9344.28714009351 8798.88894856809 8779.02948188194 8750.59344599649
8582.09029964933 8541.77389392169 8906.21475645821 8768.81061420222 8756.36957218001
9062.61580274693 9147.08505897136 8898.30695675044 8109.61454114553 7896.38531987142
7909.92787545295 7939.34133477499 4959.31341437756 5627.69238836938 5145.17250642899
5358.61066335476 5012.92738778492 5416.7547106955 5392.48783594389
"""
CLOSES = _CLOSES.split()
DAYS = days("2020-02-14", len(CLOSES))
# returns of an asset and of bitcoin, beta 1.090909, correlation 0.921986
OWN = (0.02, -0.01, 0.03, -0.04, 0.01)
BITCOIN = (0.01, -0.02, 0.02, -0.03, 0.02)
BETA_DAYS = days("2021-01-01", 71)


def compounded(returns: list[float], start: float) -> list[str]:
    prices, price = [f"{start:.12f}"], start
    for value in returns:
        price *= math.exp(value)
        prices.append(f"{price:.12f}")
    return prices


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    own, bitcoin = list(OWN) * 14, list(BITCOIN) * 14
    town = Market()
    bitcoin_closes = dict(zip(DAYS, CLOSES, strict=True)) | dict(
        zip(BETA_DAYS, compounded(bitcoin, 30_000), strict=True)
    )
    for venue, symbol, code in (("coinbase", "BTC-USD", "BTC"), ("kraken", "XBTUSD", "XBT")):
        town.add(venue, symbol, code, "USD", bitcoin_closes)
    solana = dict(zip(BETA_DAYS, compounded(own, 20), strict=True))
    town.add("coinbase", "SOL-USD", "SOL", "USD", solana)
    town.add("coinbase", "GRT-USD", "GRT", "USD", dict.fromkeys(BETA_DAYS, 1.0))
    town.add("coinbase", "FIL-USD", "FIL", "USD", dict.fromkeys(BETA_DAYS[-20:], 5.0))
    town.land(shared_box)
    shared_box.run("+returns_risk_daily")
    return shared_box


def value(box: LakeBox, asset: str, column: str, day: date) -> float | None:
    [(found,)] = box.query(
        f"select {column} from marts.returns_risk_daily "
        f"where asset_id = '{asset}' and day = '{day}'"
    )
    return found


@pytest.mark.parametrize(
    ("day", "published"),
    [
        ("2020-03-15", 0.0949972531777936),
        ("2020-03-16", 0.09526543660216512),
        ("2020-03-17", 0.09690604270356101),
        ("2020-03-18", 0.09693823703761384),
    ],
)
def test_volatility_is_that_of_coin_metrics(box: LakeBox, day: str, published: float) -> None:
    """Sample standard deviation of 30 log returns."""
    found = value(box, "bitcoin", "vol_30d_ann", date.fromisoformat(day))
    assert found is not None
    assert found / math.sqrt(365) == pytest.approx(published, abs=1e-13)


def test_the_crash_of_march_2020(box: LakeBox) -> None:
    """-37.53 % in a day."""
    found = value(box, "bitcoin", "ret_1d", date(2020, 3, 12))
    assert found == pytest.approx(-0.3753495151221997, abs=1e-12)


def test_volatility_needs_four_fifths_of_its_window(box: LakeBox) -> None:
    assert value(box, "bitcoin", "vol_30d_ann", DAYS[23]) is None
    assert value(box, "bitcoin", "vol_30d_ann", DAYS[24]) is not None
    assert value(box, "bitcoin", "vol_7d_ann", DAYS[5]) is None
    assert value(box, "bitcoin", "vol_7d_ann", DAYS[6]) is not None


def test_beta_and_correlation(box: LakeBox) -> None:
    """Scale-free, so the repeated series has the golden values."""
    day = BETA_DAYS[70]
    own, bitcoin = OWN * 14, BITCOIN * 14
    mean_own, mean_bitcoin = sum(own) / 70, sum(bitcoin) / 70
    covariance = sum(
        (one - mean_own) * (other - mean_bitcoin) for one, other in zip(own, bitcoin, strict=True)
    )
    variance = sum((other - mean_bitcoin) ** 2 for other in bitcoin)
    assert covariance / variance == pytest.approx(1.0909090909)
    assert value(box, "solana", "beta_btc_90d", day) == pytest.approx(1.0909090909, rel=1e-7)
    assert value(box, "solana", "corr_btc_90d", day) == pytest.approx(0.9219864597, rel=1e-7)


def test_bitcoin_is_its_own_measure(box: LakeBox) -> None:
    day = BETA_DAYS[70]
    assert value(box, "bitcoin", "beta_btc_90d", day) == 1
    assert value(box, "bitcoin", "corr_btc_90d", day) == 1


def test_a_constant_price_has_no_correlation(box: LakeBox) -> None:
    """F-12: NULL, not NaN; it does have a volatility, of zero."""
    day = BETA_DAYS[70]
    assert value(box, "the-graph", "corr_btc_90d", day) is None
    assert value(box, "the-graph", "corr_btc_30d", day) is None
    assert value(box, "the-graph", "beta_btc_90d", day) == 0
    assert value(box, "the-graph", "vol_30d_ann", day) == 0


def test_an_asset_younger_than_every_window_has_nothing_yet(box: LakeBox) -> None:
    """F-13."""
    day = BETA_DAYS[70]
    for column in ("vol_30d_ann", "corr_btc_30d", "beta_btc_90d", "ret_30d"):
        assert value(box, "filecoin", column, day) is None, column
    assert value(box, "filecoin", "ret_14d", day) == 0


def test_a_window_across_a_hole_counts_days_and_not_rows(box: LakeBox) -> None:
    """F-4: ten months without bitcoin are no returns of one day."""
    assert value(box, "bitcoin", "ret_1d", BETA_DAYS[0]) is None
    assert value(box, "bitcoin", "vol_7d_ann", BETA_DAYS[3]) is None
