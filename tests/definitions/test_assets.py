from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from assets import automation, dbt_project, ingestion, keys, partitions
from assets.partitions import days_of_market
from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.windows import Window
from pipelines.lake.repair import GapRequest
from pipelines.publishing.provenance import model_versions
from pipelines.validation import INVARIANTS, dbt_results

SNAPSHOT = Path(__file__).with_name("asset_keys.txt")
Specs = dict[str, dg.AssetSpec]


def test_asset_keys_are_the_committed_ones(specs: Specs) -> None:
    found = "\n".join(sorted(specs)) + "\n"
    if not SNAPSHOT.exists():
        SNAPSHOT.write_text(found)
    assert found == SNAPSHOT.read_text(), (
        f"asset keys changed; users and schedules know them by name. If it is meant, delete "
        f"{SNAPSHOT.name} and run this test to write it anew"
    )


def test_every_asset_has_group_owner_and_description(specs: Specs) -> None:
    bare = [
        f"{key}: {what}"
        for key, spec in specs.items()
        for what, value in (
            ("group", spec.group_name not in {None, "default"}),
            ("owner", bool(spec.owners)),
            ("description", bool((spec.description or "").strip())),
        )
        if not value
    ]
    assert bare == []


def test_what_is_landed_by_days_is_partitioned_and_what_is_rebuilt_whole_is_not(
    defs: dg.Definitions,
) -> None:
    graph, days = defs.resolve_asset_graph(), days_of_market(Settings())
    partitioned = {key for key in graph.executable_asset_keys if graph.get(key).is_partitioned}
    assert partitioned == {
        keys.raw(source, table.name)
        for source in sources.SOURCES
        for table in sources.tables(source)
    }
    for key in partitioned:
        assert graph.get(key).partitions_def == days, key
        assert graph.get(key).backfill_policy == dg.BackfillPolicy.single_run(), key


@pytest.mark.parametrize("table_name", ["ohlc", None])
def test_a_run_takes_what_a_repair_asks_for(defs: dg.Definitions, table_name: str | None) -> None:
    request = GapRequest("kraken", table_name, Window.of_day(date(2024, 2, 1)))
    config = automation.repair_config([request])

    dg.validate_run_config(
        defs.resolve_job_def(automation.REPAIR_JOB),
        {"ops": {op: {"config": of_op} for op, of_op in config.items()}},
    )
    (asked,) = config[ingestion.OP_NAME]["gap_requests"]
    assert GapRequest.from_config(asked) == request


