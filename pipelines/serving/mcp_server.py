"""The marts as tools of the Model Context Protocol: over stdio, or at `/mcp` in the service.

Each tool is a bounded question to one publication, by the same questions as REST; what a column
means comes from the dictionary with the answer. A problem becomes a tool's error with its detail.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Annotated, Any, Literal, ParamSpec, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field
from starlette.applications import Starlette

from pipelines.core.settings import Serving, Settings
from pipelines.publishing.catalog import Mart
from pipelines.serving import explaining
from pipelines.serving.assets import entity_ids
from pipelines.serving.catalog_routes import (
    MartMeaning,
    MartSummary,
    mart_of,
    meaning_of,
    summary_of,
)
from pipelines.serving.explaining import GradeExplanation, plain
from pipelines.serving.models import filters_of
from pipelines.serving.problems import Problem, unknown
from pipelines.serving.query import Question, ask
from pipelines.serving.shelf import Edition, Shelf

MAX_ROWS = 200
MAX_COLUMNS = 30
_INSTRUCTIONS = """
Crypto marts that can be checked: prices, returns, technicals, grades, signals, risk plans,
stablecoins and pegs, protocols, chains, valuations. Begin with list_marts, then describe_mart: it
has the unit, formula and null rule of each column. Days are UTC, money is in US dollars, shares
are fractions (0.05 is 5 %). Null means unknown and never zero. Each answer names the publication
(`version`) that it is from; name it when you quote a number, and ask freshness_and_coverage before
you call one current. Assets are named by id or symbol; a symbol that two have is refused with both.
"""
# what an asset's page shows, each by the mart that says it
_SECTIONS = {
    "price": "price_daily",
    "risk": "returns_risk_daily",
    "signal": "signal_daily",
    "plan": "risk_plan_daily",
    "valuation": "valuation_daily",
}
_GRADES = ("trader", "investor")
_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

Given = ParamSpec("Given")
Answer = TypeVar("Answer")
AssetName = Annotated[str, Field(description="id or symbol: bitcoin, ETH")]
Rows = list[dict[str, Any]]


class Answered(BaseModel):
    """Every answer says which publication it is from."""

    version: str = Field(description="the publication that it is from")


class MartList(Answered):
    """The marts."""

    marts: list[MartSummary]


class MartAnswer(Answered):
    """One mart with its columns."""

    meaning: MartMeaning


class Table(Answered):
    """Rows of a mart."""

    mart: str
    rows: Rows
    is_cut: bool = Field(description="whether there are more rows than these")
    columns_left_out: list[str] = Field(description="of a wide mart: name them to have them")
    meanings: dict[str, str] = Field(description="of each column, with unit and null rule")


class Section(BaseModel):
    """What one mart says of an asset on its newest day."""

    mart: str
    day: date | None = Field(description="null: the mart has nothing of the asset")
    is_newest_day: bool = Field(description="whether that is the publication's newest day")
    values: dict[str, Any]
    units: dict[str, str]
    missing: dict[str, str] = Field(description="columns that are null, each with its null rule")


class Snapshot(Answered):
    """An asset on the newest day."""

    asset_id: str
    newest_day: date | None = Field(description="of the publication")
    sections: dict[str, Section]
    grades: dict[str, GradeExplanation] = Field(description="with their factors")
    missing: list[str] = Field(description="what nothing is known of")


class Depegs(Answered):
    """The depeg events of a stablecoin."""

    stablecoin_id: str
    events: Rows = Field(description="the newest first")
    is_cut: bool = Field(description="whether there are more events than these")
    meanings: dict[str, str] = Field(description="of each column, with unit and null rule")


class Health(Answered):
    """How fresh and how complete the publication is."""

    published_at: str
    newest_day: date | None
    counts: dict[str, int] = Field(description="sources, marts and columns by their state")
    not_fresh: Rows = Field(description="those that lag behind what is declared, or are empty")
    coverage: Rows = Field(description="of the mart that was named: how far each column reaches")
    is_cut: bool = Field(description="whether there are more rows than these")


class Tools:
    """The tools, each a bounded question.

    Args:
        shelf: the publications that answer.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def list_marts(self) -> MartList:
        """List the marts: what a row of each says, its key, how many rows and which days."""
        with self._shelf.edition() as edition:
            marts = edition.catalog.marts.values()
            return MartList(
                version=edition.version,
                marts=[summary_of(mart) for mart in marts if mart.entry.kind == "table"],
            )

    def describe_mart(self, mart: str) -> MartAnswer:
        """Say what each column of a mart means: unit, formula, null rule, bounds, origin."""
        with self._shelf.edition() as edition:
            return MartAnswer(
                version=edition.version, meaning=meaning_of(mart_of(edition.catalog, mart))
            )

    def query_mart(
        self,
        mart: str,
        columns: Annotated[
            list[str], Field(max_length=MAX_COLUMNS, description="default: the first ones")
        ] = [],  # noqa: B006  # the schema's default; never changed
        asset: Annotated[
            list[str], Field(max_length=MAX_ROWS, description="ids or symbols of assets")
        ] = [],  # noqa: B006
        filters: Annotated[
            dict[str, list[str]],
            Field(description="values of columns of text, truth or whole numbers"),
        ] = {},  # noqa: B006
        start: Annotated[date | None, Field(description="the first day, UTC")] = None,
        end: Annotated[date | None, Field(description="the last day, included")] = None,
        order: Annotated[
            list[str], Field(max_length=5, description="columns; `-` before one that descends")
        ] = [],  # noqa: B006
        limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] = 50,
    ) -> Table:
        """Read rows of one mart; `<mart>_latest` has the newest day alone.

        Rows come in the order of the key where none is asked for. What is unknown comes last.
        """
        with self._shelf.edition() as edition:
            asked = mart_of(edition.catalog, mart)
            known = filters_of(asked)
            for column in filters:
                if column not in known:
                    raise unknown("filter", column, known, hint=f"there are {', '.join(known)}")
            wanted: dict[str, list[str]] = {
                name: values for name, values in filters.items() if values
            }
            if asset:
                wanted["asset_id"] = list(entity_ids(edition, "asset", asset))
            chosen = columns or list(asked.columns)[:MAX_COLUMNS]
            question = ask(asked, columns=chosen, filters=wanted, start=start, end=end, order=order)
            rows, is_cut = _rows(edition, question, limit)
            return Table(
                version=edition.version,
                mart=mart,
                rows=rows,
                is_cut=is_cut,
                columns_left_out=[] if columns else list(asked.columns)[MAX_COLUMNS:],
                meanings=_meanings(asked, chosen),
            )

    def asset_snapshot(self, asset: AssetName) -> Snapshot:
        """Show an asset on the newest day: price, risk, grades with factors, signal, plan, value.

        Says of each what is missing, and why.
        """
        with self._shelf.edition() as edition:
            (asset_id,) = entity_ids(edition, "asset", [asset])
            sections = {
                name: _section(edition, edition.catalog.marts[mart], asset_id)
                for name, mart in _SECTIONS.items()
                if mart in edition.catalog.marts
            }
            # who has none is reported among what is missing
            grades: dict[str, GradeExplanation] = {}
            for kind in _GRADES:
                with suppress(Problem):
                    grades[kind] = explaining.explain_grade(edition, asset_id, kind)
            known = {name for name, section in sections.items() if section.day is not None}
            return Snapshot(
                version=edition.version,
                asset_id=asset_id,
                newest_day=edition.manifest.newest_day,
                sections=sections,
                grades=grades,
                missing=[
                    *(name for name in _SECTIONS if name not in known),
                    *(
                        f"{kind} grade"
                        for kind in _GRADES
                        if kind not in grades or grades[kind].value is None
                    ),
                ],
            )

    def explain_grade(
        self,
        asset: AssetName,
        grade: Literal["trader", "investor"] = "trader",
        day: Annotated[date | None, Field(description="UTC; default: the newest")] = None,
    ) -> GradeExplanation:
        """Take a grade apart: value, rank, weight and contribution of each factor."""
        with self._shelf.edition() as edition:
            return explaining.explain_grade(edition, asset, grade, day)

    def depeg_history(
        self,
        stablecoin: Annotated[str, Field(description="id or symbol: usd-coin, USDC")],
        limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] = 50,
    ) -> Depegs:
        """List when a stablecoin lost its peg: how far, how long, by what evidence."""
        with self._shelf.edition() as edition:
            (coin,) = entity_ids(edition, "stablecoin", [stablecoin])
            mart = mart_of(edition.catalog, "depeg_event")
            question = ask(mart, filters={"stablecoin_id": [coin]}, order=["-start_day"])
            events, is_cut = _rows(edition, question, limit)
            return Depegs(
                version=edition.version,
                stablecoin_id=coin,
                events=events,
                is_cut=is_cut,
                meanings=_meanings(mart, list(mart.columns)),
            )

    def freshness_and_coverage(
        self,
        mart: Annotated[
            str | None, Field(description="say how far each column of it reaches, too")
        ] = None,
    ) -> Health:
        """Say how old the data are, what lags or is empty, and how far a mart's columns reach."""
        with self._shelf.edition() as edition:
            freshness = mart_of(edition.catalog, "ops_freshness")
            states = edition.rows(
                'select status, count(*) as n from marts."ops_freshness" group by all order by all'
            )
            stale = [state["status"] for state in states if state["status"] != "fresh"]
            not_fresh: Rows = []
            is_cut = False
            if stale:
                question = ask(freshness, filters={"status": stale}, order=["-lag_h"])
                not_fresh, is_cut = _rows(edition, question, MAX_ROWS)
            coverage: Rows = []
            if mart is not None:
                named = mart_of(edition.catalog, mart).name
                question = ask(
                    mart_of(edition.catalog, "ops_coverage"),
                    filters={"mart": [named.removesuffix("_latest")]},
                )
                coverage, more = _rows(edition, question, MAX_ROWS)
                is_cut = is_cut or more
            return Health(
                version=edition.version,
                published_at=plain(edition.manifest.published_at),
                newest_day=edition.manifest.newest_day,
                counts={state["status"]: state["n"] for state in states},
                not_fresh=not_fresh,
                coverage=coverage,
                is_cut=is_cut,
            )


