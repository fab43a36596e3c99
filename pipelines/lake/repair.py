"""What is missing in the lake and can still be had, by the mart `ops_gap`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.core.windows import DAY, Window
from pipelines.sources import SOURCES

_GAPS = """
    select source, table_name, series_id, gap_from, gap_to
    from marts.ops_gap
    where is_repairable
    order by source, table_name, series_id, gap_from
"""
_HAS_MART = """
    select 1 from duckdb_tables() where schema_name = 'marts' and table_name = 'ops_gap'
"""


@dataclass(frozen=True, order=True)
class GapRequest:
    """One request of a repair: some days of some series of a raw table, or of a whole source.

    Attributes:
        source: the source.
        table_name: the raw table; None: all.
        window: the days.
        entities: the source's ids of the series; none: all.
        purpose: why, for the log.
    """

    source: str
    table_name: str | None
    window: Window
    entities: tuple[str, ...] = ()
    purpose: str = "repair"

    def as_config(self) -> dict[str, Any]:
        """Return it as what a run's config can hold, which has no NULL in a map."""
        table = {} if self.table_name is None else {"table_name": self.table_name}
        return {
            "source": self.source,
            **table,
            "first": self.window.start.isoformat(),
            "last": self.window.last.isoformat(),
            "entities": list(self.entities),
            "purpose": self.purpose,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> GapRequest:
        """Return what `as_config` was made of."""
        return cls(
            config["source"],
            config.get("table_name"),
            Window.between(date.fromisoformat(config["first"]), date.fromisoformat(config["last"])),
            tuple(config["entities"]),
            config["purpose"],
        )


def gap_requests(settings: Settings) -> tuple[GapRequest, ...]:
    """Return what to ask for again, by what the warehouse knows; series with one gap go together.

    Sources that the user switched off are left alone.
    """
    if not settings.warehouse_path.exists():
        return ()
    with warehouse.read(settings.warehouse_path) as connection:
        gaps: Sequence[Any] = ()
        if connection.execute(_HAS_MART).fetchone() is not None:
            gaps = connection.execute(_GAPS).fetchall()
    together: dict[tuple[str, str, Window], list[str]] = {}
    for source, table_name, series_id, first, last in gaps:
        if settings.overrides(source).enabled:
            window = Window(first, last + DAY)
            together.setdefault((source, table_name, window), []).append(series_id)
    return tuple(
        sorted(
            GapRequest(source, table_name, window, tuple(series))
            for (source, table_name, window), series in together.items()
        )
    )


def rereads(
    settings: Settings, window: Window, source: str | None = None
) -> tuple[GapRequest, ...]:
    """Return requests for all of a range again: of one source, or of each that is not off."""
    names = [source] if source else [name for name in SOURCES if settings.overrides(name).enabled]
    return tuple(GapRequest(name, None, window, purpose="reread") for name in names)


def span(wanted: Sequence[GapRequest]) -> Window:
    """Return the days from the first to the last that any of them asks for."""
    return Window(
        min(request.window.start for request in wanted),
        max(request.window.end for request in wanted),
    )
