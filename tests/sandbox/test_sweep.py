"""What a source restates long ago is found within the period, and costs few requests."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.tables import EXTRACTION
from pipelines.core.windows import DAY, FixedClock, Window
from pipelines.lake import landing
from pipelines.lake.catalog import read_rows, write_catalog
from pipelines.lake.landing import LoadReport
from pipelines.lake.parallel import land_side_by_side
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset, load

PERIOD_D = 4
PRODUCT = "BTC-USD"
CLOSE = 1.25


def morning(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 6, tzinfo=UTC) + DAY


@dataclass
class Story:
    """A market whose source restates an old day, and the lake that it is landed in."""

    dataset: Dataset
    settings: Settings
    server: SandboxServer
    first: date
    restated: date

    def land(self, name: str, window: Window, **options: Any) -> LoadReport:
        now = morning(window.last)
        self.server.set_clock(now)
        report = landing.land(name, window, self.settings, FixedClock(now), str(now), **options)
        assert (report.failures, report.refusals) == ((), ()), name
        write_catalog(self.settings)
        return report

    def rows(self, name: str, table: str) -> pl.DataFrame:
        declared = {one.name: one for one in (*sources.tables(name), EXTRACTION)}
        return read_rows(self.settings, name, declared[table])


@pytest.fixture
def story(dataset: Dataset, tmp_path: Path) -> Iterator[Story]:
    """A close of the market's first days is another from its last week on."""
    first = dataset.end - 10 * DAY
    restated = dataset.start + 5 * DAY
    folder = tmp_path / "market"
    folder.mkdir()
    for path in dataset.path.iterdir():
        if path.stem != "candles":
            (folder / path.name).symlink_to(path)
    candles = dataset.table("candles").collect()
    old = candles.filter(
        pl.col("venue") == "coinbase",
        pl.col("symbol") == PRODUCT,
        pl.col("open_time").dt.date() == restated,
    ).unique("open_time")
    assert old.height == 1
    new = old.with_columns(
        close=pl.lit(CLOSE),
        low=pl.lit(1.0),
        known_at=pl.lit(morning(first) + timedelta(hours=1)),
    )
    pl.concat([candles, new]).write_parquet(folder / "candles.parquet")
    changed = load(folder)
    with SandboxServer(changed) as server:
        settings = Settings(
            data_dir=tmp_path / "data",
            sandbox_url=server.url,
            curation_dir=folder,
            sweep_period_d=PERIOD_D,
            _env_file=None,
        )
        yield Story(changed, settings, server, first, restated)


@pytest.mark.parametrize("is_sweeping", [True, False])
def test_a_value_restated_long_ago_is_found_within_the_period(
    story: Story, is_sweeping: bool
) -> None:
    story.land("coinbase", Window(story.dataset.start, story.first + DAY))
    for number in range(1, PERIOD_D + 1):
        day = Window.of_day(story.first + number * DAY)
        story.land("coinbase", day, is_sweeping=is_sweeping)

    closes = story.rows("coinbase", "candles").filter(
        pl.col("product_id") == PRODUCT, pl.col("open_time").dt.date() == story.restated
    )["close"]
    assert (CLOSE in closes.cast(pl.Float64).to_list()) == is_sweeping
    purposes = set(story.rows("coinbase", EXTRACTION.name)["purpose"])
    assert purposes == ({"run", "sweep"} if is_sweeping else {"run"})


def test_a_range_can_be_read_again_at_once(story: Story) -> None:
    story.land("coinbase", Window(story.dataset.start, story.first + DAY))
    story.server.set_clock(morning(story.first + DAY))
    landings = land_side_by_side(
        ["coinbase", "kraken"],
        Window.of_day(story.restated),
        story.settings,
        FixedClock(morning(story.first + DAY)),
        "again",
        repair_requests(story),
    )
    landed = {name: landing.result() for name, landing in landings}
    assert landed["coinbase"].failures == ()
    assert landed["kraken"].load_id is None, "nobody asked for it"
    write_catalog(story.settings)

    log = story.rows("coinbase", EXTRACTION.name).filter(pl.col("purpose") == "reread")
    asked = log.filter(pl.col("window_start").is_not_null())
    assert set(asked["window_start"].dt.date()) == {story.restated}, "no look-back"
    assert asked["entity_id"].n_unique() > 1, "all of the source's series"
    closes = story.rows("coinbase", "candles").filter(
        pl.col("product_id") == PRODUCT, pl.col("open_time").dt.date() == story.restated
    )["close"]
    assert CLOSE in closes.cast(pl.Float64).to_list()


def repair_requests(story: Story) -> tuple[Any, ...]:
    from pipelines.lake.repair import rereads

    return rereads(story.settings, Window.of_day(story.restated), "coinbase")


@pytest.mark.slow
def test_a_period_of_sweeps_reads_every_series_of_every_source_again(story: Story) -> None:
    """Whichever way a source's past is cut into parts."""
    start, names = story.dataset.start, ("coinbase", "defillama", "ecb", "coinmetrics")
    for name in names:
        story.land(name, Window(start, story.first + DAY))
        for number in range(1, PERIOD_D + 1):
            story.land(name, Window.of_day(story.first + number * DAY), is_sweeping=True)
        log = story.rows(name, EXTRACTION.name).filter(pl.col("window_start").is_not_null())
        asked: dict[str, Counter[tuple[str, str, date]]] = {"run": Counter(), "sweep": Counter()}
        for row in log.to_dicts():
            first = row["window_start"].date()
            days = (row["window_end"].date() - first).days
            for number in range(days):
                day = first + number * DAY
                # what is newer is read again by every look-back
                if start + DAY < day < story.first - 30 * DAY:
                    series = row["table_name"], row["entity_id"], day
                    asked[row["purpose"]][series] += 1
        missed = set(asked["run"]) - set(asked["sweep"])
        assert not missed, f"{name}: {len(missed)} series and days, {sorted(missed)[:3]}"


def test_a_sweep_asks_for_little(story: Story) -> None:
    settings = story.settings.model_copy(update={"sweep_period_d": 90})
    story.settings = settings
    story.land("coinbase", Window(story.dataset.start, story.first + DAY))
    report = story.land("coinbase", Window.of_day(story.first + DAY), is_sweeping=True)
    log = story.rows("coinbase", EXTRACTION.name)
    of_run = log.filter(pl.col("run_id") == str(morning(story.first + DAY)))
    spent = dict(of_run.group_by("purpose").agg(pl.col("request_count").sum()).iter_rows())
    assert report.requests == sum(spent.values())
    assert spent["sweep"] <= 1 + 2, "the list, and of a ninetieth of the series a page or two"
