"""Networks by their ledgers and supply on the ledger, from raw rows to the mart."""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.models.lake_box import Asked, LakeBox, at, day_start, days

DAY = timedelta(days=1)
FIRST = date(2021, 1, 1)
DAYS = days(FIRST.isoformat(), 800)
LAST = DAYS[-1]
NOW = day_start(LAST) + DAY + timedelta(hours=6)
NODE = ("0x9f8f72aa9304c8b593d555f12ef6589cc3a579a2", "maker")
PARTIAL = ("0xdac17f958d2ee523a2206206994597c13d831ec7", "tether")
ZERO = "0x" + "0" * 40


def metric(
    asset: str, name: str, values: Iterable[float | None], first: date = FIRST
) -> list[dict[str, Any]]:
    """Return rows of one metric, a day each; None: the source left the day out."""
    return [
        {"asset": asset, "metric": name, "time": day_start(first + number * DAY), "value": value}
        for number, value in enumerate(values)
        if value is not None
    ]


def series(
    asset: str, first: date = FIRST, **values: Sequence[float | None]
) -> list[dict[str, Any]]:
    return [row for name, column in values.items() for row in metric(asset, name, column, first)]


def wave(count: int = len(DAYS)) -> list[float]:
    """A price that rises and falls, never twice the same."""
    return [100 * math.exp(0.5 * math.sin(n / 40) + n / 1000) for n in range(count)]


def coin_rows(poison_from: int | None = None) -> list[dict[str, Any]]:
    """Litecoin with everything; from `poison_from` on its numbers are absurd."""
    price, supply = wave(), [1_000_000.0 + 10 * n for n in range(len(DAYS))]
    issued, active = [10.0] * len(DAYS), [5_000.0 + n for n in range(len(DAYS))]
    moved = [2e6 + 1e3 * n for n in range(len(DAYS))]
    realised = [0.8 * price[0] * 1e6] * len(DAYS)
    if poison_from is not None:
        for column in (price, active, moved, realised):
            column[poison_from:] = [value * 1e6 for value in column[poison_from:]]
    return series(
        "ltc",
        PriceUSD=price,
        SplyCur=supply,
        IssTotNtv=issued,
        AdrActCnt=active,
        TxTfrValAdjUSD=moved,
        CapRealUSD=realised,
    )


def transfer(token: str, day: date, block: int, value: float, index: int = 0) -> dict[str, Any]:
    """A mint, or a burn if the value is negative."""
    return {
        "token": token,
        "day_time": day_start(day),
        "block_number": block,
        "block_hash": f"0x{block:064x}",
        "log_index": index,
        "transaction_hash": f"0x{block:063x}{index}",
        "from_address": ZERO if value >= 0 else "0x" + "1" * 40,
        "to_address": "0x" + "1" * 40 if value >= 0 else ZERO,
        "value_raw": str(int(abs(value))),
        "value": abs(value),
    }


