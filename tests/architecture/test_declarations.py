"""A source is declared once: what others know of it is written from there, or a test misses it."""

from __future__ import annotations

import csv
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import declarations, sources
from pipelines.declarations import DeclarationError
from pipelines.sandbox.dataset import TOLD_BY
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
    assert declarations.stale(REPO) == [], "run `python -m pipelines.sources write`"


@pytest.mark.parametrize("source", sources.SOURCES)
def test_a_source_lost_from_a_written_file_is_told(source: str, copied: Path) -> None:
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


def test_what_is_left_of_a_source_that_is_gone_is_told_and_removed(copied: Path) -> None:
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


def test_a_file_without_its_place_is_told(copied: Path) -> None:
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


# --- what no declaration can write: it must be there ----------------------------------------------


@pytest.mark.parametrize("name", sources.SOURCES)
def test_every_table_has_its_model_of_versions(name: str) -> None:
    models = {path.stem for path in (REPO / "dbt/models/history").glob("*.sql")}
    wanted = {f"hist_{name}__{table.entity}" for table in sources.tables(name) if table.timing}
    assert wanted - models == set(), f"{name} lacks models"


@pytest.mark.parametrize("name", sources.SOURCES)
def test_a_table_that_is_not_timed_is_told(name: str) -> None:
    """What comes when and what its label means is said of all but the logs of a source's own."""
    for table in sources.tables(name):
        assert (table.timing is None) == (table.grid is None and not table.is_snapshot), table.name
        if table.timing and not table.is_snapshot:
            meanings = [one.meaning for one in table.timing.conventions if one.series is None]
            assert meanings, f"{table.name}: no convention speaks of all its series"


def seed(name: str) -> list[dict[str, str]]:
    with (REPO / f"dbt/seeds/{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", [name for name in sources.SOURCES if name not in SPOT_VENUES])
@pytest.mark.parametrize(
    "model",
    [
        "intermediate/ops/int_source_series_daily",
        "marts/ops/ops_freshness",
    ],
)
def test_what_owes_days_is_looked_for(name: str, model: str) -> None:
    """Tables of spot venues are found by a loop, those of others by name."""
    text = (REPO / f"dbt/models/{model}.sql").read_text(encoding="utf-8")
    lists = {table.name for table in sources.tables(name) if table.is_snapshot}
    # what comes without delay is the state at the request, and owes no day
    owing = {
        row["table_name"]
        for row in seed("meta_source")
        if row["source"] == name and float(row["publish_lag_h"] or 0) > 0
    } - lists
    missing = {
        table for table in owing if not re.search(rf"'{name}'( as source)?,\s*'{table}'", text)
    }
    assert missing == set(), f"{model} does not look for these tables of {name}"


def test_venues_of_the_seeds_are_the_declared_ones() -> None:
    told = {row["source"] for row in seed("dim_venue_curated") if row["source"]}
    assert told == set(SPOT_VENUES), "dim_venue_curated"
    aliases = {row["source"] for row in seed("dim_asset_alias_curated")}
    assert set(SPOT_VENUES) - aliases == set(), "no code of these is curated: nothing is asked for"


@pytest.mark.parametrize("name", sources.SOURCES)
def test_the_sandbox_speaks_for_every_source(name: str) -> None:
    assert name in MOUNTS, f"pipelines/sandbox/server/wire has no module {name}"


def test_the_sandbox_speaks_for_nobody_else() -> None:
    hosts = {name for name in sources.SOURCES if sources.source(name).files_url}
    assert set(MOUNTS) == {*sources.SOURCES, *(f"{name}_files" for name in hosts)}


def test_a_wire_format_is_served_under_its_own_name() -> None:
    modules = {path.stem for path in Path(wire.__path__[0]).glob("[!_]*.py")}
    assert set(MOUNTS) == modules


def test_a_dataset_has_something_to_say_for_every_source() -> None:
    venues = set(of_kind("spot_venue", "derivative_venue"))
    assert set(TOLD_BY) == set(sources.SOURCES) - venues, "TOLD_BY in sandbox/dataset.py"


def test_every_spot_venue_can_be_generated() -> None:
    assert set(EXCHANGES) == set(SPOT_VENUES), "sandbox/generator/exchanges.py"
