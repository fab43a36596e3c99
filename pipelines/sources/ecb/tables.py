"""What the ECB lands."""

from pipelines.core.tables import DAILY, Column, Convention, Table, Timing
from pipelines.sources.ecb.settings import CURRENCIES

EXCHANGE_RATES = Table(
    name="exchange_rates",
    description="Euro reference rates of working days. One row per currency and day.",
    key=("currency", "day_time"),
    grid=DAILY,
    entity="exchange_rate",
    timing=Timing(
        (
            Convention(
                "working_day",
                "set at about 14:15 in Frankfurt on the day of the label; none on weekends and "
                "holidays",
            ),
        ),
        publish_lag_h=96,
        ttl_d=4,
        revises_for_d=7,
    ),
    columns=(
        Column("currency", "text", "ISO code: USD.", one_of=frozenset(CURRENCIES)),
        Column("day_time", "timestamp", "First instant of the day on which it was set."),
        Column("units_per_eur", "decimal", "Units of the currency for one euro.", above=0),
    ),
)

TABLES = (EXCHANGE_RATES,)
