"""What clients of `/v1` were promised still holds, and what is new is promised, too."""

import json

from assets import dbt_project
from pipelines.serving.promise import PROMISE, broken, offered
from pipelines.validation.contracts import read_contracts


def test_v1_keeps_its_promise() -> None:
    promised = json.loads(PROMISE.read_bytes())
    now = offered(read_contracts(dbt_project.manifest()))
    assert broken(promised, now) == [], "clients of /v1 would break"
    assert promised == now, (
        "something is new: python -m pipelines.serving.promise dbt/target/manifest.json"
    )


def test_every_mart_has_an_address() -> None:
    contracts = read_contracts(dbt_project.manifest())
    from pipelines.serving.resources import RESOURCES

    served = {resource.mart for resource in RESOURCES}
    assert served == {contract.mart for contract in contracts}


def test_a_column_that_goes_or_changes_is_a_broken_promise() -> None:
    promised = {"/v1/prices": {"day": "date", "close_usd": "double"}}
    assert broken(promised, {"/v1/prices": {**promised["/v1/prices"], "new": "bigint"}}) == []
    assert broken(promised, {"/v1/prices": {"day": "date", "close_usd": "varchar"}}) == [
        "/v1/prices: close_usd was double and is varchar"
    ]
    assert broken(promised, {}) == ["/v1/prices is gone"]
