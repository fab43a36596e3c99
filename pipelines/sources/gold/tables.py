"""What the National Bank of Poland lands."""

from pipelines.core.tables import DAILY, Column, Convention, Table, Timing

PRICES = Table(
    name="prices",
    description=(
        "Price of gold in zloty, published on working days; probably the London afternoon price "
        "of the working day before. One row per metal and day."
    ),
    key=("metal", "day_time"),
    grid=DAILY,
    entity="price",
    timing=Timing(
        (
            Convention(
                "prior_working_day",
                "published on the label; the price is London's afternoon of the working day before",
            ),
        ),
        publish_lag_h=120,
        ttl_d=4,
        revises_for_d=7,
    ),
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
    entity="currency_rate",
    timing=Timing(
        (
            Convention(
                "working_day",
                "the bank's middle rate of the day of the label; none on weekends and holidays",
            ),
        ),
        publish_lag_h=96,
        ttl_d=6,
        revises_for_d=7,
    ),
    columns=(
        Column("currency", "text", "ISO code: USD."),
        Column("day_time", "timestamp", "First instant of the day."),
        Column("pln_per_unit", "decimal", "Zloty for one unit.", above=0),
    ),
)

TABLES = (PRICES, CURRENCY_RATES)
