"""A range of days launched in what `tokenmart dev` opens: one run, nothing skipped."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest

from assets import automation, keys
from assets.command import runs
from pipelines.publishing import publications
from tests.e2e.conftest import END, REPO, START, Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

DAYS = [(END - timedelta(days=number)).isoformat() for number in (2, 1, 0)]
_DONE = {"COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}

_LAUNCH = """
mutation Launch($wanted: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $wanted) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
    ... on UnauthorizedError { message }
  }
}
"""
_STATUS = """
query Status($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on PartitionBackfill { status error { message } runs(limit: 10) { id status } }
  }
}
"""
_DAYS_OFFERED = """
query Days($asset: AssetKeyInput!) {
  assetNodeOrError(assetKey: $asset) { __typename ... on AssetNode { partitionKeys } }
}
"""
_ASSETS = "{ assetNodes { assetKey { path } isExecutable groupName } }"


class Ui:
    """The webserver's GraphQL endpoint."""

    def __init__(self, port: int) -> None:
        # a proxy of the environment must not be asked for a server of this machine
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60
        )

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        answered = self._client.post("/graphql", json={"query": query, "variables": variables})
        answer: dict[str, Any] = answered.json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def wait_until_ready(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert process.poll() is None, "the webserver ended"
            try:
                if self._client.get("/server_info").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.5)
        pytest.fail(f"the webserver was not ready after {seconds:.0f} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(program: str, *arguments: str, project: Project, log: Path) -> subprocess.Popen[bytes]:
    environment = project.full_environment | {"DAGSTER_HOME": str(project.settings.dagster_home)}
    with log.open("wb") as output:
        return subprocess.Popen(
            [str(Path(sys.executable).with_name(program)), *arguments],
            cwd=REPO,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)


@pytest.fixture
def opened(project: Project) -> Project:
    """The project with its dataset in the settings, as who keeps a dataset of his own has it."""
    return Project(
        project.data_dir, project.dataset, {"TOKENMART_DATASET": str(project.dataset.path)}
    )


@pytest.fixture
def dev_log(tmp_path: Path) -> Path:
    return tmp_path / "dev.log"


@pytest.fixture
def ui(opened: Project, dev_log: Path) -> Iterator[Ui]:
    """`tokenmart dev` on the project, with no switch that a user does not set."""
    port = _free_port()
    process = _start("tokenmart", "dev", "--port", str(port), project=opened, log=dev_log)
    try:
        found = Ui(port)
        found.wait_until_ready(process, 240)
        yield found
    finally:
        _stop(process)
    assert _alive_of(opened) == [], "something outlives `tokenmart dev`"


def _alive_of(project: Project) -> list[str]:
    """Return the processes that work on the project's data, half a minute after it was stopped."""
    mark = f"TOKENMART_DATA_DIR={project.data_dir}".encode()
    deadline = time.monotonic() + 30
    while True:
        left = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    left.append((process / "cmdline").read_text().replace("\0", " "))
            except OSError:  # it ended meanwhile
                continue
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.5)


def test_the_ui_command_serves_the_project_and_leaves_nothing_behind(
    opened: Project, dev_log: Path
) -> None:
    port = _free_port()
    process = _start("tokenmart", "dev", "--port", str(port), project=opened, log=dev_log)
    try:
        ui = Ui(port)
        ui.wait_until_ready(process, 180)
        groups = {node["groupName"] for node in ui.ask(_ASSETS)["assetNodes"]}
        assert groups >= {"sources/binance", "marts/price", "published/price"}
        # what a supervisor sends
        process.terminate()
        process.wait(timeout=60)
    finally:
        _stop(process)

    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0, "the webserver is still there"
    assert _alive_of(opened) == [], dev_log.read_text(errors="replace")[-2000:]


def _backfilled(ui: Ui, job: str, days: list[str]) -> dict[str, Any]:
    """Launch a backfill as the page of the job does, and return what became of it."""
    wanted = {
        "selector": {
            "partitionSetName": f"{job}_partition_set",
            "repositorySelector": {
                "repositoryName": "__repository__",
                "repositoryLocationName": "tokenmart",
            },
        },
        "partitionNames": days,
    }
    launched = ui.ask(_LAUNCH, wanted=wanted)["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline:
        found: dict[str, Any] = ui.ask(_STATUS, id=launched["backfillId"])[
            "partitionBackfillOrError"
        ]
        if found["status"] in _DONE:
            return found
        time.sleep(2)
    pytest.fail("the backfill did not end within 15 minutes")


def test_days_that_the_market_does_not_have_are_not_offered(ui: Ui) -> None:
    """Who asks for one all the same gets no run: nothing could be painted as done."""
    raw = [{"path": ["raw", "binance", "klines"]}]
    keys = ui.ask(_DAYS_OFFERED, asset=raw[0])["assetNodeOrError"]["partitionKeys"]
    assert (keys[0], keys[-1]) == (START.isoformat(), END.isoformat())

    before = (START - timedelta(days=1)).isoformat()
    wanted = {"assetSelection": raw, "partitionNames": [before]}
    launched = ui.ask(_LAUNCH, wanted=wanted)["launchPartitionBackfill"]
    assert launched["__typename"] == "PythonError", launched


def test_range_is_backfilled_in_one_run(ui: Ui, opened: Project, dev_log: Path) -> None:
    first = opened.current
    assets = [
        {"path": node["assetKey"]["path"]}
        for node in ui.ask(_ASSETS)["assetNodes"]
        if node["isExecutable"]
    ]
    assert len(assets) > 100

    found = _backfilled(ui, automation.BACKFILL_JOB, DAYS)
    log = dev_log.read_text(errors="replace")[-4000:]
    assert found["status"] == "COMPLETED_SUCCESS", f"{found}\n{log}"
    assert [run["status"] for run in found["runs"]] == ["SUCCESS"], "a range is to be one run"

    # Dagster may skip an asset and call the backfill a success
    (run,) = found["runs"]
    with runs.open_instance(opened.settings) as instance:
        records = instance.get_records_for_run(
            run["id"], of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
        ).records
    made = {
        (tuple(event.asset_key.path), event.partition)
        for record in records
        if (event := record.event_log_entry.dagster_event) is not None
    }
    wanted = {
        (tuple(asset["path"]), day)
        for asset in assets
        # what is landed is of days, what is built out of it is of none
        for day in (DAYS if asset["path"][0] == keys.RAW else [None])
    }
    assert made == wanted
    assert publications(opened.settings)[-1].run_id == run["id"]
    assert opened.current.content_hash == first.content_hash
