"""The publication contract of perpetual contracts (see `suites`)."""

from __future__ import annotations

from pipelines.validation.contracts import Column, Contract

_TEXT = Column("VARCHAR")
_COUNT = Column("BIGINT")
_NUMBER = Column("DOUBLE")

DERIVATIVE_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "derivatives_daily",
        ("asset_id", "day"),
        {
            "asset_id": _TEXT,
            "day": Column("DATE"),
            # a hundredth of a percent in 8 hours is usual; percent or annual rates fall out
            "funding_8h_eq": Column("DOUBLE", median=(-0.002, 0.002)),
            "funding_day": Column("DOUBLE", median=(-0.005, 0.005)),
            "carry_ann_frac": Column("DOUBLE", median=(-2, 2)),
            "funding_z_90d": Column("DOUBLE", median=(-3, 3)),
            "funding_weighting": _TEXT,
            "funding_contract_count": _COUNT,
            # contracts instead of dollars, or both sides of millions of contracts
            "oi_usd": Column("DOUBLE", median=(1e4, 1e12), severity="warn"),
            "oi_contract_count": _COUNT,
            "oi_chg_1d": Column("DOUBLE", median=(-0.2, 0.2)),
            "oi_chg_7d": _NUMBER,
            "oi_to_volume": _NUMBER,
            # a future in another unit than its asset is thousands of times off
            "basis_frac": Column("DOUBLE", median=(-0.05, 0.05)),
            "pit_basis": _TEXT,
            "as_of_ts": Column("TIMESTAMP WITH TIME ZONE"),
            "model_version": _TEXT,
        },
        # a lake without perpetuals has none
        min_rows=0,
    ),
)
