"""The slow proofs of CI: the telling ones each time, all of them within a few runs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from pipelines.core.settings import REPO_DIR

_SPEC = importlib.util.spec_from_file_location("proofs", REPO_DIR / ".ci" / "proofs.py")
assert _SPEC is not None
assert _SPEC.loader is not None
proofs = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(proofs)


def test_each_run_has_all_proofs_and_begins_with_the_telling_ones() -> None:
    files = proofs.slow_files()
    assert len(files) > 20
    for number in range(proofs.PARTS):
        ordered = proofs.order(files, number)
        assert sorted(ordered) == files
        assert tuple(ordered[: len(proofs.FIRST)]) == proofs.FIRST


def test_as_many_runs_as_parts_take_each_proof_once() -> None:
    files = [*proofs.FIRST, *(f"tests/test_{number:02}.py" for number in range(10))]
    taken = set()
    for number in range(100, 100 + proofs.PARTS):
        others = proofs.order(files, number)[len(proofs.FIRST) :]
        taken |= set(others[:3])
    assert taken == set(files) - set(proofs.FIRST)


def test_one_that_failed_fails_the_run_and_the_table_says_which(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = proofs.run(["a", "b"], 60, lambda name: (int(name == "b"), f"{name} said"))
    said = capsys.readouterr().out
    assert code == 1
    assert "b said" in said
    table = {line.split()[0]: line for line in said.splitlines() if " in 0 s" in line}
    assert {name: "FAILED" in line for name, line in table.items()} == {"a": False, "b": True}
    assert "2 of 2 ran, 1 failed" in said


def test_none_begins_when_the_time_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    assert proofs.run(["a", "b"], 0, lambda name: pytest.fail(f"{name} ran")) == 0
    assert "0 of 2 ran, 0 failed" in capsys.readouterr().out


def test_the_proofs_are_there() -> None:
    assert [name for name in proofs.FIRST if not Path(REPO_DIR, name).is_file()] == []
