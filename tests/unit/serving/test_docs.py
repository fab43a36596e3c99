"""Every snippet of the service's page does what the page says, on a small publication."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.core.settings import Settings
from pipelines.core.windows import SystemClock
from pipelines.serving.app import make_app
from tests.e2e.command_line import accept
from tests.unit.serving.conftest import running

PAGE = (Path(__file__).parents[3] / "docs" / "serving.md").read_text(encoding="utf-8")
SERVICE = "http://127.0.0.1:8000"

# the days that the page's examples are about
_MARTS = """
insert into marts.price_daily (asset_id, day, close_usd)
select 'bitcoin', cast(day as date), 57000 + day_of_month
from (
    select day, extract(day from day) as day_of_month
    from range(date '2026-10-01', date '2026-11-01', interval 1 day) as days (day)
);
create table marts.trader_grade_daily as
select asset_id, day, cast(50 as double) as trader_grade
from (values ('bitcoin'), ('ethereum')) as assets (asset_id)
cross join (select distinct day from marts.price_daily where day > date '2026-01-01');
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


COMMANDS = [line.removeprefix("$ ") for block in blocks("console") for line in block.splitlines()]
CURLS = [line for line in COMMANDS if line.startswith("curl ")]
PYTHON = [block for block in blocks("python") if "tmai_api" not in block]


@pytest.fixture
def service(publish: Callable[..., Any], settings: Settings) -> Iterator[str]:
    publish(more=_MARTS, keys={"trader_grade_daily": ("asset_id", "day")})
    with running(make_app(settings, SystemClock())) as url:
        yield url


def test_every_snippet_is_of_a_kind_that_is_tested() -> None:
    tested = {"console", "python", "js", "json"}
    assert set(re.findall(r"^```(\w+)$", PAGE, re.M)) == tested
    assert len(CURLS) >= 3
    assert len(PYTHON) >= 2
    for line in COMMANDS:
        if line not in CURLS:
            program, *words = shlex.split(line)
            assert program == "tokenmart", f"nobody tests {line!r}"
            accept(words)


@pytest.mark.parametrize("line", CURLS)
def test_curl_gets_an_answer(line: str, service: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not here")
    asked = shlex.split(line.replace(SERVICE, service))
    done = subprocess.run([*asked, "--silent"], capture_output=True, text=True, timeout=30)
    answer = json.loads(done.stdout)
    if "/grades/" in line and "status" in answer:
        # the small publication has no factors: it says so, and what would help
        assert answer["type"].startswith("/v1/problems/"), answer
        assert answer["detail"]
    else:
        assert "status" not in answer, f"{line}: {answer}"
    if "/v1/prices/BTC" in line:
        assert answer["data"][0] == {"day": "2026-10-01", "close_usd": 57001.0}


@pytest.mark.parametrize("code", PYTHON, ids=[block.split("\n")[0] for block in PYTHON])
def test_python_gets_a_frame(code: str, service: str, settings: Settings) -> None:
    own = code.replace(SERVICE, service).replace("data/published", str(settings.published_dir))
    names: dict[str, Any] = {}
    exec(compile(own, "docs/serving.md", "exec"), names)  # noqa: S102  # our own page
    frames = [value for value in names.values() if isinstance(value, pl.DataFrame)]
    assert len(frames) == 1
    (frame,) = frames
    assert frame.height in (31, 62)
    assert frame["day"].max() == date(2026, 10, 31)


@pytest.mark.parametrize("code", blocks("js"))
def test_javascript_prints_the_prices(code: str, service: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not here")

    def run(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [node, "--input-type=module", "--eval", script],
            capture_output=True,
            text=True,
            timeout=60,
        )

    done = run(code.replace(SERVICE, service))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "2026-10-01 57001"
    assert len(done.stdout.splitlines()) == 31
    # and a question that cannot be answered is said as the problem says it
    failed = run(code.replace(SERVICE, service).replace('close_usd"', 'closing_price"'))
    assert failed.returncode == 1
    assert "closing_price" in failed.stderr


@pytest.mark.parametrize("text", blocks("json"))
def test_json_can_be_read(text: str) -> None:
    said = json.loads(text)
    for server in said.get("mcpServers", {}).values():
        assert server["command"] == "tokenmart"
        accept(server["args"])
