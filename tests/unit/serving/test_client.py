"""The same calls on a service and on a folder give the same frames."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.core.settings import Settings
from pipelines.core.windows import SystemClock
from pipelines.serving.app import make_app
from pipelines.serving.client import Client, ClientError
from pipelines.serving.resources import RESOURCES
from tests.unit.serving.conftest import running


@pytest.fixture
def clients(publish: Callable[..., Any], settings: Settings) -> Iterator[tuple[Client, Client]]:
    publish()
    with running(make_app(settings, SystemClock())) as url:
        yield Client(url), Client(settings.published_dir)


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("assets", {}),
        ("prices", {}),
        ("prices", {"asset": "bitcoin", "start": "2024-01-10", "end": date(2024, 1, 20)}),
        ("prices", {"asset": ["BTC", "ethereum"], "columns": "day,close_usd", "order": "-day"}),
        ("prices", {"is_stale": True, "n_venues": 1, "limit": 3, "order": "asset_id,day"}),
        ("alerts", {"after_seq": 3}),
        ("catalog_columns", {}),
    ],
)
def test_a_service_and_a_folder_answer_alike(
    clients: tuple[Client, Client], method: str, asked: dict[str, Any]
) -> None:
    served, own = (getattr(client, method)(**asked) for client in clients)
    assert served.height > 0
    assert_frame_equal(served, own)


def test_the_frame_is_that_of_the_mart(clients: tuple[Client, Client], settings: Settings) -> None:
    copy = settings.published_dir / "current" / "parquet" / "price_daily.parquet"
    assert_frame_equal(
        clients[0].prices("BTC", order="day"),  # type: ignore[attr-defined]
        pl.read_parquet(copy).filter(pl.col("asset_id") == "bitcoin").sort("day"),
    )


@pytest.mark.parametrize("place", [0, 1], ids=["service", "folder"])
@pytest.mark.parametrize(
    ("name", "asked", "kind"),
    [
        ("price_dayly", {}, "unknown-mart"),
        ("price_daily", {"asset": "LUNA"}, "ambiguous-symbol"),
        ("price_daily", {"columns": "close"}, "unknown-column"),
        ("price_daily", {"colums": "close_usd"}, "unknown-parameter"),
        ("price_daily", {"limit": "many"}, "invalid-request"),
        ("price_daily", {"version": "none"}, "unknown-version"),
    ],
)
def test_what_cannot_be_answered_is_an_error_that_says_what_to_do(
    clients: tuple[Client, Client], place: int, name: str, asked: dict[str, Any], kind: str
) -> None:
    with pytest.raises(ClientError) as refused:
        clients[place].mart(name, **asked)
    assert refused.value.kind == kind
    assert str(refused.value)


def test_every_address_is_a_method() -> None:
    assert {"prices", "grades_trader", "pegs_events_log", "plans_what_if"} <= set(dir(Client))
    assert len({name for name in dir(Client) if name[0] != "_"} - {"mart"}) == len(RESOURCES)
    assert "price_daily" in str(Client.prices.__doc__)  # type: ignore[attr-defined]


def test_whoever_asks_a_service_loads_none_of_it() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, pipelines.serving.client; print('fastapi' in sys.modules)",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout == "False\n"