def test_a_publication_is_all_marts_or_none(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    published = {keys.published(name) for name in dbt_project.mart_descriptions()}
    for key in published:
        assert published <= graph.get(key).execution_set_asset_keys, key


def test_partitions_are_the_days_of_the_market(monkeypatch: pytest.MonkeyPatch) -> None:
    with dg.partition_loading_context(effective_dt=datetime(2024, 3, 2, 6, tzinfo=UTC)):
        live = days_of_market(Settings(profile="live"))
        assert live.get_first_partition_key() == "2010-07-18"
        assert live.get_last_partition_key() == "2024-03-01", "a day can be run once it is over"
        days = Window.between(date(2024, 1, 1), date(2024, 1, 9))
        monkeypatch.setattr(partitions, "days_of_dataset", lambda _: days)
        dataset = days_of_market(Settings())
        assert dataset.get_first_partition_key() == "2024-01-01"
        assert dataset.get_last_partition_key() == "2024-01-09"
        assert len(dataset.get_partition_keys()) == 9


def test_nothing_is_only_referred_to(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    strangers = sorted(
        key.to_user_string() for key in graph.get_all_asset_keys() - graph.executable_asset_keys
    )
    logs = [spec.key.to_user_string() for spec in ingestion.log_specs()]
    assert strangers == sorted(logs), "dbt reads raw tables that no source lands"


def test_raw_tables_are_grouped_by_source(specs: Specs) -> None:
    for source in sources.SOURCES:
        for table in sources.tables(source):
            assert specs[f"raw/{source}/{table.name}"].group_name == f"sources/{source}"


def columns_of(spec: dg.AssetSpec) -> dict[str, dg.TableColumn]:
    schema = spec.metadata.get("dagster/column_schema")
    return {column.name: column for column in schema.columns} if schema else {}


def test_columns_are_described_from_the_source_to_the_publication(specs: Specs) -> None:
    layers = ("raw", "history", "staging", "marts", "published")
    shown = {key: columns_of(spec) for key, spec in specs.items() if key.startswith(layers)}
    # the lake's own logs are read as they are
    bare = {key for key, found in shown.items() if not found and "hist_lake__" not in key}
    assert bare == set()
    silent = [
        f"{key}.{c.name}" for key, all_ in shown.items() for c in all_.values() if not c.description
    ]
    assert silent == []


def test_a_history_has_the_columns_of_its_table_and_of_a_version(specs: Specs) -> None:
    table = columns_of(specs["raw/binance/klines"])
    versions = columns_of(specs["history/hist_binance__kline"])
    assert table["close"] == versions["close"]
    assert set(table) - set(versions) == {"fetched_at", "_dlt_load_id"}
    told = (dbt_project.dbt_project().project_dir / "macros/history/history_of.sql").read_text()
    listed = told.partition("Columns: the raw table's, and\n")[2].partition("-#}")[0]
    assert set(versions) - set(table) == {
        line.split()[0] for line in listed.splitlines() if line.strip()
    }


def test_a_published_mart_has_the_columns_that_readers_see(specs: Specs) -> None:
    mart, published = (
        columns_of(specs["marts/price_daily"]),
        columns_of(specs["published/price_daily"]),
    )
    assert set(published) - set(mart) == {"symbol", "name"}, "labels beside the id"
    assert published["as_of_ts"].type == "timestamp", "as any client takes it"


def test_every_asset_has_a_layer_and_names_a_file_that_is_there(specs: Specs) -> None:
    for key, spec in specs.items():
        assert spec.tags["layer"] == key.partition("/")[0], key
        (code,) = spec.metadata["dagster/code_references"].code_references
        assert Path(code.file_path).is_file(), key
    in_python = {
        node["name"]
        for node in dbt_project.manifest()["nodes"].values()
        if node["resource_type"] == "model" and node["language"] == "python"
    }
    assert {
        key.rpartition("/")[2] for key, spec in specs.items() if "polars" in spec.kinds
    } == in_python


def test_the_graph_opens_with_the_way_of_the_data(specs: Specs) -> None:
    """A box for each layer, which opens into sources or subjects."""
    layers: dict[str, set[str]] = {}
    parts: dict[str, set[str]] = {}
    for spec in specs.values():
        box, _, part = (spec.group_name or "").partition("/")
        layers.setdefault(box, set()).add(spec.tags["layer"])
        parts.setdefault(box, set()).add(part)
    of_sources = {"raw", "history", "staging"}
    assert layers == {
        "sources": of_sources,
        **{layer: {layer} for layer in ("curated", "intermediate", "marts", "published")},
    }
    assert parts["sources"] >= set(sources.SOURCES)
    assert parts["marts"] == parts["published"]
    assert parts["intermediate"] <= parts["marts"]


def test_every_mart_is_published_with_its_description(specs: Specs) -> None:
    for mart, description in dbt_project.mart_descriptions().items():
        published = specs[f"published/{mart}"]
        assert [dep.asset_key.to_user_string() for dep in published.deps] == [f"marts/{mart}"]
        assert description in (published.description or "")


def test_every_mart_has_a_contract_of_all_its_columns() -> None:
    promised = {contract.mart: contract for contract in dbt_project.contracts()}
    assert set(promised) == set(dbt_project.mart_descriptions())
    for node in dbt_project.manifest()["nodes"].values():
        if node["resource_type"] == "model" and node["fqn"][1] == "marts":
            assert list(promised[node["name"]].columns) == list(node["columns"]), node["name"]


def test_the_version_of_a_mart_is_that_of_its_code() -> None:
    manifest = dbt_project.manifest()
    assert set(model_versions(manifest)) == set(dbt_project.mart_descriptions())
    borrowed = [
        node["name"]
        for node in manifest["nodes"].values()
        if "model_version" in node.get("columns", {})
        and "macro.tokenmart.model_version" not in node["depends_on"]["macros"]
    ]
    assert borrowed == [], "they say the version of a mart that they read as their own"


def test_every_contract_and_invariant_is_an_asset_check(defs: dg.Definitions) -> None:
    found = {
        (check.asset_key.to_user_string(), check.name)
        for check in defs.resolve_asset_graph().asset_check_keys
    }
    for contract in dbt_project.contracts():
        assert (f"marts/{contract.mart}", "publication_contract") in found
    for invariant in INVARIANTS:
        assert (f"marts/{invariant.mart}", invariant.name) in found


def test_dbt_tests_of_marts_are_asset_checks(defs: dg.Definitions) -> None:
    checks = defs.resolve_asset_graph().asset_check_keys
    tested = {check.asset_key.path[-1] for check in checks if check.asset_key.path[0] == "marts"}
    assert tested == set(dbt_project.mart_descriptions())


def test_every_dbt_test_is_an_asset_check(defs: dg.Definitions) -> None:
    shown = {check.name for check in defs.resolve_asset_graph().asset_check_keys}
    tests = {
        node["name"]
        for node in dbt_project.manifest()["nodes"].values()
        if node["resource_type"] == "test"
    }
    assert tests - shown == set(), "the UI would not show that they ran"


def test_a_test_of_several_models_is_shown_where_its_results_are_recorded(
    defs: dg.Definitions,
) -> None:
    manifest = dbt_project.manifest()
    test = next(
        node
        for node in manifest["nodes"].values()
        if node["name"] == "assert_catalogue_matches_marts"
    )
    tested = manifest["nodes"][dbt_results.tested_node(test)]["name"]
    assert tested == "meta_metric_catalog", "the first model that a singular test names"
    key = dg.AssetCheckKey(dg.AssetKey(["marts", tested]), test["name"])
    assert key in defs.resolve_asset_graph().asset_check_keys


def test_every_check_says_what_holds(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    silent = [key for key in graph.asset_check_keys if not graph.get_check_spec(key).description]
    assert not silent, "describe the test in its folder's .yml"


def test_readme_names_the_hour_of_the_schedule() -> None:
    minute, hour, *_ = automation.DAILY_CRON.split()
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert f"switch the schedule `every_day` on: {int(hour):02}:{int(minute):02} UTC" in readme


@pytest.mark.parametrize(
    ("name", "cron"),
    [("every_day", automation.DAILY_CRON), ("every_week_repair", automation.REPAIR_CRON)],
)
def test_the_page_of_operations_names_each_schedule_and_its_hour(
    defs: dg.Definitions, name: str, cron: str
) -> None:
    schedule = defs.resolve_schedule_def(name)
    assert (schedule.cron_schedule, schedule.execution_timezone) == (cron, "UTC")
    minute, hour, *_ = cron.split()
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    (line,) = (line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    assert f"{int(hour):02}:{int(minute):02} UTC" in line


@pytest.mark.parametrize(
    "name",
    [
        automation.DAILY_JOB,
        automation.BACKFILL_JOB,
        automation.HISTORY_JOB,
        automation.REBUILD_JOB,
        automation.PUBLISH_JOB,
    ],
)
def test_jobs_select_chains_without_gaps(defs: dg.Definitions, name: str) -> None:
    graph = defs.resolve_asset_graph()
    job = defs.resolve_job_def(name)
    selected = set(job.asset_layer.selected_asset_keys)
    below: set[dg.AssetKey] = set()
    for key in graph.toposorted_asset_keys:
        if any(parent in selected or parent in below for parent in graph.get(key).parent_keys):
            below.add(key)
    between = {
        key.to_user_string()
        for key in below - selected
        if any(
            child in selected
            for child in dg.AssetSelection.assets(key).downstream().resolve(graph) - {key}
        )
    }
    assert between == set(), "Dagster would skip what comes after the gap, and say success"
    extracts = any(key.path[0] == keys.RAW for key in selected)
    assert job.partitions_def == (days_of_market(Settings()) if extracts else None)
    if extracts:
        assert job.backfill_policy == dg.BackfillPolicy.single_run(), "a range is one run"


def test_writers_of_the_warehouse_share_a_pool(defs: dg.Definitions) -> None:
    job = defs.resolve_job_def(automation.DAILY_JOB)
    pools = {node.name: node.definition.pools for node in job.graph.nodes}
    for op in ("build_warehouse", "gate", "publish_marts"):
        assert pools[op] == {"warehouse_writer"}, op
    assert pools["extract"] == {"extraction"}, "two runs would ask one host at the same time"
