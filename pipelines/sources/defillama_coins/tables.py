"""What DefiLlama's price API lands."""

from pipelines.tables import Column, Table

PRICES = Table(
    name="prices",
    description=(
        "Prices of curated coins at midnights, USD. One row per coin and label; the label's "
        "instant is the end of the day before it."
    ),
    key=("coin", "label_time"),
    columns=(
        Column("coin", "text", "As asked for: coingecko:bitcoin."),
        Column("label_time", "timestamp", "The midnight asked for."),
        Column("price_time", "timestamp", "When the price was taken: the nearest record."),
        Column("symbol", "text", "Ticker.", required=False),
        Column("price", "decimal", "USD.", at_least=0),
        Column("confidence", "double", "DefiLlama's trust, 0 to 1.", required=False),
    ),
)

TABLES = (PRICES,)