@pytest.fixture(scope="module")
def box(shared_box: LakeBox, dbt_target: Path) -> LakeBox:
    gap = [None if n in (400, 401) else value for n, value in enumerate(wave())]
    rows = [
        *coin_rows(),
        # the ledger's realised cap, reported by market cap and MVRV alone
        *series("doge", PriceUSD=[100.0], SplyCur=[1_600.0]),
        *series("doge", CapMrktCurUSD=[160_000.0], CapMVRVCur=[160_000.0 / 60_000.0]),
        # days without numbers within every window, and a day on which nothing was moved
        *series("bch", PriceUSD=gap, SplyCur=[1e6] * len(DAYS), AdrActCnt=gap, IssTotNtv=gap),
        *series("bch", TxTfrValAdjUSD=[0.0 if n == 500 else 1e6 for n in range(len(DAYS))]),
        # younger than every window
        *series("etc", PriceUSD=wave(20), SplyCur=[1e6] * 20, AdrActCnt=[100.0] * 20),
        *series("etc", IssTotNtv=[5.0] * 20, TxTfrValAdjUSD=[1e5] * 20),
        # nobody was active, one address was
        *series("xlm", PriceUSD=[1.0] * 40, SplyCur=[1e9] * 40, AdrActCnt=[0.0] * 39 + [1.0]),
    ]
    # a coin's launch is curated: bitcoin's is 2009-01-03
    rows += series(
        "btc",
        date(2009, 1, 3),
        IssTotNtv=[50.0] * 10,
        SplyCur=[50.0 * n for n in range(1, 11)],
        PriceUSD=[None, None, 0.5, 0.5, 1.0, 1.0, None, 2.0, 2.0, 2.0],
    )
    rows += series(
        "zec",
        date(2016, 10, 28),
        IssTotNtv=[100.0] * 5,
        SplyCur=[100.0 * n for n in range(1, 6)],
        PriceUSD=[10.0] * 5,
    )
    shared_box.load("coinmetrics", {"asset_metrics": rows}, fetched_at=NOW)
    # the archive fills what the API does not say, and does not overrule it
    shared_box.load(
        "coinmetrics_archive",
        {
            "asset_metrics": [
                *series("doge", PriceUSD=[999.0], TxTfrValAdjUSD=[40_000.0]),
                *metric("doge", "SplyCur", [1_700.0], FIRST + DAY),
            ]
        },
        fetched_at=NOW - timedelta(hours=1),
    )
    shared_box.load(
        "blockchain_info",
        {
            "charts": [
                {
                    "chart": name,
                    "day_time": at("2021-06-01T00:00:00"),
                    "sample_time": at("2021-06-01T07:00:00"),
                    "unit": "BTC",
                    "value": value,
                }
                for name, value in (("total-bitcoins", 18_730_000), ("n-unique-addresses", 7))
            ]
        },
        fetched_at=NOW,
    )
    supplies, transfers, asked = [], [], []
    for token, _ in (NODE, PARTIAL):
        # heard on the 2nd at block 150 (that holds 5 of the 2nd's mints) and on the 6th
        for block_time, block, supply in (
            (datetime.fromisoformat("2022-01-02T05:44:00+00:00"), 150, 1_000.0),
            (datetime.fromisoformat("2022-01-06T05:44:00+00:00"), 600, 1_111.0),
        ):
            supplies.append(
                {
                    "token": token,
                    "block_time": block_time,
                    "block_number": block,
                    "decimals": 0,
                    "total_supply_raw": str(int(supply)),
                    "total_supply": supply,
                }
            )
        transfers += [
            transfer(token, date(2022, 1, 2), 140, 5),
            transfer(token, date(2022, 1, 2), 190, 30),
            transfer(token, date(2022, 1, 2), 190, -10, index=1),
            transfer(token, date(2022, 1, 3), 250, 80),
            transfer(token, date(2022, 1, 7), 750, -11),
        ]
        # nobody asked about the 4th
        asked += [
            Asked("transfers", token, at(day), at(day) + DAY)
            for day in ("2022-01-02", "2022-01-03", "2022-01-06", "2022-01-07")
        ]
    shared_box.load(
        "ethereum",
        {"token_supply": supplies, "transfers": transfers},
        fetched_at=at("2022-01-09T06:00:00"),
        asked=asked,
    )
    shared_box.run("+network_valuation_daily_quality_suite")
    return shared_box


def network(box: LakeBox, asset_id: str, *columns: str) -> dict[date, tuple[Any, ...]]:
    rows = box.query(
        f"select day, {', '.join(columns)} from marts.network_valuation_daily "
        f"where asset_id = '{asset_id}' order by day"
    )
    return {row[0]: row[1:] for row in rows}


def test_g19_realised_cap_of_the_ledger(box: LakeBox) -> None:
    """100 at $0, 1,000 at $10 and 500 at $100 moved last: $60,000."""
    ledger = {0.0: 100, 10.0: 1_000, 100.0: 500}
    worth = sum(price * units for price, units in ledger.items())
    mcap, realised, mvrv, nvt = network(
        box, "dogecoin", "mcap_onchain_usd", "realised_cap_usd", "mvrv_x", "nvt_x"
    )[FIRST]
    assert worth == 60_000
    assert mcap == 160_000, "the API's price counts, not the archive's"
    assert realised == pytest.approx(worth, rel=1e-12)
    assert mvrv == pytest.approx(160_000 / 60_000, rel=1e-12)
    assert nvt == 4, "only the archive says what was moved"


