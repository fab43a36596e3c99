"""What is written from the sources' declarations: files that others read and nobody edits.

`python -m pipelines.sources write` writes them; a test compares each with what would be written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines import sources
from pipelines.tables import Table

_REPO = Path(__file__).resolve().parents[1]
_COMMAND = "python -m pipelines.sources write"


class DeclarationError(Exception):
    """A source does not declare what its kind must; the message says which and what."""


def texts() -> dict[str, str]:
    """Return every written file's text by its path in the project.

    Raises:
        DeclarationError: a source does not declare what its kind must.
    """
    return {"dbt/macros/generated/sources.sql": _macros()}


def stale(root: Path = _REPO) -> list[str]:
    """Return the written files that are not what the declarations say."""
    return [name for name, text in texts().items() if _read(root / name) != text]


def write(root: Path = _REPO) -> list[str]:
    """Write what is stale; return the paths."""
    changed = stale(root)
    for name in changed:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts()[name], encoding="utf-8")
    return changed


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def spot_venue(name: str, tables: tuple[Table, ...]) -> Mapping[str, Any]:
    """Return what dbt must know of a spot venue to read its candles beside the others'.

    Raises:
        DeclarationError: it has no table of daily candles, or no list of markets.
    """
    daily = [(table, table.candle) for table in tables if table.candle is not None]
    lists = [(table, table.listing) for table in tables if table.listing is not None]
    if len(daily) != 1 or len(lists) != 1:
        raise DeclarationError(
            f"{name} is a spot venue: one of its tables has a `candle` and one a `listing`"
        )
    (table, candle), (listing, listed) = daily[0], lists[0]
    nameless = [one.name for one in (table, listing) if one.entity is None]
    if nameless:
        raise DeclarationError(f"{name}: {', '.join(nameless)} has no `entity`")
    return {
        "name": name,
        "table": table.name,
        "candle": table.entity,
        "key": list(table.key),
        "symbol": candle.symbol,
        "names": list(candle.names or (candle.symbol,)),
        "tells": list(candle.tells),
        "listing": listing.entity,
        "listed_symbol": listed.names[-1],
    }


def _macros() -> str:
    venues = [
        spot_venue(name, sources.tables(name))
        for name in sources.SOURCES
        if sources.source(name).kind == "spot_venue"
    ]
    return (
        f"{{#- Written by `{_COMMAND}`. -#}}\n"
        + _macro("Every source, by name.", "all_sources", list(sources.SOURCES))
        + "\n\n"
        + _macro(
            "Spot venues: where their candles and lists of markets are, and what these say.",
            "spot_venues",
            venues,
        )
    )


def _macro(comment: str, name: str, values: list[Any]) -> str:
    """Return a macro that returns a list, one entry a line."""
    lines = "".join(f"        {json.dumps(value)},\n" for value in values)
    return (
        f"{{#- {comment} -#}}\n"
        f"{{% macro {name}() -%}}\n    {{{{ return([\n{lines}    ]) }}}}\n{{%- endmacro %}}\n"
    )
