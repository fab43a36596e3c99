"""Lists are not history: what leaves a list, or is cut off from one answer, keeps its past.

The lists are those that the sources declare: one that is added is tried without a change here.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines import sources
from pipelines.core.tables import Table
from tests.models import lake_box as boxes
from tests.models.lake_box import Asked, LakeBox, day_start, days
from tests.models.market import DAY, candle, listing
from tests.models.panel import END, Panel, differences, forget, marts
from tests.models.test_defi import flow, listed, tvl
from tests.models.test_point_in_time_everywhere import is_exempt
from tests.models.test_stablecoins import closes, coin

DAYS = days("2025-07-15", 40)
FIRST, SECOND = day_start(DAYS[30]) + DAY * 1.25, day_start(DAYS[-1]) + DAY * 1.25
LISTS = [
    (source, table)
    for source in sources.SOURCES
    for table in sources.tables(source)
    if table.is_snapshot
]

Row = dict[str, Any]
Keep = Callable[[Table, pl.DataFrame], pl.DataFrame]


def moving(level: float, of: list[date]) -> dict[date, float]:
    """A series that no rule takes for carried forward."""
    return {day: level * (1 + day.toordinal() % 11 / 1000) for day in of}


def chain_tvl(chain: str, level: float, of: list[date]) -> list[Row]:
    return [
        {"chain": chain, "label_time": day_start(day) + DAY, "tvl_usd": value}
        for day, value in moving(level, of).items()
    ]


def chains(*names: str) -> list[Row]:
    return [{"chain": name, "tvl_usd": 1e9} for name in names]


def asked(*tables: str) -> list[Asked]:
    return [Asked(table) for table in tables]


def rows_of_the_past(box: LakeBox, mart: str, last: date) -> list[Any]:
    return box.query(
        f"select * exclude (as_of_ts) from marts.{mart} where day <= date '{last}' order by all"
    )


@pytest.fixture(scope="module")
def chain_box(shared_box: LakeBox) -> LakeBox:
    """Two mornings: on the second one a chain is gone, one is renamed, one has a key."""
    first, second = DAYS[:31], DAYS[28:]
    shared_box.load(
        "defillama",
        {
            "protocols": [
                listed("aave", "Lending"),
                listed("uniswap-v3", "Dexs", parent_protocol="parent#uniswap"),
                listed("velodrome", "Dexs", protocol_id="7"),
                listed("maker", "CDP"),
            ],
            "chains": chains("Ethereum", "Terra", "Gnosis", "Foo", "Solana"),
            "chain_tvl": [
                row
                for chain, level in (("Ethereum", 600e6), ("Terra", 400e6), ("Foo", 50e6))
                for row in chain_tvl(chain, level, first)
            ],
            "protocol_tvl": [
                *tvl("aave", "Ethereum", moving(60e6, first)),
                *tvl("aave", "Foo", moving(40e6, first)),
                *tvl("aave", "__total__", moving(100e6, first)),
                *tvl("uniswap-v3", "Gnosis", moving(50e6, first)),
                *tvl("uniswap", "Gnosis", moving(50e6, first)),
                *tvl("velodrome", "Ethereum", moving(70e6, first)),
                *tvl("maker", "Ethereum", moving(90e6, first)),
            ],
            "protocol_metrics": [
                *flow("dailyFees", "uniswap-v3", "xdai", moving(3e4, first)),
                *flow("dailyFees", "uniswap-v3", "nobodys_chain", moving(3e4, first)),
            ],
        },
        fetched_at=FIRST,
        asked=asked("protocols", "chains"),
    )
    shared_box.load(
        "defillama_stablecoins",
        {
            "stablecoins": [coin("1", "tether", "tether")],
            "balances": [
                *closes("1", moving(60e9, first), "Ethereum"),
                *closes("1", moving(40e9, first), "Foo"),
            ],
        },
        fetched_at=FIRST,
    )
    shared_box.run("+chain_daily +protocol_fundamentals_daily +stablecoin_chain_daily")
    before = {
        mart: rows_of_the_past(shared_box, mart, DAYS[27])
        for mart in ("chain_daily", "protocol_fundamentals_daily", "stablecoin_chain_daily")
    }
    shared_box.load(
        "defillama",
        {
            "protocols": [
                listed("aave", "Lending"),
                listed("velodrome-v2", "Dexs", protocol_id="7"),
                listed("maker", "Lending", parent_protocol="parent#sky"),
            ],
            "chains": chains("Ethereum", "Gnosis", "Bar", "Solana"),
            "chain_tvl": [
                row
                for chain, level in (("Ethereum", 600e6), ("Bar", 50e6))
                for row in chain_tvl(chain, level, second[:-1])
            ],
            "chain_metrics": [
                {
                    "series_id": "dailyFees:Ethereum",
                    "metric": "dailyFees",
                    "chain": "Ethereum",
                    "day_time": day_start(day),
                    "amount_usd": value,
                }
                for day, value in moving(1e6, second).items()
            ],
            "protocol_tvl": [
                *tvl("aave", "Ethereum", moving(60e6, second)),
                *tvl("aave", "Bar", moving(40e6, second[3:])),
                *tvl("aave", "__total__", moving(100e6, second)),
                *tvl("velodrome-v2", "Ethereum", moving(70e6, second)),
                *tvl("maker", "Ethereum", moving(90e6, second)),
            ],
        },
        fetched_at=SECOND,
        asked=asked("protocols", "chains"),
    )
    shared_box.load(
        "defillama_stablecoins",
        {
            "balances": [
                *closes("1", moving(60e9, second), "Ethereum"),
                *closes("1", moving(40e9, second[3:]), "Bar"),
            ],
        },
        fetched_at=SECOND,
    )
    shared_box.run(
        "+chain_daily +protocol_fundamentals_daily +stablecoin_chain_daily +ops_unmapped_id "
        "+dim_chain +dim_protocol"
    )
    shared_box.before = before  # type: ignore[attr-defined]
    return shared_box


@pytest.mark.parametrize(
    "mart", ["chain_daily", "protocol_fundamentals_daily", "stablecoin_chain_daily"]
)
def test_what_leaves_a_list_keeps_its_past(chain_box: LakeBox, mart: str) -> None:
    before = chain_box.before[mart]  # type: ignore[attr-defined]
    assert before
    assert rows_of_the_past(chain_box, mart, DAYS[27]) == before


def test_what_leaves_a_list_gets_an_end(chain_box: LakeBox) -> None:
    ends = dict(chain_box.query("select chain_id, gone_from from marts.dim_chain"))
    assert (ends["Terra"], ends["Ethereum"]) == (SECOND.date(), None)
    ends = dict(chain_box.query("select protocol_id, gone_from from marts.dim_protocol"))
    assert (ends["uniswap-v3"], ends["uniswap"], ends["aave"]) == (
        SECOND.date(),
        SECOND.date(),
        None,
    )


def test_a_key_of_a_breakdown_is_the_chain_that_it_means(chain_box: LakeBox) -> None:
    found = chain_box.query(
        "select chain_id, tvl_usd > 0, fees_usd > 0 from marts.protocol_fundamentals_daily "
        f"where protocol_id = 'uniswap-v3' and day = '{DAYS[5]}' and chain_id != '__total__' "
        "order by 1"
    )
    assert found == [("Gnosis", True, True), ("nobodys_chain", None, True)]


def test_a_chain_that_nobody_knows_is_reported(chain_box: LakeBox) -> None:
    found = chain_box.query(
        "select source, source_id, row_count from marts.ops_unmapped_id where id_kind = 'chain'"
    )
    assert found == [("defillama", "nobodys_chain", 31)]


def test_after_a_rename_nothing_is_silent(chain_box: LakeBox) -> None:
    """Foo becomes Bar: the total, which holds the one and then the other, is known every day."""
    totals = chain_box.query(
        "select day, round(tvl_usd / 1e6), is_partial from marts.protocol_fundamentals_daily "
        "where protocol_id = 'aave' and chain_id = '__total__' order by 1"
    )
    assert [day for day, *_ in totals] == DAYS
    assert [row for row in totals if row[1] is None or row[2]] == []
    shares = chain_box.query(
        "select day, round(sum(chain_share_frac), 9) from marts.stablecoin_chain_daily "
        "where stablecoin_id = 'tether' group by day order by day"
    )
    assert {day: share for day, share in shares if share != 1} == {}


def test_a_family_and_its_members_count_once(chain_box: LakeBox) -> None:
    found = chain_box.query(
        "select protocol_id, is_family_total, is_double_counted "
        "from marts.protocol_fundamentals_daily "
        f"where day = '{DAYS[5]}' and chain_id = '__total__' "
        "and protocol_id in ('aave', 'uniswap', 'uniswap-v3') order by 1"
    )
    assert found == [
        ("aave", False, False),
        ("uniswap", True, False),
        ("uniswap-v3", False, True),
    ]
    assert chain_box.query(
        "select protocol_id from marts.dim_protocol where is_double_counted"
    ) == [("uniswap-v3",)]


def test_a_protocol_with_a_new_slug_is_the_same_protocol(chain_box: LakeBox) -> None:
    found = chain_box.query(
        "select protocol_id, chain_id, count(*), count(tvl_usd) "
        "from marts.protocol_fundamentals_daily where protocol_id like 'velodrome%' "
        "group by all order by all"
    )
    assert found == [("velodrome", chain, 40, 40) for chain in ("Ethereum", "__total__")]
    assert chain_box.query(
        "select protocol_id, gone_from from marts.dim_protocol where protocol_id like 'velodrome%'"
    ) == [("velodrome", None)]


def test_a_new_category_is_one_of_the_days_since(chain_box: LakeBox) -> None:
    found = chain_box.query(
        "select day, category, rank_in_chain_category from marts.protocol_fundamentals_daily "
        "where protocol_id = 'maker' and chain_id = 'Ethereum' order by day"
    )
    assert [row[1:] for row in found if row[0] < SECOND.date()] == [("CDP", 1)] * 40
    assert chain_box.query(
        "select category, family_id from marts.dim_protocol where protocol_id = 'maker'"
    ) == [("Lending", "sky")]


def test_a_code_that_a_venue_spells_anew_keeps_its_past(seeded_box: LakeBox) -> None:
    """Neither the code's old spelling nor its new one is read into days that did not have it."""
    pairs, of = ("XBT/USD", "NEWXBT/USD", "XBT/USD"), DAYS[:6]
    for number, wsname in enumerate(pairs):
        reported = of[: 2 * (number + 1)]
        seeded_box.load(
            "kraken",
            {
                "asset_pairs": [listing("kraken", "XBTUSD", "XBT", "USD") | {"wsname": wsname}],
                "ohlc": [candle("kraken", "XBTUSD", day, 60_000.0) for day in reported[-2:]],
            },
            fetched_at=day_start(reported[-2]) + DAY * 2.25,
            asked=asked("asset_pairs"),
        )
    seeded_box.run("+int_market_candle_daily")
    found = seeded_box.query(
        "select day, base_code, base_asset_id from intermediate.int_market_candle_daily order by 1"
    )
    assert found == [
        *((day, "XBT", "bitcoin") for day in of[:4]),
        *((day, "NEWXBT", None) for day in of[4:]),
    ]