def test_the_archive_fills_days_that_the_api_does_not_have(box: LakeBox) -> None:
    supply, source = network(box, "dogecoin", "supply_onchain_native", "supply_onchain_source")[
        FIRST + DAY
    ]
    assert (supply, source) == (1_700, "coinmetrics_archive")


def test_windows_end_with_the_day_and_know_their_observations(box: LakeBox) -> None:
    """Each formula once more in Python, on days spread over the series."""
    price = wave()
    mcap = [p * (1_000_000 + 10 * n) for n, p in enumerate(price)]
    moved = [2e6 + 1e3 * n for n in range(len(DAYS))]
    active = [5_000.0 + n for n in range(len(DAYS))]
    found = network(
        box,
        "litecoin",
        "nvt_x",
        "nvt_signal_x",
        "mvrv_z",
        "puell_x",
        "metcalfe_ratio",
        "nvm_ratio",
        "issuance_ann_frac",
    )
    realised = 0.8 * price[0] * 1e6

    def aa(n: int) -> float:
        return statistics.fmean(active[max(0, n - 29) : n + 1])

    raw = {n: mcap[n] / aa(n) ** 2 for n in range(23, len(DAYS))}
    k = 1 / statistics.median(raw[n] for n in range(23, 23 + 365))
    for n in (70, 71, 298, 299, 363, 364, 386, 387, 500, 799):
        expected = (
            mcap[n] / moved[n],
            mcap[n] / statistics.fmean(moved[max(0, n - 89) : n + 1]) if n >= 71 else None,
            (mcap[n] - realised) / statistics.stdev(mcap[: n + 1]) if n >= 364 else None,
            10 * price[n] / (10 * statistics.fmean(price[max(0, n - 364) : n + 1]))
            if n >= 299
            else None,
            raw[n] * k if n >= 387 else None,
            math.log(mcap[n]) / math.log(active[n] ** 2),
            10 * 365 / (1_000_000 + 10 * n),
        )
        for value, wanted in zip(found[DAYS[n]], expected, strict=True):
            assert value == (wanted and pytest.approx(wanted, rel=1e-9)), f"day {n}: {expected}"


def test_an_asset_younger_than_the_windows_has_none(box: LakeBox) -> None:
    for values in network(
        box, "ethereum-classic", "nvt_signal_x", "mvrv_z", "puell_x", "metcalfe_ratio", "metcalfe_k"
    ).values():
        assert values == (None,) * 5


def test_missing_days_are_rows_of_nulls_and_windows_bridge_them(box: LakeBox) -> None:
    """F-4, F-11: unknown is NULL, what was measured as zero is no denominator."""
    found = network(
        box, "bitcoin-cash", "mcap_onchain_usd", "nvm_ratio", "nvt_x", "nvt_signal_x", "mvrv_z"
    )
    assert found[DAYS[400]][:3] == (None, None, None)
    assert found[DAYS[402]][0] is not None
    assert found[DAYS[500]][2] is None, "nothing was moved: no ratio"
    assert found[DAYS[500]][3] == pytest.approx(
        wave()[500] * 1e6 / statistics.fmean([1e6] * 89 + [0.0]), rel=1e-12
    )
    total = network(box, "bitcoin-cash", "thermocap_usd")
    assert {values[0] for values in total.values()} == {None}, "it starts years after the launch"


def test_nobody_active_has_no_ratio(box: LakeBox) -> None:
    found = network(box, "stellar", "metcalfe_ratio", "nvm_ratio")
    assert set(found.values()) == {(None, None)}


def test_thermocap_is_whole_or_unknown(box: LakeBox) -> None:
    """From the genesis on, nothing left out; days before the first price count nothing."""
    bitcoin = network(box, "bitcoin", "thermocap_usd", "thermocap_multiple")
    day = date(2009, 1, 3)
    assert bitcoin[day][0] is None, "no price yet: nothing was paid, and no multiple"
    assert [bitcoin[day + n * DAY][0] for n in range(2, 6)] == [25, 50, 100, 150]
    assert bitcoin[day + 5 * DAY][1] == pytest.approx(300 * 1.0 / 150)
    assert [bitcoin[day + n * DAY][0] for n in range(6, 10)] == [None] * 4, (
        "a day of which the worth is unknown makes the sum a part"
    )
    zcash = network(box, "zcash", "thermocap_usd")
    assert [value for (value,) in zcash.values()] == [1000, 2000, 3000, 4000, 5000]


