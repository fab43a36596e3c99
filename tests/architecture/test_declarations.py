"""A source is declared once: what others know of it is written from there, or a test misses it."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import sources
from pipelines.core.tables import Table
from pipelines.declaring import declarations
from pipelines.declaring.declarations import DeclarationError
from pipelines.sandbox.dataset import REPORTED_BY
from pipelines.sandbox.generator.exchanges import EXCHANGES
from pipelines.sandbox.server import wire
from pipelines.sandbox.server.wire import MOUNTS

REPO = Path(__file__).resolve().parents[2]
WRITTEN = declarations.texts(REPO)


def of_kind(*kinds: str) -> list[str]:
    return [name for name in sources.SOURCES if sources.source(name).kind in kinds]


SPOT_VENUES = of_kind("spot_venue")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A folder with nothing but the written files."""
    for name in WRITTEN:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPO / name, tmp_path / name)
    return tmp_path


def test_what_is_written_from_the_declarations_is_up_to_date() -> None:
    assert declarations.stale(REPO) == [], "run `python -m pipelines.declaring write`"


@pytest.mark.parametrize("source", sources.SOURCES)
def test_a_source_lost_from_a_written_file_is_reported(source: str, copied: Path) -> None:
    """Of whichever file a source is taken, that file is named, and written anew."""
    own = [name for name in WRITTEN if f"_{source}__" in name]
    shared = [name for name in WRITTEN if "/models/" not in name]
    assert len(shared) == 4
    for name in shared:
        whole = (copied / name).read_text(encoding="utf-8")
        (copied / name).write_text(re.sub(rf"\b{source}\b", "", whole), encoding="utf-8")
        assert declarations.stale(copied) == [name]
        assert declarations.write(copied) == [name]
    for name in own:
        (copied / name).unlink()
        assert declarations.write(copied) == [name]
    assert declarations.stale(copied) == []


def test_what_is_left_of_a_source_that_is_gone_is_reported_and_removed(copied: Path) -> None:
    folder = copied / "dbt/models/history"
    (folder / "by_hand.sql").write_text("select 1\n", encoding="utf-8")
    gone = [f"dbt/models/history/{name}" for name in ("_mtgox__sources.yml", "hist_mtgox__bar.sql")]
    for name in gone:
        of_another = (folder / "_kraken__sources.yml").read_text(encoding="utf-8")
        (copied / name).write_text(of_another, encoding="utf-8")
    assert declarations.stale(copied) == gone
    assert declarations.write(copied) == gone
    assert declarations.stale(copied) == []
    assert (folder / "by_hand.sql").is_file()
    assert not any((copied / name).exists() for name in gone)


def test_a_file_without_its_place_is_reported(copied: Path) -> None:
    (copied / "docs/sources.md").write_text("nothing\n", encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"^docs/sources\.md has no lines"):
        declarations.stale(copied)


@pytest.mark.parametrize("name", SPOT_VENUES)
def test_a_spot_venue_says_how_its_candles_are_read(name: str) -> None:
    tables = sources.tables(name)
    venue = declarations.spot_venue(name, tables)
    daily = next(table for table in tables if table.name == venue["table"])
    assert {venue["symbol"], *venue["names"]} <= set(daily.fields)
    assert set(venue["tells"]) <= set(daily.fields), "it does not say so"
    for forgotten in ("candle", "listing", "market", "entity", "grid"):
        lacking = tuple(
            replace(table, **{forgotten: None}) if getattr(table, forgotten, None) else table
            for table in tables
        )
        with pytest.raises(DeclarationError, match=f"^{name}.*{forgotten}"):
            declarations.spot_venue(name, lacking)


@pytest.mark.parametrize("name", sources.SOURCES)
def test_a_table_of_days_says_where_its_labels_are(name: str) -> None:
    """Of series that conventions tell apart, too: which column their patterns are about."""
    for table in sources.tables(name):
        found = declarations.dated_table(name, table)
        if found is None:
            continue
        assert {found["series"], found["labelled"], found["at"]} <= set(table.fields)
        with pytest.raises(DeclarationError, match=f"^{name}: {table.name} has no `entity`"):
            declarations.dated_table(name, replace(table, entity=None))
        if table.timing and table.timing.series:
            silent = replace(table, timing=replace(table.timing, series=None))
            with pytest.raises(DeclarationError, match=f"^{name}: {table.name} .*`series`"):
                declarations.dated_table(name, silent)


