"""The daemon and the webserver as a supervisor runs them, Dagster's databases in PostgreSQL."""

import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import dagster as dg
import pytest
from pydantic import SecretStr

from assets import automation
from assets.command import runs
from pipelines.core.settings import Settings
from tests.definitions.test_instance import _run as run_both
from tests.deployment.conftest import PASSWORD, Collector
from tests.e2e.conftest import END, Project
from tests.e2e.test_ui_backfill import (
    Ui,
    _alive_of,
    _free_port,
    _start,
    _stop,
    ended,
    launched,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def test_the_storage_is_dagsters_own(postgres_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, postgres_url=SecretStr(postgres_url))
    with runs.open_instance(settings) as instance:
        assert type(instance) is dg.DagsterInstance, "the storage of the project is at work"
        assert type(instance.event_log_storage).__name__ == "PostgresEventLogStorage"
        run = run_both(instance)
        assert len(instance.get_materialized_partitions(dg.AssetKey("b"))) == 20
        assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
    with runs.open_instance(settings) as again:
        assert again.get_run_by_id(run) is not None
    home = settings.dagster_home
    assert not list(home.rglob("*.db")), "something is kept in SQLite"
    assert PASSWORD not in (home / "dagster.yaml").read_text()


def test_a_server_that_is_not_there_is_said_without_its_password(
    postgres_url: str, tmp_path: Path
) -> None:
    url = postgres_url.replace("host=", "host=/nowhere")
    settings = Settings(data_dir=tmp_path, postgres_url=SecretStr(url))
    with pytest.raises(runs.InstanceUnusable) as problem, runs.open_instance(settings):
        pass
    assert "the databases of TOKENMART_POSTGRES_URL cannot be used now" in str(problem.value)
    assert "nowhere" in str(problem.value)
    assert PASSWORD not in str(problem.value)


def test_a_day_is_run_by_the_daemon_and_kept_in_postgresql(
    project: Project, postgres_url: str, collector: Collector, tmp_path: Path
) -> None:
    before = project.current
    metrics = tmp_path / "textfile" / "tokenmart.prom"
    deployed = Project(
        project.data_dir,
        project.dataset,
        {
            **collector.environment,
            "TOKENMART_POSTGRES_URL": postgres_url,
            "TOKENMART_DATASET": str(project.dataset.path),
            "TOKENMART_METRICS_FILE": str(metrics),
            "DAGSTER_EVENT_BATCH_SIZE": "1000",
        },
    )
    logs = {name: tmp_path / f"{name}.log" for name in ("daemon", "webserver")}
    port = _free_port()
    started = [
        _start("tokenmart", "daemon", project=deployed, log=logs["daemon"]),
        _start(
            "tokenmart", "webserver", "--port", str(port), project=deployed, log=logs["webserver"]
        ),
    ]
    settings = Settings(data_dir=project.data_dir, postgres_url=SecretStr(postgres_url))
    try:
        ui = Ui(port)
        ui.wait_until_ready(started[1], 240)
        found = ended(ui, launched(ui, automation.DAILY_JOB, [END.isoformat()]))
        said = "\n".join(log.read_text(errors="replace")[-3000:] for log in logs.values())
        assert found["status"] == "COMPLETED_SUCCESS", f"{found}\n{said}"
        (run,) = found["runs"]

        with runs.open_instance(settings) as instance:
            kept = instance.get_run_by_id(run["id"])
            assert kept is not None
            assert kept.is_success
            # the sensors of the daemon write down what it did
            _wait(metrics.exists)
            _wait(lambda: "Where the time went" in _notes(instance, run["id"]))
    finally:
        for process in started:
            _stop(process)
    assert _alive_of(deployed) == [], "something outlives the daemon or the webserver"

    after = deployed.current
    assert (after.run_id, after.content_hash) == (run["id"], before.content_hash)
    assert after.version != before.version
    assert "tokenmart_source_throttled_seconds" in metrics.read_text()
    trace = UUID(run["id"]).hex
    kinds = {span.name for span in collector.spans if span.trace_id == trace}
    assert kinds == {"run", "extract", "source", "requests", "dbt", "gate", "publish"}
    for path in (*deployed.settings.dagster_home.rglob("*"), *logs.values()):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), f"{path} has the password"

    # the command line keeps its runs there, too
    done = deployed.run("publish")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    with runs.open_instance(settings) as instance:
        assert {kept.job_name for kept in instance.get_runs()} >= {"publish"}


def _notes(instance: dg.DagsterInstance, run_id: str) -> str:
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    return " ".join(entry.message for entry in entries)


def _wait(is_done: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < deadline, "the sensors have not written it down"
        time.sleep(1)
