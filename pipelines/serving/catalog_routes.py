"""The dictionary and the kept publications, as JSON."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from pipelines.publishing.catalog import Catalog, Column, Mart
from pipelines.serving.answers import chosen_version
from pipelines.serving.models import Truth
from pipelines.serving.problems import unknown
from pipelines.serving.resources import RESOURCES
from pipelines.serving.shelf import Shelf


class Version(BaseModel):
    """One kept publication."""

    version: str = Field(description="its name, as `version` takes it")
    published_at: datetime = Field(description="when it became the current one")
    newest_day: date | None = Field(description="the newest day in any of its marts")
    content_hash: str = Field(description="of all marts but the runs' own")
    code_revision: str = Field(description="of the code that made it")
    is_current: bool = Field(description="whether it answers where no version is asked for")


class MartSummary(BaseModel):
    """One mart in few words."""

    mart: str = Field(description="its table in the schema `marts`")
    description: str = Field(description="what it says, and what a row is")
    path: str = Field(description="where it is served")
    key: tuple[str, ...] = Field(description="the columns that identify a row")
    rows: int = Field(description="how many there are")
    min_day: date | None = Field(description="the oldest day")
    max_day: date | None = Field(description="the newest day")


class ColumnMeaning(BaseModel):
    """One column, and what it means."""

    column: str
    type: str = Field(description="of DuckDB")
    description: str
    unit: str
    formula: str = Field(description="as an expression; none: it is read and not computed")
    formula_anchor: str | None = Field(description="where the formula is explained")
    column_source: str = Field(description="what it is made of: a source, a mart, a seed")
    null_rule: str = Field(description="when a value is missing")
    min_value: float | None = Field(description="no value is lower")
    max_value: float | None = Field(description="no value is higher")


class MartMeaning(MartSummary):
    """One mart with its columns."""

    columns: list[ColumnMeaning]


def router_of(shelf: Shelf) -> APIRouter:
    """Return the routes to the dictionary and the versions."""
    router = APIRouter(prefix="/v1", tags=["catalog"])

    @router.get("/versions")
    def versions() -> list[Version]:
        """List the kept publications, the newest first."""
        current = shelf.current_version()
        return [
            Version(
                version=manifest.version,
                published_at=manifest.published_at,
                newest_day=manifest.newest_day,
                content_hash=manifest.content_hash,
                code_revision=manifest.code_revision,
                is_current=manifest.version == current,
            )
            for manifest in reversed(shelf.versions())
        ]

    @router.get("/catalog")
    def catalog(truth: Annotated[Truth, Query()]) -> list[MartSummary]:
        """List the marts."""
        with shelf.edition(chosen_version(shelf, truth)) as edition:
            return [summary_of(mart) for mart in edition.catalog.marts.values()]

    @router.get("/catalog/{mart}")
    def columns(mart: str, truth: Annotated[Truth, Query()]) -> MartMeaning:
        """Say what a mart and each of its columns mean."""
        with shelf.edition(chosen_version(shelf, truth)) as edition:
            return meaning_of(mart_of(edition.catalog, mart))

    return router


def mart_of(catalog: Catalog, name: str) -> Mart:
    """Return a mart by its name.

    Raises:
        Problem: there is none of this name.
    """
    if name not in catalog.marts:
        raise unknown("mart", name, list(catalog.marts), hint="/v1/catalog lists them")
    return catalog.marts[name]


def meaning_of(mart: Mart) -> MartMeaning:
    """Return what a mart and each of its columns mean."""
    return MartMeaning(
        **summary_of(mart).model_dump(),
        columns=[_meaning(column) for column in mart.columns.values()],
    )


def summary_of(mart: Mart) -> MartSummary:
    """Return a mart in few words."""
    path = next((each.path for each in RESOURCES if each.mart == mart.name), f"/marts/{mart.name}")
    return MartSummary(
        mart=mart.name,
        description=mart.description,
        path=f"/v1{path}",
        key=mart.key,
        rows=mart.entry.rows,
        min_day=mart.entry.min_day,
        max_day=mart.entry.max_day,
    )


def _meaning(column: Column) -> ColumnMeaning:
    return ColumnMeaning(
        column=column.name,
        type=column.type,
        description=column.description,
        unit=column.unit,
        formula=column.formula,
        formula_anchor=column.formula_anchor,
        column_source=column.column_source,
        null_rule=column.null_rule,
        min_value=column.min_value,
        max_value=column.max_value,
    )
