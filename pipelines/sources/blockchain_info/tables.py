"""What blockchain.com's charts API lands."""

from pipelines.core.tables import DAY_S, Column, Convention, Grid, Restated, Sample, Table, Timing

CHARTS = Table(
    name="charts",
    description="Daily metrics of Bitcoin. One row per chart and day.",
    key=("chart", "day_time"),
    grid=Grid(DAY_S, sample=Sample("sample_time", keeps="last")),
    entity="chart",
    timing=Timing(
        (
            Convention(
                "interval_start",
                "the day of the sample; a level is the one at the hour of the sample and not at"
                " the day's end",
            ),
        ),
        publish_lag_h=6,
        ttl_d=7,
        revises_for_d=7,
    ),
    restated=Restated((("value", None),), mart="network_valuation_daily", named_by="chart"),
    columns=(
        Column("chart", "text", "Name of the chart: n-transactions."),
        Column("day_time", "timestamp", "First instant of the day."),
        Column("sample_time", "timestamp", "Instant of the day's last sample."),
        Column("unit", "text", "Unit, as sent.", required=False),
        Column("value", "decimal", "The value, in that unit.", at_least=0),
    ),
)

TABLES = (CHARTS,)