@pytest.mark.parametrize(
    ("change", "check", "named"),
    [
        (
            "thermocap_usd = 3999",
            "never_falls_network_valuation_daily_thermocap_usd__asset_id",
            ("zcash", date(2016, 11, 1), 3999.0, 4000.0),
        ),
        (
            "mcap_onchain_usd = mcap_onchain_usd * (1 + 2e-6)",
            "network_valuation_daily_quality_suite",
            ("mcap is price times supply", "zcash", date(2016, 11, 1)),
        ),
    ],
    ids=["a running total falls", "parts exceed their whole"],
)
def test_a_total_that_falls_and_a_cap_that_is_no_product_are_found(
    box: LakeBox, change: str, check: str, named: tuple[Any, ...]
) -> None:
    """The fifth day of zcash, tampered with: 3,999 after 4,000."""
    assert box.verdict(check) == ("pass", [])
    fifth = "asset_id = 'zcash' and day = '2016-11-01'"
    with box.tampered(f"update marts.network_valuation_daily set {change} where {fifth}") as broken:
        status, found = broken.verdict(check)
    assert status == "fail"
    assert [row[: len(named)] for row in found] == [named]


def test_blockchain_counts_bitcoins_only_where_coin_metrics_does_not(box: LakeBox) -> None:
    supply, source, active = network(
        box, "bitcoin", "supply_onchain_native", "supply_onchain_source", "active_address_count"
    )[date(2021, 6, 1)]
    assert (supply, source) == (18_730_000, "blockchain_info")
    assert active is None, "addresses are counted another way there"


def test_a_tokens_supply_is_observed_then_rolled_and_never_guessed(box: LakeBox) -> None:
    rows = box.query(
        "select day, supply_native, supply_basis from intermediate.int_token_supply_daily "
        f"where token = '{NODE[0]}' order by day"
    )
    assert rows == [
        (date(2022, 1, 1), 1_000, "observed"),
        # 1,000 held 5 of the day's mints already: plus 30, minus 10
        (date(2022, 1, 2), 1_020, "rolled"),
        (date(2022, 1, 3), 1_100, "rolled"),
        # nobody asked about the 4th: it may hide a mint
        (date(2022, 1, 5), 1_111, "observed"),
        (date(2022, 1, 6), 1_111, "rolled"),
        (date(2022, 1, 7), 1_100, "rolled"),
    ]


def test_a_contract_that_tells_a_part_is_no_assets_supply(box: LakeBox) -> None:
    found = dict(
        box.query(
            "select asset_id, count(*) from intermediate.int_asset_supply_onchain_daily "
            "where supply_source = 'ethereum' group by asset_id"
        )
    )
    assert found == {"maker": 6}, "USDT is issued on many chains"


@pytest.mark.slow
def test_a_day_does_not_know_the_days_after_it(box: LakeBox, seeded_box: LakeBox) -> None:
    """MVRV-Z and Metcalfe's k are of the past alone."""
    cut = 390
    seeded_box.load("coinmetrics", {"asset_metrics": coin_rows(poison_from=cut)}, fetched_at=NOW)
    seeded_box.run("+network_valuation_daily")
    query = (
        "select * exclude (as_of_ts, model_version) from marts.network_valuation_daily "
        f"where asset_id = 'litecoin' and day < '{DAYS[cut]}' order by day"
    )
    assert seeded_box.query(query) == box.query(query)
    assert seeded_box.query(query.replace("<", ">=")) != box.query(query.replace("<", ">="))


@pytest.mark.slow
def test_an_empty_lake_values_nobody(seeded_box: LakeBox) -> None:
    seeded_box.write_catalog()
    seeded_box.run("+network_valuation_daily")
    assert seeded_box.query("select * from marts.network_valuation_daily") == []


