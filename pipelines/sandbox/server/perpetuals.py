"""Perpetual contracts of a venue: which are listed, their funding and their open interest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pipelines.sandbox.server.mount import Examples
from pipelines.sandbox.server.state import Floats, Ints, State, Versions

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Contract:
    """A perpetual as the venue lists it at the clock's instant."""

    symbol: str
    base_code: str
    quote_code: str
    contract_size: float
    listed_day: date
    delisted_day: date | None
    today: date

    @property
    def is_delisted(self) -> bool:
        """True once its last day is over."""
        return self.delisted_day is not None and self.delisted_day < self.today


class Series:
    """What a contract has said over time; null is NaN.

    Attributes:
        versions: which rows are served when; its keys are instants in milliseconds.
        values: the columns as numbers.
    """

    def __init__(self, frame: pl.DataFrame, at: str, columns: tuple[str, ...]) -> None:
        """Take one contract's rows, sorted by instant and known instant."""
        self.versions = Versions(
            frame[at].dt.epoch("ms").to_numpy(),
            frame["known_us"].to_numpy(),
            frame["gone"].to_numpy(),
        )
        self.values: dict[str, Floats] = {
            name: frame[name].fill_null(float("nan")).to_numpy() for name in columns
        }

    def between(self, now_us: int, start_ms: int | None, end_ms: int | None) -> Ints:
        """Return the positions of the rows served now, both ends inclusive, oldest first."""
        positions = self.versions.at(now_us)
        times = self.versions.keys[positions]
        if start_ms is not None:
            positions, times = positions[times >= start_ms], times[times >= start_ms]
        return positions if end_ms is None else positions[times <= end_ms]


def contracts(state: State, venue: str) -> dict[str, Contract]:
    """Return the venue's contracts by symbol, delisted ones too."""

    def read() -> dict[str, Contract]:
        rows = state.visible("perpetuals").filter(pl.col("venue") == venue).sort("listed_day")
        return {
            row["symbol"]: Contract(
                symbol=row["symbol"],
                base_code=row["base_code"],
                quote_code=row["quote_code"],
                contract_size=row["contract_size"] or 1.0,
                listed_day=row["listed_day"],
                delisted_day=row["delisted_day"],
                today=state.today,
            )
            for row in rows.iter_rows(named=True)
        }

    return state.cached(("perpetuals", venue), read)


def funding(state: State, venue: str, symbol: str) -> Series | None:
    """Return a contract's settlements, or None if there are none."""
    columns = ("rate", "predicted_rate", "interval_h", "mark_price")
    return _series(state, "funding", "funding_time", columns).get((venue, symbol))


def open_interest(state: State, venue: str, symbol: str) -> Series | None:
    """Return a contract's open interest, or None if there is none."""
    columns = ("open_interest", "open_interest_value")
    return _series(state, "open_interest", "ts", columns).get((venue, symbol))


def _series(
    state: State, table: str, at: str, columns: tuple[str, ...]
) -> dict[tuple[Any, ...], Series]:
    return state.kept(
        ("perpetual series", table),
        lambda: {
            key: Series(rows, at, columns)
            for key, rows in state.frame(table)
            .partition_by("venue", "symbol", as_dict=True, maintain_order=True)
            .items()
        },
    )


def amount(value: float, decimals: int = 8) -> str:
    """Return a number as venues print it."""
    return f"{value:.{decimals}f}"


def of_first_contract(name: str, *examples: tuple[str, str]) -> Examples:
    """Return examples about the venue's first contract, whose symbol is put into the addresses."""

    def found(state: State) -> Iterator[tuple[str, str]]:
        symbol = next(iter(contracts(state, name)), None)
        if symbol is not None:
            for path, what in examples:
                yield f"/{name}{path.format(symbol)}", what

    return found
