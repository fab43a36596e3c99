"""The dbt project keeps its own rules: layers, names, descriptions, declared types, unit tests."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipelines import sources
from pipelines.declaring import lineage
from tests.models import lake_box as boxes
from tests.models.lake_box import LakeBox

DBT = boxes.DBT_DIR
# the assets that the project is about, by their ids
REQUIRED_ASSETS = """
bitcoin ethereum binancecoin solana avalanche-2 hyperliquid pancakeswap-token uniswap
aerodrome-finance pendle ethena morpho sky maker spark-2 blackhole joe zora sahara-ai moby-ai aixbt
virtual-protocol graphite-protocol cookie okb mantle bankercoin-2 noice qr-coin terra-luna
terra-luna-2 tether usd-coin true-usd paypal-usd dai nusd magic-internet-money ampleforth terrausd
frax pax-gold tether-gold digix-gold ethena-usde
"""


@pytest.fixture(scope="module")
def manifest(dbt_target: Path) -> Any:
    return boxes.manifest()


@pytest.fixture(scope="module")
def models(manifest: Any) -> dict[str, Any]:
    return {
        node.name: node for node in manifest.nodes.values() if node.resource_type.value == "model"
    }


def layer(node: Any) -> str:
    return str(node.fqn[1])


def test_every_model_says_what_a_row_is(models: dict[str, Any]) -> None:
    wanting = [name for name, node in models.items() if "row" not in node.description.lower()]
    assert wanting == [], "a description ends with its grain: One row per …"


def test_only_history_reads_the_lake(models: dict[str, Any]) -> None:
    readers = {name for name, node in models.items() if node.sources and layer(node) != "history"}
    assert readers == set()


def test_marts_never_read_raw_tables_of_staging_for_facts(
    manifest: Any, models: dict[str, Any]
) -> None:
    """What marts of prices, risk and supply say comes through the intermediate layer."""
    found = {
        f"{name} <- {parent}"
        for name, node in models.items()
        if layer(node) == "marts" and node.fqn[2] != "operation"
        for parent in node.depends_on.nodes
        # stg_ops is what an earlier publication said: no source's word
        if re.match(r"(stg_(?!ops__)|hist_)", parent.split(".")[2])
    }
    assert found == set()


def test_names_say_the_layer(models: dict[str, Any]) -> None:
    patterns = {
        "history": r"hist_[a-z0-9_]+__[a-z0-9_]+",
        "staging": r"stg_[a-z0-9_]+__[a-z0-9_]+",
        "intermediate": r"int_(?!.*__)[a-z0-9_]+",
        "marts": r"(?!.*__)[a-z0-9_]+",
    }
    wrong = [name for name, node in models.items() if not re.fullmatch(patterns[layer(node)], name)]
    assert wrong == []


def test_every_mart_is_held_to_its_contract(models: dict[str, Any]) -> None:
    marts = {name: node for name, node in models.items() if layer(node) == "marts"}
    assert [
        name
        for name, node in marts.items()
        if node.config.materialized == "replaced_table" and not node.contract.enforced
    ] == []
    loose = [
        f"{name}.{column}"
        for name, node in marts.items()
        if node.config.materialized
        == "replaced_table"  # a view has no constraints: its key has a test
        for column in node.config.meta.get("key", [])
        if "not_null" not in {rule.type.value for rule in node.columns[column].constraints}
    ]
    assert loose == [], "every part of a key is declared not null"


def test_keys_of_the_config_are_the_keys_tested(manifest: Any, models: dict[str, Any]) -> None:
    """Key in the config = uniqueness test, for every mart."""
    tested = {
        (node.attached_node.split(".")[-1], *node.test_metadata.kwargs["key"])
        for node in manifest.nodes.values()
        if node.resource_type.value == "test"
        and getattr(node, "test_metadata", None)
        and node.test_metadata.name == "quality_suite"
        and node.attached_node
    }
    marts = {name: node for name, node in models.items() if layer(node) == "marts"}
    assert [name for name, node in marts.items() if "key" not in node.config.meta] == []
    assert {(name, *node.config.meta["key"]) for name, node in marts.items()} - tested == set()


def test_every_column_is_described_once_and_completely(models: dict[str, Any]) -> None:
    """Each has its unit, its formula and its null rule, in one place."""
    wanting = [
        f"{name}.{column.name} lacks `{fact}`"
        for name, node in models.items()
        if layer(node) == "marts"
        for column in node.columns.values()
        for fact in ("unit", "formula", "null")
        if f"\n- {fact}: " not in column.description
    ]
    assert wanting == []
    texts = [path.read_text(encoding="utf-8") for path in (DBT / "models/_docs").glob("*.md")]
    blocks = Counter(name for text in texts for name in re.findall(r"{% docs (\w+) %}", text))
    assert [name for name, count in blocks.items() if count > 1] == []


def test_seeds_have_types_and_a_version(manifest: Any) -> None:
    for node in manifest.nodes.values():
        if node.resource_type.value != "seed":
            continue
        path = DBT / node.original_file_path
        header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
        # the lineage is of the code, and has the code's version
        assert "version" in header or path.name == Path(lineage.SEED).name, f"{node.name} has none"
        assert set(node.config.column_types) == set(header), f"{node.name}: types and columns"


def test_the_seeds_cover_what_they_must() -> None:
    """Every asset that the project is about is curated."""
    with (DBT / "seeds/identity/dim_asset_curated.csv").open(encoding="utf-8") as file:
        known = {row["asset_id"] for row in csv.DictReader(file)}
    assert set(REQUIRED_ASSETS.split()) - known == set()
    assert len(known) >= 85


def test_nothing_looks_at_the_clock() -> None:
    """no model knows what time it is."""
    banned = re.compile(r"\b(now\(\)|current_date|current_timestamp|today\(\)|getdate\(\))", re.I)
    found = [
        str(path.relative_to(DBT))
        for folder in ("models", "macros", "tests")
        for path in (DBT / folder).rglob("*.sql")
        if banned.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_dialects_are_kept_apart(models: dict[str, Any]) -> None:
    """What only DuckDB has goes through macros in intermediate and marts."""
    banned = re.compile(
        r"\b(asof join|exclude\s*\(|arg_max|arg_min|generate_series|unnest\(|quantile_cont|epoch\(|"
        r"date_diff|datediff|ignore nulls|list_\w+\()",
        re.I,
    )
    found = [
        f"{name}: {match.group(0)}"
        for name, node in models.items()
        if layer(node) in ("intermediate", "marts") and node.language == "sql"
        if (match := banned.search(re.sub(r"--.*", "", node.raw_code)))
    ]
    assert found == []


@pytest.fixture(scope="module")
def empty(shared_box: LakeBox) -> LakeBox:
    """The whole project on an empty lake; its data tests hold, or this fails."""
    shared_box.write_catalog()
    shared_box.build("--exclude-resource-type", "seed")
    return shared_box


def test_the_golden_vectors_hold(empty: LakeBox) -> None:
    """The project's own unit tests: they take the columns of their inputs from the warehouse."""
    result = empty.dbt("test", "--select", "test_type:unit")
    passed = [item for item in result.result.results if item.status == "pass"]
    assert len(passed) >= 12


