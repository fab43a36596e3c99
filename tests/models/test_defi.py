"""Protocols, chains and exchanges, from DefiLlama's rows in the lake to the marts."""

# the queries are made of constants
from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from tests.models.lake_box import Asked, LakeBox, day_start, days
from tests.models.market import DAY

DAYS = days("2025-07-15", 45)
START, END = day_start(DAYS[0]), day_start(DAYS[-1]) + DAY
FIRST_LOAD, SECOND_LOAD = END + DAY / 4, END + DAY * 1.25
TINY_GONE, LARGE_GONE, ABSURD, NEGATIVE = DAYS[10], DAYS[12], DAYS[15], DAYS[17]
CARRIED, ZERO, SILENT, RESTATED = DAYS[20], DAYS[24], DAYS[25], DAYS[30]
SURGE = [7 * (193 / 7) ** (step / 14) for step in range(15)]
LAUNCH = 10
CRASH = DAYS[21]

Row = dict[str, Any]


def listed(slug: str, category: str, **changes: Any) -> Row:
    return {
        "protocol_id": f"id-{slug}",
        "slug": slug,
        "name": slug.title(),
        "category": category,
        "chains": "[]",
        "tvl_usd": 1e6,
        "listed_at": day_start(date(2022, 1, 1)),
    } | changes


def tvl(slug: str, chain: str, values: dict[date, float]) -> Iterator[Row]:
    """A day's TVL stands under the midnight that ends it."""
    for day, value in values.items():
        yield {
            "slug": slug,
            "chain": chain,
            "label_time": day_start(day) + DAY,
            "tvl_usd": round(value, 2),
        }


def flow(metric: str, slug: str, chain: str, values: dict[date, float]) -> Iterator[Row]:
    for day, value in values.items():
        yield {
            "series_id": f"{metric}:{slug}",
            "metric": metric,
            "slug": slug,
            "chain": chain,
            "version": chain if chain == "__total__" else "V1",
            "day_time": day_start(day),
            "amount_usd": value,
        }


def held(slug: str, token: str, held_by_day: dict[date, tuple[float, float]]) -> Iterator[Row]:
    for day, (amount, price) in held_by_day.items():
        yield {
            "slug": slug,
            "token": token,
            "label_time": day_start(day) + DAY,
            "amount": round(amount, 6),
            "value_usd": round(amount * price, 6),
        }


def without(values: dict[date, float], *missing: date) -> dict[date, float]:
    return {day: value for day, value in values.items() if day not in missing}


def varying(start: float, step: float = 1.0) -> dict[date, float]:
    return {day: start + step * number for number, day in enumerate(DAYS)}


def surging() -> dict[date, tuple[float, float]]:
    """Units at 2 dollars: 7 million dollars at launch, 193 million 14 days later."""
    levels = [SURGE[min(number, 14)] for number in range(len(DAYS) - LAUNCH)]
    return {day: (level * 1e6 / 2, 2.0) for day, level in zip(DAYS[LAUNCH:], levels, strict=True)}


def falling() -> dict[date, tuple[float, float]]:
    """No day is to the cent like the one before: that would be a carried one."""
    return {
        day: (50_000.0, (1000.0 if day < CRASH else 800.0) + number / 1000)
        for number, day in enumerate(DAYS)
    }