def test_the_newest_day_is_ranked_and_says_that_it_is_preliminary(chain_box: LakeBox) -> None:
    found = chain_box.query(
        "select day, chain_id, tvl_usd is null, tvl_rank, tvl_share_frac is null, is_preliminary "
        f"from marts.chain_daily where day >= '{DAYS[-2]}' and chain_id = 'Ethereum' order by day"
    )
    assert found == [
        (DAYS[-2], "Ethereum", False, 1, False, False),
        (DAYS[-1], "Ethereum", True, 1, False, True),
    ]


@pytest.mark.parametrize(
    ("before", "after", "is_believed"),
    [(40, 39, True), (40, 33, True), (40, 20, False), (3, 2, True), (3, 1, False), (4, 0, False)],
)
def test_a_list_that_is_cut_off_is_reported_and_not_believed(
    seeded_box: LakeBox, before: int, after: int, is_believed: bool
) -> None:
    names = [f"chain {number:02d}" for number in range(before)]
    for count, morning in ((before, FIRST), (after, FIRST + DAY)):
        seeded_box.load(
            "defillama",
            {"chains": chains(*names[:count])},
            fetched_at=morning,
            asked=asked("chains"),
        )
    seeded_box.run("+stg_defillama__chain +int_list_answer")
    gone = seeded_box.query("select count(*) from staging.stg_defillama__chain where not is_listed")
    assert gone == [(before - after if is_believed else 0,)]
    cut_off = seeded_box.query("select count(*) from intermediate.int_list_answer where is_cut_off")
    assert cut_off == [(0 if is_believed else 1,)]


