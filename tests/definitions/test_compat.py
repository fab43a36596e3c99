"""What leans on private parts of libraries: tried on what is installed, not needed elsewhere."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster_dbt import DagsterDbtTranslator, DbtProject, dbt_assets

from assets import compat
from assets.command import runs
from assets.compat.dbt_invocation import start_dbt
from assets.compat.event_batches import instance_config, plan_ranges_whole
from assets.dbt_project import dbt_command
from pipelines.core.settings import REPO_DIR, Settings, child_environment, lent_environment

DAYS = dg.DailyPartitionsDefinition("2024-01-01")
RANGE = {
    "dagster/asset_partition_range_start": "2024-01-01",
    "dagster/asset_partition_range_end": "2024-01-20",
}


@pytest.fixture
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if each library had a release of tomorrow."""
    monkeypatch.setattr(compat, "version", lambda _package: "99.0")


@pytest.mark.parametrize("package", compat.TRIED)
def test_what_is_installed_was_tried(package: str) -> None:
    assert version(package) in compat.TRIED[package], "try it (these tests), and add it to TRIED"
    page = (REPO_DIR / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert f"{package} {version(package)}" in page, "say so in docs/architecture.md"


def range_run(instance: dg.DagsterInstance) -> set[str]:
    @dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def made() -> None: ...

    plan_ranges_whole(instance)
    done = dg.Definitions(
        assets=[made], jobs=[dg.define_asset_job("job", partitions_def=DAYS)]
    ).resolve_job_def("job").execute_in_process(instance=instance, tags=RANGE)  # fmt: skip
    assert done.success
    return instance.get_materialized_partitions(dg.AssetKey("made"))


def test_an_untried_dagster_has_its_own_instance(
    untried: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with runs.open_instance(Settings(data_dir=tmp_path)) as instance:
        assert type(instance) is dg.DagsterInstance
        assert type(instance.event_log_storage) is SqliteEventLogStorage
        assert len(range_run(instance)) == 20
        # the rest of the shipped config holds
        assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
    assert "dagster 99.0 was not tried" in caplog.text


def test_what_batches_have_stored_is_read_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with runs.open_instance(Settings(data_dir=tmp_path)) as instance:
        assert type(instance) is not dg.DagsterInstance
        before = range_run(instance)
    monkeypatch.setattr(compat, "version", lambda _package: "99.0")
    with runs.open_instance(Settings(data_dir=tmp_path)) as instance:
        assert instance.get_materialized_partitions(dg.AssetKey("made")) == before


def test_another_storage_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = f"storage:\n  sqlite:\n    base_dir: {tmp_path / 'chosen'}\n"
    (tmp_path / "dagster.yaml").write_text(chosen + instance_config())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert type(instance) is not dg.DagsterInstance
        assert instance._get_event_batch_size() == 0
        assert len(range_run(instance)) == 20
        monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "7")
        assert instance._get_event_batch_size() == 7


def test_postgresql_is_dagsters_own(tmp_path: Path) -> None:
    """What the instance would load, compared without a server and without its library."""
    chosen = "storage:\n  postgres:\n    postgres_url: postgresql://nobody@nowhere/events\n"
    stock, ours = tmp_path / "stock", tmp_path / "ours"
    for home, config in ((stock, chosen), (ours, chosen + instance_config())):
        home.mkdir()
        (home / "dagster.yaml").write_text(config)
    theirs, found = (InstanceRef.from_dir(str(home)) for home in (stock, ours))
    assert theirs.storage_data is not None
    assert theirs.storage_data.class_name == "DagsterPostgresStorage"
    assert found.custom_instance_class_data is not None, "the batches are not switched on"
    for part in ("storage_data", "event_storage_data", "run_storage_data", "schedule_storage_data"):
        assert getattr(found, part) == getattr(theirs, part), part


def test_an_environment_is_lent_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENMART_PROFILE", "live")
    monkeypatch.delenv("TOKENMART_DATASET", raising=False)
    before = child_environment()
    with lent_environment({"TOKENMART_PROFILE": "sandbox", "TOKENMART_DATASET": "x"}):
        lent = child_environment()
    assert (lent["TOKENMART_PROFILE"], lent["TOKENMART_DATASET"]) == ("sandbox", "x")
    assert child_environment() == before


PROJECT = {
    "dbt_project.yml": "{name: small, version: '1.0.0', profile: small, config-version: 2}",
    "profiles.yml": """
        small:
          target: local
          outputs:
            local: {type: duckdb, path: "{{ env_var('SMALL_DIR') }}/small.duckdb"}
    """,
    "models/one.sql": "select 1 as a",
    "models/two.sql": "select a from {{ ref('one') }}",
    "models/models.yml": """
        models:
          - {name: two, columns: [{name: a, data_tests: [not_null]}]}
    """,
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    """A dbt project of two models and a test, parsed."""
    folder = tmp_path_factory.mktemp("small")
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    environment = child_environment() | {"SMALL_DIR": str(folder)}
    subprocess.run([*dbt_command(), "--quiet", "parse"], cwd=folder, env=environment, check=True)
    return DbtProject(project_dir=folder, profiles_dir=folder)


def built(project: DbtProject, target: Path, selection: list[str]) -> tuple[Any, ...]:
    """Build what is selected; return what Dagster heard of it."""

    @dbt_assets(manifest=project.manifest_path, project=project)
    def build(context: dg.AssetExecutionContext) -> Iterator[Any]:
        manifest: Mapping[str, Any] = json.loads(project.manifest_path.read_text())
        environment = child_environment() | {
            "DBT_PROJECT_DIR": str(project.project_dir),
            "DBT_PROFILES_DIR": str(project.profiles_dir),
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(target),
            "SMALL_DIR": str(target),
        }
        invocation = start_dbt(
            dbt_command(), ["build"], environment, target, context, project, manifest,
            DagsterDbtTranslator(),
        )  # fmt: skip
        yield from invocation.stream()
        assert invocation.is_successful()
        assert invocation.get_artifact("run_results.json")["results"]

    target.mkdir()
    done = dg.materialize([build], selection=selection)
    assert (target / "small.duckdb").is_file(), "dbt did not work in the environment given to it"
    made = sorted(e.asset_key.to_user_string() for e in done.get_asset_materialization_events())  # type: ignore[union-attr]
    checked = sorted((e.check_name, e.passed) for e in done.get_asset_check_evaluations())
    return made, checked


@pytest.mark.slow
@pytest.mark.parametrize("selection", [["one", "two"], ["one"]])
def test_an_untried_dagster_dbt_starts_dbt_itself(
    small: DbtProject, selection: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = built(small, tmp_path / "ours", selection)
    monkeypatch.setattr(compat, "version", lambda _package: "99.0")
    assert built(small, tmp_path / "theirs", selection) == ours
    assert ours[0] == selection
