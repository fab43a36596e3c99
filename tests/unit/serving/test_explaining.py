"""Where a number comes from: formula, inputs, and the raw rows as they were known."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from starlette.testclient import TestClient

from pipelines.core.settings import Settings
from pipelines.lake.catalog import write_catalog

CLOSE = "/v1/explain/price_daily/close_usd"
KEYS = {
    "venue_quality_daily": ("asset_id", "venue_id", "day"),
    "returns_risk_daily": ("asset_id", "day"),
    "trader_grade_daily": ("asset_id", "day"),
    "grade_components": ("asset_id", "day", "grade", "factor"),
    "dim_asset_alias": ("source", "source_id", "valid_from"),
}
MARTS = """
create table marts.venue_quality_daily as
select 'bitcoin' as asset_id, venue_id, date '2024-01-05' as day, close_usd, is_accepted
from (values ('coinbase', 101.0::double, true), ('kraken', 250.0, false)) as v (venue_id, close_usd, is_accepted);
create table marts.returns_risk_daily as
select asset_id, day, 0.5 as ratio_x from marts.price_daily;
create table marts.trader_grade_daily as
select * from (values
    ('bitcoin', date '2024-01-05', 60.300000000000004::double), ('bitcoin', date '2024-01-04', 61.0),
    ('bitcoin', date '2024-01-03', null)
) as g (asset_id, day, trader_grade);
create table marts.grade_components as
select
    'bitcoin' as asset_id, day, 'trader_grade' as grade, factor, 'calm_grade' as factor_group,
    0.25::double as factor_value, score as xs_pctile, cast(null as double) as ts_pctile, score,
    1.0::double as group_weight, weight as weight_frac, score * weight as contribution,
    case when weight is null then 'no_value' end as no_share_reason
from (values ('age', 20.1::double, 0.5::double), ('range', 100.5, 0.5), ('beta', null, null)) as f (factor, score, weight),
    (values (date '2024-01-05'), (date '2024-01-04')) as d (day);
create table marts.dim_asset_alias as
select * from (values
    ('coinbase', 'XBT', 'bitcoin', date '2024-01-01', cast(null as date)),
    ('coinbase', 'BTC', 'other', date '2024-01-01', null)
) as a (source, source_id, asset_id, valid_from, valid_to);
insert into marts.meta_metric_catalog by name
select
    'returns_risk_daily' as mart, 'ratio_x' as column_name, 2 as column_position,
    'double' as data_type, 'the project' as column_source, 1 as schema_version, 'x' as unit,
    'close_usd / n_venues' as formula, 'docs/formulas.md#ratio' as formula_anchor,
    'never' as null_rule, 'A ratio.' as description