# --- what no declaration can write: it must be there ----------------------------------------------

Read = Callable[[str], str | None]


def of_project(place: str) -> str | None:
    path = REPO / place
    return path.read_text(encoding="utf-8") if path.is_file() else None


def named() -> Iterator[tuple[str, str, str]]:
    """Yield each place that names a source by hand, the source, and how it stands there."""
    venues = of_kind("spot_venue", "derivative_venue")
    for name in sources.SOURCES:
        yield f"pipelines/sandbox/server/wire/{name}.py", name, f'NAME = "{name}"'
        if name in SPOT_VENUES:
            yield "pipelines/sandbox/generator/exchanges.py", name, f'^    "{name}": Exchange'
            yield (
                "dbt/seeds/identity/dim_venue_curated.csv",
                name,
                f"^[^,]+,[^,]+,[^,]*,[^,]*,{name},",
            )
            yield "dbt/seeds/identity/dim_asset_alias_curated.csv", name, f"^{name},"
        elif name not in venues:
            yield "pipelines/sandbox/dataset.py", name, rf'^    "{name}": \('
        for table in sources.tables(name):
            yield from named_table(name, table)


def named_table(name: str, table: Table) -> Iterator[tuple[str, str, str]]:
    if table.timing is None:
        return
    yield f"dbt/models/history/hist_{name}__{table.entity}.sql", name, f"'{name}', '{table.name}'"


def lacking(read: Read) -> set[tuple[str, str]]:
    """Return the places that do not know a source as they must, with the source."""
    return {
        (place, name)
        for place, name, stands in named()
        if not re.search(stands, read(place) or "", re.MULTILINE)
    }


def test_every_place_that_names_sources_by_hand_knows_them_all() -> None:
    assert lacking(of_project) == set()


@pytest.mark.parametrize("source", sources.SOURCES)
def test_a_source_lost_from_a_place_by_hand_is_reported(source: str) -> None:
    """Of whichever place a source is taken, that place and no other is named."""
    for place in {place for place, name, _ in named() if name == source}:
        left = re.sub(rf"\b{source}\b", "", of_project(place) or "")

        def read(asked: str, place: str = place, left: str = left) -> str | None:
            return left if asked == place else of_project(asked)

        assert lacking(read) == {(place, source)}


@pytest.mark.parametrize("name", sources.SOURCES)
def test_a_table_that_is_not_timed_is_reported(name: str) -> None:
    """What comes when and what its label means is said of all but the logs of a source's own."""
    for table in sources.tables(name):
        assert (table.timing is None) == (table.grid is None and not table.is_snapshot), table.name
        if table.timing and not table.is_snapshot:
            meanings = [one.meaning for one in table.timing.conventions if one.series is None]
            assert meanings, f"{table.name}: no convention speaks of all its series"


def test_no_place_names_a_source_that_there_is_not() -> None:
    hosts = {f"{name}_files" for name in sources.SOURCES if sources.source(name).files_url}
    venues = set(of_kind("spot_venue", "derivative_venue"))
    assert set(MOUNTS) == {*sources.SOURCES, *hosts}, "pipelines/sandbox/server/wire"
    assert set(EXCHANGES) == set(SPOT_VENUES), "pipelines/sandbox/generator/exchanges.py"
    assert set(REPORTED_BY) == set(sources.SOURCES) - venues, "pipelines/sandbox/dataset.py"
    with (REPO / "dbt/seeds/identity/dim_venue_curated.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        curated = {row["source"] for row in csv.DictReader(file) if row["source"]}
    assert curated == set(SPOT_VENUES), "dbt/seeds/identity/dim_venue_curated.csv"


def test_a_wire_format_is_served_under_its_own_name() -> None:
    modules = {path.stem for path in Path(wire.__path__[0]).glob("[!_]*.py")}
    assert set(MOUNTS) == modules
