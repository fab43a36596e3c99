"""Whatever a market lacks, what it has is published: sources stop, pause, and do not know all."""

import random
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines.sandbox.dataset import LAYOUT, Dataset, load
from tests.e2e.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SEEDS = range(3)
# lists stay whole: what is reported must be of somebody
LISTS = {"markets", "perpetuals"}
Hole = Callable[[pl.DataFrame, str, random.Random], pl.DataFrame]


def ends_early(table: pl.DataFrame, instant: str, chance: random.Random) -> pl.DataFrame:
    """Leave out the last days, as of a source that has stopped."""
    last = table[instant].max() - timedelta(days=chance.choice([1, 2, 3, 7, 30]))  # type: ignore[operator]
    return table.filter(pl.col(instant) <= last)


def lacks_days(table: pl.DataFrame, instant: str, chance: random.Random) -> pl.DataFrame:
    """Leave out a sixth of the days."""
    days = table[instant].cast(pl.Date).unique().sort().to_list()
    return table.filter(~pl.col(instant).cast(pl.Date).is_in(chance.sample(days, len(days) // 6)))


def pauses(table: pl.DataFrame, instant: str, chance: random.Random) -> pl.DataFrame:
    """Leave out days that follow one another."""
    days = table[instant].cast(pl.Date).unique().sort().to_list()
    first = chance.randrange(len(days))
    gone = days[first : first + chance.choice([3, 10, 40])]
    return table.filter(~pl.col(instant).cast(pl.Date).is_in(gone))


def lacks_entities(table: pl.DataFrame, _: str, chance: random.Random) -> pl.DataFrame:
    """Leave out a third of those that the first column of text names."""
    key = next(name for name, kind in table.schema.items() if kind == pl.String)
    ids = table[key].unique().sort().to_list()
    return table.filter(~pl.col(key).is_in(chance.sample(ids, len(ids) // 3)))


def with_holes(dataset: Dataset, folder: Path, seed: int) -> tuple[Dataset, list[str]]:
    """Return the dataset as a folder of its own, with a hole in most tables, and what was done."""
    chance = random.Random(seed)
    shutil.copytree(dataset.path, folder)
    done = []
    for layout in LAYOUT:
        path = folder / f"{layout.name}.parquet"
        kinds = {column.name: column.kind for column in layout.all_columns}
        instant = next((key for key in layout.key if kinds[key] in {"day", "instant"}), None)
        if instant is None or layout.name in LISTS or not path.exists():
            continue
        table = pl.read_parquet(path)
        holes: list[Hole] = [lacks_entities]
        if layout.name != "candles":  # without prices of the newest day nothing is published
            holes += [lacks_days, pauses, ends_early]
        hole = chance.choice(holes)
        if pl.String not in table.dtypes:
            continue
        hole(table, instant, chance).write_parquet(path)
        done.append(f"{layout.name} {hole.__name__}")
    return load(folder), done


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_there_is_published(dataset: Dataset, tmp_path: Path, seed: int) -> None:
    holed, done = with_holes(dataset, tmp_path / "market", seed)
    assert len(done) > 8, f"hardly anything is missing: {done}"
    project = Project(tmp_path / "data", holed)

    ended = project.daily()

    assert ended.returncode == 0, f"{done}\n{ended.stdout}\n{ended.stderr}"
    prices = next(mart for mart in project.current.marts if mart.name == "price_daily")
    assert prices.rows > 0
