"""The publication contracts of networks, events of tokens and restatements (see `suites`)."""

from __future__ import annotations

from pipelines.validation.contracts import Column, Contract

_TEXT = Column("VARCHAR")
_DAY = Column("DATE")
_NUMBER = Column("DOUBLE")
_INSTANT = Column("TIMESTAMP WITH TIME ZONE")

_BUILT = {"pit_basis": _TEXT, "as_of_ts": _INSTANT, "model_version": _TEXT}

NETWORK_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "network_valuation_daily",
        ("asset_id", "day"),
        {
            "asset_id": _TEXT,
            "day": _DAY,
            "network_price_usd": _NUMBER,
            "network_price_basis": _TEXT,
            "supply_onchain_native": _NUMBER,
            "supply_onchain_source": _TEXT,
            # a network worth thousands, or more than all money, is in another unit
            "mcap_onchain_usd": Column("DOUBLE", median=(1e6, 1e14)),
            "active_address_count": _NUMBER,
            "active_address_30d_mean": _NUMBER,
            "transfer_value_adj_usd": _NUMBER,
            "issuance_native": _NUMBER,
            "issuance_usd": _NUMBER,
            "issuance_ann_frac": _NUMBER,
            "realised_cap_usd": _NUMBER,
            "mvrv_x": Column("DOUBLE", median=(0.2, 10)),
            "mvrv_z": Column("DOUBLE", median=(-3, 15)),
            "nvt_x": Column("DOUBLE", median=(1, 1e5)),
            "nvt_signal_x": Column("DOUBLE", median=(1, 1e5)),
            "thermocap_usd": _NUMBER,
            "thermocap_multiple": Column("DOUBLE", median=(1, 1e3)),
            "puell_x": Column("DOUBLE", median=(0.1, 12)),
            "metcalfe_k": _NUMBER,
            "metcalfe_ratio": Column("DOUBLE", median=(0.02, 50)),
            "nvm_ratio": Column("DOUBLE", median=(0.3, 3)),
            **_BUILT,
        },
        # without a source of metrics nobody is valued
        min_rows=0,
    ),
)
