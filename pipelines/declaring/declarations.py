"""What is written from the sources' declarations: files that others read and nobody edits.

`python -m pipelines.declaring write` writes them; a test compares each with what would be written.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from pipelines import sources
from pipelines.core.tables import (
    DAY_S,
    EXTRACTION,
    FETCHED_AT,
    QUARANTINE,
    Column,
    Kind,
    Table,
    Timing,
)
from pipelines.extraction import candles
from pipelines.sandbox.dataset import LAYOUT, LayoutColumn

_REPO = Path(__file__).resolve().parents[2]
_MACROS = "dbt/macros/generated/sources.sql"
_HISTORY = "dbt/models/history"
_META = "dbt/seeds/operation/meta_source.csv"
_CONVENTIONS = "dbt/seeds/operation/meta_source_convention.csv"
_LIST = "docs/sources.md"
_COMMAND = "python -m pipelines.declaring write"
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
    written = {_MACROS: _macros(), _META: _meta(), _CONVENTIONS: _conventions()}
    for name in sources.SOURCES:
        written[f"{_HISTORY}/_{name}__sources.yml"] = _dbt_sources(name)
        written[f"{_HISTORY}/_{name}__columns.md"] = _columns(
            name, ((table.entity, table.columns) for table in sources.tables(name))
        )
    # the logs of all sources, and what a dataset folder says beside the seeds
    written[f"{_HISTORY}/_lake__columns.md"] = _columns(
        "lake", ((table.name, table.columns) for table in (EXTRACTION, QUARANTINE))
    )
    written[f"{_HISTORY}/_dataset__columns.md"] = _columns(
        "dataset", ((table.name.replace("/", "_"), table.all_columns) for table in LAYOUT)
    )
    for venue in _spot_venues():
        for table in _of_venue(venue["name"]):
            written[f"{_HISTORY}/{_model(venue['name'], table)}.sql"] = _history(
                venue["name"], table
            )
    first, last, body = _list_of_sources()
    written[_LIST] = _with_section(_LIST, _read(root / _LIST) or "", first, last, body)
    return written


def stale(root: Path = _REPO) -> list[str]:
    """Return the written files that are not what the declarations say, those of no source too."""
    wanted = texts(root)
    changed = [name for name, text in wanted.items() if _read(root / name) != text]
    return changed + [name for name in _written_before(root) if name not in wanted]


def write(root: Path = _REPO) -> list[str]:
    """Write what is stale, and remove what is of no source any more; return the paths."""
    wanted, changed = texts(root), stale(root)
    for name in changed:
        path = root / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()
    return changed


def _written_before(root: Path) -> list[str]:
    """Return the files of sources of their own that say that they were written."""
    return [
        str(path.relative_to(root))
        for path in sorted((root / _HISTORY).glob("*"))
        if _COMMAND in path.read_text(encoding="utf-8").partition("\n")[0]
    ]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def spot_venue(name: str, tables: tuple[Table, ...]) -> Mapping[str, Any]:
    """Return what dbt must know of a spot venue to read its candles beside the others'.

    Raises:
        DeclarationError: it has no table of daily candles, or no list of markets.
    """
    daily = [(table, table.candle) for table in tables if table.candle is not None]
    lists = [
        (table, table.listing, table.market)
        for table in tables
        if table.listing is not None and table.market is not None
    ]
    if len(daily) != 1 or len(lists) != 1:
        raise DeclarationError(
            f"{name} is a spot venue: one of its tables has a `candle`, and one a `listing` and "
            "how it is read as a `market`"
        )
    (table, candle), (listing, listed, market) = daily[0], lists[0]
    grid = table.grid
    if grid is None or grid.day is None:
        raise DeclarationError(f"{name}: {table.name} has no `grid` that says which rows are days")
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
        "length": grid.length,
        "day": grid.day,
        "listing": listing.entity,
        "listed_key": list(listing.key),
        "listed_symbol": listed.names[-1],
        "base": market.base,
        "quote": market.quote,
        "is_spot": market.is_spot,
        "is_trading": market.is_trading,
    }


def dated_table(name: str, table: Table) -> Mapping[str, Any] | None:
    """Return where the labels of a table's rows are, or None where these are of no day.

    Raises:
        DeclarationError: the table does not say in which model its history is, or which column the
            patterns of its conventions are about.
    """
    grid, timing = table.grid, table.timing
    if grid is None or timing is None:
        return None
    if not timing.is_event and grid.every_s != DAY_S and grid.day is None:
        return None
    if table.entity is None:
        raise DeclarationError(f"{name}: {table.name} has no `entity`")
    if timing.series is None and any(one.series for one in timing.conventions):
        raise DeclarationError(f"{name}: {table.name} has conventions of a `series` of no column")
    found: dict[str, Any] = {
        "source": name,
        "table": table.name,
        "model": _model(name, table),
        "entity": "'*'" if table.is_asked_at_once else table.series,
        "series": table.series,
        "labelled": timing.series or table.series,
        "at": table.time_column,
        "whole": table.whole,
        "is_event": timing.is_event,
        "is_owed": timing.publish_lag_h is not None,
    }
    return found if grid.length is None else {**found, "length": grid.length, "day": grid.day}


def restated_table(name: str, table: Table) -> Mapping[str, Any] | None:
    """Return how the corrections of a table's figures are found, or None where none are recorded.

    Raises:
        DeclarationError: the table does not say in which model its history is.
    """
    restated = table.restated
    if restated is None:
        return None
    if table.entity is None:
        raise DeclarationError(f"{name}: {table.name} has no `entity`")
    dated = dated_table(name, table)
    apart = {restated.named_by, table.time_column if dated else None}
    names = table.candle and (table.candle.names or (table.candle.symbol,))
    found = {
        "source": name,
        "table": table.name,
        "model": _model(name, table),
        "key": list(table.key),
        "id": list(names or [one for one in table.key if one not in apart] or [table.series]),
        "labelled": dated["labelled"] if dated else None,
        "at": table.time_column,
        "measures": [
            {"column": column} if measure is None else {"column": column, "measure": measure}
            for column, measure in restated.measures
        ],
        "named_by": restated.named_by,
        "mart": restated.mart,
    }
    return {key: value for key, value in found.items() if value is not None}


def _list_of_sources() -> tuple[str, str, str]:
    """Return what is written into a page of people: the lines around it, and the text."""
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
    return (
        f"<!-- written by `{_COMMAND}` -->",
        "<!-- end of what is written -->",
        "\n" + "\n".join(table) + "\n",
    )


def _with_section(name: str, text: str, first: str, last: str, body: str) -> str:
    before, found, rest = text.partition(f"{first}\n")
    _, ended, after = rest.partition(f"{last}\n")
    if not found or not ended:
        raise DeclarationError(f"{name} has no lines `{first}` and `{last}`")
    return f"{before}{found}{body}\n{ended}{after}"


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
    if sources.source(name).kind == "spot_venue":
        lines += ["", "models:"]
        for table in _of_venue(name):
            lines += _dbt_history(name, table)
    return "\n".join(lines) + "\n"


def _columns(
    name: str, tables: Iterable[tuple[str | None, Iterable[Column | LayoutColumn]]]
) -> str:
    """Return what staging says of the columns: a text of dbt's for each, by its entity's name."""
    said = [
        f"{{% docs {name}__{entity}__{column.name} %}}{column.description}{{% enddocs %}}"
        for entity, columns in tables
        if entity is not None
        for column in columns
    ]
    return "\n".join((f"<!-- Written by `{_COMMAND}`. -->", *said)) + "\n"


def _dbt_column(column: Column) -> str:
    said = json.dumps(column.description, ensure_ascii=False)
    kind = _SQL_TYPES[column.kind]
    return f'          - {{name: {column.name}, data_type: "{kind}", description: {said}}}'


def _model(name: str, table: Table) -> str:
    return f"hist_{name}__{table.entity}"


def _of_venue(name: str) -> list[Table]:
    """Return the tables of a spot venue that are read in one way at all of them."""
    tables = sources.tables(name)
    daily = next(table for table in tables if table.candle)
    markets = next(table for table in tables if table.market)
    return [daily, candles.intraday(daily), markets]


def _complete_at(table: Table) -> str | None:
    """Return SQL of the instant at which a candle is over; a list is never unfinished."""
    if table.is_snapshot:
        return None
    length = "interval 1 day" if table.candle else f"to_seconds({candles.LENGTH})"
    return f"{table.time_column} + {length}"


def _history(name: str, table: Table) -> str:
    """Return the model of the table's versions."""
    said = [f"'{name}', '{table.name}'", f"key={list(table.key)}"]
    if not table.is_snapshot:
        at = f"at='{table.time_column}', complete_at='{_complete_at(table)}'"
        said.append(f"entity='{table.series}', {at}")
    lines = ",\n".join(f"    {line}" for line in said)
    return f"{{#- Written by `{_COMMAND}`. -#}}\n{{{{ history_of(\n{lines}\n) }}}}\n"


