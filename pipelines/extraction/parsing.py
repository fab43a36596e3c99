"""From a payload's rows to typed Arrow rows, in columns, and what is refused with its reason.

Parsers of sources are pure and declare which cell goes to which column; the rules of every cell
(type, range, closed set, magnitude of a timestamp) stand in the raw table's declaration.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.payload import NumberText, PayloadError
from pipelines.core.tables import DAY_S, EVENT, FETCHED_AT, QUARANTINE, Column, Grid, Table
from pipelines.core.windows import Window
from pipelines.extraction.drift import Shape, shape_of

TimeUnit = Literal["s", "ms", "us", "iso"]

# nothing that these sources describe is older than Bitcoin
EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
_EARLIEST_S = EARLIEST.timestamp()
# what Python and DuckDB can still print; wrong units of time lie far beyond
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)
# names of columns with the text that a value was read from
_AS_TEXT = " as text"
_UNREAD = " unread"
# how the quarantine tells a row that was landed without a cell from one that was not landed
CELL = "the row was landed without the cell"
# how it tells a row whose instant is none of its table's
OFF_GRID = "off the grid"
_MICROSECONDS: dict[str, int] = {"s": 1_000_000, "ms": 1_000, "us": 1}


class EmptyList(PayloadError):
    """A list with nothing in it: an error where it had something before."""


@dataclass(frozen=True)
class Parsed:
    """Typed rows of one raw table, the rows that were refused, and the cells that were left out.

    Attributes:
        table: the raw table.
        rows: Arrow table with the raw table's columns but `fetched_at`.
        refused: pairs of reason and payload (JSON text).
        unread: the same of rows that are accepted without an optional cell that is not readable.
        shape: what the source's own rows look like.
    """

    table: Table
    rows: pa.Table
    refused: tuple[tuple[str, str], ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    shape: Shape = field(default_factory=Shape)

    @property
    def row_count(self) -> int:
        """How many rows were accepted."""
        return int(self.rows.num_rows)

    @property
    def unclear_count(self) -> int:
        """How many refused rows may be of facts that are known: one off the grid is of none."""
        return sum(f": {OFF_GRID} " not in reason for reason, _ in self.refused)

    def between(self, column: str, start: datetime, end: datetime) -> Parsed:
        """Keep the rows whose instant in `column` is in [start, end).

        Sources answer with more than was asked for: rows outside the range, and the open candle.
        """
        instants = self.rows[column]
        kind = instants.type
        inside = pc.and_(
            pc.greater_equal(instants, pa.scalar(start, kind)),
            pc.less(instants, pa.scalar(end, kind)),
        )
        return replace(self, rows=self.rows.filter(inside))


def expect_list(payload: object, what: str) -> list[Any]:
    """Return the payload if it is a list.

    Raises:
        PayloadError: it is something else.
    """
    if not isinstance(payload, list):
        raise PayloadError(f"{what}: expected a list, got {_shape(payload)}")
    return payload


def expect_object(payload: object, what: str) -> dict[str, Any]:
    """Return the payload if it is an object.

    Raises:
        PayloadError: it is something else.
    """
    if not isinstance(payload, dict):
        raise PayloadError(f"{what}: expected an object, got {_shape(payload)}")
    return payload


def epoch(cell: Any) -> Any:
    """Return the number that a text of digits is, anything else as it is: sources send both."""
    return int(cell) if isinstance(cell, str) and cell.isascii() and cell.isdigit() else cell


def without_live(points: Sequence[Any], at: Callable[[Any], Any]) -> Sequence[Any]:
    """Return a daily series without its last point, if that is live: it has no midnight.

    Args:
        points: the series, oldest first.
        at: returns a point's time, in seconds since 1970.
    """
    last = epoch(at(points[-1])) if points else None
    return points[:-1] if type(last) is int and last % DAY_S else points


def may_concern(seconds: Any, window: Window | None, latest: datetime) -> bool:
    """Tell False for a time that is readable and plainly outside the window.

    Many answers hold whole histories: a bad row of 2019 must not be refused anew every day, nor
    typed to be thrown away. What is not readable is left to `parse_rows` to refuse.

    Args:
        seconds: the row's time, in seconds since 1970, a number or its digits.
        window: the days wanted; None: all.
        latest: no row is readable after it.
    """
    seconds = epoch(seconds)
    if window is None or type(seconds) is not int:
        return True
    start, end, newest = _bounds(window, latest)
    is_readable = _EARLIEST_S <= seconds <= newest
    return not is_readable or start <= seconds < end


@lru_cache(maxsize=64)
def _bounds(window: Window, latest: datetime) -> tuple[float, float, float]:
    """Return a window's ends and the latest instant in seconds; histories have many rows."""
    return window.start_at.timestamp(), window.end_at.timestamp(), latest.timestamp()


