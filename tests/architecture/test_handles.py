"""No text cites by a number what nobody can look up."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]

# a letter and a number, as catalogues outside of the repository have them
_HANDLE = re.compile(
    r"(?<![\w./:-])(?:(?:[ACEFGKMNPRSTVX]|PIT)-[0-9]{1,3}[a-z]?|[CD]\.[0-9]{1,2}(?:\.[0-9]{1,2})*)"
    r"(?![\w%-])"
    r"|\w+\.md,? [0-9]"
)
# the planted defects of the generated market, which docs/sandbox.md lists
_SCENARIO_ROW = re.compile(r"^\| (F-[0-9]+) \|", re.M)
_SCENARIO_READERS = ("docs/sandbox.md", "pipelines/sandbox/", "tests/")
# `mo.md(` calls a function
_PAGE = re.compile(r"\b[a-z][\w-]*\.md\b(?!\()")
# compiled; and this test's own examples
_EXEMPT = ("requirements.lock", "tests/architecture/test_handles.py")


def texts() -> dict[str, str]:
    """Return every text file under version control, by its path."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPO, capture_output=True, check=True, text=True
    )
    found = {}
    for name in filter(None, listed.stdout.split("\0")):
        path = REPO / name
        # a drawing's text is coordinates, and scripts of others are theirs
        is_ours = path.suffix != ".svg" and "vendored" not in path.parts
        is_read = is_ours and name not in _EXEMPT
        if is_read and path.is_file() and b"\0" not in path.read_bytes()[:1024]:
            found[name] = path.read_text(encoding="utf-8")
    return found


def unresolved(name: str, text: str, scenarios: set[str]) -> list[str]:
    """List the handles of a text that nothing in the repository explains."""
    known = scenarios if name.startswith(_SCENARIO_READERS) else set()
    return [
        f"{name}:{number}: {handle}"
        for number, line in enumerate(text.splitlines(), 1)
        for handle in _HANDLE.findall(line)
        if handle not in known
    ]


def test_every_handle_resolves() -> None:
    files = texts()
    scenarios = set(_SCENARIO_ROW.findall(files["docs/sandbox.md"]))
    assert scenarios, "docs/sandbox.md lists no planted defect"
    found = [one for name, text in files.items() for one in unresolved(name, text, scenarios)]
    assert found == [], "say it in words, or name a section of docs/formulas.md"


def test_a_handle_is_seen() -> None:
    text = "-- C.4.3: mean\n(P-1 to P-8)\nF-7 and F-99\nD.2"
    assert [one.split(": ")[1] for one in unresolved("tests/x.py", text, {"F-7"})] == [
        "C.4.3", "P-1", "P-8", "F-99", "D.2",
    ]  # fmt: skip


def test_every_cited_page_is_in_the_repository() -> None:
    pages = {Path(name).name for name in texts() if name.endswith(".md")}
    missing = sorted(
        f"{name}: {page}"
        for name, text in texts().items()
        for page in _PAGE.findall(text)
        if page not in pages
    )
    assert missing == [], "a page is cited that is not in the repository"
