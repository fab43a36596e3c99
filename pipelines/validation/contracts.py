"""The shape of a publication contract: what users of a mart are promised.

A contract is data. It names the columns that users may rely on with their types (the mart may have
more), the key, the bounds beyond which a value is wrong, and the smallest size that makes sense.
What is true of a model by construction, such as relationships and identities, is dbt's to test.
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
        is_required: whether NULL is wrong; a key's columns always are.
        at_least: smallest right value.
        above: every right value is greater.
        at_most: greatest right value.
        below: every right value is smaller.
        one_of: the closed set of right values.
        severity: what a value outside the bounds does to the publication.
    """

    kind: str
    is_required: bool = False
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    one_of: tuple[str, ...] = ()
    severity: Severity = "block"

    @property
    def has_bounds(self) -> bool:
        """Whether values can be too small or too great."""
        bounds = (self.at_least, self.above, self.at_most, self.below)
        return any(bound is not None for bound in bounds)


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
        """The columns whose values are looked at: the key and all with a rule of their own."""
        ruled = [
            name
            for name, column in self.columns.items()
            if column.is_required or column.has_bounds or column.one_of
        ]
        return tuple(dict.fromkeys((*self.key, *ruled)))