def rows(*, restated: float) -> dict[str, list[Row]]:
    surge = {day: amount * price for day, (amount, price) in surging().items()}
    crash = {day: amount * price for day, (amount, price) in falling().items()}
    large, tiny = varying(100e6), varying(0.5e6)
    volumes = varying(30e6) | {ABSURD: 7.6e16, NEGATIVE: -5.2e6}
    fees = varying(90_000.0) | {RESTATED: restated}
    for values, level in ((volumes, 30e6), (fees, 90_000.0)):
        values[CARRIED] = values[DAYS[19]]
        values[ZERO] = 0.0
        assert values[DAYS[19]] != level
    protocols = [
        listed("uniswap-v3", "Dexs", parent_protocol="parent#uniswap", symbol="UNI"),
        listed("curve-dex", "Dexs"),
        listed("joe-v2.2", "Dexs"),
        listed("blackhole-clmm", "Dexs", listed_at=day_start(DAYS[LAUNCH])),
        listed("morpho-v1", "Lending"),
        # another with the same ticker: no join goes by tickers
        listed("impostor", "Dexs", symbol="UNI"),
    ]
    return {
        "protocols": protocols,
        "chains": [
            {"chain": chain, "tvl_usd": 1e9} for chain in ("Ethereum", "Arbitrum", "Base", "Ink")
        ],
        "metric_protocols": [
            {
                "metric": "dailyFees",
                "protocol_id": f"id-{slug}",
                "slug": slug,
                "name": slug,
                "category": "Dexs",
                "protocol_type": "protocol",
                "is_double_counted": False,
            }
            for slug in ("uniswap-v3", "curve-dex", "fees-only")
        ],
        "protocol_tvl": [
            *tvl("uniswap-v3", "Ethereum", without(large, LARGE_GONE)),
            *tvl("uniswap-v3", "Arbitrum", without(tiny, TINY_GONE)),
            # what the source calls the total is short by what is missing
            *tvl(
                "uniswap-v3",
                "__total__",
                {
                    day: (0 if day == LARGE_GONE else large[day])
                    + (0 if day == TINY_GONE else tiny[day])
                    for day in DAYS
                },
            ),
            *tvl("curve-dex", "__total__", varying(50e6)),
            *tvl("joe-v2.2", "Avalanche", varying(120e6)),
            *tvl("blackhole-clmm", "Avalanche", surge),
            *tvl("morpho-v1", "Ethereum", crash),
            *tvl("impostor", "Base", varying(2e6) | {ABSURD: 2.63e17}),
        ],
        "protocol_tokens": [
            *held("blackhole-clmm", "AVAX", surging()),
            *held("morpho-v1", "WETH", falling()),
        ],
        "protocol_metrics": [
            *flow("dailyFees", "uniswap-v3", "ethereum", without(fees, SILENT)),
            *flow("dailyRevenue", "uniswap-v3", "ethereum", without(varying(30_000.0), SILENT)),
            *flow("dailyVolume", "uniswap-v3", "ethereum", without(volumes, SILENT)),
            *flow("dailyFees", "curve-dex", "__total__", varying(20_000.0)),
            *flow("dailyFees", "fees-only", "__total__", varying(70_000.0)),
            *flow("dailyVolume", "impostor", "base", varying(1e5) | {DAYS[16]: 5e10}),
        ],
        "chain_tvl": [
            {"chain": chain, "label_time": day_start(day) + DAY, "tvl_usd": value}
            for chain, values in (
                ("Ethereum", varying(50e9)),
                ("Arbitrum", varying(3e9)),
                ("Base", {day: 2e9 if number < 20 else 4e9 for number, day in enumerate(DAYS)}),
                # of no weight: its hole leaves the others' shares known
                ("Ink", without(varying(1e6), DAYS[6])),
            )
            for day, value in values.items()
        ],
    }


def asked(content: dict[str, list[Row]]) -> list[Asked]:
    whole = [Asked(name) for name in ("protocols", "chains")]
    whole += [Asked("metric_protocols", "dailyFees")]
    for name, entity, time in (
        ("protocol_tvl", "slug", "label_time"),
        ("protocol_tokens", "slug", "label_time"),
        ("protocol_metrics", "series_id", "day_time"),
        ("chain_tvl", "chain", "label_time"),
    ):
        shift = DAY if time == "label_time" else DAY * 0
        whole += [
            Asked(name, value, START + shift, END + shift)
            for value in sorted({row[entity] for row in content[name]})
        ]
    return whole


SELECT = "+protocol_fundamentals_daily +protocol_growth_daily +chain_daily +dim_protocol"


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    for fetched_at, fees in ((FIRST_LOAD, 100_000.0), (SECOND_LOAD, 131_000.0)):
        content = rows(restated=fees)
        shared_box.load("defillama", content, fetched_at=fetched_at, asked=asked(content))
    pool = {"pool": "p1", "chain": "Ethereum", "project": "curve-dex", "symbol": "USDC-USDT"}
    shared_box.load(
        "defillama_yields",
        {
            "pools": [pool],
            "pool_chart": [
                {
                    "pool": "p1",
                    "day_time": day_start(day),
                    "record_time": day_start(day),
                    "tvl_usd": 10e6,
                    "apy_pct": 18.0,
                    "apy_base_pct": 3.0,
                }
                for day in DAYS
            ],
        },
        fetched_at=SECOND_LOAD,
        asked=[Asked("pools"), Asked("pool_chart", "p1", START, END)],
    )
    shared_box.run(
        f"{SELECT} +exchange_token_daily +protocol_fundamentals_daily_quality_suite "
        "+protocol_growth_daily_quality_suite"
    )
    return shared_box


def fundamentals(
    box: LakeBox, columns: str, slug: str, chain: str = "__total__"
) -> dict[date, Any]:
    return {
        row[0]: row[1:]
        for row in box.query(
            f"select day, {columns} from marts.protocol_fundamentals_daily "
            f"where protocol_id = '{slug}' and chain_id = '{chain}'"
        )
    }


