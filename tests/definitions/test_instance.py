"""The instance that writes events in batches stores what Dagster's own would store."""

import json
import os
import sqlite3
import time
from pathlib import Path

import dagster as dg
import pytest
import yaml
from pydantic import SecretStr

from assets.command import runs
from assets.compat.event_log import BATCH_SIZE, BatchingSqliteEventLogStorage
from assets.resources import SilentProgress
from pipelines.core import retention
from pipelines.core.files import FileDamaged
from pipelines.core.settings import Settings, SettingsError

_VOLATILE = {"timestamp", "pid", "run_id", "message", "user_message", "marker_end", "marker_start"}
DAYS = dg.DailyPartitionsDefinition("2024-01-01")


def _defs() -> dg.Definitions:
    @dg.multi_asset(
        specs=[dg.AssetSpec("a"), dg.AssetSpec("b", deps=["a"])],
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[dg.AssetCheckSpec("quality_suite", asset="b")],
    )
    def both():
        yield dg.MaterializeResult("a", metadata={"rows": 3}, tags={"colour": "red"})
        yield dg.MaterializeResult(
            "b", check_results=[dg.AssetCheckResult(passed=True, check_name="quality_suite")]
        )

    return dg.Definitions(assets=[both], jobs=[dg.define_asset_job("job", partitions_def=DAYS)])


