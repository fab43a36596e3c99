"""Marts say by which code they were built."""

import json

from tests.models.lake_box import LakeBox

MART = "dim_narrative_membership"
ROWS = f"select distinct model_version from marts.{MART}"
NOTED = f"select model_version from history.built_mart where mart = '{MART}'"


def _build(box: LakeBox, versions: dict[str, str]) -> None:
    box.environment["TOKENMART_MODEL_VERSIONS"] = json.dumps(versions)
    box.run(f"+{MART}")


def test_rows_and_warehouse_say_by_which_code_a_mart_was_built(seeded_box: LakeBox) -> None:
    _build(seeded_box, {MART: "c0de", "price_daily": "other"})
    assert seeded_box.query(ROWS) == seeded_box.query(NOTED) == [("c0de",)]

    _build(seeded_box, {MART: "d00d"})
    assert seeded_box.query(ROWS) == seeded_box.query(NOTED) == [("d00d",)]

    # what a run does not build keeps the code that it was built by
    seeded_box.environment["TOKENMART_MODEL_VERSIONS"] = json.dumps({MART: "feed"})
    seeded_box.run("meta_metric_catalog")
    assert seeded_box.query(ROWS) == seeded_box.query(NOTED) == [("d00d",)]


def test_a_build_by_hand_does_not_say_what_it_cannot_know(seeded_box: LakeBox) -> None:
    seeded_box.run(f"+{MART}")

    assert seeded_box.query(ROWS) == seeded_box.query(NOTED) == [("unknown",)]
