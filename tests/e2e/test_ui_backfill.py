"""What `tokenmart dev` opens, used as people use it: by its pages, and by their own interface."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
import httpx
import pytest

from assets import automation, keys
from assets.command import runs
from pipelines.publishing import publications
from tests.e2e.conftest import END, REPO, START, Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

Found = TypeVar("Found")

DAYS = [(END - timedelta(days=number)).isoformat() for number in (2, 1, 0)]
_DONE = {"COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}
LOCATION = {"repositoryName": "__repository__", "repositoryLocationName": "tokenmart"}

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
STATUS = """
query Status($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on PartitionBackfill { status error { message } runs(limit: 10) { id status } }
  }
}
"""
_DAYS_LANDED = """
query Landed($asset: AssetKeyInput!) {
  assetNodeOrError(assetKey: $asset) {
    __typename
    ... on AssetNode { partitionStats { numMaterialized numPartitions } }
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
        self.address = f"http://127.0.0.1:{port}"
        self._client = httpx.Client(base_url=self.address, trust_env=False, timeout=60)

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


def launched(ui: Ui, job: str, days: list[str]) -> str:
    """Launch a job for days as its page does, and return the backfill's id."""
    wanted = {
        "selector": {"partitionSetName": f"{job}_partition_set", "repositorySelector": LOCATION},
        "partitionNames": days,
    }
    launched = ui.ask(_LAUNCH, wanted=wanted)["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    return str(launched["backfillId"])


def ended(ui: Ui, backfill: str) -> dict[str, Any]:
    """Return what became of a backfill."""
    return until(
        lambda: ui.ask(STATUS, id=backfill)["partitionBackfillOrError"],
        lambda found: found["status"] in _DONE,
    )


def until(look: Callable[[], Found], is_enough: Callable[[Found], bool]) -> Found:
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline:
        if is_enough(found := look()):
            return found
        time.sleep(1)
    pytest.fail("nothing came of it within 15 minutes")


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
    found = ended(ui, launched(ui, automation.BACKFILL_JOB, DAYS))
    log = dev_log.read_text(errors="replace")[-4000:]
    assert found["status"] == "COMPLETED_SUCCESS", f"{found}\n{log}"
    assert [run["status"] for run in found["runs"]] == ["SUCCESS"], "a range is to be one run"
    holds_all(opened, found["runs"][0]["id"], ui)
    assert opened.current.content_hash == first.content_hash


def holds_all(project: Project, run_id: str, ui: Ui) -> None:
    """Hold that a run has made all assets: Dagster may skip one and call the run a success."""
    assets = [
        tuple(node["assetKey"]["path"])
        for node in ui.ask(_ASSETS)["assetNodes"]
        if node["isExecutable"]
    ]
    assert len(assets) > 100
    with runs.open_instance(project.settings) as instance:
        records = instance.get_records_for_run(
            run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
        ).records
    made = {
        (tuple(event.asset_key.path), event.partition)
        for record in records
        if (event := record.event_log_entry.dagster_event) is not None
    }
    assert made == {
        # what is landed is of days, what is built out of it is of none
        (asset, day)
        for asset in assets
        for day in (DAYS if asset[0] == keys.RAW else [None])
    }
    assert run_id in {manifest.run_id for manifest in publications(project.settings)}
    # the first run has landed all days before these
    raw = ui.ask(_DAYS_LANDED, asset={"path": ["raw", "binance", "klines"]})["assetNodeOrError"]
    days = (END - START).days + 1
    assert raw["partitionStats"] == {"numMaterialized": days, "numPartitions": days}
