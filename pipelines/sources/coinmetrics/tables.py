"""What Coin Metrics lands."""

from pipelines.core.tables import DAILY, Column, Convention, Listing, Restated, Table, Timing

ASSET_METRICS = Table(
    name="asset_metrics",
    description="Daily metrics of assets, long. One row per asset, time and metric.",
    key=("asset", "metric", "time"),
    grid=DAILY,
    entity="asset_metric",
    timing=Timing(
        (
            Convention(
                "interval_start", "label D is the day D; PriceUSD of D is the fixing at its end"
            ),
            Convention(
                "point_in_time",
                "label D 00:00 is the rate at that instant: the close of D-1 (UST rate of label"
                " 2022-05-10 is the day 2022-05-09)",
                series="ReferenceRate%",
            ),
        ),
        publish_lag_h=6,
        ttl_d=7,
        revises_for_d=7,
        series="metric",
    ),
    restated=Restated((("value", None),), mart="network_valuation_daily", named_by="metric"),
    columns=(
        Column("asset", "text", "Coin Metrics' id of the asset: btc."),
        Column("time", "timestamp", "Label of the day: its first instant."),
        Column("metric", "text", "Coin Metrics' name of the metric: PriceUSD."),
        Column("value", "decimal", "The value; null: no data for that day.", required=False),
    ),
)

CATALOG = Table(
    name="catalog",
    description="What the host lets us read. One row per asset, metric and frequency.",
    key=("asset", "metric", "frequency"),
    is_snapshot=True,
    listing=Listing(("asset", "metric", "frequency")),
    entity="catalog",
    columns=(
        Column("asset", "text", "Coin Metrics' id of the asset."),
        Column("metric", "text", "Coin Metrics' name of the metric."),
        Column("frequency", "text", "Frequency of the series: 1d."),
        Column("min_time", "timestamp", "First label.", required=False),
        Column("max_time", "timestamp", "Last label.", required=False),
    ),
)

TABLES = (ASSET_METRICS, CATALOG)
