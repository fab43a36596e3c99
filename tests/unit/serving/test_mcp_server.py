"""The marts as tools, by the official client: in a process over stdio, and over HTTP."""

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import CallToolResult

from pipelines.core.settings import Serving, Settings
from pipelines.core.windows import FixedClock
from pipelines.serving.app import make_app
from tests.unit.serving.conftest import NOW
from tests.unit.serving.test_explaining import KEYS, MARTS

MORE = (
    MARTS
    + """;
create table marts.dim_stablecoin as select 'usd-coin' as stablecoin_id, 'USDC' as symbol, 'USD Coin' as name;
create table marts.depeg_event as
select 'e' || i as event_id, 'usd-coin' as stablecoin_id, date '2024-01-01' + cast(i as integer) as start_day
from range(3) as events (i);
create table marts.ops_freshness as
select * from (values ('source', 'kraken', 'fresh', 1.0), ('source', 'okx', 'stale', 99.0))
as f (subject_kind, subject, status, lag_h);
create table marts.ops_coverage as
select 'price_daily' as mart, 'close_usd' as column_name, 'bitcoin' as entity_id;
"""  # noqa: E501
)
MORE_KEYS = {
    **KEYS,
    "dim_stablecoin": ("stablecoin_id",),
    "depeg_event": ("event_id",),
    "ops_freshness": ("subject_kind", "subject"),
    "ops_coverage": ("mart", "column_name", "entity_id"),
}
Call = tuple[str, dict[str, Any]]


@pytest.fixture
def published(publish: Callable[..., Any]) -> str:
    return str(publish(more=MORE, keys=MORE_KEYS).version)


@pytest.fixture
def url(published: str, settings: Settings) -> Iterator[str]:
    """Serve on a free port of this machine."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        served = settings.model_copy(update={"serving": Serving()})
        app = make_app(served, FixedClock(NOW))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        server.should_exit = True
        thread.join(timeout=10)


def called(target: Any, *calls: Call) -> list[CallToolResult]:
    """Return what the official client gets."""

    async def ask() -> list[CallToolResult]:
        async with asyncio.timeout(60), Client(target) as client:
            return [await client.call_tool(name, given) for name, given in calls]

    return asyncio.run(ask())


def content(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


def test_every_tool_answers_from_a_named_publication(url: str, published: str) -> None:
    answers = [
        content(result)
        for result in called(
            url,
            ("list_marts", {}),
            ("describe_mart", {"mart": "price_daily"}),
            (
                "query_mart",
                {"mart": "price_daily", "asset": ["BTC"], "start": "2024-02-01", "limit": 3},
            ),
            ("asset_snapshot", {"asset": "BTC"}),
            ("explain_grade", {"asset": "bitcoin", "day": "2024-01-05"}),
            ("depeg_history", {"stablecoin": "usdc", "limit": 2}),
            ("freshness_and_coverage", {"mart": "price_daily"}),
        )
    ]
    assert {answer["version"] for answer in answers} == {published}
    marts, meaning, table, snapshot, grade, depegs, health = answers
    assert "price_daily" in {mart["mart"] for mart in marts["marts"]}
    close = next(c for c in meaning["meaning"]["columns"] if c["column"] == "close_usd")
    assert (close["unit"], close["null_rule"]) == ("USD", "no venue")
    assert [row["day"] for row in table["rows"]] == ["2024-02-01", "2024-02-02", "2024-02-03"]
    assert table["is_cut"]
    assert "NULL: no venue" in table["meanings"]["close_usd"]
    assert snapshot["sections"]["price"]["day"] == "2024-02-29"
    assert "note" in snapshot["sections"]["price"]["missing"]
    assert {"signal", "plan", "valuation", "investor grade"} <= set(snapshot["missing"])
    assert grade["adds_up"]
    assert [event["start_day"] for event in depegs["events"]] == ["2024-01-03", "2024-01-02"]
    assert depegs["is_cut"]
    assert health["counts"] == {"fresh": 1, "stale": 1}
    assert [row["subject"] for row in health["not_fresh"]] == ["okx"]
    assert [row["column_name"] for row in health["coverage"]] == ["close_usd"]


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("describe_mart", {"mart": "price_dayly"}, "price_daily"),
        ("query_mart", {"mart": "price_daily", "columns": ["close"]}, "close_usd"),
        ("query_mart", {"mart": "price_daily", "asset": ["LUNA"]}, "old-terra or terra"),
        ("query_mart", {"mart": "price_daily", "limit": 10**6}, "200"),
        ("query_mart", {"mart": "price_daily", "filters": {"close_usd": ["1"]}}, "n_venues"),
        ("asset_snapshot", {"asset": "bitcon"}, "bitcoin"),
        ("depeg_history", {"stablecoin": "USDX"}, "USDC"),
    ],
)
def test_what_cannot_be_answered_is_an_error_that_says_what_to_do(
    url: str, name: str, given: dict[str, Any], says: str
) -> None:
    (result,) = called(url, (name, given))
    assert result.is_error
    assert says in "".join(part.text for part in result.content if part.type == "text")


def test_a_process_answers_over_stdio(published: str, settings: Settings) -> None:
    program = StdioServerParameters(
        command=str(Path(sys.executable).parent / "tokenmart"),
        args=["mcp"],
        env={**os.environ, "TOKENMART_DATA_DIR": str(settings.data_dir)},
    )
    (result,) = called(program, ("asset_snapshot", {"asset": "BTC"}))
    assert content(result)["version"] == published
