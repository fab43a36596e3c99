"""What is written from the sources' declarations: files that others read and nobody edits.

`python -m pipelines.sources write` writes them; a test compares each with what would be written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

from pipelines import sources
from pipelines.tables import EXTRACTION, FETCHED_AT, QUARANTINE, Column, Kind, Table

_REPO = Path(__file__).resolve().parents[1]
_MACROS = "dbt/macros/generated/sources.sql"
_COMMAND = "python -m pipelines.sources write"
_LOAD_ID = Column("_dlt_load_id", "text", "The load that brought the row.")
_LISTED = "Files of complete loads are listed in the lake's catalog."
_SQL_TYPES: Mapping[Kind, str] = {
    "text": "varchar",
    "decimal": "decimal(38,18)",
    "integer": "bigint",
    "double": "double",
    "boolean": "boolean",
    "timestamp": "timestamptz",
}


class DeclarationError(Exception):
    """A source does not declare what its kind must; the message says which and what."""


def texts(root: Path = _REPO) -> dict[str, str]:
    """Return what every written file should say, by its path in the project.

    Raises:
        DeclarationError: a source does not declare what its kind must, or a file has no place for
            what is written into it.
    """
    written = {_MACROS: _macros()}
    written |= {_dbt_sources_path(name): _dbt_sources(name) for name in sources.SOURCES}
    for name, (first, last, body) in _sections().items():
        written[name] = _with_section(name, _read(root / name) or "", first, last, body)
    return written


def stale(root: Path = _REPO) -> list[str]:
    """Return the written files that are not what the declarations say."""
    return [name for name, text in texts(root).items() if _read(root / name) != text]


def write(root: Path = _REPO) -> list[str]:
    """Write what is stale; return the paths."""
    changed = stale(root)
    for name, text in texts(root).items():
        if name in changed:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
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


def _sections() -> dict[str, tuple[str, str, str]]:
    """Return what is written into files of people: the lines around it, and the text."""
    names = fill(", ".join(sources.SOURCES), 96, initial_indent="# ", subsequent_indent="# ")
    table = [
        "| source | what | kind | tables | asked again, days | terms |",
        "|---|---|---|--:|--:|---|",
    ]
    for name in sources.SOURCES:
        one = sources.source(name)
        kind, count = one.kind.replace("_", " "), len(sources.tables(name))
        table.append(
            f"| {name} | {one.title} | {kind} | {count} | {one.look_back_d} | {one.licence} |"
        )
    return {
        ".env.example": (f"# written by `{_COMMAND}`:", "# end of what is written", names),
        "docs/sources.md": (
            f"<!-- written by `{_COMMAND}` -->",
            "<!-- end of what is written -->",
            "\n" + "\n".join(table) + "\n",
        ),
    }


def _with_section(name: str, text: str, first: str, last: str, body: str) -> str:
    before, found, rest = text.partition(f"{first}\n")
    _, ended, after = rest.partition(f"{last}\n")
    if not found or not ended:
        raise DeclarationError(f"{name} has no lines `{first}` and `{last}`")
    return f"{before}{found}{body}\n{ended}{after}"


def _dbt_sources_path(name: str) -> str:
    return f"dbt/models/history/_{name}__sources.yml"


def _dbt_sources(name: str) -> str:
    """Return dbt's declaration of the source's raw tables, its logs among them."""
    said = f"{sources.source(name).title}, as received. {_LISTED}"
    lines = [
        f"# Written by `{_COMMAND}`.",
        "version: 2",
        "",
        "sources:",
        f"  - name: {name}",
        f"    description: {json.dumps(said, ensure_ascii=False)}",
        "    tables:",
    ]
    for table in (*sources.tables(name), EXTRACTION, QUARANTINE):
        key = f"[raw, {name}, {table.name}]"
        lines += [
            f"      - name: {table.name}",
            f"        description: {json.dumps(table.description, ensure_ascii=False)}",
            f"        config: {{meta: {{dagster: {{asset_key: {key}}}}}}}",
            "        columns:",
            *(_dbt_column(column) for column in (*table.columns, FETCHED_AT, _LOAD_ID)),
        ]
    return "\n".join(lines) + "\n"


def _dbt_column(column: Column) -> str:
    said = json.dumps(column.description, ensure_ascii=False)
    kind = _SQL_TYPES[column.kind]
    return f'          - {{name: {column.name}, data_type: "{kind}", description: {said}}}'


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
