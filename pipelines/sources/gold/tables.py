"""What the National Bank of Poland lands."""

from pipelines.tables import DAILY, Column, Table

PRICES = Table(
    name="prices",
    description=(
        "Price of gold in zloty, published on working days; probably the London afternoon price "
        "of the working day before. One row per metal and day."
    ),
    key=("metal", "day_time"),
    grid=DAILY,
    columns=(
        Column("metal", "text", "XAU."),
        Column("day_time", "timestamp", "First instant of the day on which it was published."),
        Column("pln_per_gram", "decimal", "Zloty for a gram of fineness 1000.", above=0),
    ),
)

CURRENCY_RATES = Table(
    name="currency_rates",
    description="The bank's middle rates of working days. One row per currency and day.",
    key=("currency", "day_time"),
    grid=DAILY,
    columns=(
        Column("currency", "text", "ISO code: USD."),
        Column("day_time", "timestamp", "First instant of the day."),
        Column("pln_per_unit", "decimal", "Zloty for one unit.", above=0),
    ),
)

TABLES = (PRICES, CURRENCY_RATES)