def recorded(path: Path, asset: str) -> list[dict[str, Any]]:
    """Return a recorded file of Coin Metrics as rows of the archive; empty cells have none."""
    with path.open() as file:
        return [
            {
                "asset": asset,
                "metric": name,
                "time": at(line["date"]),
                "value": round(float(value), 18) if abs(float(value)) < 1e19 else None,
            }
            for line in csv.DictReader(file)
            for name, value in line.items()
            if name in RECORDED_METRICS and value and abs(float(value)) < 1e19
        ]


RECORDED_METRICS = {
    "AdrActCnt",
    "CapMVRVCur",
    "CapMrktCurUSD",
    "CapRealUSD",
    "IssContPctAnn",
    "IssTotNtv",
    "IssTotUSD",
    "NVTAdj",
    "NVTAdj90",
    "PriceUSD",
    "SplyCur",
    "TxTfrValAdjUSD",
}


@pytest.fixture(scope="module")
def bitcoin_file(
    shared_data: Path, dbt_target: Path, tmp_path_factory: pytest.TempPathFactory
) -> LakeBox:
    """Bitcoin as Coin Metrics' file of 2020-01-03 has it, from 2009 on."""
    box = LakeBox(tmp_path_factory.mktemp("bitcoin"))
    path = shared_data / "coinmetrics_vintages" / "v2020-01-03__btc.csv"
    box.load(
        "coinmetrics_archive",
        {"asset_metrics": recorded(path, "btc")},
        fetched_at="2020-01-04T12:00:00",
    )
    box.run("+network_valuation_daily")
    return box


def reported(box: LakeBox, name: str) -> Mapping[date, float]:
    return dict(
        box.query(
            "select day, cast(value as double) from staging.stg_coinmetrics_archive__asset_metric "
            f"where metric = '{name}'"
        )
    )


@pytest.mark.parametrize(
    ("column", "name"),
    [("nvt_x", "NVTAdj"), ("nvt_signal_x", "NVTAdj90"), ("mvrv_x", "CapMVRVCur")],
)
def test_c13_ratios_equal_coin_metrics_own(bitcoin_file: LakeBox, column: str, name: str) -> None:
    """On recorded inputs our NVT, NVT signal and MVRV are Coin Metrics' columns."""
    ours = {
        day: value
        for day, (value,) in network(bitcoin_file, "bitcoin", column).items()
        if value is not None
    }
    theirs = reported(bitcoin_file, name)
    common = sorted(set(ours) & set(theirs))
    assert len(common) > 3_000
    wrong = [
        (day, ours[day], theirs[day])
        for day in common
        if ours[day] != pytest.approx(theirs[day], rel=1e-6)
    ]
    assert wrong == [], f"{len(wrong)} of {len(common)} days differ"


def test_c13_mvrv_at_the_end_of_2017(bitcoin_file: LakeBox) -> None:
    (mvrv,) = network(bitcoin_file, "bitcoin", "mvrv_x")[date(2017, 12, 31)]
    assert mvrv == pytest.approx(2.7873, rel=0.01)


def test_c13_issuance_halves_on_2016_07_09(bitcoin_file: LakeBox) -> None:
    issued = [
        (day, value)
        for day, (value,) in network(bitcoin_file, "bitcoin", "issuance_ann_frac").items()
        if value is not None
    ]
    before = statistics.fmean(v for d, v in issued if date(2016, 6, 9) <= d < date(2016, 7, 9))
    after = statistics.fmean(v for d, v in issued if date(2016, 7, 10) <= d < date(2016, 8, 9))
    assert after / before == pytest.approx(0.5, rel=0.2)


def test_bitcoins_thermocap_counts_from_the_genesis(bitcoin_file: LakeBox) -> None:
    """Known on every day with a price, and it never falls."""
    totals = [
        value[0]
        for day, value in network(bitcoin_file, "bitcoin", "thermocap_usd").items()
        if date(2010, 7, 18) <= day <= date(2020, 1, 2)
    ]
    assert None not in totals
    assert totals == sorted(totals)
    paid = reported(bitcoin_file, "IssTotUSD")
    assert totals[-1] == pytest.approx(
        math.fsum(value for day, value in paid.items() if day <= date(2020, 1, 2)), rel=1e-9
    )
