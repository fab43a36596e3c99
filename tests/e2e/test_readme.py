"""Every command, snippet and path of the README, as a newcomer would use them."""

import re
import shlex
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import click
import duckdb
import pytest

from tests.e2e.command_line import accept
from tests.e2e.conftest import END, REPO, Project

README = (REPO / "README.md").read_text(encoding="utf-8")
# the last complete day of the market that the README's examples are about
EXAMPLES_END = date(2026, 10, 31)


def blocks(language: str) -> list[str]:
    """Return the README's fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


def commands() -> list[str]:
    """Return the shell commands of the README, without their comments."""
    lines = (line.split("  #")[0].strip() for block in blocks("sh") for line in block.splitlines())
    return [line for line in lines if line]


TOKENMART = [line for line in commands() if re.match(r"(\w+=\S+ )*\.venv/bin/tokenmart ", line)]
MAKE = [line for line in commands() if line.startswith("make ")]
_PLACEHOLDER = re.compile(r" [A-Z]+\b")
PYTHON = [line for line in commands() if line.startswith(".venv/bin/python ")]


def test_every_command_is_of_a_kind_that_is_tested() -> None:
    known = {*TOKENMART, *MAKE, *PYTHON, "cp .env.example .env"}
    assert [line for line in commands() if line not in known] == []
    assert len(TOKENMART) >= 8
    assert len(MAKE) >= 3


@pytest.mark.parametrize("line", TOKENMART)
def test_every_command_and_option_is_there(line: str) -> None:
    with suppress(click.exceptions.Exit):  # it is asked for help
        accept(shlex.split(line.partition(".venv/bin/tokenmart ")[2]))


@pytest.mark.parametrize("command", sorted({line.split("#")[0].strip() for line in MAKE}))
def test_targets_are_there(command: str) -> None:
    plan = subprocess.run(
        [*shlex.split(command), "--dry-run"], cwd=REPO, capture_output=True, text=True
    )
    assert plan.returncode == 0, plan.stderr
    assert re.search(r"tokenmart|pytest|benchmarks", plan.stdout), plan.stdout


def test_paths_are_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    quoted = re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", README)
    paths = {path for path in links if "://" not in path} | set(quoted)
    assert len(paths) > 8
    # what a run writes is not there before it
    wanting = [path for path in paths if not path.startswith("data/") and path != "data/"]
    assert [path for path in wanting if not (REPO / path).exists()] == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_commands_do_what_the_readme_says(project: Project) -> None:
    """In the order of the README: `rollback` needs two publications."""
    project.environment["TOKENMART_DATASET"] = str(project.dataset.path)
    project.environment["TOKENMART_CURATION_DIR"] = str(project.dataset.path)
    failed = {}
    for line in TOKENMART:
        if _PLACEHOLDER.search(line.partition(".venv/bin/tokenmart ")[2]):
            continue  # the reader's own word stands there
        before, after = line.split(".venv/bin/tokenmart ")
        settings = dict(word.split("=", 1) for word in shlex.split(before))
        if (folder := settings.get("TOKENMART_DATA_DIR")) is not None:
            settings["TOKENMART_DATA_DIR"] = str(project.data_dir.parent / folder)
        arguments = [_in_the_dataset(word) for word in shlex.split(after)]
        as_written = replace(project, environment={**project.environment, **settings})
        done = as_written.run(*arguments)
        if done.returncode != 0:
            failed[line] = done.stdout[-2000:] + done.stderr[-2000:]
    assert failed == {}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("snippet", blocks("sql"), ids=range(len(blocks("sql"))))
def test_queries_answer(published: Path, snippet: str) -> None:
    with duckdb.connect(str(published / "published/tokenmart.duckdb"), read_only=True) as reader:
        assert reader.execute(snippet).fetchall() != []


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("snippet", blocks("python"), ids=range(len(blocks("python"))))
def test_snippets_run(published: Path, snippet: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", snippet], cwd=published.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "bitcoin" in done.stdout


@pytest.fixture
def published(project: Project) -> Path:
    """The data folder of a published project, named as in the README."""
    assert project.data_dir.name == "data"
    return project.data_dir


def _in_the_dataset(word: str) -> str:
    """Move a day of the README's market as far before the end of the test's."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", word) is None:
        return word
    return (END - (EXAMPLES_END - date.fromisoformat(word))).isoformat()
