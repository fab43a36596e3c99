"""What sources take back: reported and marked where it is material, never taken from the past."""

from __future__ import annotations

import csv
import itertools
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.models.lake_box import Asked, LakeBox, day_start, days
from tests.models.market import DAY, Market, dollars

FIRST = date(2024, 1, 1)
# what a build of the network's mart needs again after a load, and nothing else
AGAIN = (
    "hist_coinmetrics__asset_metric hist_lake__extraction stg_lake__extraction int_build_stamp "
    "stg_coinmetrics__asset_metric int_network_metric_daily int_asset_supply_onchain_daily "
    "int_network_daily network_valuation_daily int_revision ops_revision"
)
REVISIONS = (
    "select day, column_name, revision_cause, old_value, new_value, rel_change_frac, revised_at "
    "from marts.ops_revision where is_material order by revised_at, day, column_name"
)


def answer(
    price: dict[int, float], supply: dict[int, float]
) -> tuple[list[dict[str, Any]], list[int]]:
    rows = [
        {
            "asset": "eth",
            "metric": name,
            "time": day_start(FIRST + number * DAY),
            "value": value,
        }
        for name, values in (("PriceUSD", price), ("SplyCur", supply))
        for number, value in values.items()
    ]
    return rows, sorted({*price, *supply})


def content(box: LakeBox) -> dict[str, list[Any]]:
    return {
        mart: box.query(f"select * exclude ({stamps}) from marts.{mart} order by all")
        for mart, stamps in (
            ("network_valuation_daily", "as_of_ts, model_version"),
            ("ops_revision", "as_of_ts"),
        )
    }


@pytest.mark.slow
def test_each_state_can_be_had_again_as_of_its_load(seeded_box: LakeBox) -> None:
    """Loads that restate, come late, delete, restore; as of each, what was built then."""
    price = {n: 2_000.0 + n for n in range(10)}
    supply = {n: 120e6 + n for n in range(10) if n != 3}
    first = (dict(price), dict(supply))
    # 2 % of the supply is material, 0.05 % of the price is not, the day that was missing comes late
    price[6] *= 1.0005
    supply |= {5: supply[5] * 1.02, 3: 120e6}
    second = (dict(price), dict(supply))
    without = {n: value for n, value in price.items() if n != 4}
    third = (without, dict(supply))
    fourth = (dict(price), dict(supply))
    taken: list[tuple[datetime, dict[str, list[Any]]]] = []
    for number, (prices, supplies) in enumerate((first, second, third, fourth)):
        instant = day_start(FIRST + (11 + number) * DAY) + timedelta(hours=6)
        rows, _ = answer(prices, supplies)
        seeded_box.load(
            "coinmetrics",
            {"asset_metrics": rows},
            fetched_at=instant,
            asked=[Asked("asset_metrics", "eth", day_start(FIRST), day_start(FIRST + 10 * DAY))],
        )
        seeded_box.run("+network_valuation_daily +ops_revision" if number == 0 else AGAIN)
        taken.append((instant, content(seeded_box)))
    reported = [(row[0], row[1], row[2], row[6]) for row in seeded_box.query(REVISIONS)]
    assert reported == [
        (FIRST + 5 * DAY, "SplyCur", "restated", taken[1][0]),
        (FIRST + 4 * DAY, "PriceUSD", "deleted", taken[2][0]),
        (FIRST + 4 * DAY, "PriceUSD", "restored", taken[3][0]),
    ]
    small = seeded_box.query(
        "select day, column_name, rel_change_frac from marts.ops_revision where not is_material"
    )
    assert small == [(FIRST + 6 * DAY, "PriceUSD", pytest.approx(0.0005))], "reported, and marked"
    assert len({str(state) for _, state in taken}) == 4, "the loads must differ to prove anything"
    for instant, expected in taken:
        seeded_box.dbt(
            "build",
            "--select",
            AGAIN,
            "--exclude-resource-type",
            "test",
            "--exclude-resource-type",
            "unit_test",
            "--vars",
            f"{{as_of: '{instant.isoformat()}'}}",
        )
        assert content(seeded_box) == expected, f"as of {instant}"


