from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pipelines.core.excerpt import MAX_CELL, MAX_ROWS, Excerpt

HOSTILE = [
    "a | b",
    "`code`",
    "<script>alert(1)</script>",
    "[text](http://host)",
    "https://host/path",
    "www.host.com",
    "*not* _marked_ ~~up~~",
    "&amp; \\",
    "line\nbreak",
    "![picture](x)",
    "| --- |",
    "me@host.com",
]


def read(markdown: str) -> list[list[str]]:
    """Return the cells as somebody sees them; what became markup fails."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    assert tokens[0].type == "table_open", f"no table: {markdown}"
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline":
            assert {part.type for part in token.children or ()} <= {"text", "text_special"}, (
                markdown
            )
            rows[-1].append("".join(part.content for part in token.children or ()))
    return rows


def test_values_are_shown_as_people_read_them() -> None:
    row: tuple[Any, ...] = (date(2024, 3, 1), None, 1_234_567.5, 0.25, Decimal("1.50"), True)
    shown = read(Excerpt.of(["a", "b", "c", "d", "e", "f"], [row]).as_markdown())
    assert shown[1] == ["2024-03-01", "NULL", "1,234,567.5", "0.25", "1.50", "True"]


def test_what_looks_like_markup_is_text() -> None:
    shown = read(Excerpt.of(["a|b"], [[text] for text in HOSTILE]).as_markdown())
    assert shown == [["a|b"], *([" ".join(text.split())] for text in HOSTILE)]


def test_addresses_are_no_links() -> None:
    markdown = Excerpt.of(["a"], [["see https://host/x and www.host.com"]]).as_markdown()
    assert "://" not in markdown, "a viewer would make a link of it"
    assert "www." not in markdown


def test_rows_and_cells_are_bounded() -> None:
    excerpt = Excerpt.of(["a"], [["x" * 1_000]] * 1_000)
    shown = read(excerpt.as_markdown())
    assert len(shown) == MAX_ROWS + 1
    assert len(shown[1][0]) == MAX_CELL + 1


def test_words_are_of_the_first_rows() -> None:
    excerpt = Excerpt.of_records([{"a": 1, "b": None}, {"a": 2, "b": "x"}, {"a": 3, "b": "y"}])
    assert excerpt.in_words(2) == "a=1, b=NULL | a=2, b=x"


@settings(max_examples=50)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])), min_size=1))
def test_any_text_comes_back_as_it_was(values: list[str]) -> None:
    words = [" ".join(value.split()) or "-" for value in values[:MAX_ROWS]]
    short = [word[: MAX_CELL - 1].strip() or "-" for word in words]
    assert read(Excerpt.of(["a"], [[word] for word in short]).as_markdown())[1:] == [
        [word] for word in short
    ]
