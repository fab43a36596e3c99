"""Recorded real data through the whole pipeline: server, sources, lake, marts, gate, publication.

They are facts of the market's history that the recordings cover (see tests/recorded/convert.py).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.recorded.convert import convert

REPO = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]


@pytest.fixture(scope="module")
def published(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The publication that `tokenmart daily --dataset` makes of the recordings."""
    folder = tmp_path_factory.mktemp("recorded")
    dataset = folder / "dataset"
    convert(shared_data, dataset)
    run = subprocess.run(
        [
            str(Path(sys.executable).with_name("tokenmart")),
            "daily",
            "--dataset",
            str(dataset),
        ],
        cwd=REPO,
        env={**os.environ, "TOKENMART_DATA_DIR": str(folder / "data")},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert run.returncode == 0, f"tokenmart daily failed:\n{run.stdout}\n{run.stderr}"
    connection = duckdb.connect(
        str(folder / "data" / "published" / "tokenmart.duckdb"), read_only=True
    )
    connection.execute("set timezone = 'UTC'")
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("day", "close", "tolerance"),
    [
        (date(2017, 12, 16), 19_497, 0.02),
        (date(2017, 12, 31), 13_921.48, 0.03),
        (date(2018, 1, 1), 13_464.65, 0.03),
        (date(2018, 1, 6), 17_103.59, 0.03),
        (date(2020, 3, 11), 7_939.34, 0.03),
        (date(2020, 3, 12), 4_959.31, 0.03),
        (date(2020, 3, 13), 5_627.69, 0.03),
        (date(2021, 11, 8), 67_567, 0.02),
        (date(2022, 11, 9), 15_881, 0.02),
    ],
)
def test_c13_bitcoin_close(
    published: duckdb.DuckDBPyConnection, day: date, close: float, tolerance: float
) -> None:
    got = _value(
        published, "select close_usd from marts.price_daily where asset_id = 'bitcoin'", day
    )
    assert got == pytest.approx(close, rel=tolerance)


def test_c13_bitcoin_return_of_2020_03_12(published: duckdb.DuckDBPyConnection) -> None:
    got = _value(
        published,
        "select ret_1d from marts.returns_risk_daily where asset_id = 'bitcoin'",
        date(2020, 3, 12),
    )
    assert got == pytest.approx(-0.3753, abs=0.025)


def test_c13_bitcoin_high_of_2021_11_10(published: duckdb.DuckDBPyConnection) -> None:
    got = _value(
        published,
        "select high_usd from marts.ohlcv_daily where asset_id = 'bitcoin'",
        date(2021, 11, 10),
    )
    assert got == pytest.approx(69_045, rel=0.005)


def test_g17_volatility_through_the_pipeline(published: duckdb.DuckDBPyConnection) -> None:
    # the golden number is of Coin Metrics' closes; here a dollar is Coinbase's until 2020-01-16
    # and what a USDT was worth after it
    got = _value(
        published,
        "select vol_30d_ann from marts.returns_risk_daily where asset_id = 'bitcoin'",
        date(2020, 3, 15),
    )
    assert got == pytest.approx(1.8149, rel=0.07)


def test_c13_tether_holds_within_100_bps_on_2022_05_12(
    published: duckdb.DuckDBPyConnection,
) -> None:
    got = _value(
        published,
        "select dev_bps from marts.stablecoin_peg_daily where stablecoin_id = 'tether'",
        date(2022, 5, 12),
    )
    assert abs(got) < 100


def test_c13_supplies_of_tether_and_usd_coin(published: duckdb.DuckDBPyConnection) -> None:
    query = "select circulating_native from marts.stablecoin_supply_daily where stablecoin_id = "
    assert _value(published, query + "'tether'", date(2020, 7, 20)) > 9e9
    (reached,) = published.sql(
        "select min(day) from marts.stablecoin_supply_daily"
        " where stablecoin_id = 'usd-coin' and circulating_native >= 1e10"
    ).fetchone() or (None,)
    assert reached is not None
    assert (reached.year, reached.month) == (2021, 3)