def _dbt_history(name: str, table: Table) -> list[str]:
    """Return dbt's description and test of the model of the table's versions."""
    model, complete_at = _model(name, table), _complete_at(table)
    of_what = f"Versions of {sources.source(name).title}'s {table.name}."
    said = f"{of_what} One row per {', '.join(table.key)} and version."
    key = [f"'\"{one}\"'" for one in (*table.key, "known_at", "load_id")]
    arguments = f"key: [{', '.join(key)}]" + (f", instant: {complete_at}" if complete_at else "")
    return [
        f"  - name: {model}",
        f"    description: {json.dumps(said, ensure_ascii=False)}",
        "    data_tests:",
        f"      - quality_suite: {{name: {model}_quality_suite, arguments: {{{arguments}}}}}",
    ]


def _meta() -> str:
    """Return the seed that says how late tables come and how long their rows are good."""
    rows = [
        (
            name,
            table.name,
            timing.publish_lag_h,
            timing.ttl_d,
            timing.revises_for_d,
            timing.reach_d,
            str(timing.is_sparse).lower(),
            timing.version,
        )
        for name, table, timing in _timed()
    ]
    head = "source,table_name,publish_lag_h,ttl_d,revises_for_d,reach_d,is_sparse,version"
    return _csv(head, rows)


