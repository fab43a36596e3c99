"""The routes that take a number apart."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import ConfigDict, Field

from pipelines.core.settings import Settings
from pipelines.serving.answers import chosen_version
from pipelines.serving.catalog_routes import mart_of
from pipelines.serving.explaining import Explanation, GradeExplanation, explain, explain_grade
from pipelines.serving.models import Truth
from pipelines.serving.problems import PROBLEM_RESPONSES
from pipelines.serving.shelf import Shelf


class WhichNumber(Truth):
    """Which row of a mart; what is not named here is a column of its key."""

    model_config = ConfigDict(extra="allow", frozen=True)

    asset: str | None = Field(None, description="id or symbol, where the key has `asset_id`")
    day: date | None = Field(None, description="UTC, where the key has it; default: the newest")

    @property
    def key(self) -> dict[str, str]:
        """The parts of the key that are named."""
        named = {"asset": self.asset, "day": self.day, **(self.model_extra or {})}
        return {name: str(value) for name, value in named.items() if value is not None}


class WhichGrade(Truth):
    """Which grade, of which day, from which publication."""

    grade: Literal["trader", "investor"] = Field("trader", description="which of the two")
    day: date | None = Field(None, description="UTC; default: the newest")


def router_of(shelf: Shelf, settings: Settings) -> APIRouter:
    """Return the routes that take a number apart.

    Args:
        shelf: the publications that answer.
        settings: where the lake is.
    """
    router = APIRouter(prefix="/v1", tags=["explain"])

    @router.get(
        "/explain/{mart}/{column}", summary="Take one number apart", responses=PROBLEM_RESPONSES
    )
    def explained(mart: str, column: str, asked: Annotated[WhichNumber, Query()]) -> Explanation:
        """Say how a number of one row came about: formula, inputs, and the rows behind them.

        The row is named by the mart's key as query parameters (`/v1/catalog/{mart}` says which
        columns that are): `?asset=BTC&day=2026-10-31`. Without `day` the newest row answers.
        Raw rows of the sources come where the service has the lake at hand.
        """
        with shelf.edition(chosen_version(shelf, asked)) as edition:
            return explain(edition, settings, mart_of(edition.catalog, mart), column, asked.key)

    @router.get(
        "/grades/{asset}/explain",
        summary="Take a grade apart to its factors",
        responses=PROBLEM_RESPONSES,
    )
    def explained_grade(
        asset: Annotated[str, Path(description="its id or its symbol")],
        asked: Annotated[WhichGrade, Query()],
    ) -> GradeExplanation:
        """Say what each factor adds to a grade: its value, rank, weight and contribution."""
        with shelf.edition(chosen_version(shelf, asked)) as edition:
            return explain_grade(edition, asset, asked.grade, asked.day)

    return router
