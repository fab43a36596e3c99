"""Each table of the layout that is called optional may be absent: its sources have less to say."""

from pathlib import Path

import pytest

from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.windows import DAY, FixedClock, Window
from pipelines.extraction import universe
from pipelines.extraction.source import begin_extraction, extract
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import LAYOUT, REPORTED_BY, Dataset, load

SPOT_ONLY = {"binance", "coinbase", "kraken", "bitstamp", "gateio"}
OPTIONAL = [
    table.name for table in LAYOUT if not table.required and not table.name.startswith("truth/")
]


def without(dataset: Dataset, folder: Path, *tables: str) -> Dataset:
    """Return the dataset as a folder of its own that lacks some tables."""
    folder.mkdir()
    for path in dataset.path.iterdir():
        if path.stem not in tables:
            (folder / path.name).symlink_to(path)
    return load(folder)


def problems(dataset: Dataset, data_dir: Path) -> list[str]:
    """Ask every source that the dataset has something for; return what goes wrong."""
    window = Window(dataset.end - 3 * DAY, dataset.end + DAY)
    found = []
    with SandboxServer(dataset) as server:
        settings = Settings(
            data_dir=data_dir, sandbox_url=server.url, curation_dir=dataset.path, _env_file=None
        )
        for name in set(dataset.sources) - SPOT_ONLY:
            source = sources.source(name)
            codes = universe.codes(settings, source.identity or name)
            run = begin_extraction(source, settings, FixedClock(dataset.now), "run", codes)
            for _ in extract(source, run, window):
                pass
            # a refusal says that there is no such thing here; it is reported, and ends nothing
            found += [f"{name}: {problem}" for problem in run.failures]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("table", OPTIONAL)
def test_a_missing_table_is_an_empty_answer(table: str, dataset: Dataset, tmp_path: Path) -> None:
    assert table in dataset.files, "the generated market has every table"
    smaller = without(dataset, tmp_path / "smaller", table)
    assert problems(smaller, tmp_path / "data") == []


def test_without_any_of_them_venues_alone_are_asked(dataset: Dataset, tmp_path: Path) -> None:
    smallest = without(dataset, tmp_path / "smallest", *OPTIONAL)
    assert not set(smallest.sources) & set(REPORTED_BY)
    assert problems(smallest, tmp_path / "data") == []
