"""What Ethereum nodes land."""

from pipelines.core.tables import DAILY, EVENT, Column, Convention, Table, Timing

TOKEN_SUPPLY = Table(
    name="token_supply",
    description=(
        "Supply of curated tokens at the finalized block of the request; nodes forget older state. "
        "One row per token and block."
    ),
    key=("token", "block_time"),
    grid=EVENT,
    entity="token_supply",
    timing=Timing((Convention("snapshot", "the finalized block of the request"),), publish_lag_h=0),
    columns=(
        Column("token", "text", "Address of the contract, lower case."),
        Column("block_time", "timestamp", "When the block was made."),
        Column("block_number", "integer", "The block.", at_least=0),
        Column("symbol", "text", "Ticker; null: undecodable.", required=False),
        Column("decimals", "integer", "Digits after the point.", required=False, at_least=0),
        Column(
            "total_supply_raw",
            "text",
            "Supply in smallest units, all digits; null: no contract there.",
            required=False,
        ),
        Column("total_supply", "decimal", "Supply in units.", required=False, at_least=0),
    ),
)

TRANSFERS = Table(
    name="transfers",
    description=(
        "Mints and burns of curated tokens in finalized blocks: Transfer events from and to the "
        "zero address. One row per event."
    ),
    key=("token", "day_time", "block_hash", "log_index"),
    grid=DAILY,
    entity="transfer",
    timing=Timing(
        (Convention("interval_start", "the day of the block; finalized blocks do not change"),),
        publish_lag_h=1,
        ttl_d=7,
        revises_for_d=0,
        is_sparse=True,
    ),
    columns=(
        Column("token", "text", "Address of the contract, lower case."),
        Column("day_time", "timestamp", "First instant of the block's day."),
        Column("block_number", "integer", "The block.", at_least=0),
        Column("block_hash", "text", "Its hash."),
        Column("log_index", "integer", "Position in the block.", at_least=0),
        Column("transaction_hash", "text", "The transaction."),
        Column("from_address", "text", "Sender; the zero address: a mint."),
        Column("to_address", "text", "Receiver; the zero address: a burn."),
        Column("value_raw", "text", "Amount in smallest units, all digits."),
        Column("value", "decimal", "Amount in units.", required=False, at_least=0),
    ),
)

TABLES = (TOKEN_SUPPLY, TRANSFERS)
