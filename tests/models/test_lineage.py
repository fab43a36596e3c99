"""Where each column comes from: followed through SQL, and kept in step with the models."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from pipelines.declaring import lineage
from pipelines.declaring.lineage import Edge, LineageError, edges
from tests.models.lake_box import LakeBox

REPO = Path(__file__).resolve().parents[2]
BASE = {"intermediate": {"price": ["asset", "day", "close"], "fee": ["asset", "day", "fees"]}}
AGAIN = "run `python -m pipelines.declaring lineage` after a build"


def inputs_of(sql: str, *columns: str) -> dict[str, set[str]]:
    """What the columns of one mart are computed from."""
    node = {
        "resource_type": "model",
        "name": "multiple",
        "schema": "marts",
        "language": "sql",
        "compiled_code": sql,
    }
    built = {**BASE, "marts": {"multiple": list(columns)}}
    found: dict[str, set[str]] = {}
    for table, column, source, origin in edges({"nodes": {"one": node}}, built):
        if table == "multiple":
            found.setdefault(column, set()).add(f"{source}.{origin}")
    return found


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        pytest.param("select close as x from intermediate.price", {"price.close"}, id="renamed"),
        pytest.param(
            "select p.close / f.fees as x from intermediate.price p join intermediate.fee f "
            "on p.asset = f.asset and p.day = f.day",
            {"price.close", "fee.fees"},
            id="what joins is no input",
        ),
        pytest.param(
            "with a as (select *, close * 2 as twice from intermediate.price), final as "
            "(select avg(twice) over (partition by asset order by day) as x from a) "
            "select * from final",
            {"price.close", "price.asset", "price.day"},
            id="stars, steps and windows",
        ),
        pytest.param(
            "select close as x from intermediate.price union all select fees from intermediate.fee",
            {"price.close", "fee.fees"},
            id="a union by position",
        ),
        pytest.param(
            "select day, fees as x from intermediate.fee union all by name "
            "select close as x, day from intermediate.price",
            {"price.close", "fee.fees"},
            id="a union by name",
        ),
        pytest.param(
            "select (select max(fees) from intermediate.fee f where f.asset = p.asset) as x "
            "from intermediate.price p",
            {"fee.fees"},
            id="a query within",
        ),
        pytest.param("select count(*) as x from intermediate.price", {"none.none"}, id="a count"),
    ],
)
def test_a_column_is_followed_to_what_it_is_computed_from(sql: str, expected: set[str]) -> None:
    assert inputs_of(sql, "x")["x"] == expected


def test_a_query_that_cannot_be_followed_is_named() -> None:
    with pytest.raises(LineageError, match="multiple"):
        inputs_of("select from where", "x")


def kept() -> set[Edge]:
    with (REPO / lineage.SEED).open(newline="") as file:
        rows = csv.reader(file)
        next(rows)
        return {(table, column, source, origin) for table, column, source, origin in rows}


def test_each_column_of_each_mart_has_a_lineage(parsed_project: Path) -> None:
    parsed = json.loads((parsed_project / "manifest.json").read_text())["nodes"].values()
    marts = [one for one in parsed if one["resource_type"] == "model" and one["fqn"][1] == "marts"]
    declared = {(mart["name"], column) for mart in marts for column in mart["columns"]}
    names = {mart["name"] for mart in marts}
    known = {(table, column) for table, column, *_ in kept() if table in names}
    assert declared == known, AGAIN


@pytest.mark.slow
def test_the_kept_lineage_is_that_of_a_build(lake_box: LakeBox) -> None:
    done = lake_box.build()
    nodes = {one.node.unique_id: one.node.to_dict() for one in done.result.results}
    found = edges({"nodes": nodes}, lineage.built_columns(lake_box.warehouse))
    assert found == kept(), AGAIN
