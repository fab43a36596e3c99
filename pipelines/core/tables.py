"""What a raw table looks like: the declared schema that parsers are held to.

dlt does not enforce types on Arrow frames, so this declaration is the contract. What dbt
reads of it is written by `python -m pipelines.declaring write`.
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
        is_open_set: it is a word of a set that grows; a new word is landed, and reported.
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
    change it, so it is dated, by series: `Convention`.

    Attributes:
        every_s: distance of the instants, in seconds; 0: any instant, for rows that are events.
        length: the column with the distance, where a table has series of several.
        words_s: that column's words in seconds; another word is refused. Empty: it is a number.
        unit_s: of a number: its unit, in seconds.
        day: of several lengths: that of a day, as the column says it.
        jitter_s: how far off the grid a source prints instants; they are landed on the grid.
        sample: of a source that may print any instant of the day: which one counts.
    """

    every_s: int = 0
    length: str | None = None
    words_s: Mapping[str, int] = field(default_factory=dict, hash=False)
    unit_s: int = 1
    day: str | int | None = None
    jitter_s: int = 0
    sample: Sample | None = None


DAY_S = 86_400
DAILY = Grid(DAY_S)
# settlements of funding are on the hour, and printed some milliseconds off
SETTLEMENTS = Grid(3_600, jitter_s=60)
EVENT = Grid()


@dataclass(frozen=True)
class Convention:
    """What the labels of a table's rows mean, and where that is known from.

    Attributes:
        meaning: interval_start: label D is the day D. point_in_time: it is the state at D 00:00,
            the close of D-1. event: an instant of the day D. working_day, prior_working_day: set on
            D, or on the working day before. snapshot: no label, as of the request.
        note: where that is known from.
        series: pattern (SQL's like) of the series that it is about; None: all others.
        valid_from: first label that it holds for; None: from the start.
        valid_to: first label that it no longer holds for; None: until the next one.
        version: raised with every change.
    """

    meaning: Literal[
        "interval_start", "point_in_time", "event", "working_day", "prior_working_day", "snapshot"
    ]
    note: str
    series: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    version: int = 1


@dataclass(frozen=True)
class Timing:
    """When a table's rows come, how long they are good, and which day each describes.

    Attributes:
        conventions: what its labels mean.
        publish_lag_h: hours after the end of a day at which its row is there; None: none comes.
        ttl_d: days that a value stands in for missing ones.
        revises_for_d: days for which the source changes its rows.
        reach_d: how many days back the source can be asked, where it forgets.
        is_sparse: rows come only when something happens, so a day without one is no gap.
        series: the column that the conventions' patterns are about; None: that of the series.
        version: raised with every change.
    """

    conventions: tuple[Convention, ...]
    publish_lag_h: int | None = None
    ttl_d: int | None = None
    revises_for_d: int | None = None
    reach_d: int | None = None
    is_sparse: bool = False
    series: str | None = None
    version: int = 1

    @property
    def is_event(self) -> bool:
        """Whether the rows are of instants of days, and not of the days."""
        return any(one.meaning == "event" for one in self.conventions)


@dataclass(frozen=True)
class Restated:
    """Which figures of a table its source corrects later, so that each correction is recorded.

    Attributes:
        measures: each column with what it measures, a measure of `cfg_revision`; None: what the
            name of the row's metric says, by `map_metric_measure`.
        mart: the mart whose numbers rest on it.
        named_by: of a long table: the column with the name of the metric.
    """

    measures: tuple[tuple[str, str | None], ...]
    mart: str
    named_by: str | None = None


# a list is that of the moment, and there at once
_LISTED = Timing((Convention("snapshot", "the list as of the request"),), publish_lag_h=0)


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
class Market:
    """How a spot venue's list of markets is read beside those of others: SQL over its columns.

    Attributes:
        base: the venue's code of the base.
        quote: the venue's code of the quote.
        is_spot: whether a row is a spot market.
        is_trading: whether it can be traded.
    """

    base: str
    quote: str
    is_spot: str = "true"
    is_trading: str = "true"


@dataclass(frozen=True)
class Candle:
    """How a table of daily candles is read beside those of other venues.

    Attributes:
        symbol: the column with the venue's name of the market.
        tells: what it tells beside the bar: vwap, volume_quote, trade_count.
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
        market: of a spot venue's list of markets: how it is read.
        timing: when its rows come and what their labels mean; None: of a list at once, of a log of
            the extraction never.
        is_asked_at_once: one answer has all series, so that the extraction log names none.
        whole: of series in parts: SQL, whether a row is of the whole.
        restated: the figures that the source corrects later; None: none that a mart rests on.
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
    market: Market | None = None
    timing: Timing | None = None
    is_asked_at_once: bool = False
    whole: str = "true"
    restated: Restated | None = None

    def __post_init__(self) -> None:
        """Let a list be timed as lists are, unless it says otherwise."""
        if self.is_snapshot and self.timing is None:
            object.__setattr__(self, "timing", _LISTED)

    @property
    def fields(self) -> Mapping[str, Column]:
        """The columns by name."""
        return {column.name: column for column in self.columns}

    @property
    def time_column(self) -> str | None:
        """The part of the key that says when, if the rows are about instants or days."""
        return next((name for name in self.key if self.fields[name].kind == "timestamp"), None)

    @property
    def series(self) -> str:
        """The column that names the series of a row."""
        return self.candle.symbol if self.candle else self.key[0]

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
