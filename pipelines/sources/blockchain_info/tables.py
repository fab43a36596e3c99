"""What blockchain.com's charts API lands."""

from pipelines.tables import DAY_S, Column, Grid, Sample, Table

CHARTS = Table(
    name="charts",
    description="Daily metrics of Bitcoin. One row per chart and day.",
    key=("chart", "day_time"),
    grid=Grid(DAY_S, sample=Sample("sample_time", keeps="last")),
    columns=(
        Column("chart", "text", "Name of the chart: n-transactions."),
        Column("day_time", "timestamp", "First instant of the day."),
        Column("sample_time", "timestamp", "Instant of the day's last sample."),
        Column("unit", "text", "Unit, as sent.", required=False),
        Column("value", "decimal", "The value, in that unit.", at_least=0),
    ),
)

TABLES = (CHARTS,)