def _run(instance: dg.DagsterInstance) -> str:
    done = (
        _defs()
        .resolve_job_def("job")
        .execute_in_process(
            instance=instance,
            tags={
                "dagster/asset_partition_range_start": "2024-01-01",
                "dagster/asset_partition_range_end": "2024-01-20",
            },
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    )
    return done.run_id


def _stable(value: object, run_id: str) -> object:
    if isinstance(value, dict):
        # versions of data and code hash the run's id in
        return {
            key: _stable(item, run_id)
            for key, item in value.items()
            if key not in _VOLATILE and not key.startswith("dagster/")
        }
    if isinstance(value, list):
        return [_stable(item, run_id) for item in value]
    if isinstance(value, str):
        return value.replace(run_id, "<run>")
    return value


def _stored(database: Path, run_id: str) -> list[object]:
    with sqlite3.connect(database) as connection:
        rows = connection.execute(
            "select dagster_event_type, step_key, asset_key, partition, event from event_logs "
            "where run_id = ? and asset_key is not null order by id",
            [run_id],
        ).fetchall()
    found: list[object] = [
        (*row[:4], json.dumps(_stable(json.loads(row[4]), run_id))) for row in rows
    ]
    return sorted(found, key=str)


def _tags(home: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(home / "history" / "runs" / "index.db") as connection:
        return connection.execute(
            "select tags.asset_key, tags.key, count(*), count(distinct event_logs.id) "
            "from asset_event_tags as tags join event_logs on event_logs.id = tags.event_id "
            "group by 1, 2 order by 1, 2"
        ).fetchall()


def _checks(home: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(home / "history" / "runs" / "index.db") as connection:
        return connection.execute(
            "select found.asset_key, check_name, found.partition, execution_status, "
            "event_logs.dagster_event_type, evaluation_event is not null "
            "from asset_check_executions as found "
            "left join event_logs on event_logs.id = evaluation_event_storage_id "
            "order by 1, 2, 3, 4"
        ).fetchall()


def test_batches_store_what_single_events_store(tmp_path: Path) -> None:
    plain_home, our_home = tmp_path / "plain", tmp_path / "data" / "dagster"
    plain_home.mkdir()
    (plain_home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(plain_home)) as plain:
        plain_run = _run(plain)
        plain_days = plain.get_materialized_partitions(dg.AssetKey("b"))
        plain_last = plain.get_latest_materialization_event(dg.AssetKey("a"))
    with runs.open_instance(Settings(data_dir=tmp_path / "data")) as ours:
        our_run = _run(ours)
        our_days = ours.get_materialized_partitions(dg.AssetKey("b"))
        our_last = ours.get_latest_materialization_event(dg.AssetKey("a"))

    for database in ("index.db", None):
        name = database or f"{plain_run}.db"
        expected = _stored(plain_home / "history" / "runs" / name, plain_run)
        name = database or f"{our_run}.db"
        found = _stored(our_home / "history" / "runs" / name, our_run)
        assert len(found) >= 80
        assert found == expected
    assert our_days == plain_days
    assert len(our_days) == 20
    assert plain_last is not None
    assert our_last is not None
    assert our_last.dagster_event is not None
    assert our_last.dagster_event.partition == plain_last.dagster_event.partition  # type: ignore[union-attr]
    assert _tags(our_home) == _tags(plain_home)
    assert len(_checks(our_home)) >= 1
    assert _checks(our_home) == _checks(plain_home)


def test_batches_are_on_and_written_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    store = BatchingSqliteEventLogStorage.store_event_batch

    def count(self: BatchingSqliteEventLogStorage, events: list[object]) -> None:
        batches.append(len(events))
        store(self, events)  # type: ignore[arg-type]

    monkeypatch.setattr(BatchingSqliteEventLogStorage, "store_event_batch", count)
    with runs.open_instance(Settings(data_dir=tmp_path)) as instance:
        _run(instance)

    assert max(batches) >= 20
    assert max(batches) <= BATCH_SIZE


def test_shipped_config_is_installed_and_limits_writers(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with runs.open_instance(settings):
        pass
    (settings.dagster_home / "dagster.yaml").write_text("telemetry: {enabled: true}\n")
    with runs.open_instance(settings) as instance:
        limits = instance.get_concurrency_config()
        assert limits.pool_config.default_pool_limit == 1
        assert str(limits.pool_config.pool_granularity).lower().endswith("op")
        assert instance.telemetry_enabled is False
        assert instance.run_retries_enabled

    config = yaml.safe_load((settings.dagster_home / "dagster.yaml").read_text())
    assert config["concurrency"]["runs"]["max_concurrent_runs"] == 4


def test_run_whose_process_is_gone_has_failed_and_frees_its_place(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    job = _defs().resolve_job_def("job")
    with runs.open_instance(settings) as instance:
        dead = instance.create_run_for_job(
            job,
            tags={"tokenmart/process": f"{runs.socket.gethostname()}:999999999"},
            status=dg.DagsterRunStatus.STARTED,
        )
        alive = instance.create_run_for_job(
            job,
            tags={"tokenmart/process": f"{runs.socket.gethostname()}:1"},
            status=dg.DagsterRunStatus.STARTED,
        )
        storage = instance.event_log_storage
        storage.initialize_concurrency_limit_to_default("warehouse_writer")
        claimed = storage.claim_concurrency_slot("warehouse_writer", dead.run_id, "step")
        assert claimed.is_claimed

        runs._fail_orphaned_runs(instance)

        assert instance.get_run_by_id(dead.run_id).status is dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]
        assert instance.get_run_by_id(alive.run_id).status is dg.DagsterRunStatus.STARTED  # type: ignore[union-attr]
        again = storage.claim_concurrency_slot("warehouse_writer", alive.run_id, "step")
        assert again.is_claimed, "the dead run still holds its place in the pool"


def test_postgresql_is_named_by_a_variable_and_asks_for_its_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path, postgres_url=SecretStr("postgresql://u:s3cret@/d"))
    monkeypatch.setattr(runs, "find_spec", lambda _name: None)
    with pytest.raises(SettingsError, match=r"dagster-postgres is not installed"):
        runs._storage_config(settings)
    monkeypatch.setattr(runs, "find_spec", lambda name: name)
    config = yaml.safe_load(runs._storage_config(settings))
    assert config == {"storage": {"postgres": {"postgres_url": {"env": "TOKENMART_POSTGRES_URL"}}}}
    assert "s3cret" in runs.dagster_environment(settings)["TOKENMART_POSTGRES_URL"]
    assert "s3cret" not in repr(settings)


def test_silent_progress_is_a_progress() -> None:
    progress = SilentProgress()
    progress.heading("run")
    progress.begin("stage", 2)
    progress.advance("step")
    progress.end("done")


def test_a_range_may_be_planned_as_a_whole(tmp_path: Path) -> None:
    with runs.open_instance(Settings(data_dir=tmp_path / "data")) as instance:
        storage = instance.event_log_storage
        assert isinstance(storage, BatchingSqliteEventLogStorage)
        storage.plans_ranges_whole = True
        run = _run(instance)
        planned = instance.get_records_for_run(
            run, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
        ).records
        assert len(planned) == 2, "once for each asset"
        for asset in "ab":
            assert len(instance.get_materialized_partitions(dg.AssetKey(asset))) == 20


def _made(home: Path) -> list[Path]:
    with runs.open_instance(Settings(data_dir=home, _env_file=None)) as instance:
        _run(instance)
    return sorted((home / "dagster").rglob("*.db"))


@pytest.mark.parametrize("damage", ["overwritten", "truncated"])
@pytest.mark.parametrize("name", ["runs.db", "index.db"])
def test_a_damaged_database_is_named_with_the_way_to_a_new_instance(
    tmp_path: Path, name: str, damage: str
) -> None:
    (path,) = (path for path in _made(tmp_path) if path.name == name)
    for beside in path.parent.glob(f"{name}-*"):
        beside.unlink()
    if damage == "overwritten":
        path.write_bytes(b"junk" * 3_000)
    else:
        os.truncate(path, path.stat().st_size // 2)
    settings = Settings(data_dir=tmp_path, _env_file=None)

    def use() -> None:
        with runs.open_instance(settings) as instance:
            _run(instance)

    with pytest.raises(FileDamaged, match=rf"{name} is damaged .*are whole\. Move .*dagster away"):
        use()
    (tmp_path / "dagster").rename(tmp_path / "dagster.damaged")
    use()


def test_what_old_runs_left_is_deleted_and_what_was_materialised_is_remembered(
    tmp_path: Path,
) -> None:
    settings = Settings(data_dir=tmp_path, _env_file=None, keep_runs_d=30)
    with runs.open_instance(settings) as instance:
        old, new = _run(instance), _run(instance)
    for home, run_id in ((tmp_path / "dbt", old), (settings.dagster_home / "storage", old)):
        (home / run_id).mkdir(parents=True, exist_ok=True)
    long_ago = time.time() - 31 * 86_400
    for path in tmp_path.rglob(f"{old}*"):
        os.utime(path, (long_ago, long_ago))

    retention.sweep(settings)

    assert not list(tmp_path.rglob(f"{old}*"))
    assert list(tmp_path.rglob(f"{new}.db"))
    with runs.open_instance(settings) as instance:
        assert len(instance.get_materialized_partitions(dg.AssetKey("a"))) == 20
        assert instance.all_logs(old) == [], "the UI shows an old run without its events"
        assert instance.get_run_by_id(old) is not None


def test_replays_leave_few_folders_of_dbt(tmp_path: Path) -> None:
    for number in range(15):
        (tmp_path / "dbt" / str(number)).mkdir(parents=True)
        os.utime(tmp_path / "dbt" / str(number), (time.time() + number,) * 2)
    retention.sweep(Settings(data_dir=tmp_path, _env_file=None))
    assert {path.name for path in (tmp_path / "dbt").iterdir()} == {str(n) for n in range(5, 15)}
