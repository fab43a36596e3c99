"""Every command of the runbooks: it is one, and on a market in the sandbox it does what it says."""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import click
import pytest

from pipelines.core.settings import Settings
from tests.e2e.command_line import accept
from tests.e2e.conftest import END, REPO, Project

PAGES = sorted((REPO / "docs" / "runbooks").glob("*.md"))
# the newest day that the pages speak of
PAGES_END = date(2026, 10, 31)
# what is on any machine
_TOOLS = {"cp", "mv", "chmod", "du", "df", "grep"}
_LIVE = "live"


@dataclass(frozen=True)
class Command:
    """A line of a page that begins with a dollar sign."""

    page: Path
    line: str
    is_live: bool

    @property
    def parts(self) -> tuple[dict[str, str], list[str]]:
        """Its own variables, and its words."""
        words = shlex.split(self.line.removeprefix("! "))
        given: dict[str, str] = {}
        while words and re.match(r"[A-Za-z_]+=", words[0]):
            name, _, value = words.pop(0).partition("=")
            given[name] = value
        return given, words


def commands(page: Path) -> list[Command]:
    """Return what a page tells one to type, in its order."""
    blocks = re.findall(r"^```console( \w+)?\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    return [
        Command(page, line.removeprefix("$ "), mark.strip() == _LIVE)
        for mark, block in blocks
        for line in block.splitlines()
    ]


COMMANDS = [command for page in PAGES for command in commands(page)]


def test_every_page_is_in_the_index_and_tells_what_to_type() -> None:
    index = REPO / "docs" / "runbooks" / "README.md"
    named = set(re.findall(r"\]\(([\w-]+\.md)\)", index.read_text("utf-8")))
    assert named == {page.name for page in PAGES if page != index}
    assert [page.name for page in PAGES if page != index and not commands(page)] == []
    assert len([command for command in COMMANDS if not command.is_live]) > 30


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: f"{one.page.stem}: {one.line}")
def test_every_command_is_one(command: Command) -> None:
    given, (program, *words) = command.parts
    settings = {f"TOKENMART_{name.upper()}" for name in Settings.model_fields}
    unknown = [name for name in given if name.split("__")[0] not in settings]
    assert unknown == [], "there is no such setting"
    if program == "tokenmart":
        accept(words)
    elif program == "make":
        assert re.search(rf"^{words[0]}:", (REPO / "Makefile").read_text(), re.M), "no such target"
    elif program == "python" and words[0] == "-m":
        assert (REPO / words[1].replace(".", "/")).is_dir(), "no such module"
    elif program == "python" and words[0] != "-c":
        assert (REPO / words[0]).is_file(), "no such script"
    else:
        assert program in {*_TOOLS, "python"}, "not on any machine"


@pytest.mark.parametrize("words", [["dayly"], ["daily", "--dayly"], ["restore"], ["lake", "x"]])
def test_a_command_that_is_none_is_seen(words: list[str]) -> None:
    with pytest.raises(click.UsageError):
        accept(words)


@pytest.fixture
def clone(project: Project, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder as a clone is, with the data of a first run, or before it."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for path in REPO.iterdir():
        if path.name not in ("data", ".env", ".git"):
            (folder / path.name).symlink_to(path)
    if request.node.callspec.params["page"].name != "first-install.md":
        project.data_dir.rename(folder / "data")
    return folder


@pytest.mark.slow
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda p: p.stem)
def test_commands_do_what_the_page_says(page: Path, clone: Path, project: Project) -> None:
    environment = {
        **project.full_environment,
        "TOKENMART_DATA_DIR": str(clone / "data"),
        "TOKENMART_DATASET": str(project.dataset.path),
        "TOKENMART_CURATION_DIR": str(project.dataset.path),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    for command in commands(page):
        line = re.sub(r"\d{4}-\d{2}-\d{2}", _in_the_dataset, command.line)
        if command.is_live:
            _, words = command.parts
            if words[0] != "python":
                continue  # parsed above: it would ask real hosts
            line = shlex.join([*words[:4], "--help"])
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line],
            # make makes the environment of the clone that it stands in
            cwd=REPO if line.startswith("make ") else clone,
            env=environment,
            capture_output=True,
            text=True,
            timeout=1200,
        )
        assert done.returncode == 0, f"$ {line}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"


def _in_the_dataset(day: re.Match[str]) -> str:
    """Move a day of the pages as far before the end of the test's market."""
    return (END - (PAGES_END - date.fromisoformat(day[0]))).isoformat()