def _conventions() -> str:
    """Return the seed that says what labels mean."""
    rows = [
        (
            name,
            table.name,
            one.series,
            one.valid_from,
            one.valid_to,
            one.meaning,
            one.note,
            one.version,
        )
        for name, table, timing in _timed()
        for one in timing.conventions
    ]
    head = "source,table_name,series,valid_from,valid_to,timestamp_convention,note,version"
    return _csv(head, rows)


def _timed() -> Iterator[tuple[str, Table, Timing]]:
    """Yield the tables that are about days or are lists, not the logs of sources."""
    for name in sources.SOURCES:
        for table in sources.tables(name):
            if table.timing is not None:
                yield name, table, table.timing
            elif table.grid is not None:
                raise DeclarationError(f"{name}: {table.name} has no `timing`")


def _csv(head: str, rows: Iterable[tuple[Any, ...]]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows([head.split(","), *rows])
    return text.getvalue()


def _spot_venues() -> list[Mapping[str, Any]]:
    return [
        spot_venue(name, sources.tables(name))
        for name in sources.SOURCES
        if sources.source(name).kind == "spot_venue"
    ]


def _macros() -> str:
    tables = [(name, table) for name in sources.SOURCES for table in sources.tables(name)]
    dated = [dated_table(*one) for one in tables]
    restated = [restated_table(*one) for one in tables]
    return (
        f"{{#- Written by `{_COMMAND}`. -#}}\n"
        + _macro("Every source, by name.", "all_sources", list(sources.SOURCES))
        + "\n\n"
        + _macro(
            "Spot venues: where their candles and lists of markets are, and how they are read.",
            "spot_venues",
            _spot_venues(),
        )
        + "\n\n"
        + _macro(
            "Raw tables about days: where their labels are, and what is said of all their rows.",
            "dated_tables",
            [one for one in dated if one is not None],
        )
        + "\n\n"
        + _macro(
            "Raw tables whose source corrects figures later: which, and what rests on them.",
            "restated_tables",
            [one for one in restated if one is not None],
        )
    )


def _macro(comment: str, name: str, values: list[Any]) -> str:
    """Return a macro that returns a list, one entry a line."""
    lines = "".join(f"        {json.dumps(value)},\n" for value in values)
    return (
        f"{{#- {comment} -#}}\n"
        f"{{% macro {name}() -%}}\n    {{{{ return([\n{lines}    ]) }}}}\n{{%- endmacro %}}\n"
    )
