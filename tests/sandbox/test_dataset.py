"""The layout of a dataset folder: what is accepted, what is refused and with which words."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from pipelines.extraction.candles import INTERVAL_S
from pipelines.sandbox.dataset import LAYOUT, DatasetError, describe_layout, load

DOC = Path(__file__).resolve().parents[2] / "docs" / "dataset.md"


def _write(folder: Path, **changes: Callable[[pl.DataFrame], pl.DataFrame]) -> Path:
    """Write a small valid folder, each table changed by the function given for it."""
    tables = {
        "assets": pl.DataFrame(
            {
                "asset_id": ["bitcoin", "fiat-usd"],
                "symbol": ["BTC", "USD"],
                "name": ["Bitcoin", "US dollar"],
                "asset_class": ["coin", "fiat"],
            }
        ),
        "markets": pl.DataFrame(
            {
                "venue": ["coinbase"],
                "symbol": ["BTC-USD"],
                "base_code": ["BTC"],
                "quote_code": ["USD"],
                "base_asset_id": ["bitcoin"],
                "quote_asset_id": ["fiat-usd"],
                "listed_day": [date(2024, 1, 1)],
                "delisted_day": pl.Series([None], dtype=pl.Date),
            }
        ),
        "candles": pl.DataFrame(
            {
                "venue": ["coinbase"] * 3,
                "symbol": ["BTC-USD"] * 3,
                "interval": ["1d"] * 3,
                "open_time": [datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3)],
                "open": [100.0, 110.0, 105.0],
                "high": [112.0, 111.0, 120.0],
                "low": [99.0, 104.0, 105.0],
                "close": [110.0, 105.0, 118.0],
                "volume_base": [1.0, 2.0, 0.0],
            }
        ),
        "stablecoins": pl.DataFrame(
            {
                "stablecoin_id": ["1"],
                "name": ["Tether"],
                "symbol": ["USDT"],
                "peg_type": ["peggedUSD"],
                "peg_mechanism": ["fiat-backed"],
            }
        ),
        "stablecoin_daily": pl.DataFrame(
            {
                "stablecoin_id": ["1"],
                "chain": ["Ethereum"],
                "day": [date(2024, 1, 1)],
                "circulating": [1e9],
            }
        ),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        changes.get(name, lambda table: table)(frame).write_parquet(folder / f"{name}.parquet")
    _meta(folder)
    return folder


def _meta(folder: Path, **changes: object) -> None:
    meta = {"layout_version": 1, "name": "test", "start": "2024-01-01", "end": "2024-01-03"}
    (folder / "dataset.json").write_text(json.dumps(meta | changes))


def _refused(folder: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        load(folder)
    return str(caught.value)


def test_a_minimal_folder_is_accepted(tmp_path: Path) -> None:
    dataset = load(_write(tmp_path / "d"))
    assert (dataset.start, dataset.end) == (date(2024, 1, 1), date(2024, 1, 3))
    assert dataset.now == datetime(2024, 1, 4, 6, tzinfo=UTC)
    candles = dataset.table("candles").collect()
    assert candles["trades"].null_count() == 3
    assert candles["known_at"].dtype == pl.Datetime("us", "UTC")
    assert dataset.table("prices").collect().is_empty()
    assert dataset.warnings == ()
    assert dataset.sources == ("coinbase", "defillama_stablecoins")


def test_a_required_table_without_rows_is_refused(tmp_path: Path) -> None:
    refused = _refused(_write(tmp_path / "d", candles=pl.DataFrame.clear))
    assert "candles: the table has no rows" in refused


def test_an_optional_table_without_rows_is_as_good_as_none(tmp_path: Path) -> None:
    empty = {"stablecoins": pl.DataFrame.clear, "stablecoin_daily": pl.DataFrame.clear}
    dataset = load(_write(tmp_path / "d", **empty))
    assert not any(map(dataset.has, empty))
    assert dataset.sources == ("coinbase",)


def test_a_table_may_be_a_folder_and_types_that_lose_nothing_are_accepted(tmp_path: Path) -> None:
    def other_types(table: pl.DataFrame) -> pl.DataFrame:
        return table.with_columns(
            pl.col("venue").cast(pl.Categorical),
            pl.col("open").cast(pl.Float32),
            pl.col("volume_base").cast(pl.Int64),
            pl.col("open_time").dt.cast_time_unit("ns").dt.convert_time_zone("Asia/Tokyo"),
        )

    folder = _write(tmp_path / "d", candles=other_types)
    (folder / "candles").mkdir()
    (folder / "candles.parquet").rename(folder / "candles" / "part-0.parquet")
    candles = load(folder).table("candles").collect()
    assert candles["open_time"].to_list()[0] == datetime(2024, 1, 1, tzinfo=UTC)
    assert candles["volume_base"].dtype == pl.Float64


def test_unknown_columns_and_files_are_ignored_with_a_warning(tmp_path: Path) -> None:
    folder = _write(
        tmp_path / "d", candles=lambda table: table.with_columns(knwon_at=pl.lit("2024-01-01"))
    )
    pl.DataFrame({"x": [1]}).write_parquet(folder / "notes.parquet")
    warnings = "\n".join(load(folder).warnings)
    assert "candles: unknown columns ignored: knwon_at" in warnings
    assert "notes.parquet is no table of the layout" in warnings


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    folder = _write(
        tmp_path / "d",
        candles=lambda table: table.drop("close"),
        stablecoins=lambda table: table.with_columns(stablecoin_id=pl.lit(1)),
    )
    (folder / "assets.parquet").unlink()
    text = _refused(folder)
    assert "assets: the table is missing" in text
    assert "candles.close: the column is missing in candles.parquet" in text
    assert "stablecoins.stablecoin_id: must be text, is Int32; for example 1" in text


@pytest.mark.parametrize(
    ("table", "change", "expected"),
    [
        pytest.param(
            "candles",
            lambda t: t.with_columns(low=pl.when(pl.int_range(3) == 1).then(-1.0).otherwise("low")),
            "candles.low: must be above 0; 1 row, for example venue='coinbase', symbol='BTC-USD', "
            "interval='1d', open_time=2024-01-02T00:00:00+00:00, known_at=None, low=-1.0",
            id="negative price",
        ),
        pytest.param(
            "candles",
            lambda t: t.with_columns(open=pl.lit(float("nan"))),
            "candles.open: must be finite; 3 rows",
            id="NaN",
        ),
        pytest.param(
            "candles",
            lambda t: t.with_columns(close=pl.lit(None, dtype=pl.Float64)),
            "candles.close: must not be null; 3 rows",
            id="null price",
        ),
        pytest.param(
            "candles",
            lambda t: pl.concat([t, t.head(1)]),
            "candles: duplicate key (venue, symbol, interval, open_time, known_at); 1 row",
            id="duplicate key",
        ),
        pytest.param(
            "candles",
            lambda t: t.with_columns(pl.col("open_time").dt.replace_time_zone(None)),
            "candles.open_time: a timestamp without a time zone; write it in UTC",
            id="naive timestamp",
        ),
        pytest.param(
            "candles",
            lambda t: t.with_columns(pl.col("open_time").dt.offset_by("9h")),
            "candles.open_time: must be a whole multiple of the interval in UTC; 3 rows",
            id="another time zone's days",
        ),
        pytest.param(
            "candles",
            lambda t: t.with_columns(interval=pl.lit("1w")),
            f"candles.interval: must be one of {', '.join(INTERVAL_S)}; 3 rows",
            id="unknown interval",
        ),
        pytest.param(
            "candles",
            lambda t: t.with_columns(symbol=pl.lit("ETH-USD")),
            "candles.symbol: no such row in markets; 1 value, for example venue='coinbase', "
            "symbol='ETH-USD'",
            id="candles of an unknown market",
        ),
        pytest.param(
            "candles",
            lambda t: t.with_columns(known_at=pl.col("open_time")),
            "candles.known_at: must not be before what it describes; 3 rows",
            id="known before it happened",
        ),
        pytest.param(
            "candles",
            lambda t: t.with_columns(is_deleted=pl.lit(value=True)),
            "candles.known_at: must say when the row was deleted; 3 rows",
            id="deletion without its time",
        ),
        pytest.param(
            "markets",
            lambda t: t.with_columns(delisted_day=pl.lit(date(2023, 12, 31))),
            "markets.delisted_day: must not be before listed_day; 1 row",
            id="end before start",
        ),
        pytest.param(
            "markets",
            lambda t: pl.concat([t, t.with_columns(listed_day=pl.lit(date(2024, 1, 3)))]),
            "markets.delisted_day: listings of one symbol overlap; 1 symbol, for example "
            "venue='coinbase', symbol='BTC-USD': the listing of 2024-01-01 ends never",
            id="a symbol for two assets on one day",
        ),
        pytest.param(
            "markets",
            lambda t: t.with_columns(base_asset_id=pl.lit("bitcoln")),
            "markets.base_asset_id: no such row in assets; 1 value, for example "
            "base_asset_id='bitcoln'",
            id="unknown asset",
        ),
        pytest.param(
            "assets",
            lambda t: t.with_columns(asset_class=pl.lit("shitcoin")),
            "assets.asset_class: must be one of coin,",
            id="unknown class",
        ),
        pytest.param(
            "stablecoin_daily",
            lambda t: t.with_columns(circulating=pl.lit("1e9")),
            "stablecoin_daily.circulating: must be number, is String; for example '1e9'",
            id="number as text",
        ),
    ],
)
def test_what_breaks_the_layout_is_named(
    tmp_path: Path, table: str, change: Callable[[pl.DataFrame], pl.DataFrame], expected: str
) -> None:
    assert expected in _refused(_write(tmp_path / "d", **{table: change}))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"end": "2023-12-31"}, "end 2023-12-31 is before start 2024-01-01"),
        ({"layout_version": 2}, "dataset.json layout_version: Input should be 1"),
        ({"name": None}, "dataset.json name:"),
        ({"now": "2024-01-03T12:00:00Z"}, "is before the end of the day 2024-01-03"),
        ({"now": "2024-01-05T12:00:00"}, "dataset.json now: Value error, needs a time zone"),
    ],
)
def test_what_is_wrong_in_dataset_json_is_named(
    tmp_path: Path, changes: dict[str, object], expected: str
) -> None:
    folder = _write(tmp_path / "d")
    _meta(folder, **changes)
    assert expected in _refused(folder)


def test_a_missing_folder_and_a_missing_or_broken_dataset_json(tmp_path: Path) -> None:
    assert "there is no such folder" in _refused(tmp_path / "nowhere")
    folder = _write(tmp_path / "d")
    (folder / "dataset.json").write_text("{")
    assert "dataset.json is not JSON" in _refused(folder)
    (folder / "dataset.json").unlink()
    assert "dataset.json is missing" in _refused(folder)


def test_versions_of_one_key_and_a_deletion_are_accepted(tmp_path: Path) -> None:
    def versions(table: pl.DataFrame) -> pl.DataFrame:
        first = table.with_columns(
            known_at=pl.lit(None, dtype=pl.Datetime("us", "UTC")), is_deleted=pl.lit(value=False)
        )
        restated = first.head(1).with_columns(
            close=pl.lit(111.0), known_at=pl.lit(datetime(2024, 1, 9, tzinfo=UTC))
        )
        gone = restated.with_columns(
            pl.lit(None, dtype=pl.Float64).alias("close"),
            known_at=pl.lit(datetime(2024, 1, 10, tzinfo=UTC)),
            is_deleted=pl.lit(value=True),
        )
        return pl.concat([first, restated, gone])

    assert len(load(_write(tmp_path / "d", candles=versions)).table("candles").collect()) == 5


def test_the_documentation_lists_exactly_the_layout() -> None:
    text = DOC.read_text(encoding="utf-8")
    section = text.split("<!-- layout:")[1].split("-->", 1)[1].split("<!-- /layout -->")[0]
    assert section.strip() == describe_layout().strip(), (
        "docs/dataset.md differs from the layout: paste `python -m pipelines.sandbox layout`"
    )
    documented = {
        part.splitlines()[0].strip(): re.findall(r"^\| `(\w+)` \|", part, flags=re.MULTILINE)
        for part in section.split("### ")[1:]
    }
    assert documented == {
        table.name: [column.name for column in table.all_columns] for table in LAYOUT
    }


def test_the_documentation_s_example_makes_a_valid_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = DOC.read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert code is not None
    monkeypatch.chdir(tmp_path)
    exec(compile(code.group(1), "docs/dataset.md", "exec"), {})  # noqa: S102  # the page's own example
    dataset = load(tmp_path / "my-market")
    assert dataset.table("candles").collect()["close"].to_list() == [44_187.0, 44_961.0]
