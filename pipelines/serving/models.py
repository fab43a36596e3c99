"""Types of requests and answers, made from an edition's catalog: OpenAPI then says all."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Generic, Literal, TypeVar, cast

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model

from pipelines.publishing.catalog import Column, Mart

Row = TypeVar("Row", bound=BaseModel)

MAX_PAGE = 10_000
DEFAULT_PAGE = 1_000
_TYPES: dict[str, type] = {
    "VARCHAR": str,
    "DOUBLE": float,
    "BIGINT": int,
    "BOOLEAN": bool,
    "DATE": date,
    "TIMESTAMP": datetime,
}
# compared for equality; of numbers that are measured nobody asks for one exact value
_FILTERS = {"VARCHAR", "BOOLEAN", "BIGINT"}


class Truth(BaseModel):
    """Which publication answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str | None = Field(
        None, description="a kept publication (see /v1/versions); default: the current one"
    )
    known_at: AwareDatetime | None = Field(
        None,
        description="the publication that was current at this instant, such as "
        "2026-01-31T12:00:00Z",
    )


class Selection(Truth):
    """What every mart can be asked."""

    columns: str | None = Field(None, description="of the answer, with commas; default: all")
    order: str | None = Field(
        None, description="columns with commas, `-` before one that descends; default: the key"
    )
    limit: int | None = Field(
        None,
        ge=1,
        description=f"most rows; JSON comes in pages of {DEFAULT_PAGE:,} unless it says otherwise "
        f"(at most {MAX_PAGE:,}), the other forms whole",
    )
    cursor: str | None = Field(None, description="`next_cursor` of the page before")
    format: Literal["json", "ndjson", "csv", "arrow", "parquet"] | None = Field(
        None, description="wins over the header Accept"
    )

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns that are asked for."""
        return _names(self.columns)

    @property
    def order_names(self) -> tuple[str, ...]:
        """The columns of the order."""
        return _names(self.order)

    def wanted(self, name: str) -> tuple[str, ...]:
        """Return the values that are asked for of a filter."""
        value = getattr(self, name, None)
        return () if value is None else _names(str(value))


class Page(BaseModel, Generic[Row]):
    """One page of a mart."""

    mart: str = Field(description="where the rows are from")
    version: str = Field(description="the publication that they are from")
    data: list[Row]
    next_cursor: str | None = Field(description="send it as `cursor` for more; null: there is none")


def row_model(mart: Mart) -> type[BaseModel]:
    """Return the type of a mart's rows, with each column's meaning."""
    fields = {name: (_type(column), _field(column)) for name, column in mart.columns.items()}
    return create_model(  # type: ignore[call-overload, no-any-return]
        _pascal(mart.name), __doc__=mart.description, **fields
    )


def filters_of(mart: Mart, *, without: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return the columns of a mart that can be compared with a value."""
    taken = {*Selection.model_fields, "start", "end", "asset", *without}
    return tuple(
        name
        for name, column in mart.columns.items()
        if column.type in _FILTERS and name not in taken
    )


def query_model(mart: Mart, *, without: frozenset[str] = frozenset()) -> type[Selection]:
    """Return the type of the questions to a mart.

    Args:
        mart: the mart.
        without: columns that the path says.
    """
    fields: dict[str, Any] = {
        name: (
            str | None,
            Field(None, description=f"only these, with commas. {mart.columns[name].description}"),
        )
        for name in filters_of(mart, without=without)
    }
    if "asset_id" in mart.columns and "asset_id" not in without:
        fields["asset"] = (
            str | None,
            Field(None, description="ids or symbols of assets, with commas: bitcoin,ETH"),
        )
    if mart.has_day:
        fields["start"] = (date | None, Field(None, description="the first day, UTC"))
        fields["end"] = (date | None, Field(None, description="the last day, UTC, included"))
    if "event_seq" in mart.columns:
        fields["after_seq"] = (
            int | None,
            Field(None, ge=0, description="only events with a higher event_seq, in its order"),
        )
        fields["wait_s"] = (
            float,
            Field(0, ge=0, le=60, description="wait so long for one where there is none yet"),
        )
    return cast(
        "type[Selection]", create_model(f"{_pascal(mart.name)}Query", __base__=Selection, **fields)
    )


def _type(column: Column) -> Any:
    known = _TYPES.get(column.type, str)
    return known | None if column.is_nullable else known


def _field(column: Column) -> Any:
    extra: dict[str, Any] = {
        key: value
        for key, value in {"unit": column.unit, "null_rule": column.null_rule}.items()
        if value not in ("", "none")
    }
    return Field(description=column.meaning, json_schema_extra=extra)


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(part for piece in (text or "").split(",") if (part := piece.strip()))


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
