"""How a mart looks to readers: instants that any client takes, names beside ids, newest days.

The warehouse keeps what is exact and joinable: instants with their zone, ids without labels. What
is published is opened by clients that have nothing but a driver, so here, once for all marts:

- an instant is a TIMESTAMP in UTC: a TIMESTAMPTZ cannot be fetched from Python without `pytz`, is
  shown in each reader's own zone, and is binary to some BI tools;
- beside each id of an asset, stablecoin, protocol or chain stand its `symbol` and `name`;
- each mart of days has a view `<mart>_latest` of its newest day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.publishing.fingerprint import quoted

_INSTANT: Final = "TIMESTAMP WITH TIME ZONE"
_PUBLISHED_INSTANT: Final = "TIMESTAMP"
_TEXT: Final = "VARCHAR"
_DAY: Final = "day"

LATEST: Final = "_latest"


@dataclass(frozen=True)
class Relation:
    """A table or view of the schema `marts`, as DuckDB describes it."""

    name: str
    columns: dict[str, str]
    nullable: dict[str, bool]
    comment: str | None
    column_comments: dict[str, str | None]


@dataclass(frozen=True)
class Dimension:
    """The mart that names the entities of a kind."""

    mart: str
    key: str
    symbol: str = "symbol"
    name: str = "name"


_DIMENSIONS: Final = {
    "asset": Dimension("dim_asset", "asset_id"),
    "stablecoin": Dimension("dim_stablecoin", "stablecoin_id"),
    "protocol": Dimension("dim_protocol", "protocol_id"),
    "chain": Dimension("dim_chain", "chain_id", symbol="coin_symbol"),
}
# the two sides of a pair are assets
_ID: Final = re.compile(rf"(?:(?P<role>\w+)_)?(?P<kind>{'|'.join(_DIMENSIONS)})_id|[ab]_id")


@dataclass(frozen=True)
class Label:
    """What the dictionary says of a label, which no model describes."""

    description: str
    null_rule: str
    source: str

    @property
    def comment(self) -> str:
        """The label's comment, in the form of the models' column descriptions."""
        return (
            f"{self.description}\n- unit: none\n- formula: none\n"
            f"- null: {self.null_rule}\n- source: {self.source}"
        )


@dataclass(frozen=True)
class Column:
    """A column of a published mart.

    Attributes:
        name: its name.
        kind: its DuckDB type.
        expression: its value, over the mart as `mart` and the dimensions by their aliases.
        comment: its description.
        is_nullable: whether it may be NULL.
        label: what a label says of itself; None for the mart's own columns.
    """

    name: str
    kind: str
    expression: str
    comment: str | None
    is_nullable: bool
    label: Label | None = None


@dataclass(frozen=True)
class Presentation:
    """What is published of a mart: its columns, and the query that yields them."""

    columns: tuple[Column, ...]
    query: str


def present(relation: Relation, relations: Mapping[str, Relation], schema: str) -> Presentation:
    """Return how a mart is published.

    Args:
        relation: the mart.
        relations: all marts by name: the dimensions that are not there name nothing.
        schema: the qualified schema that all of them are read from.
    """
    columns: list[Column] = []
    joins: list[str] = []
    subject = next((name for name in relation.columns if _is_subject(relation, name)), None)
    for name, kind in relation.columns.items():
        columns.append(_own(relation, name, kind))
        dimension = _dimension_of(relation, name, relations)
        if dimension is None:
            continue
        alias = f"named_{len(joins)}"
        # a label is not dated, so the periods of a dimension with periods have one label
        joins.append(
            f"left join (select distinct {dimension.key}, {dimension.symbol} as symbol, "  # noqa: S608  # names from the manifest, quoted
            f"{dimension.name} as name from {schema}.{dimension.mart}) as {alias} "
            f"on mart.{quoted(name)} = {alias}.{dimension.key}"
        )
        prefix = "" if name == subject else f"{name.removesuffix('_id')}_"
        columns += [
            _label(f"{prefix}{label}", f"{alias}.{label}", name, dimension)
            for label in ("symbol", "name")
            if f"{prefix}{label}" not in relation.columns
        ]
    selected = ", ".join(f"{column.expression} as {quoted(column.name)}" for column in columns)
    source = f"{schema}.{quoted(relation.name)} as mart {' '.join(joins)}"
    return Presentation(tuple(columns), f"select {selected} from {source}")  # noqa: S608  # names from the manifest, quoted


def has_latest(columns: Mapping[str, str], key: Sequence[str]) -> bool:
    """Whether a mart is one of days: its key has a day, and no instant that cuts the day up."""
    return _DAY in key and not any(name.endswith("_at") for name in key) and _DAY in columns


def latest_query(mart: str) -> str:
    """Return the query of a mart's newest day."""
    return f"select * from {mart} where {_DAY} = (select max({_DAY}) from {mart})"  # noqa: S608  # names from the manifest, quoted


def _own(relation: Relation, name: str, kind: str) -> Column:
    comment = relation.column_comments[name]
    expression = f"mart.{quoted(name)}"
    if kind == _INSTANT:
        kind = _PUBLISHED_INSTANT
        expression = f"timezone('UTC', {expression})"
        comment = f"{comment}\n- zone: UTC" if comment else comment
    return Column(name, kind, expression, comment, relation.nullable[name])


def _label(name: str, expression: str, id_column: str, dimension: Dimension) -> Column:
    what = "Ticker" if expression.endswith(".symbol") else "Name"
    label = Label(
        f"{what} of `{id_column}` as this publication knows it, on all days: a label, no key.",
        f"where {dimension.mart} has none",
        dimension.mart,
    )
    return Column(name, _TEXT, expression, label.comment, is_nullable=True, label=label)


def _is_subject(relation: Relation, name: str) -> bool:
    """Whether an id is of the kind that a row is about: it plays no role (`peer_`, `backing_`)."""
    match = _ID.fullmatch(name)
    return bool(match and match["kind"] and not match["role"]) and relation.columns[name] == _TEXT


def _dimension_of(
    relation: Relation, name: str, relations: Mapping[str, Relation]
) -> Dimension | None:
    match = _ID.fullmatch(name)
    if match is None or relation.columns[name] != _TEXT:
        return None
    dimension = _DIMENSIONS[match["kind"] or "asset"]
    return dimension if dimension.mart in relations else None
