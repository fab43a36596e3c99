"""The pages of a publication: whole, linked, escaped, and honest about what is not there."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest

from pipelines import site
from pipelines.site.content import all_queries
from pipelines.site.market import file_name
from pipelines.site.publication import opened
from pipelines.site.queries import Answers, all_names
from tests.unit.site.conftest import NAMES


class Read(HTMLParser):
    """What a browser sees of a page: its tags, links, ids and text."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.ids: list[str] = []
        self.scripts: list[str] = []
        self.text = ""
        self._inside = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside = tag
        for name, value in attrs:
            if name in {"href", "src"} and value:
                self.links.append(value)
            if name.startswith("on"):
                self.handlers.append(f"{tag} {name}={value}")
            if name == "id" and value:
                self.ids.append(value)

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag else self._inside

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        elif self._inside != "pre":
            self.text += data


def pages(folder: Path) -> dict[str, Read]:
    return {path.relative_to(folder).as_posix(): Read(path) for path in folder.rglob("*.html")}


def test_every_link_leads_to_a_file_of_the_site(made: Path) -> None:
    broken = []
    for path, page in pages(made).items():
        for link in page.links:
            if link.startswith(("data:", "#")):
                continue
            assert not re.match(r"[a-z]+:|//", link), f"{path} leaves the site: {link}"
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(link)))
            if not (made / target.split("#")[0]).is_file():
                broken.append(f"{path} -> {link}")
    assert not broken


def test_names_are_text_wherever_they_stand(made: Path) -> None:
    for path, page in pages(made).items():
        assert not page.handlers, f"{path} has handlers of names: {page.handlers}"
        assert "img" not in page.tags, f"{path} has an image that a name brought"
        for script in page.scripts:
            json.loads(script)  # what stands in a page's scripts is data, whatever names say
    front = pages(made)["screener.html"]
    for symbol, name in NAMES.values():
        assert symbol in front.text
        assert name in front.text, f"{name} is not shown as it is written"


def test_each_asset_has_a_page_and_none_shares_one(made: Path) -> None:
    assert {path.name for path in (made / "token").iterdir()} == {
        f"{file_name(id_)}.html" for id_ in NAMES
    }


@pytest.mark.parametrize(
    ("one", "other"), [("bitcoin", "Bitcoin"), ("a b", "a-b"), ("🚀", "🔥"), ("..", "."), ("", "x")]
)
def test_file_names_are_safe_and_differ(one: str, other: str) -> None:
    assert file_name(one).lower() != file_name(other).lower()
    for name in (file_name(one), file_name(other)):
        assert re.fullmatch(r"[a-z0-9][a-z0-9._~-]*", name)


def test_what_is_not_there_says_why(made: Path) -> None:
    text = pages(made)["token/bitcoin.html"].text
    assert "marts.trader_grade_daily" not in text
    assert "had no such rows when this was published." in text
    assert "nan" not in re.findall(r"\w+", pages(made)["screener.html"].text.lower())


def test_a_mart_that_is_not_there_is_named(publish: Callable[..., Path], tmp_path: Path) -> None:
    folder = publish(without=("trader_grade_daily", "dim_chain"))
    site.make(folder, tmp_path / "site")
    text = pages(tmp_path / "site")["token/bitcoin.html"].text
    assert "This publication has no trader_grade_daily." in text


def test_an_empty_mart_says_that_it_was_empty(publish: Callable[..., Path], tmp_path: Path) -> None:
    folder = publish(rows="select 1")
    site.make(folder, tmp_path / "site")
    assert (
        "alert had no such rows when this was published."
        in pages(tmp_path / "site")["index.html"].text
    )


def test_a_mart_of_other_columns_says_which_it_lacks(
    publish: Callable[..., Path], tmp_path: Path
) -> None:
    folder = publish(more="alter table marts.alert drop severity")
    site.make(folder, tmp_path / "site")
    text = pages(tmp_path / "site")["index.html"].text
    assert "This publication's alert lacks severity." in text


def test_a_token_of_one_day_says_so(made: Path) -> None:
    text = pages(made)["token/newborn.html"].text
    assert "One day of it is known" in text
    assert "One day is too little to be drawn." in text


def test_spreadsheets_hold_names_and_no_formulas(made: Path) -> None:
    written = (made / "downloads" / "screener.csv").read_text(encoding="utf-8")
    assert not re.search(r'(^|,)"?[=+@]', written, re.MULTILINE), written
    assert pl.read_parquet(made / "downloads" / "screener.parquet").height == len(NAMES)
    assert (made / "downloads" / "market.xlsx").read_bytes()[:2] == b"PK"


def test_a_folder_of_something_else_is_left_alone(publication: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("three years of work")
    with pytest.raises(site.NotASite, match="something else"):
        site.make(publication, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_site_takes_the_place_of_the_one_before(publication: Path, tmp_path: Path) -> None:
    (tmp_path / "site" / "token").mkdir(parents=True)
    (tmp_path / "site" / "site.json").write_text("{}")
    (tmp_path / "site" / "token" / "gone.html").write_text("of before")
    made = site.make(publication, tmp_path / "site")
    assert made.pages == len(pages(tmp_path / "site"))
    assert not (tmp_path / "site" / "token" / "gone.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["site"], "something is left beside"


def test_every_query_runs_on_the_marts_as_they_are_promised(publication: Path) -> None:
    with opened(publication) as source:
        answers = Answers(source)
        refused = [
            f"{name}: {answers[name].why_empty}"
            for name in all_names()
            if "lacks" in (answers[name].why_empty or "")
            or "has no" in (answers[name].why_empty or "")
        ]
    assert not refused


def test_the_shown_query_gives_the_rows_of_its_page(publication: Path) -> None:
    with opened(publication) as source:
        answers = Answers(source)
        for name in all_names():
            query = answers[name].query
            if query.of is None:
                continue
            for whose in NAMES:
                asked = source.connection.execute(query.shown(whose)).pl()
                assert asked.height == answers[name].of(whose).height, f"{name} of {whose}"


def test_every_query_is_shown_on_some_page() -> None:
    shown = set(all_queries())
    assert set(all_names()) - shown == set(), "queries that no page shows"
    assert shown - set(all_names()) == set(), "parts without a query"
