"""What Coin Metrics lands."""

from pipelines.tables import DAILY, Column, Listing, Table

ASSET_METRICS = Table(
    name="asset_metrics",
    description="Daily metrics of assets, long. One row per asset, time and metric.",
    key=("asset", "metric", "time"),
    grid=DAILY,
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
    columns=(
        Column("asset", "text", "Coin Metrics' id of the asset."),
        Column("metric", "text", "Coin Metrics' name of the metric."),
        Column("frequency", "text", "Frequency of the series: 1d."),
        Column("min_time", "timestamp", "First label.", required=False),
        Column("max_time", "timestamp", "Last label.", required=False),
    ),
)

TABLES = (ASSET_METRICS, CATALOG)
