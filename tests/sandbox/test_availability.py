"""What the market of the settings has, whoever asks: a command or one of Dagster's processes."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipelines.core.settings import Settings, SettingsError, SourceOverrides
from pipelines.core.windows import Window
from pipelines.sandbox.availability import refuse_unavailable_days, with_available_sources
from pipelines.sandbox.dataset import DatasetError
from pipelines.sandbox.generate import GeneratorSettings, generate

START, END = date(2024, 1, 1), date(2024, 4, 9)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    wanted = GeneratorSettings(
        name="tiny", start=START, end=END, assets=15, stablecoins=7, venues=1
    )
    return generate(wanted, tmp_path_factory.mktemp("market") / "tiny")


def test_sources_that_the_dataset_says_nothing_about_are_off(dataset: Path) -> None:
    settings = Settings(
        dataset=dataset, sources={"coinbase": SourceOverrides(look_back_d=9)}, data_dir=dataset
    )
    found = with_available_sources(settings)

    assert found.overrides("coinbase").enabled
    assert found.overrides("coinbase").look_back_d == 9, "the user's own settings stay"
    assert not found.overrides("bitstamp").enabled, "the market has one venue"
    assert with_available_sources(found) == found


@pytest.mark.parametrize(
    "settings",
    [Settings(profile="live"), Settings(sandbox_url="http://127.0.0.1:1")],
    ids=["live", "somebody else's sandbox"],
)
def test_without_a_dataset_every_source_is_asked(settings: Settings) -> None:
    assert with_available_sources(settings) == settings


@pytest.mark.parametrize(
    ("first", "last"),
    [(date(2023, 12, 31), START), (END, date(2024, 4, 10)), (date(2030, 1, 1), date(2030, 1, 1))],
    ids=["before", "after", "far"],
)
def test_days_that_the_dataset_does_not_have_are_refused(
    dataset: Path, first: date, last: date
) -> None:
    settings = Settings(dataset=dataset)
    refuse_unavailable_days(settings, Window.between(START, END))
    with pytest.raises(SettingsError, match="has the days 2024-01-01 to 2024-04-09"):
        refuse_unavailable_days(settings, Window.between(first, last))


def test_a_day_that_is_not_over_is_refused() -> None:
    settings = Settings(profile="live", now=datetime(2024, 3, 2, 6, tzinfo=UTC))
    refuse_unavailable_days(settings, Window.of_day(date(2024, 3, 1)))
    with pytest.raises(SettingsError, match="2024-03-02 is not over yet"):
        refuse_unavailable_days(settings, Window.of_day(date(2024, 3, 2)))


def test_a_folder_that_is_no_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"dataset\.json is missing"):
        with_available_sources(Settings(dataset=tmp_path))