def undescribed(box: LakeBox, models: dict[str, Any]) -> list[str]:
    """Return the columns of built staging models that nothing is said of."""
    built = box.query(
        "select table_name, column_name from duckdb_columns() where schema_name = 'staging'"
    )
    assert len(built) > 300
    said = {
        (name, column.name)
        for name, node in models.items()
        for column in node.columns.values()
        if column.description
    }
    return [f"{model}.{column}" for model, column in sorted(set(built) - said)]


def test_an_empty_lake_gives_empty_marts_that_pass_their_tests(
    empty: LakeBox, models: dict[str, Any]
) -> None:
    """A source that has never landed anything is no error; what staging has is described."""
    assert empty.query("select count(*) from marts.price_daily") == [(0,)]
    assert empty.query("select count(*) > 85 from marts.dim_asset") == [(True,)]
    assert undescribed(empty, models) == [], "say it in the model's .yml"


def test_no_list_is_read_as_it_is_now(manifest: Any, models: dict[str, Any]) -> None:
    """What a list has no longer keeps its past: staging reads all versions of a snapshot."""
    lists = {
        node.unique_id
        for node in models.values()
        if layer(node) == "history"
        and any(
            declared.name == table and declared.is_snapshot
            for source, table in node.sources
            if source in sources.SOURCES
            for declared in sources.tables(source)
        )
    }
    assert len(lists) >= 15
    newest_only = [
        node.name
        for node in models.values()
        if lists.intersection(node.depends_on.nodes)
        and "macro.tokenmart.latest_version" in node.depends_on.macros
    ]
    assert newest_only == [], "use listing_of, or date the rows by the snapshot's instant"