def test_a_label_at_midnight_is_the_day_before(box: LakeBox) -> None:
    found = fundamentals(box, "tvl_usd", "curve-dex")
    assert min(found) == DAYS[0]
    assert max(found) == DAYS[-1]
    assert found[DAYS[3]] == (50e6 + 3,)


def test_a_missing_chain_makes_the_total_unknown_or_partial(box: LakeBox) -> None:
    """The source's own total is silently smaller on both days."""
    found = fundamentals(box, "tvl_usd, is_partial, tvl_reported_usd", "uniswap-v3")
    assert found[DAYS[9]] == (100e6 + 9 + 0.5e6 + 9, False, 100e6 + 9 + 0.5e6 + 9)
    assert found[TINY_GONE] == (100e6 + 10, True, 100e6 + 10)
    assert found[LARGE_GONE] == (None, True, 0.5e6 + 12)
    assert found[DAYS[13]][1] is False


def test_absurd_and_negative_volumes_are_kept_out(box: LakeBox) -> None:
    columns = "dex_volume_usd, dex_volume_reported_usd, is_quarantined, fees_usd"
    found = fundamentals(box, columns, "uniswap-v3", "Ethereum")
    assert found[ABSURD] == (None, 7.6e16, True, 90_015.0)
    assert found[NEGATIVE] == (None, -5.2e6, True, 90_017.0)
    assert found[DAYS[16]] == (30e6 + 16, 30e6 + 16, False, 90_016.0)
    total = fundamentals(box, "dex_volume_usd, is_volume_ath", "uniswap-v3")
    assert total[ABSURD][0] is None
    assert total[DAYS[18]][0] == 30e6 + 18
    # a record against 30 days that were believed, not against 7.6e16
    assert total[DAYS[40]] == (30e6 + 40, True)


def test_an_absurd_tvl_is_kept_out_and_hides_no_absurd_volume(box: LakeBox) -> None:
    """Balancer's pools of July 2022, as Messari reported them: 2.63e17 dollars."""
    columns = "tvl_usd, tvl_reported_usd, dex_volume_usd, is_quarantined"
    found = fundamentals(box, columns, "impostor", "Base")
    assert found[ABSURD] == (None, 2.63e17, 1e5 + 15, True)
    assert found[DAYS[16]] == (2e6 + 16, 2e6 + 16, None, True)
    assert found[DAYS[17]] == (2e6 + 17, 2e6 + 17, 1e5 + 17, False)


def test_a_day_carried_forward_is_no_observation(box: LakeBox) -> None:
    columns = "fees_usd, dex_volume_usd, is_carried_forward, fees_reported_usd"
    found = fundamentals(box, columns, "uniswap-v3")
    assert found[CARRIED] == (None, None, True, 90_019.0)
    assert found[DAYS[21]][0] == 90_021.0


def test_zero_is_measured_and_missing_is_unknown(box: LakeBox) -> None:
    found = fundamentals(box, "fees_usd, dex_volume_usd", "uniswap-v3")
    assert found[ZERO] == (0.0, 0.0)
    assert found[SILENT] == (None, None)


def test_fees_without_revenue_have_no_supply_side(box: LakeBox) -> None:
    found = fundamentals(box, "fees_usd, revenue_usd, supply_side_usd", "curve-dex")
    assert found[DAYS[5]] == (20_005.0, None, None)
    split = fundamentals(box, "fees_usd, revenue_usd, supply_side_usd", "uniswap-v3")
    assert split[DAYS[5]] == (90_005.0, 30_005.0, 60_000.0)


def test_restated_fees_are_versions_and_the_newest_counts(box: LakeBox) -> None:
    versions = box.query(
        "select amount_usd, known_at from history.hist_defillama__protocol_metric "
        f"where series_id = 'dailyFees:uniswap-v3' and day_time = '{RESTATED}' order by known_at"
    )
    assert versions == [(100_000, FIRST_LOAD), (131_000, SECOND_LOAD)]
    assert fundamentals(box, "fees_usd", "uniswap-v3")[RESTATED] == (131_000.0,)
    # as it was known before, without touching anything else
    box.dbt(
        "run",
        "--select",
        "stg_lake__extraction int_build_stamp stg_defillama__protocol_metric "
        "stg_defillama__protocol_tvl int_protocol_report_daily int_protocol_daily",
        "--vars",
        f"{{as_of: '{FIRST_LOAD.isoformat()}'}}",
    )
    before = box.query(
        "select fees_usd from intermediate.int_protocol_daily where chain_id = '__total__' "
        f"and protocol_id = 'uniswap-v3' and day = '{RESTATED}'"
    )
    assert before == [(100_000.0,)]