@pytest.mark.slow
def test_a_restated_close_moves_its_windows_and_nothing_before(seeded_box: LakeBox) -> None:
    """Day k is restated later; before, nothing knew; after, exactly its windows differ."""
    dates = days("2024-01-01", 75)
    k = 40
    columns = ("close_usd", "ret_1d", "ret_7d", "ret_30d", "vol_30d_ann")
    query = (
        f"select day, {', '.join(columns)} from marts.returns_risk_daily "
        "inner join marts.price_daily using (asset_id, day) "
        "where asset_id = 'solana' order by day"
    )
    select = "+price_daily +returns_risk_daily +ops_revision"

    def town(close: float) -> Market:
        market = Market()
        dollars(market, dates)
        story = {day: 20.0 + (n * 7 % 11) / 10 for n, day in enumerate(dates)}
        market.add("coinbase", "SOL-USD", "SOL", "USD", story | {dates[k]: close})
        return market

    before = 20.0 + (k * 7 % 11) / 10
    known = day_start(dates[-1]) + DAY
    town(before).land(seeded_box, known)
    seeded_box.run(select)
    then = {row[0]: row[1:] for row in seeded_box.query(query)}
    assert len(then) == len(dates)
    assert seeded_box.query(REVISIONS) == []

    restated = known + DAY
    town(before * 1.05).land(seeded_box, restated)
    seeded_box.run(select)
    now = {row[0]: row[1:] for row in seeded_box.query(query)}
    (reported,) = [row for row in seeded_box.query(REVISIONS) if row[1] == "close"]
    assert reported[:3] == (dates[k], "close", "restated")
    assert reported[3:5] == pytest.approx((before, before * 1.05))
    assert reported[5:] == (pytest.approx(0.05), restated)
    reach = {"close_usd": {0}, "ret_1d": {0, 1}, "ret_7d": {0, 7}, "ret_30d": {0, 30}}
    for position, name in enumerate(columns):
        moved = {(day - dates[k]).days for day in now if now[day][position] != then[day][position]}
        assert moved == reach.get(name, set(range(31))), name

    seeded_box.dbt(
        "build",
        "--select",
        select,
        "--exclude-resource-type",
        "test",
        "--exclude-resource-type",
        "unit_test",
        "--exclude-resource-type",
        "seed",
        "--vars",
        f"{{as_of: '{known.isoformat()}'}}",
    )
    assert {row[0]: row[1:] for row in seeded_box.query(query)} == then
    assert seeded_box.query(REVISIONS) == []


def pulled(path: Path) -> dict[date, float]:
    with path.open() as file:
        return {
            date.fromisoformat(line["as_of"]): float(line["value"]) for line in csv.DictReader(file)
        }


def test_archived_versions_of_a_public_file(seeded_box: LakeBox, shared_data: Path) -> None:
    """Twelve pulls of DefiLlama's total TVL: what differs is reported, but not as of before."""
    folder = shared_data / "daily_snapshots_finance_terminal"
    pulls = {}
    for path in sorted(folder.glob("vintages__defi_tvl__*.csv")):
        pulls[datetime.strptime(path.stem[-18:], "%Y-%m-%dT%H%M%S%z")] = pulled(path)
    assert len(pulls) == 12
    for instant, file in pulls.items():
        last = max(file)
        seeded_box.load(
            "defillama",
            {
                "chain_tvl": [
                    {"chain": "__total__", "label_time": day_start(label), "tvl_usd": value}
                    for label, value in file.items()
                ]
            },
            fetched_at=instant,
            asked=[Asked("chain_tvl", "__total__", day_start(min(file)), day_start(last) + DAY)],
        )
    seeded_box.run("+ops_revision +stg_defillama__chain_tvl")

    changed, material = 0, []
    for (_, before), (instant, now) in itertools.pairwise(pulls.items()):
        for label, old in before.items():
            if now[label] == old:
                continue
            changed += 1
            if old == 0 or abs(now[label] / old - 1) > 0.01:
                # a midnight's label is the end of the day before
                material.append((label - DAY, "tvl_usd", "restated", old, now[label], instant))
    assert changed > 900, "the recordings restate much"
    found = seeded_box.query("select count(*) from marts.ops_revision")
    assert found == [(changed,)]
    reported = [(*row[:5], row[6]) for row in seeded_box.query(REVISIONS)]
    assert reported == sorted(material, key=lambda row: (row[5], row[0]))
    assert len(reported) == 3, "of those only three moved a day by more than a hundredth"

    for instant in (list(pulls)[4], list(pulls)[7]):
        seeded_box.dbt(
            "run",
            "--select",
            "stg_defillama__chain_tvl",
            "--vars",
            f"{{as_of: '{instant.isoformat()}'}}",
        )
        rows = seeded_box.query("select day, tvl_usd from staging.stg_defillama__chain_tvl")
        assert {day + DAY: value for day, value in rows} == pulls[instant], f"as of {instant}"
