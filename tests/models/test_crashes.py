"""Hundreds of generated crashes through the warehouse: events, alerts, and one worst everywhere."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.crashes import CRASH_DAY, DAY_COUNT, VENUES, Crash, crashes
from tests.models.lake_box import LakeBox, day_start, days
from tests.models.market import DAY, Market, dollars
from tests.models.test_stablecoins import references

DAYS = days("2024-01-01", DAY_COUNT)
COUNT = 300
COINS = {f"crash-{number:03d}": crash for number, crash in enumerate(crashes(COUNT, seed=12))}
# a coin that one venue lists, which prints a wick
LONELY = "crash-lonely"
COINS[LONELY] = Crash(kind="wick", depth=0.4, venues=1)
FORMS = {"coinbase": "{}-USD", "bitstamp": "{}usd", "okx": "{}-USD"}


def _code(coin: str) -> str:
    return coin.replace("crash-", "CR").upper()


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    dollars(town, DAYS)
    markets, prices = [], []
    for coin, crash in COINS.items():
        prints = crash.prints()
        for venue in VENUES[: crash.venues]:
            symbol = FORMS.get(venue, "{}USD").format(_code(coin))
            candles = {
                day: {
                    "close": at.close,
                    "open": at.close,
                    "low": at.low,
                    "volume_usd": at.volume_usd,
                }
                for day, printed in zip(DAYS, prints, strict=True)
                if (at := printed.get(venue)) is not None
            }
            town.add(
                venue, symbol, _code(coin), "USD", candles, is_trading=DAYS[-1] in candles,
                is_volume_steady=True,
            )  # fmt: skip
            markets.append(
                {
                    "venue": venue,
                    "symbol": symbol,
                    "base_code": _code(coin),
                    "quote_code": "USD",
                    "base_asset_id": coin,
                    "quote_asset_id": "fiat-usd",
                    "listed_day": DAYS[0],
                }
            )
        prices += references(
            coin,
            {
                day: price
                for number, day in enumerate(DAYS)
                if (price := crash.reference(number)) is not None
            },
        )
    town.land(shared_box)
    shared_box.load(
        "defillama_stablecoins", {"prices": prices}, fetched_at=day_start(DAYS[-1]) + DAY * 1.25
    )
    _curate(shared_box, markets)
    shared_box.run("+depeg_event +stablecoin_risk_card")
    return shared_box


def _curate(box: LakeBox, markets: list[dict[str, Any]]) -> None:
    folder = box.data_dir / "curation"
    folder.mkdir()
    pl.DataFrame(markets).write_parquet(folder / "markets.parquet")
    names = pl.DataFrame({"asset_id": list(COINS)}).with_columns(
        symbol=pl.Series([_code(coin) for coin in COINS]), name=pl.Series(list(COINS))
    )
    names.with_columns(
        asset_class=pl.lit("stablecoin"), coingecko_id=pl.col("asset_id")
    ).write_parquet(folder / "assets.parquet")
    names.with_columns(
        stablecoin_id=pl.col("asset_id"),
        gecko_id=pl.col("asset_id"),
        peg_type=pl.lit("peggedUSD"),
        peg_mechanism=pl.lit("fiat-backed"),
    ).write_parquet(folder / "stablecoins.parquet")
    box.environment["TOKENMART_CURATION_DIR"] = str(folder)


def _events(box: LakeBox) -> dict[str, list[tuple[date, date, str]]]:
    found: dict[str, list[tuple[date, date, str]]] = {}
    for coin, *event in box.query(
        "select stablecoin_id, start_day, detected_day, event_state"
        " from marts.depeg_event order by start_day"
    ):
        found.setdefault(coin, []).append(tuple(event))
    return found


def test_every_crash_is_an_event_on_the_first_day_that_it_can_be_known(box: LakeBox) -> None:
    events = _events(box)
    known = {coin: crash.first_known() for coin, crash in COINS.items()}
    wanted = {coin: DAYS[number] for coin, number in known.items() if number is not None}
    assert len(wanted) > COUNT // 2, "the generator makes too few crashes"
    found = {coin: rows[0][1] for coin, rows in events.items()}
    wrong = {
        coin: (wanted.get(coin), found.get(coin), COINS[coin])
        for coin in wanted | found
        if wanted.get(coin) != found.get(coin)
    }
    assert wrong == {}, f"{len(wrong)} of {len(COINS)} (wanted, found, crash)"
    assert {rows[0][0] for rows in events.values()} == {DAYS[CRASH_DAY]}


def test_no_wick_and_no_low_has_an_event(box: LakeBox) -> None:
    kinds = Counter(COINS[coin].kind for coin in _events(box))
    assert set(kinds) == {"fall"}


def test_an_event_ends_by_a_recovery_alone(box: LakeBox) -> None:
    ended = {coin for coin, rows in _events(box).items() if rows[0][2] != "open"}
    assert len(ended) > 10
    assert {coin for coin in ended if COINS[coin].recovers_after is None} == set()


def test_the_worst_is_one_number(box: LakeBox) -> None:
    different = box.query(
        """
        with peg as (
            select event.event_id, max_by(peg.dev_bps, abs(peg.dev_bps)) as worst_bps
            from marts.depeg_event as event
            inner join marts.stablecoin_peg_daily as peg
                on event.stablecoin_id = peg.stablecoin_id
                and peg.day >= event.start_day
                and peg.day <= coalesce(event.closed_day, peg.day)
            group by event.event_id
        )

        select
            event.stablecoin_id,
            event.worst_bps,
            peg.worst_bps,
            card.worst_bps,
            card.worst_dev_bps
        from marts.depeg_event as event
        inner join peg on event.event_id = peg.event_id
        inner join marts.stablecoin_risk_card as card on event.stablecoin_id = card.stablecoin_id
        where event.worst_bps is distinct from peg.worst_bps
            or event.worst_bps is distinct from card.worst_bps
            or event.worst_bps is distinct from card.worst_dev_bps
        """
    )
    assert different == []


def test_the_last_day_off_and_the_duration_follow_the_peg_table(box: LakeBox) -> None:
    wrong = box.query(
        """
        select event.stablecoin_id, event.last_day_off, max(peg.day), event.duration_d
        from marts.depeg_event as event
        inner join marts.stablecoin_peg_daily as peg on event.stablecoin_id = peg.stablecoin_id
        where event.event_state = 'open' and abs(peg.dev_bps) > 50
        group by event.stablecoin_id, event.last_day_off, event.duration_d, event.start_day
        having event.last_day_off != max(peg.day)
        """
    )
    assert wrong == []
    lasted = box.query(
        "select distinct event_state, duration_d = date_diff('day', start_day,"
        f" coalesce(closed_day, date '{DAYS[-1]}')) from marts.depeg_event"
    )
    assert {is_right for _, is_right in lasted} == {True}


def test_every_day_tells_its_evidence(box: LakeBox) -> None:
    evidence = Counter(
        value
        for (value,) in box.query(
            "select evidence from marts.depeg_event_log where change = 'open'"
        )
    )
    assert set(evidence) == {"multi_venue", "single_venue"}
    alone = {coin for coin, crash in COINS.items() if crash.venues == 1}
    reported = {
        coin
        for (coin,) in box.query(
            "select stablecoin_id from marts.depeg_event_log where evidence = 'single_venue'"
        )
    }
    assert alone & set(_events(box)) <= reported


def test_the_only_venue_of_a_coin_is_reported_at_once_and_believed_with_its_next_print(
    box: LakeBox,
) -> None:
    reported = dict(
        box.query(
            "select stablecoin_id, min(known_from_day) from intermediate.int_depeg_log group by 1"
        )
    )
    late = {
        coin: reported.get(coin)
        for coin, crash in COINS.items()
        if crash.kind == "fall" and reported.get(coin) != DAYS[CRASH_DAY]
    }
    assert late == {}, "the first print off the peg was not reported on its own day"
    assert reported[LONELY] == DAYS[CRASH_DAY]
    assert LONELY not in _events(box)
