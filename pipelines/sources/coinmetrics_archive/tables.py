"""What Coin Metrics' CSV archive lands."""

from pipelines.tables import DAILY, Column, Table

ASSET_METRICS = Table(
    name="asset_metrics",
    description=(
        "Daily metrics of assets, long; an empty cell has no row. One row per asset, time and "
        "metric."
    ),
    key=("asset", "metric", "time"),
    grid=DAILY,
    columns=(
        Column("asset", "text", "Coin Metrics' id of the asset: btc."),
        Column("time", "timestamp", "Label of the day: its first instant."),
        Column("metric", "text", "Coin Metrics' name of the metric: PriceUSD."),
        Column("value", "decimal", "The value."),
    ),
)

TABLES = (ASSET_METRICS,)