def _shape(payload: object) -> str:
    return f"{type(payload).__name__} {dump(payload)[:120]}"


def parse_rows(
    table: Table,
    rows: Sequence[Any],
    cells: Mapping[str, Any],
    *,
    constants: Mapping[str, Any] | None = None,
    times: Mapping[str, TimeUnit] | None = None,
    row_length: int | None = None,
    latest: datetime | None = None,
    sent: Sequence[Any] | None = None,
) -> Parsed:
    """Type the rows of a payload; refuse those that break the table's declaration.

    Args:
        table: the raw table's declaration.
        rows: the payload's rows: arrays or objects, numbers as `NumberText`, text or int (see
            `http.HttpClient.get_json`).
        cells: for each column of the table the index (arrays) or key (objects) of its cell.
        constants: columns with one value for all rows, such as the symbol asked for.
        times: the declared unit of each timestamp column's cell.
        row_length: how many cells an array must have at the least; None: as many as `cells` names.
        latest: timestamps after it are refused; None: no bound.
        sent: what the rows were made of, where they are not the source's own.

    Returns:
        The accepted rows in the payload's order, and the refused ones with their reasons.
    """
    indexes = [cell for cell in cells.values() if isinstance(cell, int)]
    of_array = bool(indexes)
    at_least = max(row_length or 0, max(indexes) + 1) if of_array else 0
    container = list if of_array else dict
    refused: list[tuple[str, str]] = []
    whole: list[Any] = []
    for row in rows:
        if not isinstance(row, container):
            problem = f"row: expected {container.__name__}, got {type(row).__name__}"
            refused.append((problem, dump(row)))
        elif len(row) < at_least:
            refused.append((f"row: expected {at_least} cells, got {len(row)}", dump(row)))
        else:
            whole.append(row)

    if of_array:
        received = {name: [row[cell] for row in whole] for name, cell in cells.items()}
    else:
        received = {name: [row.get(cell) for row in whole] for name, cell in cells.items()}
    for name, value in (constants or {}).items():
        received[name] = [value] * len(whole)

    columns = [_cells(column, received[column.name]) for column in table.columns]
    judged = _judged(table, columns, times, latest)
    refused += [(reason, dump(whole[index])) for index, reason in judged.refused]
    unread = [(reason, dump(whole[index])) for index, reason in judged.unread]
    shape = shape_of(rows if sent is None else sent, _words(table, judged.frame))
    return Parsed(table, _to_arrow(table, judged.frame), tuple(refused), tuple(unread), shape)


def _words(table: Table, frame: pl.DataFrame) -> dict[str, frozenset[str]]:
    """Return the words of the columns that are open sets."""
    return {
        column.name: frozenset(frame[column.name].drop_nulls().unique().to_list())
        for column in table.columns
        if column.is_open_set and frame.height
    }


def joined(table: Table, parts: Sequence[Parsed]) -> Parsed:
    """Return the rows of several payloads, or of several parts of one, as one."""
    names = [column.name for column in table.columns]
    rows = [part.rows.select(names) for part in parts]
    nothing = table.arrow_schema().remove(len(table.columns)).empty_table()
    shape = Shape()
    for part in parts:
        shape |= part.shape
    return Parsed(
        table,
        pa.concat_tables(rows) if rows else nothing,
        tuple(line for part in parts for line in part.refused),
        tuple(line for part in parts for line in part.unread),
        shape,
    )


def parse_texts(
    table: Table,
    rows: pl.DataFrame,
    *,
    constants: Mapping[str, str] | None = None,
    times: Mapping[str, TimeUnit] | None = None,
    latest: datetime | None = None,
) -> Parsed:
    """Type the rows of a text file, such as a CSV, all at once: a file has too many for lists.

    Args:
        table: the raw table's declaration.
        rows: texts, one column for each of the table's but the constants; a cell that is not there
            is null, and an empty one says nothing.
        constants: columns with one value for all rows, such as the symbol asked for.
        times: the declared unit of each timestamp column.
        latest: timestamps after it are refused; None: no bound.

    Returns:
        The accepted rows in the file's order, and the refused ones with their reasons.
    """
    whole = rows.with_columns(pl.lit(text).alias(name) for name, text in (constants or {}).items())
    columns = []
    for column in table.columns:
        text = whole[column.name]
        stated = text.set(text == "", None)
        columns.append((stated, stated))
    judged = _judged(table, columns, times, latest)

    def by_reason(problems: Sequence[tuple[int, str]]) -> tuple[tuple[str, str], ...]:
        return tuple((reason, dump(rows.row(index, named=True))) for index, reason in problems)

    return Parsed(
        table, _to_arrow(table, judged.frame), by_reason(judged.refused), by_reason(judged.unread)
    )


