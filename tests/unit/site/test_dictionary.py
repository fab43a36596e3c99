"""The dictionary's pages: each mart and column once, with what the publication says of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest

from pipelines import site
from pipelines.core import warehouse
from pipelines.publishing.manifest import DATABASE_NAME
from pipelines.site.dictionary import Dictionary
from pipelines.site.publication import opened

SAID = """
insert into marts.meta_metric_catalog by name
select
    'price_daily' as mart, 'close_usd' as column_name, 'USD per unit' as unit,
    'median of `accepted` venues <b>' as description, 'med(p_v)' as formula, 7 as window_d,
    5 as min_obs, 'no venue' as null_rule, 0.0 as min_value,
    'docs/formulas.md#close' as formula_anchor;
insert into marts.ops_coverage by name
select
    'price_daily' as mart, 'close_usd' as column_name, '*' as entity_id, 200 as row_count,
    0.25 as null_frac, date '2024-01-01' as first_day, date '2024-02-29' as last_day;
insert into marts.meta_relation
values ('price_daily', 'foreign', 'asset_id', 'dim_asset', 'asset_id', true);
insert into marts.meta_column_lineage values
    ('price_daily', 'close_usd', 'int_price', 'close'),
    ('int_price', 'close', 'int_python', '*'),
    ('int_price', 'unused', 'kraken.ohlc', 'open'),
    ('int_python', 'close', 'hist', 'close'),
    ('int_python', 'count', 'none', 'none'),
    ('hist', 'close', 'binance.klines', 'close');
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A publication whose dictionary says something, and its site."""
    from tests.unit.site.conftest import ROWS, published

    folder = published(tmp_path_factory.mktemp("said") / "published", ROWS, more=SAID)
    site.make(folder, folder.parent / "site")
    return folder


def section(folder: Path, mart: str, column: str) -> str:
    text = (folder.parent / "site" / "dictionary" / f"{mart}.html").read_text()
    found = re.search(rf'<section class="column" id="{column}".*?</section>', text, re.DOTALL)
    assert found, f"{mart} does not define {column}"
    return " ".join(re.sub("<[^>]+>", " ", found[0]).split())


def test_a_column_says_all_that_is_known_of_it(said: Path) -> None:
    text = section(said, "price_daily", "close_usd")
    for part in (
        "USD per unit",
        "median of accepted venues &lt;b&gt;",
        "Formula med(p_v) docs/formulas.md#close",
        "Window 7 days, at least 5 known",
        "Unknown (NULL) no venue",
        "Lies at least 0",
        "Known 75.0 % of 200 rows, 2024-01-01 to 2024-02-29",
        "From int_price.close",
    ):
        assert part in text, f"{part!r} is not in {text!r}"


def test_lineage_leads_down_to_raw_tables_and_to_no_others(said: Path) -> None:
    assert section(said, "price_daily", "close_usd").endswith("Raw tables binance.klines")


def test_marts_lead_to_each_other(said: Path) -> None:
    folder = said.parent / "site" / "dictionary"
    assert 'href="dim_asset.html"' in (folder / "price_daily.html").read_text()
    assert 'href="price_daily.html"' in (folder / "dim_asset.html").read_text()


def test_every_column_of_every_mart_is_defined_once(said: Path) -> None:
    with opened(said) as publication:
        dictionary = Dictionary(publication)
        columns = {
            (mart.name, column) for mart in publication.manifest.marts for column in mart.columns
        }
        paths = {dictionary.definition(*each) for each in columns}
        known = {mart.name for mart in publication.manifest.marts if mart.kind == "table"}
    assert None not in paths, "the view of a newest day is defined where its mart is"
    texts: dict[str, str] = {}
    for path in sorted(filter(None, paths)):
        page, _, name = path.partition("#")
        text = texts.setdefault(page, (said.parent / "site" / page).read_text())
        assert text.count(f'id="{name}"') == 1, path
    assert len(texts) == len(known)


def test_each_example_can_be_asked(said: Path) -> None:
    pages = (said.parent / "site" / "dictionary").glob("*.html")
    queries = [
        unescape(query)
        for page in pages
        for query in re.findall(r'<pre class="query"[^>]*>(.*?)</pre>', page.read_text(), re.DOTALL)
    ]
    with warehouse.read(said / DATABASE_NAME) as connection:
        for query in queries:
            assert connection.execute(query).description, query
    assert len(queries) > 60


def test_a_publication_without_what_the_dictionary_is_made_of_has_one(
    publish: Callable[..., Path], tmp_path: Path
) -> None:
    lost = ("meta_metric_catalog", "meta_relation", "meta_column_lineage", "ops_coverage")
    site.make(publish(without=lost), tmp_path / "site")
    text = (tmp_path / "site" / "dictionary" / "price_daily.html").read_text()
    assert "No description in this publication." in text
