"""Whole sources on damaged answers: what they make of them, and how many examples were tried.

`python -m tests.sources.fuzz_sources --examples 1000` tries so many of each source, and of each
recorded body where recordings are at hand (TOKENMART_SHARED_DATA), and prints the counts.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table as Grid

from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.windows import Window
from pipelines.extraction import drift
from pipelines.extraction.parsing import OFF_GRID
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import load
from pipelines.sandbox.generate import GeneratorSettings, generate
from tests.sources.fuzz import JUNK, _damage, _keeps_its_declaration, numbers_in
from tests.sources.replay import Key, Played, Tape, play, record

_WIDE = Context(prec=80)
_NO_NAMES = pl.DataFrame(schema=drift.KNOWN_NAMES)
_NAUTILUS, _GAMESTONK = "exchange_wire_samples_nautilus", "http_recorded_gamestonk"
# recorded bodies: for each source the part of a path that they answer, and the file
RECORDED: dict[str, tuple[tuple[str, str], ...]] = {
    "binance": (
        ("api/v3/klines", f"{_NAUTILUS}/binance__http_spot_market_klines.json"),
        ("exchangeInfo", f"{_NAUTILUS}/binance__http_spot_market_exchange_info.json"),
    ),
    "binance_futures": (
        ("exchangeInfo", f"{_NAUTILUS}/binance__http_futures_market_exchange_info.json"),
    ),
    "kraken": (
        ("OHLC", f"{_NAUTILUS}/kraken__http_ohlc.json"),
        ("AssetPairs", f"{_NAUTILUS}/kraken__http_asset_pairs.json"),
    ),
    "okx": (
        ("history-candles", f"{_NAUTILUS}/okx__http_get_candlesticks_full.json"),
        ("funding-rate-history", f"{_NAUTILUS}/okx__http_get_funding_rate_history.json"),
        ("instruments", f"{_NAUTILUS}/okx__http_get_instruments_swap.json"),
    ),
    "bybit": (
        ("kline", f"{_NAUTILUS}/bybit__http_get_klines_linear.json"),
        ("funding/history", f"{_NAUTILUS}/bybit__http_get_funding_history.json"),
        ("instruments-info", f"{_NAUTILUS}/bybit__http_get_instruments_spot.json"),
    ),
    "coinbase": (("products", f"{_GAMESTONK}/api.pro.coinbase.com__products__000.json"),),
    "coingecko": (
        ("coins/markets", f"{_GAMESTONK}/api.coingecko.com__api_v3_coins_markets_order_*_250_*"),
        ("market_chart", f"{_GAMESTONK}/api.coingecko.com__api_v3_coins_bitcoin_market_chart_*"),
    ),
    "blockchain_info": (
        ("n-transactions", f"{_GAMESTONK}/api.blockchain.info__charts_n_transactions_*"),
        ("total-bitcoins", f"{_GAMESTONK}/api.blockchain.info__charts_total_bitcoins_*"),
    ),
    "coinmetrics_archive": (("btc.csv", "coinmetrics_vintages/v2020-01-03__btc.csv"),),
    "defillama": (
        ("protocols", f"{_GAMESTONK}/api.llama.fi__protocols__*"),
        ("protocol/", f"{_GAMESTONK}/api.llama.fi__protocol_anchor__*"),
        ("summary/fees", "hyperliquid_recorded_api/fees.json"),
    ),
    "defillama_stablecoins": (
        ("stablecoins", "defillama_stablecoins_recorded_2024/stablecoins.json"),
    ),
}
# rows of a recorded list that are kept: a parser does with twenty what it does with ten thousand
_KEPT = 20
# tables whose amounts are computed: smallest units in units, native amounts in dollars
_COMPUTED = {
    ("ethereum", "token_supply", "total_supply"),
    ("ethereum", "transfers", "value"),
    ("defillama_stablecoins", "stablecoins", "circulating_usd"),
}


@dataclass
class Tried:
    """What became of the examples of one tape.

    Attributes:
        examples: examples tried.
        outcomes: how many of them ended with quarantined rows, refusals, failures; or untouched.
    """

    examples: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tried) -> None:
        """Count what another has tried, too."""
        self.examples += other.examples
        self.outcomes.update(other.outcomes)


def recorded_tapes(tape: Tape, folder: Path) -> Iterator[Tape]:
    """Yield the tape with each recorded body in the place of what it answers."""
    for part, pattern in RECORDED.get(tape.source, ()):
        (path, *_) = sorted(folder.glob(pattern))
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".csv":
            header, *lines = text.splitlines()
            last = datetime.fromisoformat(lines[-1].partition(",")[0]).replace(tzinfo=UTC)
            body: Any = "\n".join([header, *lines[-_KEPT:]]) + "\n"
        else:
            body = _shortened(json.loads(text))
            last = max(_instants(body), default=tape.fetched_at)
        # as if it were the day after the newest row
        fetched_at = last + timedelta(days=1)
        window = Window(fetched_at.date() - timedelta(days=10), fetched_at.date())
        yield replace(tape, stand_in=(part, body), fetched_at=fetched_at, window=window)


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        kept = list(value.items())[-3 * _KEPT :]
        return {name: _shortened(inner) for name, inner in kept}
    if isinstance(value, list):
        return [_shortened(inner) for inner in value[:5] + value[5:][-_KEPT:]]
    return value


def _instants(value: Any) -> Iterator[datetime]:
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _instants(inner)
    elif not isinstance(value, (bool, float)) and str(value).isdecimal():
        for unit in (1, 1000):
            if 1_400_000_000 <= int(value) / unit <= 1_790_000_000:
                yield datetime.fromtimestamp(int(value) / unit, UTC)


@st.composite
def damaged_answer(draw: st.DrawFn, answer: Any) -> Any:
    """Draw the answer with one to four damages, each at a place that is walked to."""
    if isinstance(answer, str):
        return _damaged_text(draw, answer)
    result = copy.deepcopy(answer)
    for _ in range(draw(st.integers(1, 4))):
        path: tuple[Any, ...] = ()
        value = result
        while isinstance(value, (dict, list)) and value and draw(st.integers(0, 4)):
            keys = list(value) if isinstance(value, dict) else range(len(value))
            path = (*path, keys[draw(st.integers(0, len(keys) - 1))])
            value = value[path[-1]]
        how = draw(
            st.sampled_from(["drop", "truncate", "nest", "text", "twice", "last", "replace"])
        )
        result = _damage(result, path, how, draw(JUNK))
    return result


def _damaged_text(draw: st.DrawFn, text: str) -> str:
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(lines) - 1, 0)))
        if not lines:
            break
        how = draw(st.sampled_from(["drop", "twice", "cell", "cut", "first"]))
        if how == "drop":
            del lines[at]
        elif how == "twice":
            lines.insert(at, lines[at])
        elif how == "cell":
            cells = lines[at].split(",")
            cells[draw(st.integers(0, len(cells) - 1))] = str(draw(JUNK)).replace("\ud800", "?")
            lines[at] = ",".join(cells)
        elif how == "cut":
            lines[at] = lines[at][: len(lines[at]) // 2]
        else:
            lines.append(lines.pop(0))
    return "\n".join(lines)


def check(played: Played, tape: Tape, numbers: set[Decimal]) -> str:
    """Assert what must hold whatever was answered; return how the extraction ended."""
    tables = {table.name: table for table in sources.tables(tape.source)}
    for name, rows in played.landed.items():
        table = tables[name]
        assert rows.schema == table.arrow_schema(), name
        for row in rows.to_pylist():
            _keeps_its_declaration(table, row)
            for column, cell in row.items():
                if isinstance(cell, Decimal) and (tape.source, name, column) not in _COMPUTED:
                    digits = cell.quantize(Decimal("1e-18"), context=_WIDE)
                    assert digits in numbers, f"{tape.source}.{name}: nobody sent {cell}: {row}"
    for line in played.quarantine:
        assert line["reason"].partition(": ")[2], f"no reason: {line}"
        json.loads(line["payload"])
    # a row off the grid is of no fact that was asked for: a load without it is whole
    unclear = {
        entity
        for line in played.quarantine
        if f": {OFF_GRID} " not in line["reason"]
        for entity in line["entity_id"].split(",")
    }
    for row in played.run.log().to_pylist():
        assert (row["status"] == "ok") == (row["error"] is None), row
        is_whole = row["rows_quarantined"] == 0 or row["entity_id"] not in unclear
        assert is_whole or row["status"] != "ok", row
    names, gone = drift.compare_names(_NO_NAMES, played.run.listed(), tape.fetched_at)
    assert gone == ()
    assert not names.filter(pl.any_horizontal(pl.all().is_null())).height, "a list names nothing"
    if played.run.failures:
        return "failed"
    if played.run.refusals:
        return "refused"
    return "quarantined" if played.quarantine else "landed"


def try_source(tape: Tape, examples: int, *, is_reproducible: bool = True) -> Tried:
    """Damage answers of the tape so many times; return what became of them.

    Raises:
        AssertionError: an outcome that must not be, with the smallest example.
    """
    tried = Tried()
    keys = sorted(tape.answers)
    if tape.stand_in is not None:
        keys = [key for key in keys if tape.stand_in[0] in key[0]] or [(tape.stand_in[0], "null")]
    answers = [*tape.answers.values(), *(tape.stand_in or ())[1:]]
    # what is left out by a source is zero at times, and said to be so
    sent = set().union(*(_numbers(answer) for answer in answers)) | {Decimal(0)}
    clean = play(tape)
    assert check(clean, tape, sent) in ("landed", "quarantined", "refused", "failed")

    @settings(
        max_examples=examples,
        derandomize=is_reproducible,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def run(data: st.DataObject) -> None:
        key = keys[data.draw(st.integers(0, len(keys) - 1))]
        original = tape.stand_in[1] if tape.stand_in is not None else tape.answers[key]
        changed = data.draw(damaged_answer(original))

        def change(asked: Key, answer: Any) -> Any:
            is_it = tape.stand_in is not None or asked == key
            return changed if is_it and answer is original else answer

        played = play(tape, change)
        tried.examples += 1
        tried.outcomes[check(played, tape, sent | _numbers(changed))] += 1

    run()
    return tried


def _numbers(answer: Any) -> set[Decimal]:
    if isinstance(answer, str):
        return numbers_in([cell for line in answer.splitlines() for cell in line.split(",")])
    return numbers_in(answer)


def main() -> None:
    """Try every source, and print what became of the examples."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.sources.fuzz_sources", description=__doc__
    )
    parser.add_argument("--examples", type=int, default=100, help="of each source and body")
    parser.add_argument("--sources", nargs="+", choices=sources.SOURCES, default=sources.SOURCES)
    arguments = parser.parse_args()
    shared = os.environ.get("TOKENMART_SHARED_DATA")
    ends = ("landed", "quarantined", "refused", "failed")
    grid = Grid("source", "bodies", "examples", *ends, title="Damaged answers")
    total = Tried()
    market = GeneratorSettings(
        name="fuzz",
        start=date(2025, 9, 15),
        end=date(2026, 1, 12),
        assets=16,
        venues=6,
        stablecoins=9,
    )
    with TemporaryDirectory() as folder:
        dataset = load(generate(market, Path(folder) / "fuzz"))
        with SandboxServer(dataset) as server:
            settings_of = Settings(
                data_dir=Path(folder), sandbox_url=server.url, curation_dir=dataset.path
            )
            for name in arguments.sources:
                tapes = [record(name, settings_of, dataset, days=2)]
                if shared is not None:
                    tapes += recorded_tapes(tapes[0], Path(shared))
                tried = Tried()
                for tape in tapes:
                    tried.add(try_source(tape, arguments.examples, is_reproducible=False))
                counts = (f"{tried.outcomes[end]:,}" for end in ends)
                bodies = f"{len(tapes[0].answers)} + {len(tapes) - 1}"
                grid.add_row(name, bodies, f"{tried.examples:,}", *counts)
                total.add(tried)
    grid.add_section()
    grid.add_row("all", "", f"{total.examples:,}", *(f"{total.outcomes[end]:,}" for end in ends))
    Console(width=110).print(grid)


if __name__ == "__main__":
    main()
