"""What the ECB lands."""

from pipelines.sources.ecb.settings import CURRENCIES
from pipelines.tables import DAILY, Column, Table

EXCHANGE_RATES = Table(
    name="exchange_rates",
    description="Euro reference rates of working days. One row per currency and day.",
    key=("currency", "day_time"),
    grid=DAILY,
    columns=(
        Column("currency", "text", "ISO code: USD.", one_of=frozenset(CURRENCIES)),
        Column("day_time", "timestamp", "First instant of the day on which it was set."),
        Column("units_per_eur", "decimal", "Units of the currency for one euro.", above=0),
    ),
)

TABLES = (EXCHANGE_RATES,)