# an alias' end is hidden until it has come (known_end); it is a name, and no judgement. What a
# source's label means is a fact about the source, not about the market
KNOWN_FROM_ITS_DAYS = {"dim_asset_alias_curated", "meta_source_convention"}


def test_curated_facts_say_since_when_they_are_known(manifest: Any, models: dict[str, Any]) -> None:
    """A build of May must not name what happened in November."""
    dated = {
        node.unique_id: node
        for node in manifest.nodes.values()
        if node.resource_type.value == "seed"
        and {"valid_from", "effective_day", "day"} & set(node.config.column_types)
    }
    silent = [node.name for node in dated.values() if "known_at" not in node.config.column_types]
    assert set(silent) == KNOWN_FROM_ITS_DAYS, "they need a column known_at"
    deaf = [
        node.name
        for node in models.values()
        if {dated[name].name for name in set(node.depends_on.nodes) & set(dated)}
        - {"meta_source_convention"}
        and not any(name.endswith("int_build_stamp") for name in node.depends_on.nodes)
    ]
    assert deaf == [], "they do not ask what could be known at the build's instant"


def test_each_mart_has_an_owner_and_the_publication_reads_it(
    manifest: Any, models: dict[str, Any]
) -> None:
    marts = {name: node for name, node in models.items() if layer(node) == "marts"}
    owners = {group.name: group.owner.name for group in manifest.groups.values()}
    assert [name for name, node in marts.items() if not owners.get(node.config.group)] == []
    exposed = {exposure.name: exposure for exposure in manifest.exposures.values()}
    published = {unique_id.split(".")[-1] for unique_id in exposed["publication"].depends_on.nodes}
    assert published == set(marts), "models/marts/_exposures.yml names every mart"


def test_a_consumer_is_exposed_with_the_marts_that_it_names(
    manifest: Any, models: dict[str, Any]
) -> None:
    marts = {name for name, node in models.items() if layer(node) == "marts"}
    for exposure in manifest.exposures.values():
        if (file := exposure.config.meta.get("reads")) is None:
            continue
        words = set(re.findall(r"\w+", (DBT.parent / file).read_text(encoding="utf-8")))
        words |= {word.removesuffix("_latest") for word in words}
        exposed = {unique_id.split(".")[-1] for unique_id in exposure.depends_on.nodes}
        assert exposed == words & marts, f"{exposure.name}: {file} names these marts"


def test_intermediate_models_read_neither_marts_nor_history(models: dict[str, Any]) -> None:
    """A mart is a promise to users, and how versions are read is known to staging alone."""
    found = [
        f"{name} <- {parent}"
        for name, node in models.items()
        if layer(node) == "intermediate"
        for parent in (unique_id.split(".")[-1] for unique_id in node.depends_on.nodes)
        if parent in models and layer(models[parent]) in ("marts", "history")
    ]
    assert found == []


def test_what_many_build_on_has_a_test_of_its_own(manifest: Any, models: dict[str, Any]) -> None:
    """A mistake in it is reported where it is made, and not by the marts far below."""
    readers = Counter(parent for node in models.values() for parent in set(node.depends_on.nodes))
    nodes = {node.unique_id: node for node in models.values()}
    shared = {
        unique_id
        for unique_id, node in nodes.items()
        if layer(node) != "marts" and readers[unique_id] >= 3
    }
    assert len(shared) > 80
    tested = {
        node.attached_node
        for node in manifest.nodes.values()
        if node.resource_type.value == "test" and getattr(node, "attached_node", None)
    }
    tested |= {unit.depends_on.nodes[0] for unit in manifest.unit_tests.values()}
    assert sorted(shared - tested) == [], (
        "give its key (`quality_suite`), or an example (a unit test)"
    )


def test_staging_says_of_a_column_what_its_own_source_declares() -> None:
    """A column is described by the words of the declaration, and by those of no other source."""
    for path in sorted((DBT / "models/staging").rglob("*.yml")):
        source = path.parent.name
        said = re.findall(r"doc\('(\w+?)__\w+'\)", path.read_text(encoding="utf-8"))
        # what stands beside the seeds is declared by the layout of datasets
        assert set(said) <= {"dataset" if source == "curation" else source}, path.name
        assert said or source not in sources.SOURCES or "unit_tests" in path.name, path.name