def test_an_id_of_one_list_only_is_a_protocol(box: LakeBox) -> None:
    known = dict(
        box.query("select protocol_id, (has_tvl, has_fees, source_status) from marts.dim_protocol")
    )
    assert known["fees-only"] == (False, True, "available")
    assert known["joe-v2.2"] == (True, False, "available")
    assert known["farcaster"] == (False, False, "no_source")


def test_tickers_lead_to_no_token(box: LakeBox) -> None:
    tokens = dict(box.query("select protocol_id, token_asset_id from marts.dim_protocol"))
    assert tokens["uniswap-v3"] == "uniswap"
    assert tokens["impostor"] is None


def test_inflow_and_price_are_reported_apart(box: LakeBox) -> None:
    """TVL falls by 20 % and nobody has left; it grows 27.57-fold and no price has moved."""
    found = box.query(
        "select tvl_change_1d_usd, usd_inflow_1d_usd, price_effect_1d_usd, tvl_unexplained_1d_usd "
        f"from marts.protocol_growth_daily where protocol_id = 'morpho-v1' and day = '{CRASH}'"
    )
    [(fall, left, by_price, unexplained)] = found
    assert (fall, left, by_price) == pytest.approx((-10e6, 0, -10e6), rel=1e-4, abs=1e-3)
    assert fall == pytest.approx(left + by_price + unexplained, abs=1e-6)
    [(multiple, inflow, effect, change, since, gained)] = box.query(
        "select tvl_multiple_14d_x, usd_inflow_14d_usd, price_effect_14d_usd, tvl_change_14d_usd, "
        "days_since_launch_d, tvl_since_launch_usd from marts.protocol_growth_daily "
        f"where protocol_id = 'blackhole-clmm' and day = '{DAYS[LAUNCH + 14]}'"
    )
    # of a token and of an equity
    assert multiple == pytest.approx(27.571, abs=1e-3)
    assert inflow == pytest.approx(186e6, rel=1e-6)
    assert effect == pytest.approx(0, abs=1e-3)
    assert change == pytest.approx(inflow + effect, rel=1e-9)
    assert since == 14
    assert gained == pytest.approx(193e6, rel=1e-6)


def test_a_history_that_begins_with_the_lake_has_no_launch(box: LakeBox) -> None:
    launches = dict(box.query("select protocol_id, launch_day from marts.dim_protocol"))
    assert launches["blackhole-clmm"] == DAYS[LAUNCH]
    assert launches["joe-v2.2"] is None


def test_an_overtake_is_known_on_the_third_day(box: LakeBox) -> None:
    levels = [amount * price for amount, price in surging().values()]
    above = next(number for number, level in enumerate(levels) if level > 120.001e6)
    events = box.query(
        "select day, protocol_id, overtook_protocol_id, rank_in_chain_category "
        "from marts.protocol_fundamentals_daily "
        "where chain_id = 'Avalanche' and overtook_protocol_id is not null"
    )
    assert events == [(DAYS[LAUNCH + above + 2], "blackhole-clmm", "joe-v2.2", 1)]


def test_yields_are_split_by_what_the_whole_leaves(box: LakeBox) -> None:
    """Of 18 %, 3 % are earned; what is left is paid by incentives."""
    base, reward, incentives = fundamentals(
        box, "apy_base_frac, apy_reward_frac, incentives_usd", "curve-dex", "__total__"
    )[DAYS[4]]
    assert (base, reward) == pytest.approx((0.03, 0.15))
    assert incentives == pytest.approx(10e6 * 0.15 / 365)


def test_a_chain_overtakes_and_shares_are_of_the_tracked(box: LakeBox) -> None:
    overtakes = box.query(
        "select day, chain_id, overtook_chain_id from marts.chain_daily "
        "where overtook_chain_id is not null"
    )
    assert overtakes == [(DAYS[22], "Base", "Arbitrum")]
    shares = box.query(
        "select day, sum(tvl_share_frac), count(tvl_share_frac) from marts.chain_daily "
        f"where day in ('{DAYS[5]}', '{DAYS[6]}') group by day order by day"
    )
    assert [count for _, _, count in shares] == [4, 3]
    assert [share for _, share, _ in shares] == pytest.approx([1, 1])


def test_a_chain_without_a_close_shows_the_last_one_and_its_age(box: LakeBox) -> None:
    """Only in a column that says so, and for two days; shares and ranks are of closes."""
    found = box.query(
        "select tvl_usd, tvl_rank, tvl_usd_ffill, tvl_staleness_d from marts.chain_daily "
        f"where chain_id = 'Ink' and day between '{DAYS[5]}' and '{DAYS[7]}' order by day"
    )
    assert found == [
        (1e6 + 5, 4, 1e6 + 5, 0),
        (None, None, 1e6 + 5, 1),
        (1e6 + 7, 4, 1e6 + 7, 0),
    ]


