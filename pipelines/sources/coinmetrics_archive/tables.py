"""What Coin Metrics' CSV archive lands."""

from pipelines.core.tables import DAILY, Column, Convention, Restated, Table, Timing

ASSET_METRICS = Table(
    name="asset_metrics",
    description=(
        "Daily metrics of assets, long; an empty cell has no row. One row per asset, time and "
        "metric."
    ),
    key=("asset", "metric", "time"),
    grid=DAILY,
    entity="asset_metric",
    timing=Timing(
        (
            Convention(
                "interval_start",
                "label D is the day D; the files end in May 2026, so nothing is due",
            ),
            Convention(
                "point_in_time",
                "label D 00:00 is the rate at that instant: the close of D-1",
                series="ReferenceRate%",
            ),
        ),
        ttl_d=7,
        series="metric",
    ),
    restated=Restated((("value", None),), mart="network_valuation_daily", named_by="metric"),
    columns=(
        Column("asset", "text", "Coin Metrics' id of the asset: btc."),
        Column("time", "timestamp", "Label of the day: its first instant."),
        Column("metric", "text", "Coin Metrics' name of the metric: PriceUSD."),
        Column("value", "decimal", "The value."),
    ),
)

TABLES = (ASSET_METRICS,)
