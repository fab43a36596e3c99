"""The publication contracts: what users of each mart are promised."""

from __future__ import annotations

from pipelines.validation.contracts import Column, Contract

CONTRACTS: tuple[Contract, ...] = (
    Contract(
        mart="price_daily",
        key=("asset_id", "day"),
        columns={
            "asset_id": Column("VARCHAR"),
            "day": Column("DATE"),
            "close_usd": Column("DOUBLE", above=0),
        },
    ),
)