def dump(row: object) -> str:
    """Return the row as the JSON text that the quarantine keeps."""
    try:
        return json.dumps(row, default=str, separators=(",", ":"))
    except RecursionError:
        return json.dumps(f"{type(row).__name__} nested too deeply to be kept")


def _to_arrow(table: Table, frame: pl.DataFrame) -> pa.Table:
    schema = table.arrow_schema().remove(len(table.columns))
    return frame.to_arrow().cast(schema)


@dataclass(frozen=True)
class _Judged:
    """The accepted rows, typed; by position the refused ones and those without a cell, and why."""

    frame: pl.DataFrame
    refused: Sequence[tuple[int, str]] = ()
    unread: Sequence[tuple[int, str]] = ()


def _judged(
    table: Table,
    columns: Sequence[tuple[pl.Series, pl.Series]],
    times: Mapping[str, TimeUnit] | None,
    latest: datetime | None,
) -> _Judged:
    """Hold typed rows to the table's declaration, all at once."""
    values, texts = [], []
    for column, (text, readable) in zip(table.columns, columns, strict=True):
        values.append(_typed(column, text, readable, (times or {}).get(column.name)))
        texts.append(text.alias(f"{column.name}{_AS_TEXT}"))
    frame = _on_grid(table, pl.DataFrame(values))
    if frame.is_empty():
        return _Judged(frame)
    verdict = frame.hstack(texts).select(_verdicts(table, latest))
    reasons, *cells = verdict.iter_columns()
    is_accepted = reasons.is_null()
    unread: list[tuple[int, str]] = []
    for cell in cells:
        if cell.null_count() == len(cell):
            continue
        name = cell.name.removesuffix(_UNREAD)
        frame = frame.with_columns(pl.when(cell.is_null()).then(name).alias(name))
        unread += _problems(cell.zip_with(is_accepted, pl.Series([None], dtype=pl.String)))
    if not is_accepted.all():
        frame = frame.filter(is_accepted)
    return _Judged(_one_a_day(table, frame), _problems(reasons), unread)


def _problems(problems: pl.Series) -> list[tuple[int, str]]:
    """Return position and text of the problems that there are."""
    if problems.null_count() == len(problems):
        return []
    return [(index, problem) for index, problem in enumerate(problems) if problem is not None]


@lru_cache(maxsize=256)
def _verdicts(table: Table, latest: datetime | None) -> tuple[pl.Expr, ...]:
    """Return why a row is refused, and for each optional cell why it is not read (null: it is).

    Making them costs more than using them.
    """
    refusals: list[pl.Expr] = []
    unread: list[pl.Expr] = []
    for column in table.columns:
        value, raw = pl.col(column.name), pl.col(f"{column.name}{_AS_TEXT}")
        problems = [
            pl.when(broken).then(message) for broken, message in _rules(column, value, raw, latest)
        ]
        if column.required:
            refusals += problems
        else:
            unread.append(pl.coalesce(problems).alias(f"{column.name}{_UNREAD}"))
    if table.grid is not None:
        refusals += _grid_rules(table, table.grid)
    if not refusals:
        refusals = [pl.repeat(None, pl.len(), dtype=pl.String)]
    return pl.coalesce(refusals).alias("reason"), *unread


def _every_us(grid: Grid) -> pl.Expr:
    """Return the distance of the grid's instants; null where it is not declared."""
    if grid.length is None:
        return pl.lit(grid.every_s * _MICROSECONDS["s"])
    length = pl.col(grid.length)
    if grid.words_s:
        length = length.replace_strict(grid.words_s, default=None, return_dtype=pl.Int64)
    seconds = length * grid.unit_s
    return pl.when(seconds > 0).then(seconds) * _MICROSECONDS["s"]


