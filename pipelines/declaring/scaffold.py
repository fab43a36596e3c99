"""The skeleton of a new source: a copy of one that there is, under another name, with its tests.

A skeleton that is kept apart goes stale; a source cannot, since its tests run. The copy passes them
from the start, and is changed from there into what the new host says.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from pipelines import sources
from pipelines.core.settings import REPO_DIR

_FILES = (
    "pipelines/sources/{name}/*.py",
    "pipelines/sandbox/server/wire/{name}.py",
    "tests/sources/{name}/test_{name}.py",
    "tests/sandbox/test_wire_{name}.py",
)
# lists by people: of these the lines in which the source stands in a cell of its own
_LISTS = (
    "dbt/seeds/identity/dim_venue_curated.csv",
    "dbt/seeds/identity/dim_asset_alias_curated.csv",
    "tests/sources/errors.csv",
    "tests/sources/statements.csv",
)
_EXCHANGES = "pipelines/sandbox/generator/exchanges.py"


class ScaffoldError(Exception):
    """There is no such source to copy, or already one of that name."""


def scaffold(name: str, title: str, like: str = "gateio", root: Path = REPO_DIR) -> list[str]:
    """Write the skeleton of a source, and what follows from its declaration.

    Args:
        name: the new source's, as a package's.
        title: its name for people.
        like: the source that is copied: one of the same kind.
        root: the project.

    Returns:
        The files that were written or changed, by their paths in the project.

    Raises:
        ScaffoldError: there is no such source to copy, or the name is taken or none.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise ScaffoldError(f"{name} is no name of a package, such as bitfinex")
    if like not in sources.SOURCES:
        raise ScaffoldError(f"there is no source {like} to copy")
    if (root / "pipelines/sources" / name).exists():
        raise ScaffoldError(f"there is a source {name} already")
    written = _copies(root, name, title, like) + _lines(root, name, title, like)
    written += _exchange(root, name, like)
    # the sources are found when Python starts
    command = [sys.executable, "-m", "pipelines.declaring", "write"]
    said = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return written + [line.partition(": ")[2] for line in said.splitlines()]


def _renamed(text: str, name: str, title: str, like: str) -> str:
    old = sources.source(like).title.split()[0]
    return text.replace(old, title).replace(like, name)


def _copies(root: Path, name: str, title: str, like: str) -> list[str]:
    written = []
    for pattern in _FILES:
        for path in sorted(root.glob(pattern.format(name=like))):
            target = _renamed(str(path.relative_to(root)), name, title, like)
            (root / target).parent.mkdir(parents=True, exist_ok=True)
            text = _renamed(path.read_text(encoding="utf-8"), name, title, like)
            (root / target).write_text(text, encoding="utf-8")
            written.append(target)
    return written


def _lines(root: Path, name: str, title: str, like: str) -> list[str]:
    written = []
    for file in _LISTS:
        path = root / file
        text = path.read_text(encoding="utf-8")
        own = [line for line in text.splitlines() if re.search(rf"(^|,){like}(,|$)", line)]
        if own:
            added = "".join(f"{_renamed(line, name, title, like)}\n" for line in own)
            path.write_text(text + added, encoding="utf-8")
            written.append(file)
    return written


def _exchange(root: Path, name: str, like: str) -> list[str]:
    """Let a generated market have the venue, too, where the source that is copied is one."""
    path = root / _EXCHANGES
    text = path.read_text(encoding="utf-8")
    entry = re.search(rf'(?ms)^    "{like}": .*?(?=^    "|^}})', text)
    if entry is None:
        return []
    head, _, tail = text.rpartition("}\n")
    path.write_text(head + entry.group().replace(like, name) + "}\n" + tail, encoding="utf-8")
    return [_EXCHANGES]