def test_every_list_is_tried() -> None:
    assert len(LISTS) >= 15


def land_again(box: LakeBox, source_dir: Path, keep: Keep) -> None:
    """Append every list to the lake once more, a day later, as `keep` leaves it."""
    catalog = pl.read_parquet(source_dir / "lake/catalog.parquet")
    added = []
    for source, table in LISTS:
        lines = catalog.filter((pl.col("source") == source) & (pl.col("table_name") == table.name))
        if lines.is_empty():
            continue
        line = lines.row(0, named=True)
        content = pl.concat(
            [pl.read_parquet(source_dir / "lake" / path) for path in lines["path"]],
            how="diagonal",
        )
        morning = line["fetched_at"] + timedelta(days=1)
        load_id = f"9{line['load_id']}"
        kept = keep(table, content)
        log = pl.read_parquet(
            source_dir
            / "lake"
            / catalog.filter(
                (pl.col("source") == source)
                & (pl.col("table_name") == "extraction")
                & (pl.col("load_id") == line["load_id"])
            )["path"][0]
        ).filter(pl.col("table_name") == table.name)
        log = log.with_columns(rows_landed=pl.lit(kept.height, pl.Int64))
        for name, frame in ((table.name, kept), ("extraction", log)):
            path = f"raw/{source}/{name}/{load_id}.{table.name}.parquet"
            target = box.lake_dir / path
            target.parent.mkdir(parents=True, exist_ok=True)
            frame.with_columns(
                pl.lit(morning).cast(frame.schema["fetched_at"]).alias("fetched_at"),
                pl.lit(load_id).alias("_dlt_load_id"),
            ).write_parquet(target)
            added.append(
                line
                | {
                    "table_name": name,
                    "load_id": load_id,
                    "path": path,
                    "fetched_at": morning,
                    "completed_at": morning,
                    "row_count": frame.height,
                    "byte_count": target.stat().st_size,
                }
            )
    pl.concat([catalog, pl.DataFrame(added, schema=catalog.schema)]).write_parquet(
        box.lake_dir / "catalog.parquet"
    )