def _grid_rules(table: Table, grid: Grid) -> list[pl.Expr]:
    """Return why a row's instant is not one of the table's."""
    if grid == EVENT:
        return []
    at, every = str(table.time_column), _every_us(grid)
    raw = pl.col(f"{at}{_AS_TEXT}")
    rules: list[pl.Expr] = []
    if grid.length is not None:
        unknown = pl.format(f"{grid.length}: no grid is declared: {{}}", pl.col(grid.length))
        rules.append(pl.when(every.is_null()).then(unknown))
    if grid.sample is not None:
        sample = grid.sample
        if sample.keeps == "nearest":
            away = (pl.col(sample.column) - pl.col(at)).dt.total_seconds().abs()
            far = pl.format(f"{sample.column}: {{}} s away from midnight", away)
            rules.append(pl.when(away > sample.within_s).then(far))
        return rules
    is_off = pl.col(at).dt.timestamp("us") % every != 0
    off = pl.format(f"{at}: {OFF_GRID} of {{}} s: {{}}", every // _MICROSECONDS["s"], raw)
    return [*rules, pl.when(is_off).then(off)]


def _on_grid(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Move what a source prints beside the grid, within what is declared, onto it."""
    grid, at = table.grid, table.time_column
    if grid is None or at is None or not (grid.jitter_s or grid.sample):
        return frame
    sent = pl.col(grid.sample.column if grid.sample else at).dt.timestamp("us")
    every = _every_us(grid)
    shifted = sent + every // 2
    nearest = shifted - shifted % every
    if grid.sample is None:
        is_near = (sent - nearest).abs() <= grid.jitter_s * _MICROSECONDS["s"]
        moved = pl.when(is_near).then(nearest).otherwise(sent)
    else:
        moved = nearest if grid.sample.keeps == "nearest" else sent - sent % every
    return frame.with_columns(moved.cast(frame.schema[at]).alias(at))


def _one_a_day(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Keep of several samples of a fact the one that counts, where it stands."""
    grid, at = table.grid, table.time_column
    if grid is None or grid.sample is None or at is None or frame.height < 2:
        return frame
    taken = pl.col(grid.sample.column)
    rank = taken if grid.sample.keeps == "last" else -(taken - pl.col(at)).abs()
    # of equals the later of a day: sources replace what they append
    place = pl.int_range(pl.len())
    best = frame.select(*table.key, rank.alias("rank"), place.alias("place")).sort(
        "rank", "place" if grid.sample.keeps == "last" else -pl.col("place")
    )
    kept = best.unique(table.key, keep="last")["place"].sort()
    return frame[kept] if len(kept) < frame.height else frame


def _cells(column: Column, cells: Sequence[Any]) -> tuple[pl.Series, pl.Series]:
    """Return a payload's cells as texts to read from, and those that are a text's own value."""
    text = _texts_at_once(column, cells)
    if text is not None:
        return text, text
    text = _texts(column.name, [_text(column, cell) for cell in cells])
    if column.kind != "text":
        return text, text
    return text, _texts(column.name, [_readable(cell) for cell in cells])


def _texts_at_once(column: Column, cells: Sequence[Any]) -> pl.Series | None:
    """Return the texts of cells of one plain type, which need no look at each; None for others."""
    kinds = set(map(type, cells)) - {type(None)}
    is_plain = kinds <= {str} and "" not in cells
    if column.kind in ("text", "boolean"):
        is_plain = is_plain and column.kind == "text"
    elif kinds == {int}:
        try:
            return pl.Series(column.name, cells, dtype=pl.Int64).cast(pl.String)
        except (OverflowError, TypeError):  # more than 64 bits
            return None
    else:
        is_plain = kinds <= {NumberText, str}
    if not is_plain:
        return None
    try:
        return pl.Series(column.name, cells, dtype=pl.String)
    except UnicodeEncodeError:
        return None


def _typed(
    column: Column,
    text: pl.Series,
    readable: pl.Series,
    unit: TimeUnit | None,
) -> pl.Series:
    """Return the column's values; null where a text is not of the type."""
    match column.kind:
        case "text":
            values = readable.alias(column.name)
        case "boolean":
            values = text.replace_strict(
                {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
            )
        case "integer":
            values = text.cast(pl.Int64, strict=False)
        case "double":
            values = text.cast(pl.Float64, strict=False)
        case "decimal":
            values = text.cast(pl.Decimal(38, 18), strict=False)
        case "timestamp":
            values = _instants(text, unit)
    return values


def _rules(
    column: Column, value: pl.Expr, raw: pl.Expr, latest: datetime | None
) -> list[tuple[pl.Expr, pl.Expr]]:
    """Return pairs of "this cell breaks the declaration" and the reason, in order of reading."""

    def says(problem: str) -> pl.Expr:
        return pl.format(f"{column.name}: {problem}: {{}}", raw.str.head(60))

    rules = [(raw.is_not_null() & value.is_null(), says(f"not a {column.kind}"))]
    if column.required:
        rules.append((raw.is_null(), pl.lit(f"{column.name}: missing")))
    if column.kind == "double":
        rules.append((value.is_nan() | value.is_infinite(), says("not finite")))
    if column.kind == "timestamp":
        rules.append((value < EARLIEST, says("before 2009")))
        rules.append((value > (latest or _LATEST), says("in the future")))
    if column.above is not None:
        rules.append((value <= _bound(column, column.above), says(f"not above {column.above:g}")))
    if column.at_least is not None:
        rules.append((value < _bound(column, column.at_least), says(f"below {column.at_least:g}")))
    if column.one_of is not None:
        unknown = value.is_not_null() & ~value.is_in(sorted(column.one_of))
        rules.append((unknown, says("unknown value")))
    return rules


def _bound(column: Column, value: float) -> pl.Expr:
    if column.kind == "decimal":
        return pl.lit(Decimal(str(value)), dtype=pl.Decimal(38, 18))
    return pl.lit(value)


def _texts(name: str, cells: list[str | None]) -> pl.Series:
    try:
        return pl.Series(name, cells, dtype=pl.String)
    except UnicodeEncodeError:
        # JSON can spell half a surrogate pair, which is no character; say so, do not break
        visible = [cell and cell.encode("utf-8", "backslashreplace").decode() for cell in cells]
        return pl.Series(name, visible, dtype=pl.String)


def _readable(cell: Any) -> str | None:
    """Return the cell if it is text that can be kept; an empty text says nothing."""
    if not isinstance(cell, str) or isinstance(cell, NumberText) or not cell:
        return None
    try:
        cell.encode()
    except UnicodeEncodeError:
        return None
    return cell


def _text(column: Column, cell: Any) -> str | None:
    """Return the cell as text, or text that its type cannot be read from where it has another type.

    A number is accepted as text or as a number (sources mix both); an object or a list is not, nor
    a truth value for a number, nor a text for a truth value.
    """
    if cell is None:
        return None
    if isinstance(cell, bool):
        return str(cell).lower() if column.kind == "boolean" else dump(cell)
    if isinstance(cell, str):
        if column.kind == "boolean":
            return dump(cell)
        # an empty optional text is an absent one; an empty number is not a number
        return None if not cell and column.kind == "text" else cell
    if isinstance(cell, (int, float, Decimal)) and column.kind not in ("text", "boolean"):
        return str(cell)
    return dump(cell)


def _instants(text: pl.Series, unit: TimeUnit | None) -> pl.Series:
    match unit:
        case "iso":
            # sources print up to nine fractional digits; microseconds are what the lake keeps
            shortened = text.str.replace(r"(\.\d{6})\d+", "$1").str.replace(r"Z$", "+00:00")
            with_time = shortened.str.to_datetime(
                "%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us", time_zone="UTC", strict=False
            )
            of_day = text.str.to_datetime("%Y-%m-%d", time_unit="us", time_zone="UTC", strict=False)
            return pl.select(
                pl.coalesce(pl.lit(with_time), pl.lit(of_day)).alias(text.name)
            ).to_series()
        case None:
            raise ValueError(f"{text.name}: the parser must declare the unit of a timestamp")
        case _:
            number = text.cast(pl.Int64, strict=False)
            # a wrong unit shows by its magnitude: milliseconds read as seconds lie beyond the year
            # 33,000, and would not fit once multiplied
            ceiling = 2**63 // _MICROSECONDS[unit] - 1
            fits = number.is_between(-ceiling, ceiling)
            inside = pl.select(pl.when(pl.lit(fits)).then(pl.lit(number))).to_series()
            return (inside * _MICROSECONDS[unit]).cast(pl.Datetime("us", "UTC")).alias(text.name)


def stamp(parsed: Parsed, fetched_at: datetime) -> pa.Table:
    """Return the accepted rows with `fetched_at`, as they are landed."""
    instant = pa.scalar(fetched_at, type=parsed.table.arrow_schema().field(FETCHED_AT.name).type)
    column = pa.repeat(instant, parsed.rows.num_rows)
    return parsed.rows.append_column(parsed.table.arrow_schema().field(FETCHED_AT.name), column)


def quarantine_rows(
    parsed: Parsed, entity_id: str, run_id: str, fetched_at: datetime
) -> pa.Table | None:
    """Return refused rows, and rows without a cell, as rows of the quarantine table; None: none."""
    reported = [*parsed.refused, *((f"{reason} ({CELL})", row) for reason, row in parsed.unread)]
    if not reported:
        return None
    rows = [
        {
            "table_name": parsed.table.name,
            "entity_id": entity_id,
            "reason": reason,
            "payload": payload,
            "run_id": run_id,
            FETCHED_AT.name: fetched_at,
        }
        for reason, payload in reported
    ]
    return pa.Table.from_pylist(rows, schema=QUARANTINE.arrow_schema())