def test_a_window_is_known_when_all_of_its_days_were(box: LakeBox) -> None:
    """The last days were loaded in time; what looks back 30 or 180 days rests on a first load."""
    last = f"day = '{DAYS[-1]}'"
    [(own,)] = box.query(
        "select pit_basis from marts.protocol_fundamentals_daily "
        f"where protocol_id = 'uniswap-v3' and chain_id = '__total__' and {last}"
    )
    [(chain,)] = box.query(
        f"select pit_basis from marts.chain_daily where chain_id = 'Base' and {last}"
    )
    [(growth,)] = box.query(
        "select pit_basis from marts.protocol_growth_daily "
        f"where protocol_id = 'uniswap-v3' and {last}"
    )
    assert (own, chain, growth) == ("captured", "assumed", "assumed")


def test_what_nobody_tells_is_not_zero(box: LakeBox) -> None:
    """NULL everywhere, and the catalogue says why."""
    assert box.query(
        "select count(median_fee_usd), count(retention_w1_frac), count(net_bridge_flow_usd) "
        "from marts.chain_daily"
    ) == [(0, 0, 0)]


def test_an_equity_counts_once_it_is_known_and_while_it_is_fresh(box: LakeBox) -> None:
    """The worth of a quarter's end is good until a later one is known, here that of 12 August."""
    found = dict(
        box.query(
            "select day, (equity_mcap_usd, equity_staleness_d) from marts.exchange_token_daily "
            "where exchange_id = 'coinbase' and day between '2025-08-11' and '2025-08-17'"
        )
    )
    assert found[date(2025, 8, 11)] == (89.7e9, 42)
    assert found[date(2025, 8, 12)] == (84e9, 0)
    assert found[date(2025, 8, 17)] == (84e9, 5)
    goes_stale = "update curated.exchange_equity_curated set ttl_d = 4"
    with box.tampered(goes_stale) as other:
        other.dbt("run", "--select", "int_exchange_equity_daily")
        days_known = other.query(
            "select max(day) from intermediate.int_exchange_equity_daily "
            "where equity_day = '2025-08-12'"
        )
    assert days_known == [(date(2025, 8, 16),)], "what is too old is not known"


TOTAL = "chain_id = '__total__' and protocol_id = 'uniswap-v3'"


@pytest.mark.parametrize(
    ("mart", "change", "where", "check", "named"),
    [
        (
            "protocol_fundamentals_daily",
            "supply_side_usd = supply_side_usd + 0.006 * fees_usd",
            TOTAL,
            "protocol_fundamentals_daily_quality_suite",
            "revenue is fees less supply side",
        ),
        (
            "protocol_fundamentals_daily",
            "tvl_usd = tvl_usd * (1 + 2e-6)",
            TOTAL,
            "assert_chains_sum_to_total",
            "uniswap-v3",
        ),
        (
            "protocol_growth_daily",
            "tvl_unexplained_14d_usd = tvl_unexplained_14d_usd + 1e-4 * tvl_usd",
            "protocol_id = 'morpho-v1'",
            "protocol_growth_daily_quality_suite",
            "tvl change 14d is inflow price and rest",
        ),
        (
            "chain_daily",
            "tvl_share_frac = tvl_share_frac + 1e-8",
            "chain_id = 'Base'",
            "assert_chain_shares_sum_to_one",
            DAYS[-1],
        ),
    ],
    ids=lambda value: value if str(value).startswith("assert_") else "",
)
def test_e08_what_does_not_add_up_is_found(
    box: LakeBox, mart: str, change: str, where: str, check: str, named: Any
) -> None:
    assert box.verdict(check) == ("pass", [])
    day = f"day = '{DAYS[-1]}'"
    with box.tampered(f"update marts.{mart} set {change} where {where} and {day}") as broken:
        status, found = broken.verdict(check)
    assert status == "fail"
    assert [row[0] for row in found] == [named]


@pytest.mark.slow
def test_an_empty_lake_has_no_protocols(seeded_box: LakeBox) -> None:
    seeded_box.run(f"{SELECT} +exchange_token_daily")
    assert seeded_box.query(
        "select (select count(*) from marts.protocol_fundamentals_daily), "
        "(select count(*) from marts.protocol_growth_daily), "
        "(select count(*) from marts.chain_daily)"
    ) == [(0, 0, 0)]
