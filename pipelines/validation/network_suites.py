"""The publication contracts of networks, events of tokens and restatements (see `suites`)."""

from __future__ import annotations

from pipelines.validation.contracts import Column, Contract

_TEXT = Column("VARCHAR")
_DAY = Column("DATE")
_FLAG = Column("BOOLEAN")
_COUNT = Column("BIGINT")
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
    Contract(
        "dim_token_event",
        ("asset_id", "event_kind", "effective_at"),
        {
            # the split of Terra is what a wrong chain of prices would show first
            "asset_id": Column("VARCHAR", contains=("terra-luna",), severity="warn"),
            "event_kind": _TEXT,
            "effective_at": _INSTANT,
            "announced_at": _INSTANT,
            "event_known_at": _INSTANT,
            "known_basis": _TEXT,
            "unit_ratio": _NUMBER,
            "successor_asset_id": _TEXT,
            "is_series_event": _FLAG,
            "event_source": _TEXT,
        },
        min_rows=0,
    ),
    Contract(
        "ops_unmapped_id",
        ("source", "id_kind", "source_id"),
        {
            "source": _TEXT,
            "id_kind": _TEXT,
            "source_id": _TEXT,
            "source_name": _TEXT,
            "unmapped_volume_usd": _NUMBER,
            "unmapped_mcap_usd": _NUMBER,
            "curation_rank": _COUNT,
        },
        # everything may be mapped
        min_rows=0,
    ),
    Contract(
        "ops_revision",
        ("source", "table_name", "source_id", "day", "column_name", "revised_at"),
        {
            "mart": _TEXT,
            "source": _TEXT,
            "table_name": _TEXT,
            "source_id": _TEXT,
            "day": _DAY,
            "column_name": _TEXT,
            "revised_at": _INSTANT,
            "superseded_known_at": _INSTANT,
            "revision_cause": _TEXT,
            "old_value": _NUMBER,
            "new_value": _NUMBER,
            "rel_change_frac": _NUMBER,
            "materiality_frac": _NUMBER,
            "is_material": _FLAG,
        },
        # one load has nothing to take back
        min_rows=0,
    ),
)