def test_m16_tvl_that_is_price_and_tvl_that_is_inflow(
    published: duckdb.DuckDBPyConnection,
) -> None:
    """Anchor in January 2022: its TVL fell, though two billion dollars more came in than left."""
    [(tvl, change, inflow, by_price, unexplained)] = published.execute(
        "select tvl_usd, tvl_change_30d_usd, usd_inflow_30d_usd, price_effect_30d_usd, "
        "tvl_unexplained_30d_usd from marts.protocol_growth_daily "
        "where protocol_id = 'anchor' and day = ?",
        [date(2022, 1, 27)],
    ).fetchall()
    assert tvl == pytest.approx(8_242_278_282.62, abs=1)
    assert change == pytest.approx(-149_600_000, rel=0.01)
    assert 1.6e9 < inflow < 2.3e9
    assert by_price < -1.6e9
    assert abs(unexplained) < 1e-4 * tvl
    assert change == pytest.approx(inflow + by_price + unexplained, abs=1)


def test_the_absurd_is_kept_out_and_the_rest_is_not(published: duckdb.DuckDBPyConnection) -> None:
    """Saddle's 7.6e16 of a day, Curve's 1.5e12, Balancer's TVL of 2.6e17; and Curve's real TVL."""
    found = published.sql(
        "select protocol_id, day, tvl_usd, dex_volume_usd, dex_volume_reported_usd, is_quarantined "
        "from marts.protocol_fundamentals_daily where chain_id = 'Ethereum' and "
        "(protocol_id, day) in (('saddle', date '2022-06-14'), ('curve', date '2021-06-28'), "
        "('balancer', date '2022-07-28')) order by protocol_id"
    ).fetchall()
    balancer, curve, saddle = found
    assert balancer[2] is None
    assert balancer[3] == pytest.approx(8.08e7, rel=0.01)
    assert curve[3:] == (None, pytest.approx(1.50793e12), True)
    assert saddle[3:] == (None, pytest.approx(7.56e16), True)
    assert all(row[5] for row in found)
    kept, refused = published.sql(
        "select count(dex_volume_usd), count(dex_volume_reported_usd) - count(dex_volume_usd) "
        "from marts.protocol_fundamentals_daily where protocol_id = 'uniswap-v3' "
        "and chain_id = 'Ethereum'"
    ).fetchone() or (0, 0)
    assert kept > 440
    assert refused < 10
    query = "select tvl_usd from marts.protocol_fundamentals_daily where protocol_id = 'curve'"
    total = _value(published, f"{query} and chain_id = '__total__'", date(2022, 8, 8))
    assert total == pytest.approx(6_170_017_659.67, abs=1), "DefiLlama's own total of that day"


def test_no_price_is_zero_and_every_priced_day_has_its_quality(
    published: duckdb.DuckDBPyConnection,
) -> None:
    broken = published.sql(
        "select asset_id, day, close_usd, price_quality from marts.price_daily"
        " where close_usd <= 0 or price_quality is null"
        " or (close_usd is null) != (price_quality = 'missing') limit 5"
    ).fetchall()
    assert broken == []


def test_a_changed_signal_is_told_in_words(published: duckdb.DuckDBPyConnection) -> None:
    unclear = published.sql(
        "select message from marts.alert where kind = 'signal_change' and not regexp_full_match("
        "message, '.+: signal from (long|short|flat) to (long|short|flat)')"
    ).fetchall()
    assert unclear == []


def test_what_the_readme_shows_can_be_asked(published: duckdb.DuckDBPyConnection) -> None:
    lines = published.sql("select topic, example_query from marts.readme").fetchall()
    assert len(lines) > 10
    for topic, query in lines:
        assert published.sql(query).columns, topic


def _value(connection: duckdb.DuckDBPyConnection, query: str, day: date) -> float:
    row = connection.execute(f"{query} and day = ?", [day]).fetchone()
    assert row is not None, f"no row on {day}: {query}"
    assert row[0] is not None, f"NULL on {day}: {query}"
    return float(row[0])
