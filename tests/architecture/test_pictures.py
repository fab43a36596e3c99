"""The picture of the folders in docs/architecture.md is what the imports say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from pipelines.core.settings import REPO_DIR

ROOMS = ("assets", "pipelines")


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(module: str) -> str:
    """Return the folder that a module lies in: a room's own modules are one."""
    first, *rest = module.split(".")
    if first in ROOMS and rest and (REPO_DIR / first / rest[0]).is_dir():
        return rest[0]
    return first


def edges() -> set[tuple[str, str]]:
    found = set()
    for top in ROOMS:
        for file in (REPO_DIR / top).rglob("*.py"):
            if file.name == "__main__.py":
                continue  # a door to a room, which nobody imports
            here = room(".".join(file.relative_to(REPO_DIR).with_suffix("").parts))
            there = {room(name) for name in imported(file) if name.split(".")[0] in ROOMS}
            found |= {(here, one) for one in there - {here}}
    return found


def test_the_picture_of_the_folders_is_what_the_imports_say() -> None:
    page = (REPO_DIR / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"^ {4}(\w+) --> (\w+)$", page, re.MULTILINE))
    assert drawn - edges() == set(), "drawn, and nobody imports it"
    assert edges() - drawn == set(), "imported, and not drawn"