def server_of(shelf: Shelf) -> MCPServer[Any]:
    """Return the server with its tools.

    Args:
        shelf: the publications that answer.
    """
    server: MCPServer[Any] = MCPServer(
        "tokenmart", title="Tokenmart", instructions=_INSTRUCTIONS.strip(), log_level="WARNING"
    )
    tools = Tools(shelf)
    for function in (
        tools.list_marts,
        tools.describe_mart,
        tools.query_mart,
        tools.asset_snapshot,
        tools.explain_grade,
        tools.depeg_history,
        tools.freshness_and_coverage,
    ):
        server.tool(annotations=_READS)(_refusing(function))
    return server


def _refusing(function: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """Return the tool whose problems are errors that the client may read."""

    @functools.wraps(function)
    def answered(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        try:
            return function(*args, **kwargs)
        except Problem as problem:
            raise ToolError(problem.detail) from None

    return answered


def http_app(server: MCPServer[Any], serving: Serving) -> Starlette:
    """Return the server over streamable HTTP at `/mcp`: no session, one JSON answer a request.

    Its routes belong into the service, and its session manager runs as long as that does.
    """
    return server.streamable_http_app(
        stateless_http=True,
        json_response=True,
        max_request_body_size=serving.max_body_bytes,
        # without keys a page of another origin must not reach it through a browser's own network;
        # with keys the host's name is whatever the proxy in front of it has
        transport_security=(
            TransportSecuritySettings(enable_dns_rebinding_protection=False)
            if serving.require_keys
            else None
        ),
        host=serving.host,
    )


def run(settings: Settings) -> None:
    """Answer over stdio until the client goes away.

    Raises:
        Problem: nothing is published.
    """
    serving = settings.serving
    shelf = Shelf(settings.published_dir, memory=serving.memory, threads=serving.threads)
    try:
        with shelf.edition():
            server_of(shelf).run("stdio")
    finally:
        shelf.close()


def _rows(edition: Edition, question: Question, limit: int) -> tuple[Rows, bool]:
    """Return the first rows, and whether there are more."""
    sql, values = question.paged(limit + 1).sql([f'"{column}"' for column in question.columns])
    found = edition.rows(sql, values)
    rows = [{name: plain(value) for name, value in row.items()} for row in found[:limit]]
    return rows, len(found) > limit


def _meanings(mart: Mart, columns: list[str]) -> dict[str, str]:
    return {name: mart.columns[name].meaning for name in columns}


def _section(edition: Edition, mart: Mart, asset_id: str) -> Section:
    question = ask(mart, filters={"asset_id": [asset_id]}, order=["-day"], limit=1)
    row = next(iter(edition.rows(*question.sql())), {})
    units = {name: column.unit for name, column in mart.columns.items() if column.unit != "none"}
    return Section(
        mart=mart.name,
        day=row.get("day"),
        is_newest_day=row.get("day") == edition.manifest.newest_day,
        values={name: plain(value) for name, value in row.items() if value is not None},
        units={name: unit for name, unit in units.items() if row.get(name) is not None},
        missing={
            name: mart.columns[name].null_rule for name, value in row.items() if value is None
        },
    )
