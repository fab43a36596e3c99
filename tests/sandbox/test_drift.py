"""A source that changes its answers: what comes is landed or refused, which is reported."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.windows import FixedClock, Window
from pipelines.extraction import drift
from pipelines.extraction.drift import KNOWN_SCHEMA
from pipelines.extraction.drift import Change as Reported
from pipelines.lake import landing
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset
from pipelines.sources import SOURCES
from pipelines.validation.gate import check_schemas
from tests.sources.replay import Change, Played, Tape, play, record

NOTHING = pl.DataFrame(schema=KNOWN_SCHEMA)
# made of calls whose results have no fields, and of downloaded files
WITHOUT_FIELDS = {("ethereum", "token_supply"), ("binance", "dump_files")}
# one series of numbers by name: a name more is a row more
BY_NAME = {("defillama_stablecoins", "prices"), ("coingecko", "market_chart")}


@pytest.fixture(scope="module")
def tapes() -> dict[str, Tape]:
    """Each source's tape, once recorded."""
    return {}


@pytest.fixture
def tape(
    tapes: dict[str, Tape], dataset: Dataset, server: SandboxServer, tmp_path: Path
) -> Callable[[str], Tape]:
    def of(name: str) -> Tape:
        if name not in tapes:
            settings = Settings(
                data_dir=tmp_path,
                sandbox_url=server.url,
                curation_dir=dataset.path,
                _env_file=None,
            )
            tapes[name] = record(name, settings, dataset, days=2)
        return tapes[name]

    return of


def reported_by(before: Played, now: Played) -> list[Reported]:
    known, first = drift.compare(NOTHING, before.run.shapes, {}, before.run.fetched_at)
    assert first == ()
    _, changes = drift.compare(known, now.run.shapes, now.run.refused, now.run.fetched_at)
    return list(changes)


