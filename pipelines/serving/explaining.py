"""A number taken apart: its formula, what went in, and the raw rows that it rests on.

What is said follows from the publication: the dictionary names formula and origin of each column,
`grade_components` the shares of each grade, `dim_asset_alias` what each source calls an asset. Raw
rows are read where the lake is at hand, as it was known when the row was made.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, Field

from pipelines import sources
from pipelines.core.files import FileDamaged
from pipelines.core.settings import Settings
from pipelines.lake.observations import LakeAbsent, Observation, Observations
from pipelines.publishing.catalog import Catalog, Column, Mart
from pipelines.serving.assets import entity_ids
from pipelines.serving.problems import Problem, unknown
from pipelines.serving.query import ask
from pipelines.serving.shelf import Edition

COMPONENTS = "grade_components"
MAX_PARTS = 100
_ALIASES = "dim_asset_alias"
# what the dictionary calls the price that all venues together make
_CANONICAL = "canonical price"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Input(BaseModel):
    """A number that the formula names, on the same row's key."""

    mart: str
    column: str
    value: Any
    unit: str


class Part(BaseModel):
    """A row of a finer mart that has the same quantity: of a venue, of a chain."""

    mart: str
    values: dict[str, Any] = Field(description="the row's columns")


class Factor(BaseModel):
    """One factor of a grade."""

    factor: str
    factor_group: str
    factor_value: float | None = Field(description="as measured, before it is ranked")
    xs_pctile: float | None = Field(description="its rank among the members of the day, 0-100")
    ts_pctile: float | None = Field(description="its rank in the asset's own year, 0-100")
    score: float | None = Field(description="what counts of the ranks, 0-100")
    group_weight: float = Field(description="the weight of its group, as a fraction")
    weight_frac: float | None = Field(description="its own weight; null: it takes no part")
    contribution: float | None = Field(description="weight times score, in points of the grade")
    no_share_reason: str | None = Field(description="why it takes no part")


class Shares(BaseModel):
    """What a grade is made of, and whether that adds up."""

    factors: list[Factor] = Field(description="those that take part first, the largest first")
    contributions_sum: float | None = Field(description="of all factors; null: none takes part")
    adds_up: bool = Field(
        description="whether the sum is the grade in all 15 decimal digits that a double keeps"
    )


class RawRow(BaseModel):
    """A row as a source sent it."""

    source: str
    table: str = Field(description="the raw table in the lake")
    series: str = Field(description="what the source calls it: a market, a coin")
    label_at: datetime = Field(description="the instant by which the source names it")
    fetched_at: datetime = Field(description="when it was asked for")
    load_id: str = Field(description="the load that brought it; see /v1/operations/loads")
    path: str = Field(description="its file below the lake")
    values: dict[str, Any] = Field(description="as landed; decimals as text")


class Raw(BaseModel):
    """The raw rows of the same asset and day, or why there are none."""

    status: Literal["read", "not_at_hand", "not_applicable"]
    detail: str = Field(description="what was read, or why nothing was")
    rows: list[RawRow]


class Explanation(BaseModel):
    """One published number, taken apart."""

    version: str = Field(description="the publication that it is from")
    mart: str
    column: str
    key: dict[str, Any] = Field(description="of the row")
    value: Any = Field(description="the number")
    description: str
    unit: str
    formula: str = Field(description="as an expression; none: it is read and not computed")
    formula_anchor: str | None = Field(description="where the formula is explained")
    null_rule: str = Field(description="when the value is missing")
    min_value: float | None = Field(description="no value is lower")
    max_value: float | None = Field(description="no value is higher")
    column_source: str = Field(description="what it is made of: a source, a mart, a seed")
    inputs: list[Input] = Field(description="the columns that the formula or the origin name")
    parts: list[Part] = Field(
        description=f"the same quantity one step finer, at most {MAX_PARTS} rows: of a price, "
        "each venue's with its verdict"
    )
    shares: Shares | None = Field(description="of a grade: its factors")
    raw: Raw


class GradeExplanation(Shares):
    """One asset's grade, taken apart."""

    version: str = Field(description="the publication that it is from")
    mart: str
    grade: str
    asset_id: str
    day: date
    value: float | None = Field(description="the grade, 0-100")
    formula: str
    formula_anchor: str | None
    null_rule: str = Field(description="when there is no grade")


def explain(
    edition: Edition, settings: Settings, mart: Mart, column: str, named: Mapping[str, str]
) -> Explanation:
    """Return a number of one row, taken apart.

    Args:
        edition: the publication.
        settings: where the lake is.
        mart: the mart.
        column: the number's column.
        named: the row's key by column; `asset` is an id or a symbol; without a day the newest.

    Raises:
        Problem: the mart has no such column or row, or the key is not whole.
    """
    if column not in mart.columns:
        raise unknown("column", column, list(mart.columns), hint=f"/v1/catalog/{mart.name}")
    row = _row(edition, mart, named)
    meaning = mart.columns[column]
    key = {name: row[name] for name in mart.key}
    return Explanation(
        version=edition.version,
        mart=mart.name,
        column=column,
        key={name: plain(value) for name, value in key.items()},
        value=plain(row[column]),
        description=meaning.description,
        unit=meaning.unit,
        formula=meaning.formula,
        formula_anchor=meaning.formula_anchor,
        null_rule=meaning.null_rule,
        min_value=meaning.min_value,
        max_value=meaning.max_value,
        column_source=meaning.column_source,
        inputs=list(_inputs(edition, mart, meaning, row)),
        parts=list(_parts(edition, mart, meaning, row)),
        shares=_shares(edition, column, row),
        raw=_raw(edition, settings, meaning, row),
    )


