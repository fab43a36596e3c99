"""What a raw table looks like: the declared schema that parsers are held to.

dlt does not enforce types on Arrow frames, so this declaration is the contract. What dbt
reads of it is written by `python -m pipelines.sources write`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["text", "decimal", "integer", "double", "boolean", "timestamp"]


@dataclass(frozen=True)
class Column:
    """One column of a raw table.

    Attributes:
        name: the column's name in the lake.
        kind: its type; `decimal` is DECIMAL(38, 18), `timestamp` is an instant in UTC.
        description: what it says, with its unit.
        required: False where the source may leave it out.
        at_least: smallest allowed value.
        above: the value must be greater than this.
        one_of: the closed set of values that the source documents.
        is_open_set: it is a word of a set that grows; a new word is landed, and told.
    """

    name: str
    kind: Kind
    description: str
    required: bool = True
    at_least: float | None = None
    above: float | None = None
    one_of: frozenset[str] | None = None
    is_open_set: bool = False


@dataclass(frozen=True)
class Sample:
    """How a series that is sampled at any hour becomes one row a day.

    Attributes:
        column: the column with the instant as sent; the time column is made from it.
        keeps: `last`: of a day's samples the last counts; `nearest`: each sample belongs to the
            midnight that it is nearest to, and of several the nearest counts.
        within_s: of `nearest`: a sample further away speaks for no midnight.
    """

    column: str
    keeps: Literal["last", "nearest"]
    within_s: int = 0


@dataclass(frozen=True)
class Grid:
    """Where the instants of a table's time column may lie; a row off it is refused.

    Lengths are counted from 1970, so a day begins at 00:00 UTC. What a row on the grid stands for
    (the day that begins there, or the state at that instant) is no matter of its form: sources
    change it, so it is dated, by series, in the seed `meta_source_convention`.

    Attributes:
        every_s: distance of the instants, in seconds; 0: any instant, for rows that are events.
        length: the column with the distance, where a table has series of several.
        words_s: that column's words in seconds; another word is refused. Empty: it is a number.
        unit_s: of a number: its unit, in seconds.
        jitter_s: how far off the grid a source prints instants; they are landed on the grid.
        sample: of a source that may print any instant of the day: which one counts.
    """

    every_s: int = 0
    length: str | None = None
    words_s: Mapping[str, int] = field(default_factory=dict, hash=False)
    unit_s: int = 1
    jitter_s: int = 0
    sample: Sample | None = None


DAY_S = 86_400
DAILY = Grid(DAY_S)
# settlements of funding are on the hour, and printed some milliseconds off
SETTLEMENTS = Grid(3_600, jitter_s=60)
EVENT = Grid()


@dataclass(frozen=True)
class Listing:
    """How a whole list names what can be asked for.

    Attributes:
        names: the columns that make a name together.
        state: the column that says whether it is over; None: what is over is not in the list.
        over: its words for that.
    """

    names: tuple[str, ...]
    state: str | None = None
    over: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Candle:
    """How a table of daily candles is read beside those of other venues.

    Attributes:
        symbol: the column with the venue's name of the market.
        tells: what it tells beside the bar: vwap_quote, volume_quote, trade_count.
        names: the columns that name a series in reports; empty: the symbol.
    """

    symbol: str
    tells: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A raw table: its name is the source's own noun, its key identifies a fact in it.

    Attributes:
        name: the source's noun.
        description: what a row is.
        columns: what is landed.
        key: what identifies a fact.
        is_snapshot: it is a list of how things are now, and not a history.
        listing: of a list of what can be asked for: how it names that.
        grid: of rows about instants or days: where these may lie.
        entity: what SQL calls one of its rows, `hist_<source>__<entity>`, where models are found
            by it.
        candle: of daily candles of a spot venue: how they are read.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    is_snapshot: bool = field(default=False)
    listing: Listing | None = None
    grid: Grid | None = None
    entity: str | None = None
    candle: Candle | None = None

    @property
    def fields(self) -> Mapping[str, Column]:
        """The columns by name."""
        return {column.name: column for column in self.columns}

    @property
    def time_column(self) -> str | None:
        """The part of the key that says when, if the rows are about instants or days."""
        return next((name for name in self.key if self.fields[name].kind == "timestamp"), None)

    def arrow_schema(self) -> pa.Schema:
        """Return the Arrow schema of what is landed, with `fetched_at`."""
        import pyarrow as pa

        kinds: dict[str, pa.DataType] = {
            "text": pa.string(),
            "decimal": pa.decimal128(38, 18),
            "integer": pa.int64(),
            "double": pa.float64(),
            "boolean": pa.bool_(),
            "timestamp": pa.timestamp("us", tz="UTC"),
        }
        columns = (*self.columns, FETCHED_AT)
        return pa.schema([pa.field(column.name, kinds[column.kind]) for column in columns])


FETCHED_AT = Column("fetched_at", "timestamp", "The run's clock when the row was requested.")

EXTRACTION = Table(
    name="extraction",
    description="One row per entity that a run asked for: what was asked, what came, what it cost.",
    key=("table_name", "entity_id", "run_id"),
    columns=(
        Column("table_name", "text", "The raw table."),
        Column("entity_id", "text", "The source's id of what was asked for; '*' for all."),
        Column("window_start", "timestamp", "First instant asked for.", required=False),
        Column("window_end", "timestamp", "First instant after the window.", required=False),
        Column("status", "text", "'ok': the answer is complete; 'partial', 'error', 'skipped'."),
        Column("error", "text", "Why it is not ok.", required=False),
        Column("request_count", "integer", "Requests sent, retries included."),
        Column("retry_count", "integer", "Requests that were sent again."),
        Column("throttle_count", "integer", "Answers 429 or 418."),
        Column("rows_landed", "integer", "Rows landed."),
        Column("rows_quarantined", "integer", "Rows refused, each with its reason."),
        Column("byte_count", "integer", "Bytes of the answers' bodies."),
        Column("duration_s", "double", "Seconds from the first request to the last row."),
        Column("run_id", "text", "The run that asked."),
        Column(
            "purpose",
            "text",
            "run: the run's days with the look-back; sweep: days of long ago, once more; repair: "
            "what was missing; reread: what a user wants again.",
            required=False,
        ),
    ),
)

QUARANTINE = Table(
    name="quarantine",
    description="One row per refused row: the payload as received and why it was refused.",
    key=("table_name", "entity_id", "payload", "run_id"),
    columns=(
        Column("table_name", "text", "The raw table it was meant for."),
        Column("entity_id", "text", "The source's id of what was asked for."),
        Column("reason", "text", "Which column is wrong, and how."),
        Column("payload", "text", "The row as JSON text."),
        Column("run_id", "text", "The run that asked."),
    ),
)
