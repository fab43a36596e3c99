"""The shape of a publication contract: what users of a mart are promised.

A contract is data. It names the columns that users may rely on with their types (a mart may have
more), the key, and what the table as a whole must look like: how many rows, how full its columns,
which entities at the least, where the middle of a measure lies. Whether each single row is right
(ranges, accepted values, references) is said where the model is written, in dbt.

The key is the one rule that dbt has as well: `tokenmart publish` checks a warehouse without dbt,
and no publication may go out with a doubtful key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.validation.report import Severity


@dataclass(frozen=True, slots=True)
class Column:
    """One promised column.

    Attributes:
        kind: its DuckDB type.
        filled_frac: at least this share of the rows has a value.
        median: the interval in which the middle value lies: a wrong unit falls out of it.
        contains: values that must be there.
        severity: what a breach of the three does to the publication.
    """

    kind: str
    filled_frac: float | None = None
    median: tuple[float, float] | None = None
    contains: tuple[str, ...] = ()
    severity: Severity = "block"

    @property
    def is_looked_at(self) -> bool:
        """Whether more than its type is promised."""
        return self.filled_frac is not None or self.median is not None or bool(self.contains)


@dataclass(frozen=True)
class Contract:
    """What is promised about one mart.

    Attributes:
        mart: the table in the schema `marts`.
        key: the columns that identify a row; unique together, none NULL.
        columns: the promised columns by name.
        min_rows: fewer rows mean that something upstream is gone; 0 where empty is right.
    """

    mart: str
    key: tuple[str, ...]
    columns: Mapping[str, Column] = field(default_factory=dict)
    min_rows: int = 1

    def __post_init__(self) -> None:
        unknown = sorted(set(self.key) - set(self.columns))
        if unknown:
            raise ValueError(f"{self.mart}: the key names columns that are not promised: {unknown}")

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns whose values are looked at: the key, and all with a promise of their own."""
        watched = [name for name, column in self.columns.items() if column.is_looked_at]
        return tuple(dict.fromkeys((*self.key, *watched)))
