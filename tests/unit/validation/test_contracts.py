"""Contracts out of dbt's manifest."""

from typing import Any

import pytest

from pipelines.validation.contracts import Column, Contract, ContractError, read_contracts

DESCRIPTION = "What share.\n- unit: fraction\n- null: nobody knows\n- min: 0\n- max: 1.5\n"


def manifest(
    meta: dict[str, Any], expect: dict[str, Any] | None = None, description: str = DESCRIPTION
) -> dict[str, Any]:
    """Return what dbt writes of a project with one mart and one model below it."""
    columns = {
        "asset_id": ("varchar", [{"type": "not_null"}], {}),
        "share_frac": ("double", [], {"expect": expect} if expect else {}),
    }
    mart = {
        "name": "share_daily",
        "resource_type": "model",
        "fqn": ["tokenmart", "marts", "share", "share_daily"],
        "config": {"meta": meta},
        "columns": {
            name: {
                "name": name,
                "data_type": kind,
                "description": description,
                "constraints": constraints,
                "config": {"meta": column_meta},
            }
            for name, (kind, constraints, column_meta) in columns.items()
        },
    }
    below = {"name": "int_share", "resource_type": "model", "fqn": ["tokenmart", "intermediate"]}
    test = {
        "name": "share_daily_quality_suite",
        "resource_type": "test",
        "fqn": ["tokenmart", "marts"],
    }
    return {
        "nodes": {"model.int_share": below, "model.share_daily": mart, "test.quality_suite": test}
    }


def test_names_types_nulls_and_key_are_those_of_dbt() -> None:
    assert read_contracts(manifest({"key": ["asset_id"], "schema_version": 1})) == (
        Contract(
            mart="share_daily",
            key=("asset_id",),
            columns={
                "asset_id": Column(kind="varchar", is_nullable=False),
                "share_frac": Column(kind="double"),
            },
            min_rows=1,
        ),
    )


def test_what_is_expected_of_a_column_stands_in_its_meta() -> None:
    expect = {"filled_frac": 0.5, "median": [-1, 2], "contains": ["a"], "severity": "warn"}

    (contract,) = read_contracts(manifest({"key": ["asset_id"], "min_rows": 0}, expect))

    assert contract.min_rows == 0
    assert contract.columns["share_frac"] == Column(
        kind="double", filled_frac=0.5, median=(-1, 2), contains=("a",), severity="warn"
    )
    assert contract.needed == ("asset_id", "share_frac")


def test_the_middle_may_be_held_to_the_documented_bounds() -> None:
    (contract,) = read_contracts(manifest({"key": ["asset_id"]}, {"median": "bounds"}))

    assert contract.columns["share_frac"].median == (0, 1.5)


@pytest.mark.parametrize(
    ("meta", "expect", "message"),
    [
        ({}, None, "share_daily does not say what identifies a row"),
        ({"key": ["asset_id", "day"]}, None, r"share_daily: the key names .* lacks: \['day'\]"),
        ({"key": ["asset_id"]}, {"filled": 1}, "share_daily.share_frac: filled: Extra inputs"),
        ({"key": ["asset_id"]}, {"median": [1]}, r"share_daily.share_frac: median\.1: Field"),
        ({"key": ["asset_id"]}, {"severity": "error"}, "share_daily.share_frac: severity: Input"),
    ],
)
def test_a_promise_that_cannot_be_read_is_an_error(
    meta: dict[str, Any], expect: dict[str, Any] | None, message: str
) -> None:
    with pytest.raises(ContractError, match=message):
        read_contracts(manifest(meta, expect))


def test_bounds_that_are_not_documented_cannot_be_promised() -> None:
    reported = manifest({"key": ["asset_id"]}, {"median": "bounds"}, "What share.\n- min: 0\n")

    with pytest.raises(ContractError, match=r"share_frac: median\.1: Input should be a valid"):
        read_contracts(reported)
