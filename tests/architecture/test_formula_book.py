"""The formula book and the columns that cite it, compared as texts."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from pipelines.research.catalogue import table

REPO = Path(__file__).resolve().parents[2]

_BLOCK = re.compile(r"\{% docs (\w+) %\}\n(.*?)\{% enddocs %\}", re.S)
_SECTION = re.compile(r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", re.M | re.S)
_EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
# how docstrings, comments and descriptions cite the book: in a parenthesis, or on a line of its own
_CITATION = re.compile(r"(?:\(formulas?: |^ +Formulas?: )([a-z0-9, -]+)[).]", re.M)

SECTIONS = _SECTION.findall((REPO / "docs/formulas.md").read_text(encoding="utf-8"))
ANCHORS = [anchor for anchor, _ in SECTIONS]


def facts() -> dict[str, dict[str, str]]:
    """Of each documented column its lines `- key: value`."""
    return {
        name: dict(re.findall(r"^- (\w+): (.*)$", text, re.M))
        for path in sorted((REPO / "dbt/models/_docs").glob("*.md"))
        for name, text in _BLOCK.findall(path.read_text(encoding="utf-8"))
    }


def test_a_formula_and_its_anchor_come_together() -> None:
    alone = [
        column
        for column, fact in facts().items()
        if (fact["formula"] == "none") != ("anchor" not in fact)
    ]
    assert alone == [], "a formula without `- anchor:`, or an anchor without a formula"


def test_columns_cite_every_anchor_of_the_book_and_no_other() -> None:
    cited = {fact["anchor"] for fact in facts().values() if "anchor" in fact}
    assert sorted(cited - set(ANCHORS)) == [], "cited by a column, but not in docs/formulas.md"
    assert sorted(set(ANCHORS) - cited) == [], "in docs/formulas.md, but cited by no column"
    assert sorted({anchor for anchor in ANCHORS if ANCHORS.count(anchor) > 1}) == []


@pytest.mark.parametrize("folder", ["assets", "dbt", "docs", "pipelines", "scripts", "tests"])
def test_the_code_cites_sections_that_there_are(folder: str) -> None:
    wrong = [
        f"{path.relative_to(REPO)}: {anchor}"
        for path in sorted((REPO / folder).rglob("*"))
        if path.suffix in {".csv", ".md", ".py", ".sql", ".yml"} and "target" not in path.parts
        for anchors in _CITATION.findall(path.read_text(encoding="utf-8"))
        for anchor in anchors.split(", ")
        if anchor not in ANCHORS
    ]
    assert wrong == []


@pytest.mark.parametrize(("anchor", "text"), SECTIONS, ids=ANCHORS)
def test_the_example_is_right(anchor: str, text: str) -> None:
    examples = "".join(_EXAMPLE.findall(text))
    assert examples, f"{anchor} has no worked example"
    case = doctest.DocTestParser().get_doctest(examples, {}, anchor, "docs/formulas.md", 0)
    report: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(case, out=report.append)
    assert result.failed == 0, "".join(report)


def test_links_within_the_book_lead_somewhere() -> None:
    text = (REPO / "docs/formulas.md").read_text(encoding="utf-8")
    assert sorted(set(re.findall(r"\]\(#([\w-]+)\)", text)) - set(ANCHORS)) == []


def test_the_book_has_the_factors_of_the_catalogue() -> None:
    text = (REPO / "docs/formulas.md").read_text(encoding="utf-8")
    ((command, written),) = re.findall(
        r"<!-- factors: (.+?) -->\n(.*?)<!-- /factors -->", text, re.S
    )
    assert written == table(), f"docs/formulas.md differs from what `{command}` prints"
