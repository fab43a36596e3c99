"""The pages in a real browser: every kind of page, in both themes and on a phone.

Slow: a headless Chromium opens the pages of a small publication from disk.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from pipelines import site
from tests.unit.site.conftest import published

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium is installed"),
]
_BROWSER = shutil.which("chromium")
KINDS = (
    "index.html",
    "screener.html",
    "narratives.html",
    "stablecoins.html",
    "protocols.html",
    "chains.html",
    "exchanges.html",
    "track-record.html",
    "health.html",
    "token/bitcoin.html",
    "token/newborn.html",
    "stablecoin/tether.html",
    "protocol/aave.html",
    "chain/base*.html",
    "exchange/binance.html",
    "narrative/ai.html",
)
SCREENS = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 780}, "color_scheme": "light"},
    "dark phone": {"viewport": {"width": 360, "height": 780}, "color_scheme": "dark"},
}
# enough of each kind of thing for every kind of page and chart
MORE = (Path(__file__).parent / "pages.sql").read_text(encoding="utf-8")
_DRAWN = """() => [...document.querySelectorAll('figure[data-chart] .chart')]
    .every((chart) => chart.dataset.drawn)"""
# a chart with axes and nothing else is blank
_MARKS = """() => [...document.querySelectorAll('figure[data-chart]')].map((figure) => ({
    name: figure.dataset.chart,
    marks: figure.querySelectorAll(
        '.mark-line path[d], .mark-area path[d], .mark-symbol path[d], .mark-rule line').length,
    bad: (figure.innerHTML.match(/NaN|Infinity|undefined/g) || []).length,
    height: figure.querySelector('.chart').getBoundingClientRect().height,
}))"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    site.make(published(folder / "published", more=MORE), folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=_BROWSER, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(params=SCREENS)
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(**SCREENS[request.param])
    opened = context.new_page()
    opened.complaints = []  # type: ignore[attr-defined]
    opened.on(
        "console",
        lambda message: (
            message.type in {"error", "warning"} and opened.complaints.append(message.text)
        ),  # type: ignore[attr-defined]
    )
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))  # type: ignore[attr-defined]
    opened.on(
        "request",
        lambda request: (
            not request.url.startswith(("file:", "data:", "blob:"))
            and opened.complaints.append(f"asked for {request.url}")
        ),  # type: ignore[attr-defined]
    )
    opened.on("requestfailed", lambda request: opened.complaints.append(f"no {request.url}"))  # type: ignore[attr-defined]
    yield opened
    context.close()


def show(page: Page, path: Path) -> None:
    """Open a page and scroll to its end, so that everything is drawn."""
    page.goto(path.as_uri())
    page.evaluate(
        """async () => {
            for (let y = 0; y < document.body.scrollHeight; y += 500) {
                scrollTo(0, y);
                // until it was painted: what was never seen is not drawn
                await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 20)));
            }
            scrollTo(0, 0);
        }"""
    )
    page.wait_for_function(_DRAWN)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_drawn_whole_and_open_to_everybody(page: Page, pages: Path, kind: str) -> None:
    show(page, next(pages.glob(kind)))

    assert page.complaints == [], f"{kind} complains"  # type: ignore[attr-defined]
    for chart in page.evaluate(_MARKS):
        assert chart["marks"], f"the chart {chart['name']} of {kind} is blank"
        assert chart["height"] > 100, f"the chart {chart['name']} of {kind} has no height"
        assert not chart["bad"], f"the chart {chart['name']} of {kind} shows what is no number"
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0, f"{kind} is {wider} pixels wider than the screen"
    serious = [
        f"{found['id']}: {found['help']}: {found['nodes'][0]['html'][:200]}"
        for found in Axe().run(page).response["violations"]
        if found["impact"] in {"serious", "critical"}
    ]
    assert serious == [], f"axe finds on {kind}"


@pytest.fixture
def plain(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(**SCREENS["light"])
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


def rows(page: Page) -> list[str]:
    return page.eval_on_selector_all(
        "#screener tbody tr:not([hidden]) th a", "all => all.map((one) => one.textContent)"
    )


def test_the_screener_filters_and_sorts(plain: Page, pages: Path) -> None:
    plain.goto((pages / "screener.html").as_uri())
    everything = rows(plain)
    plain.fill("#screener-any", "newborn")
    assert rows(plain) == ["NEW"]
    assert plain.inner_text(".filters output") == f"1 of {len(everything)}"
    plain.click(".filters button[type=reset]")
    plain.wait_for_timeout(50)
    assert rows(plain) == everything
    plain.fill("#screener-trader_grade", "55")
    assert rows(plain) == ["BTC", "ETH"]
    plain.click(".filters button[type=reset]")
    plain.select_option("#screener-narrative_ids", "ai")
    assert rows(plain) == ["BTC"]
    plain.click(".filters button[type=reset]")
    plain.wait_for_timeout(50)
    # by keyboard: the head of a column is a button
    plain.focus("#screener th[data-column=trader_grade] button")
    plain.keyboard.press("Enter")
    plain.wait_for_timeout(50)
    assert rows(plain)[:2] == ["ETH", "BTC"]
    assert plain.get_attribute("#screener th[data-column=trader_grade]", "aria-sort")


def test_the_keyboard_reaches_the_content_and_the_theme_stays(plain: Page, pages: Path) -> None:
    plain.goto((pages / "index.html").as_uri())
    plain.keyboard.press("Tab")
    assert plain.evaluate("document.activeElement.className") == "skip"
    plain.keyboard.press("Enter")
    assert plain.evaluate("location.hash") == "#main"
    light = plain.evaluate("getComputedStyle(document.body).backgroundColor")
    plain.click("[data-theme-switch]")
    dark = plain.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    plain.goto((pages / "screener.html").as_uri())
    assert plain.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_a_query_is_copied_and_the_days_of_a_chart_are_chosen(plain: Page, pages: Path) -> None:
    show(plain, pages / "token" / "bitcoin.html")
    plain.click("details.sql summary >> nth=1")
    shown = plain.inner_text("details.sql[open] pre")
    plain.click("details.sql[open] .copy")
    plain.wait_for_function(
        "document.querySelector('details.sql[open] .copy').textContent === 'Copied'"
    )
    assert plain.evaluate("navigator.clipboard.readText()") == shown
    line = "figure[data-chart=price] .mark-line path"
    before = plain.get_attribute(line, "d")
    plain.check("figure[data-chart=price] input[value='90']", force=True)
    plain.wait_for_function(
        "before => document.querySelector('figure[data-chart=price] .mark-line path')"
        ".getAttribute('d') !== before",
        arg=before,
    )
    with plain.expect_download() as saved:
        plain.click("figure[data-chart=price] a[data-save]")
    assert Path(saved.value.path()).read_text().startswith("day,close_usd\n20")


def test_names_of_others_run_nothing(plain: Page, pages: Path) -> None:
    said: list[str] = []
    plain.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    for path in sorted(pages.glob("token/*.html")):
        show(plain, path)
    show(plain, pages / "screener.html")
    assert said == []


def test_the_front_page_is_there_at_once(plain: Page, pages: Path) -> None:
    plain.goto((pages / "index.html").as_uri())
    ready = plain.evaluate("performance.getEntriesByType('navigation')[0].domInteractive")
    assert ready < 2_000, f"interactive after {ready:.0f} ms"
    loaded = sum(
        path.stat().st_size
        for path in (pages / "index.html", pages / "assets/site.css", pages / "assets/site.js")
    )
    assert loaded < 500_000, f"the front page takes {loaded:,} bytes"