def explain_grade(
    edition: Edition, asset: str, kind: str, day: date | None = None
) -> GradeExplanation:
    """Return an asset's grade, taken apart to its factors.

    Args:
        edition: the publication.
        asset: id or symbol.
        kind: `trader` or `investor`.
        day: the day; None: the newest.

    Raises:
        Problem: there is no such asset, or it has no row on that day.
    """
    grade, mart = f"{kind}_grade", edition.catalog.marts.get(f"{kind}_grade_daily")
    if mart is None or grade not in mart.columns:
        suffix = "_grade_daily"
        kinds = [
            name.removesuffix(suffix) for name in edition.catalog.marts if name.endswith(suffix)
        ]
        raise unknown("grade", kind, kinds, hint=f"there is {' and '.join(kinds) or 'none'}")
    row = _row(edition, mart, {"asset": asset, **({"day": str(day)} if day else {})})
    meaning = mart.columns[grade]
    shares = _shares(edition, grade, row)
    if shares is None:
        shares = Shares(factors=[], contributions_sum=None, adds_up=row[grade] is None)
    return GradeExplanation(
        version=edition.version,
        mart=mart.name,
        grade=grade,
        asset_id=row["asset_id"],
        day=row["day"],
        value=row[grade],
        formula=meaning.formula,
        formula_anchor=meaning.formula_anchor,
        null_rule=meaning.null_rule,
        **shares.model_dump(),
    )


def plain(value: Any) -> Any:
    """Return a value as JSON has it: days and instants in UTC and decimals as text."""
    if isinstance(value, datetime):
        whole = value if value.tzinfo else value.replace(tzinfo=UTC)
        return whole.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def _row(edition: Edition, mart: Mart, named: Mapping[str, str]) -> dict[str, Any]:
    """Return the row of a key; without a day the newest one.

    Raises:
        Problem: the key is not whole, has what the mart's has not, or there is no such row.
    """
    key = {
        "asset_id" if name == "asset" and "asset_id" in mart.key else name: value
        for name, value in named.items()
    }
    for name in key:
        if name not in mart.key:
            raise unknown("parameter", name, mart.key, hint=_key_hint(mart), status=422)
    if missing := [name for name in mart.key if name not in key and name != "day"]:
        raise Problem(
            "incomplete-key", 422, f"{' and '.join(missing)} is missing; {_key_hint(mart)}"
        )
    if "asset_id" in key:
        key["asset_id"] = entity_ids(edition, "asset", [key["asset_id"]])[0]
    order = ("-day",) if "day" in mart.key else ()
    question = ask(
        mart, filters={name: (value,) for name, value in key.items()}, order=order, limit=1
    )
    rows = edition.rows(*question.sql())
    if not rows:
        said = ", ".join(f"{name} {value[:50]}" for name, value in key.items())
        raise Problem("no-row", 404, f"{mart.name} has no row of {said}")
    return rows[0]


def _key_hint(mart: Mart) -> str:
    short = " (or `asset`, an id or a symbol)" if "asset_id" in mart.key else ""
    newest = "; without `day` the newest row answers" if "day" in mart.key else ""
    return f"a row of {mart.name} is named by {', '.join(mart.key)}{short}{newest}"


def _inputs(edition: Edition, mart: Mart, meaning: Column, row: dict[str, Any]) -> Iterator[Input]:
    """Yield the columns that the formula names, of the row or of another mart's on its key."""
    for column in dict.fromkeys(_NAME.findall(meaning.formula)):
        if column == meaning.name:
            continue
        if column in mart.columns:
            yield _input(mart, column, row)
        elif (other := _other(edition.catalog, mart, column)) is not None:
            question = ask(other, columns=[column], filters=_filters(mart, row))
            for found in edition.rows(*question.sql()):
                yield _input(other, column, found)


def _input(mart: Mart, column: str, row: dict[str, Any]) -> Input:
    unit = mart.columns[column].unit
    return Input(mart=mart.name, column=column, value=plain(row[column]), unit=unit)


