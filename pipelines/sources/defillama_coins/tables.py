"""What DefiLlama's price API lands."""

from pipelines.core.tables import DAY_S, Column, Convention, Grid, Sample, Table, Timing
from pipelines.sources.defillama_coins.settings import SEARCH_WIDTH_H

PRICES = Table(
    name="prices",
    description=(
        "Prices of curated coins at midnights, USD. One row per coin and label; the label's "
        "instant is the end of the day before it."
    ),
    key=("coin", "label_time"),
    grid=Grid(DAY_S, sample=Sample("price_time", "nearest", within_s=SEARCH_WIDTH_H * 3_600)),
    entity="price",
    timing=Timing(
        (Convention("point_in_time", "label D 00:00 is the end of D-1: the close of D-1"),),
        publish_lag_h=6,
        ttl_d=3,
        revises_for_d=3,
    ),
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