"""  # noqa: E501


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def put(
    settings: Settings, table: str, load: str, fetched: str, rows: list[dict[str, Any]]
) -> None:
    """Land rows of Coinbase as dlt does: a file of a load, and the line that the load is over."""
    root = Path(settings.lake_dir) / "raw" / "coinbase"
    file = root / table / f"load_date={fetched[:10]}" / f"{load}.abc.parquet"
    done = root / "_dlt_loads" / f"coinbase__{load}.jsonl"
    for path in (file, done):
        path.parent.mkdir(parents=True, exist_ok=True)
    frame = pl.DataFrame(rows).with_columns(
        pl.lit(instant(fetched)).alias("fetched_at"), pl.lit(load).alias("_dlt_load_id")
    )
    frame.write_parquet(file)
    done.write_text(json.dumps({"load_id": load, "status": 0, "inserted_at": f"{fetched}+00:00"}))


def candle(product: str, day: str, close: str) -> dict[str, Any]:
    return {"product_id": product, "open_time": instant(day), "close": Decimal(close)}


def product(name: str) -> dict[str, Any]:
    base, quote = name.split("-")
    return {"product_id": name, "base_currency": base, "quote_currency": quote}


@pytest.fixture
def lake(settings: Settings) -> None:
    put(
        settings,
        "products",
        "1.1",
        "2024-01-06T06:00:00",
        [product(name) for name in ("XBT-USD", "XBT-EUR", "BTC-USD")],
    )
    # its neighbours in time and in name must not come
    first = [
        candle(name, day, close)
        for name, close in (("XBT-USD", "100.5"), ("XBT-EUR", "90"), ("BTC-USD", "7"))
        for day in ("2024-01-04", "2024-01-05", "2024-01-06")
    ]
    put(settings, "candles", "1.1", "2024-01-06T06:00:00", first)
    for load, fetched, close in (
        ("2.2", "2024-01-07T06:00:00", "101"),
        ("3.3", "2024-03-05T06:00:00", "999"),  # after the row was made
    ):
        put(settings, "candles", load, fetched, [candle("XBT-USD", "2024-01-05", close)])
    write_catalog(settings)


@pytest.fixture
def asking(
    publish: Callable[..., Any], client_of: Callable[..., TestClient]
) -> Callable[..., dict[str, Any]]:
    publish(more=MARTS, keys=KEYS)
    client = client_of()

    def ask(path: str, status: int = 200, **named: Any) -> dict[str, Any]:
        response = client.get(path, params=named)
        assert response.status_code == status, response.text
        answer: dict[str, Any] = response.json()
        return answer

    return ask


@pytest.mark.usefixtures("lake")
def test_a_price_leads_to_the_rows_that_were_known_then(
    asking: Callable[..., dict[str, Any]],
) -> None:
    said = asking(CLOSE, asset="BTC", day="2024-01-05")
    assert said["key"] == {"asset_id": "bitcoin", "day": "2024-01-05"}
    assert said["formula_anchor"] == "docs/formulas.md#canonical-close"
    assert said["raw"]["status"] == "read", said["raw"]["detail"]
    assert [
        (row["series"], row["load_id"], row["fetched_at"], row["values"]["close"])
        for row in said["raw"]["rows"]
    ] == [
        ("XBT-EUR", "1.1", "2024-01-06T06:00:00Z", "90"),
        ("XBT-USD", "1.1", "2024-01-06T06:00:00Z", "100.5"),
        ("XBT-USD", "2.2", "2024-01-07T06:00:00Z", "101"),
    ]
    venues = {part["values"]["venue_id"]: part["values"]["is_accepted"] for part in said["parts"]}
    assert venues == {"coinbase": True, "kraken": False}


def test_without_the_lake_the_rest_is_said(asking: Callable[..., dict[str, Any]]) -> None:
    said = asking(CLOSE, asset="BTC", day="2024-01-05")
    assert said["raw"]["status"] == "not_at_hand"
    assert said["value"] is not None
    assert said["parts"]


def test_a_file_that_is_gone_is_no_failure(
    lake: None, asking: Callable[..., dict[str, Any]], settings: Settings
) -> None:
    for file in Path(settings.lake_dir).glob("raw/coinbase/candles/*/*.parquet"):
        file.write_bytes(b"damaged")
    raw = asking(CLOSE, asset="BTC", day="2024-01-05")["raw"]
    assert raw["status"] == "not_at_hand"
    assert str(settings.data_dir) not in raw["detail"], "no address of the machine is told"


def test_a_formula_leads_to_its_inputs_in_other_marts(
    asking: Callable[..., dict[str, Any]],
) -> None:
    said = asking("/v1/explain/returns_risk_daily/ratio_x", asset="bitcoin", day="2024-01-05")
    assert [(part["mart"], part["column"]) for part in said["inputs"]] == [
        ("price_daily", "close_usd"),
        ("price_daily", "n_venues"),
    ]
    assert said["raw"]["status"] == "not_applicable"


def test_a_grade_is_the_sum_of_its_factors(asking: Callable[..., dict[str, Any]]) -> None:
    said = asking("/v1/grades/BTC/explain", day="2024-01-05")
    assert [factor["factor"] for factor in said["factors"]] == ["range", "age", "beta"]
    assert said["factors"][2]["no_share_reason"] == "no_value"
    # 50.25 + 10.05 is 60.3, and the stored double is the next one
    assert said["contributions_sum"] != said["value"]
    assert said["adds_up"]
    assert not asking("/v1/grades/BTC/explain", day="2024-01-04")["adds_up"]
    unknown = asking("/v1/grades/BTC/explain", day="2024-01-03")
    assert (unknown["value"], unknown["factors"], unknown["adds_up"]) == (None, [], True)
    shares = asking("/v1/explain/trader_grade_daily/trader_grade", asset="BTC")["shares"]
    assert shares["factors"] == said["factors"], "without a day the newest row answers"


@pytest.mark.parametrize(
    ("path", "named", "status", "says"),
    [
        ("/v1/explain/price_dayly/close_usd", {"asset": "BTC"}, 404, "price_daily"),
        ("/v1/explain/price_daily/close", {"asset": "BTC"}, 404, "close_usd"),
        (CLOSE, {}, 422, "asset_id is missing"),
        (CLOSE, {"asset": "LUNA"}, 409, "old-terra or terra"),
        (CLOSE, {"asset": "BTC", "day": "2031-01-01"}, 404, "no row"),
        (CLOSE, {"asset": "BTC", "day": "soon"}, 422, "day"),
        (CLOSE, {"asset": "BTC", "venue": "kraken"}, 422, "named by asset_id, day"),
        (CLOSE, {"asset": "BTC", "version": "none"}, 404, "/v1/versions"),
        ("/v1/grades/BTC/explain", {"grade": "daily"}, 422, "trader"),
        ("/v1/grades/BTC/explain", {"grade": "investor"}, 404, "trader"),
    ],
)
def test_what_cannot_be_explained_says_why(
    asking: Callable[..., dict[str, Any]],
    path: str,
    named: dict[str, str],
    status: int,
    says: str,
) -> None:
    assert says in asking(path, status, **named)["detail"]