def everywhere(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    """Return what changes every object of every answer, from within; CSV by its header."""

    def of(value: Any) -> Any:
        if isinstance(value, dict):
            return change({name: of(inner) for name, inner in value.items()})
        return [of(inner) for inner in value] if isinstance(value, list) else value

    def applied(_: Any, answer: Any) -> Any:
        if isinstance(answer, str):
            header, *lines = answer.splitlines()
            rows = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
            changed = [of(row) for row in rows]
            texts = [",".join(str(cell) for cell in row.values()) for row in changed]
            return "\n".join([",".join(changed[0] if changed else [header]), *texts]) + "\n"
        return of(answer)

    return applied


def has_rows(played: Played) -> set[str]:
    return {name for name, rows in played.landed.items() if rows.num_rows}


def test_every_table_is_served(tape: Any) -> None:
    """What follows says something about every raw table, but those that no daily run makes."""
    served = {(name, table) for name in SOURCES for table in has_rows(play(tape(name)))}
    every = {(name, table.name) for name in SOURCES for table in sources.tables(name)}
    unserved = {table for _, table in every - served}
    assert {table for table in unserved if not table.endswith("_intraday")} <= {"dump_files"}


@pytest.mark.parametrize("name", SOURCES)
def test_answers_that_did_not_change_are_no_news(name: str, tape: Any) -> None:
    clean = play(tape(name))
    assert reported_by(clean, play(tape(name))) == []
    assert clean.quarantine == []


@pytest.mark.parametrize("name", SOURCES)
def test_a_new_column_changes_no_row_and_is_reported_of_every_table(name: str, tape: Any) -> None:
    clean = play(tape(name))
    changed = play(tape(name), everywhere(lambda cells: {**cells, "zz_new": "x"}))
    if name != "coinmetrics_archive":  # there a column is a metric: it has rows, here refused ones
        # a new member of a map of tokens is a token of which nothing can be read
        invented = {
            table: {row for row in rows - clean.facts()[table] if "zz_new" not in row}
            for table, rows in changed.facts().items()
        }
        assert not any(invented.values()), invented
    columns = {
        change.table_name for change in reported_by(clean, changed) if change.column == "zz_new"
    }
    arrays = {
        table for table, shape in clean.run.shapes.items()
        if any(field.endswith(" cells") for field in shape.kinds)
    }  # fmt: skip
    untold = has_rows(changed) - columns - arrays
    assert {(name, table) for table in untold} <= WITHOUT_FIELDS


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_a_longer_array_is_reported(name: str, tape: Any) -> None:
    clean = play(tape(name))
    lengths = {
        (table, field) for table, shape in clean.run.shapes.items() for field in shape.kinds
        if field.endswith(" cells")
    }  # fmt: skip
    if not lengths:
        pytest.skip("its rows are objects")

    def longer(value: Any) -> Any:
        if isinstance(value, list):
            grown = [longer(inner) for inner in value]
            is_row = len(value) > 1 and type(value[0]) in (int, str) and value[0] != ""
            return [*grown, "0"] if is_row and str(value[0]).isdigit() else grown
        return (
            {key: longer(inner) for key, inner in value.items()}
            if isinstance(value, dict)
            else value
        )

    changed = play(tape(name), lambda _, answer: longer(answer))
    reported = {change.table_name for change in reported_by(clean, changed)}
    failed = " ".join(changed.run.failures)
    for table, _ in lengths:
        assert table in reported or table in failed, f"{table}: {reported_by(clean, changed)}"


def _fields(played: Played) -> list[str]:
    """Return the fields that every row of some table has, as the source calls them."""
    return sorted({field for shape in played.run.shapes.values() for field in shape.always})


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_a_column_that_is_gone_is_reported_or_refused(name: str, tape: Any) -> None:
    clean = play(tape(name))
    for gone in _fields(clean):
        if gone.endswith(" cells"):
            continue
        changed = play(
            tape(name),
            everywhere(lambda cells, gone=gone: {k: v for k, v in cells.items() if k != gone}),  # type: ignore[misc]
        )
        holding = {table for table, shape in clean.run.shapes.items() if gone in shape.always}
        reported = {
            change.table_name
            for change in reported_by(clean, changed)
            if gone in str(change) or change.change == "refused rows"
        }
        problems = [*changed.run.failures, *changed.run.refusals]
        assert reported & holding or problems, f"{gone} of {holding} is gone and nobody says so"
        for table in has_rows(changed) & holding - reported:
            statuses = {
                row["status"] for row in changed.run.log().to_pylist() if row["table_name"] == table
            }
            assert statuses != {"ok"}, f"{gone} of {table} is gone and all looks well"


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_a_column_of_another_type_is_reported_or_refused(name: str, tape: Any) -> None:
    """An object where a number or a text was: never a row that was made of it."""
    clean = play(tape(name))
    if tape(name).texts:
        pytest.skip("a CSV has no types")
    for field in _fields(clean):
        kinds = {kind for shape in clean.run.shapes.values() for kind in shape.kinds.get(field, ())}
        if field.endswith(" cells") or not kinds or "object" in kinds:
            continue

        def nested(cells: dict[str, Any], field: str = field) -> dict[str, Any]:
            return {k: {"nested": v} if k == field else v for k, v in cells.items()}

        changed = play(tape(name), everywhere(nested))
        changes = reported_by(clean, changed)
        problems = [*changed.run.failures, *changed.run.refusals]
        assert changes or problems, f"{field} is an object now, and nobody says so"
        for table, rows in changed.facts().items():
            new = rows - clean.facts()[table]
            assert not any("nested" in str(cell) for row in new for cell in row), (
                f"{field}: a row of {table} has what is no value: {new}"
            )


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_a_new_word_is_reported_with_its_column(name: str, tape: Any) -> None:
    clean = play(tape(name))
    for table in sources.tables(name):
        for column in table.columns:
            if table.name not in clean.landed or not (column.is_open_set or column.one_of):
                continue
            words = set(clean.landed[table.name][column.name].drop_null().to_pylist())
            own = {word for word in words if json.dumps(word) in json.dumps(_bodies(tape(name)))}
            if not own:
                continue  # ours, such as the category that was asked for

            def renamed(cells: dict[str, Any], own: set[str] = own) -> dict[str, Any]:
                return {
                    key: "zz_word" if isinstance(value, str) and value in own else value
                    for key, value in cells.items()
                }

            changed = play(tape(name), everywhere(renamed))
            reported = [str(change) for change in reported_by(clean, changed)]
            problems = [*changed.run.failures, *changed.run.refusals]
            wanted = f"new value {column.name} = zz_word"
            assert wanted in reported or any(
                f"refused rows {column.name}" in line for line in reported
            ) or problems, f"{table.name}.{column.name}: {reported}"  # fmt: skip


def _bodies(tape: Tape) -> list[Any]:
    return list(tape.answers.values())


def test_what_changed_is_reported_once_by_the_next_gate(
    dataset: Dataset, server: SandboxServer, tmp_path: Path
) -> None:
    settings = Settings(
        data_dir=tmp_path, sandbox_url=server.url, curation_dir=dataset.path, _env_file=None
    )
    clock, day = FixedClock(dataset.now), Window.of_day(dataset.end)

    def gate(run_id: str) -> dict[str, tuple[bool, str]]:
        results = check_schemas(settings, clock, run_id)
        assert {(result.check_kind, result.severity) for result in results} == {("schema", "warn")}
        return {result.mart: (result.is_passed, result.detail) for result in results}

    assert landing.land("coinbase", day, settings, clock, "first").changes == ()
    assert gate("first") == {"coinbase.candles": (True, ""), "coinbase.products": (True, "")}

    server.set_faults([{"source": "coinbase", "kind": "unknown_enum", "path_prefix": "/products"}])
    report = landing.land("coinbase", day, settings, clock, "second")
    reported = [f"{change.table_name}: {change}" for change in report.changes]
    assert reported == ["products: new value status = HIBERNATING"]
    server.clear_faults()
    # a run that lands only, and one that builds only
    landing.land("coinbase", day, settings, clock, "third")
    expected = (False, "new value status = HIBERNATING")
    assert gate("fourth")["coinbase.products"] == expected
    assert gate("fourth")["coinbase.products"] == expected, "a gate that is repeated says the same"
    assert gate("fifth")["coinbase.products"] == (True, "")
