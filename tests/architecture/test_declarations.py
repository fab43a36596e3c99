"""A source is declared once: what others know of it is written from there, or a test misses it."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import declarations, sources
from pipelines.declarations import DeclarationError

REPO = Path(__file__).resolve().parents[2]
SPOT_VENUES = [name for name in sources.SOURCES if sources.source(name).kind == "spot_venue"]


def test_what_is_written_from_the_declarations_is_up_to_date() -> None:
    assert declarations.stale(REPO) == [], "run `python -m pipelines.sources write`"


@pytest.mark.parametrize("written", declarations.texts())
@pytest.mark.parametrize("source", sources.SOURCES)
def test_a_source_missing_in_a_written_file_is_told(
    source: str, written: str, tmp_path: Path
) -> None:
    """Whichever line about a source is lost, the file is named."""
    for name in declarations.texts():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPO / name, tmp_path / name)
    text = (tmp_path / written).read_text(encoding="utf-8")
    without = re.sub(rf"\b{source}\b", "", text)
    assert without != text, f"{written} does not know {source}"
    (tmp_path / written).write_text(without, encoding="utf-8")
    assert declarations.stale(tmp_path) == [written]
    assert declarations.write(tmp_path) == [written]
    assert declarations.stale(tmp_path) == []


@pytest.mark.parametrize("name", SPOT_VENUES)
def test_a_spot_venue_says_how_its_candles_are_read(name: str) -> None:
    tables = sources.tables(name)
    venue = declarations.spot_venue(name, tables)
    daily = next(table for table in tables if table.name == venue["table"])
    assert {venue["symbol"], *venue["names"]} <= set(daily.fields)
    told = {column.removesuffix("_quote") for column in venue["tells"]}
    assert told <= {column.removesuffix("_quote") for column in daily.fields}, "it does not say so"
    for forgotten in ("candle", "listing", "entity"):
        lacking = tuple(
            replace(table, **{forgotten: None}) if getattr(table, forgotten, None) else table
            for table in tables
        )
        with pytest.raises(DeclarationError, match=f"^{name}.*{forgotten}"):
            declarations.spot_venue(name, lacking)


# what stands in every place that no declaration can write: models, which are one file each
@pytest.mark.parametrize("name", SPOT_VENUES)
def test_a_spot_venue_has_its_models(name: str) -> None:
    venue = declarations.spot_venue(name, sources.tables(name))
    models = {path.stem for path in (REPO / "dbt/models").rglob("*.sql")}
    entities = [venue["candle"], f"{venue['candle']}_intraday", venue["listing"]]
    wanted = {f"{layer}_{name}__{entity}" for layer in ("hist", "stg") for entity in entities}
    assert wanted - models == set(), f"{name} lacks models"