def without_one(chance: random.Random) -> Keep:
    """One entry is gone: the source took it from its list."""
    return lambda table, frame: frame.filter(
        pl.int_range(pl.len()) != chance.randrange(max(frame.height, 1))
    )


def without_half(chance: random.Random) -> Keep:
    """Half of the entries are gone: the answer was cut off."""
    return lambda table, frame: frame.filter(
        pl.int_range(pl.len()).is_in(chance.sample(range(frame.height), frame.height // 2))
    )


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    return Panel.land(tmp_path_factory.mktemp("panel"))


def next_morning(panel: Panel, folder: Path, keep: Keep) -> LakeBox:
    shutil.copytree(panel.data_dir, folder)
    box = panel.box(folder)
    land_again(box, panel.data_dir, keep)
    box.dbt("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    return box


@pytest.fixture(scope="module")
def whole(
    panel: Panel, dbt_target: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LakeBox]:
    """The next morning, on which every list has all its entries again."""
    assert dbt_target.is_dir()
    box = next_morning(
        panel, tmp_path_factory.mktemp("whole") / "data", lambda _table, frame: frame
    )
    yield box
    forget(box)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("change", [without_one, without_half])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_shorter_list_changes_no_past_row(
    panel: Panel,
    whole: LakeBox,
    tmp_path: Path,
    change: Callable[[random.Random], Keep],
    seed: int,
) -> None:
    shorter = next_morning(panel, tmp_path / "shorter", change(random.Random(seed)))
    compared = [mart for mart in marts(boxes.manifest()) if not is_exempt(mart)]
    assert differences(shorter, whole, compared, END - timedelta(days=1)) == []
    forget(shorter)
