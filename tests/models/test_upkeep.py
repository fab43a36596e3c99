"""Compaction and verification: the same rows and loads, whatever happens in the middle."""

from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.core.settings import Settings
from pipelines.lake import storage, upkeep
from pipelines.lake.catalog import CATALOG, LakeDamaged, read_catalog, write_catalog
from tests.models.lake_box import Asked, LakeBox, at, days


@pytest.fixture
def box(tmp_path: Path) -> LakeBox:
    """Twelve days of candles, a load and a file each."""
    box = LakeBox(tmp_path / "data")
    for number, day in enumerate(days("2024-01-01", 12)):
        row = {
            "product_id": "BTC-USD", "granularity_s": 86_400, "open_time": at(day.isoformat()),
            "open": 1, "high": 2, "low": 1, "close": 1 + number, "volume_base": 1,
        }  # fmt: skip
        box.load(
            "coinbase", {"candles": [row]}, fetched_at=f"2024-02-{number + 1:02d}T06:00",
            asked=[Asked("candles", "BTC-USD", at("2024-01-01"), at("2024-02-01"), "partial")],
        )  # fmt: skip
    _complete(box)
    return box


def _complete(box: LakeBox) -> None:
    """Write dlt's list of complete loads, as it would have."""
    for load_id in {line["load_id"] for line in box._catalog}:
        path = box.lake_dir / f"raw/coinbase/_dlt_loads/coinbase__{load_id}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f'{{"load_id": "{load_id}", "status": 0, "inserted_at": "2024-03-01T00:00:00+00:00"}}'
        )


@pytest.fixture
def settings(box: LakeBox) -> Settings:
    found = Settings(data_dir=box.data_dir)
    write_catalog(found)
    return found


def rows(settings: Settings, table: str = "candles") -> pl.DataFrame:
    """Return what the catalog shows of a table, each row with its load."""
    paths = read_catalog(settings).filter(pl.col("table_name") == table)["path"].unique()
    frames = [pl.read_parquet(Path(settings.lake_dir) / path) for path in paths.sort()]
    whole = pl.concat(frames, how="diagonal")
    return whole.sort(whole.columns)


def loads(settings: Settings) -> pl.DataFrame:
    columns = ["source", "table_name", "load_id", "row_count", "fetched_at"]
    return read_catalog(settings).filter(pl.col("row_count") > 0).select(columns).sort(columns)


def test_compaction_keeps_rows_and_loads(settings: Settings) -> None:
    before, loads_before = rows(settings), loads(settings)

    done = upkeep.compact(settings)

    assert done.tables == ("coinbase.candles", "coinbase.extraction")
    assert done.files_after == 2
    assert rows(settings).equals(before)
    assert loads(settings).equals(loads_before)
    assert upkeep.verify(settings).faults == ()
    assert len(list(Path(settings.lake_dir).rglob("*candles/*/17*.parquet"))) == 12, (
        "readers that began before still find their files"
    )
    assert upkeep.compact(settings).files_deleted == 24
    assert not list(Path(settings.lake_dir).rglob("*candles/*/17*.parquet"))
    assert rows(settings).equals(before)


def test_a_lost_catalog_is_found_again_in_compacted_files(settings: Settings) -> None:
    upkeep.compact(settings)
    before, expected = rows(settings), loads(settings)
    (Path(settings.lake_dir) / CATALOG).unlink()
    write_catalog(settings)
    assert rows(settings).equals(before)
    assert loads(settings).equals(expected)


@pytest.mark.parametrize("step", ["storage.put", "upkeep.write_catalog"])
def test_a_compaction_that_is_killed_changes_nothing_that_can_be_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before, calls = rows(settings), []
    module, name = step.split(".")
    step_of = {"storage": storage, "upkeep": upkeep}[module]
    whole = getattr(step_of, name)

    def killed(*arguments: Any) -> Any:
        calls.append(step)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(step_of, name, killed)
        with pytest.raises(KeyboardInterrupt):
            upkeep.compact(settings)
    assert rows(settings).equals(before), "the old catalog"
    write_catalog(settings)
    assert rows(settings).equals(before), "the next run's catalog"
    upkeep.compact(settings)
    assert rows(settings).equals(before), "the next compaction"


@pytest.mark.slow
@pytest.mark.usefixtures("dbt_target")
def test_history_is_the_same_after_compaction(box: LakeBox) -> None:
    settings = Settings(data_dir=box.data_dir)
    write_catalog(settings)
    box.run("hist_coinbase__candle")
    query = "select * exclude (content_hash) from history.hist_coinbase__candle order by all"
    versions = box.query(query)
    assert len(versions) == 12
    upkeep.compact(settings)
    box.run("hist_coinbase__candle")
    assert box.query(query) == versions, "a run on what it has taken in already"
    box.load(
        "coinbase", {"candles": []}, fetched_at="2024-03-02T06:00", load_id="1800000000.0",
        asked=[Asked("candles", "BTC-USD", at("2024-01-01"), at("2024-01-02"))],
    )  # fmt: skip
    _complete(box)
    write_catalog(settings)
    box.run("hist_coinbase__candle")
    assert len(box.query(query)) == 13, "a later load, beside a compacted file: one tombstone"
    box.drop_warehouse()
    box.run("hist_coinbase__candle")
    assert [row for row in box.query(query) if not row[-3]] == versions, "a rebuild"


def test_what_changed_or_is_gone_is_named(settings: Settings) -> None:
    one, other = read_catalog(settings).filter(pl.col("table_name") == "candles")["path"][:2]
    (Path(settings.lake_dir) / one).unlink()
    path = Path(settings.lake_dir) / other
    pl.read_parquet(path).with_columns(close=pl.lit(7)).write_parquet(path)

    found = upkeep.verify(settings)

    assert {fault.path for fault in found.faults} == {one, other}
    assert {fault.problem.split(":")[0] for fault in found.faults} == {"is gone", "has changed"}
    with pytest.raises(LakeDamaged, match=rf"{one}: 1 rows of coinbase.candles of 2024-01-01"):
        upkeep.compact(settings)


def test_other_bytes_of_the_same_size_are_found_before_they_are_compacted(
    settings: Settings,
) -> None:
    path = read_catalog(settings).filter(pl.col("table_name") == "candles")["path"][0]
    content = bytearray((Path(settings.lake_dir) / path).read_bytes())
    content[len(content) // 2] ^= 1
    (Path(settings.lake_dir) / path).write_bytes(content)

    assert [fault.path for fault in upkeep.verify(settings).faults] == [path]
    with pytest.raises(upkeep.UpkeepError, match="is not the file that was landed"):
        upkeep.compact(settings)


def test_a_reader_goes_on_while_files_are_compacted(settings: Settings) -> None:
    paths = read_catalog(settings).filter(pl.col("table_name") == "candles")["path"]
    listed = [str(Path(settings.lake_dir) / path) for path in paths]
    upkeep.compact(settings)
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select count(*), sum(close) from read_parquet({listed})"
        ).fetchone()
    assert found == (12, sum(range(1, 13)))
