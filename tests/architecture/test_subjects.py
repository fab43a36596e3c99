"""Marts and all that is made for them are filed under one vocabulary of subjects."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
DBT = REPO / "dbt"
MARTS = DBT / "models/marts"
_DOCS = DBT / "models/_docs"
# kinds of check that any model may have, and not checks of a subject
_OF_NO_SUBJECT = "generic"


def table(page: str, start: str, end: str) -> list[tuple[str, str]]:
    """Return the rows of a page's table of two columns between two texts, without its head."""
    text = (REPO / page).read_text(encoding="utf-8").partition(start)[2].partition(end)[0]
    return re.findall(r"^\| (\S.*?) \| (.*?) \|$", text, re.M)[1:]


SUBJECTS = [subject for subject, _ in table("docs/naming.md", "## Subjects\n", "\n## ")]


def marts_by_subject() -> dict[str, list[str]]:
    """Return the names of the marts in each folder."""
    found = defaultdict(list)
    for path in sorted(MARTS.glob("*/*.sql")):
        found[path.parent.name].append(path.stem)
    return dict(found)


@pytest.mark.parametrize(
    ("folder", "prefix", "kinds"),
    [
        ("models/marts", "", ("models", "unit_tests")),
        ("models/intermediate", "int_", ("models", "unit_tests")),
        ("seeds", "", ("seeds",)),
        ("tests", "", ("tests",)),
    ],
)
def test_each_file_lies_under_a_subject(folder: str, prefix: str, kinds: tuple[str, ...]) -> None:
    root = DBT / folder
    strays = [
        str(path.relative_to(REPO))
        for path in sorted(root.rglob("*"))
        if (
            path.suffix in {".sql", ".py", ".csv"}
            and path.parent.name not in {*SUBJECTS, _OF_NO_SUBJECT}
        )
        or (
            path.suffix == ".yml"
            and path.parent not in {root, root / _OF_NO_SUBJECT}
            and path.name not in {f"_{prefix}{path.parent.name}__{kind}.yml" for kind in kinds}
        )
    ]
    assert strays == [], "no folder of a subject of docs/naming.md, or not named by it"


def test_each_subject_has_a_mart() -> None:
    assert sorted(marts_by_subject()) == sorted(SUBJECTS)


def test_a_column_is_described_under_the_subject_that_has_it() -> None:
    users = defaultdict(set)
    for path in MARTS.glob("*/*.yml"):
        for block in re.findall(r"doc\('(\w+)'\)", path.read_text(encoding="utf-8")):
            users[block].add(path.parent.name)
    misplaced = {
        block: f"is in {path.name}, is used by {', '.join(sorted(users[block])) or 'no mart'}"
        for path in sorted(_DOCS.glob("*.md"))
        for block in re.findall(r"\{% docs (\w+) %\}", path.read_text(encoding="utf-8"))
        if path.stem != ("columns_" + min(users[block]) if len(users[block]) == 1 else "columns")
    }
    assert misplaced == {}


def test_the_readme_lists_the_marts_of_each_subject() -> None:
    listed = {
        subject: re.findall(r"`(\w+)`", names)
        for subject, names in table("README.md", "<!-- marts -->", "<!-- /marts -->")
    }
    assert listed == marts_by_subject()