def _parts(edition: Edition, mart: Mart, meaning: Column, row: dict[str, Any]) -> Iterator[Part]:
    """Yield the rows of marts with one more part in their key and the same measured column."""
    if meaning.type != "DOUBLE":
        return
    for finer in edition.catalog.marts.values():
        if (
            finer.entry.kind == "table"
            and set(mart.key) < set(finer.key)
            and len(finer.key) == len(mart.key) + 1
            and meaning.name in finer.columns
        ):
            question = ask(finer, filters=_filters(mart, row), limit=MAX_PARTS).paged(MAX_PARTS)
            for found in edition.rows(*question.sql()):
                values = {name: plain(value) for name, value in found.items()}
                yield Part(mart=finer.name, values=values)


def _filters(mart: Mart, row: dict[str, Any]) -> dict[str, list[str]]:
    return {name: [str(row[name])] for name in mart.key}


def _other(catalog: Catalog, mart: Mart, column: str) -> Mart | None:
    """Return the mart that has a column on the same key: one name is one quantity everywhere."""
    return next(
        (
            other
            for other in catalog.marts.values()
            if other.entry.kind == "table" and other.key == mart.key and column in other.columns
        ),
        None,
    )


def _shares(edition: Edition, column: str, row: dict[str, Any]) -> Shares | None:
    """Return the factors of a grade; None: the column is none."""
    mart = edition.catalog.marts.get(COMPONENTS)
    if mart is None or not {"asset_id", "day"} <= set(row):
        return None
    question = ask(
        mart,
        columns=list(Factor.model_fields),
        filters={"asset_id": [row["asset_id"]], "grade": [column]},
        start=row["day"],
        end=row["day"],
        order=("-contribution", "factor"),
    )
    factors = [Factor(**found) for found in edition.rows(*question.sql())]
    if not factors:
        return None
    parts = [factor.contribution for factor in factors if factor.contribution is not None]
    total = math.fsum(parts) if parts else None
    return Shares(
        factors=factors,
        contributions_sum=total,
        adds_up=row[column] is None or _is(total, row[column]),
    )


def _is(total: float | None, value: float) -> bool:
    """Tell whether two doubles are one number in the decimal digits that a double keeps."""
    if total is None or value == 0:
        return total == value
    last = 10.0 ** (math.floor(math.log10(abs(value))) + 1 - sys.float_info.dig)
    return abs(total - value) < last


def _raw(edition: Edition, settings: Settings, meaning: Column, row: dict[str, Any]) -> Raw:
    """Return the raw rows of the row's asset and day, of the sources that the column is made of."""
    if row.get("asset_id") is None or row.get("day") is None:
        return _none("not_applicable", "the row is not of an asset's day")
    known_at = row.get("as_of_ts") or edition.manifest.published_at
    known_at = known_at.replace(tzinfo=known_at.tzinfo or UTC)
    named = {name: codes for name, codes in _codes(edition, row).items() if _made(meaning, name)}
    if not named:
        return _none(
            "not_applicable",
            f"{meaning.column_source or 'its origin'} is no source that names the asset itself: "
            "follow the inputs",
        )
    try:
        lake = Observations(settings, known_at)
        rows = [
            _shown(observation)
            for source, codes in sorted(named.items())
            for observation in lake.of_coin(source, codes, row["day"])
        ]
    except LakeAbsent:
        return _none("not_at_hand", "the lake is not at hand: ask where the publication was made")
    except (FileDamaged, OSError):
        return _none("not_at_hand", "a file of the lake cannot be read: see `tokenmart lake mend`")
    return Raw(
        status="read",
        detail=f"{len(rows)} rows of {', '.join(sorted(named))} on {row['day']}, fetched until "
        f"{plain(known_at)}",
        rows=rows,
    )


def _none(status: Literal["not_at_hand", "not_applicable"], detail: str) -> Raw:
    return Raw(status=status, detail=detail, rows=[])


def _codes(edition: Edition, row: dict[str, Any]) -> dict[str, list[str]]:
    """Return what each source calls the row's asset on its day."""
    if _ALIASES not in edition.catalog.marts:
        return {}
    found: dict[str, list[str]] = {}
    for alias in edition.rows(
        'select source, source_id from marts."dim_asset_alias" '
        "where asset_id = ? and valid_from <= ? and (valid_to is null or valid_to > ?) "
        "order by source, source_id",
        [row["asset_id"], row["day"], row["day"]],
    ):
        found.setdefault(alias["source"], []).append(alias["source_id"])
    return {source: codes for source, codes in found.items() if source in sources.SOURCES}


def _made(meaning: Column, source: str) -> bool:
    """Tell whether a column is made of a source, by what the dictionary says of its origin."""
    declared = sources.source(source)
    if _CANONICAL in meaning.column_source and declared.kind == "spot_venue":
        return True
    # its name without what it sells: Binance of Binance spot, Coin Metrics of its archive
    name = re.escape(declared.title.split()[0])
    return re.search(rf"\b{name}\b", meaning.column_source) is not None


def _shown(observation: Observation) -> RawRow:
    return RawRow(
        source=observation.source,
        table=observation.table,
        series=observation.series,
        label_at=observation.label_at,
        fetched_at=observation.fetched_at,
        load_id=observation.load_id,
        path=observation.path,
        values={name: plain(value) for name, value in observation.values.items()},
    )
