"""The publication contracts of stablecoins (see `suites`)."""

from __future__ import annotations

from pipelines.validation.contracts import Column, Contract

_TEXT = Column("VARCHAR")
_DAY = Column("DATE")
_FLAG = Column("BOOLEAN")
_COUNT = Column("BIGINT")
_NUMBER = Column("DOUBLE")
_INSTANT = Column("TIMESTAMP WITH TIME ZONE")

# a table of which half is unknown is none
_MOSTLY = Column("DOUBLE", filled_frac=0.5)
_SHARE = Column("DOUBLE", median=(0, 1))

_BUILT = {"as_of_ts": _INSTANT, "model_version": _TEXT}

STABLECOIN_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "stablecoin_supply_daily",
        ("stablecoin_id", "day"),
        {
            "stablecoin_id": _TEXT,
            "day": _DAY,
            "circulating_native": _MOSTLY,
            "circulating_reported_native": _NUMBER,
            "supply_usd": _NUMBER,
            "supply_par_usd": _NUMBER,
            "net_mint_1d_usd": _NUMBER,
            "net_mint_7d_usd": _NUMBER,
            "net_mint_30d_usd": _NUMBER,
            "share_frac": Column("DOUBLE", median=(0, 1)),
            "supply_rank": _COUNT,
            "hhi_chain": Column("DOUBLE", median=(0, 1)),
            "rebase_frac": _NUMBER,
            "supply_source": _TEXT,
            "is_extrapolated": _FLAG,
            "is_partial": _FLAG,
            "is_quarantined": _FLAG,
            **_BUILT,
        },
        min_rows=0,
    ),
    Contract(
        "stablecoin_peg_daily",
        ("stablecoin_id", "day"),
        {
            "stablecoin_id": _TEXT,
            "day": _DAY,
            "price_usd": _MOSTLY,
            "ref_price_usd": _NUMBER,
            "ref_source": _TEXT,
            "ref_day": _DAY,
            "peg_value_usd": _NUMBER,
            # in the middle a stablecoin is stable
            "dev_bps": Column("DOUBLE", median=(-500, 500), severity="warn"),
            "dev_low_bps": _NUMBER,
            "dev_any_low_bps": _NUMBER,
            "dev_vol_30d_bps": _NUMBER,
            "time_off_peg_30d_frac": _NUMBER,
            "volume_usd": _NUMBER,
            "price_quality": _TEXT,
            "evidence": _TEXT,
            "reading_count": _COUNT,
            "reading_dev_bps": _NUMBER,
            "is_eligible": _FLAG,
            "death_spiral_flag": _FLAG,
            **_BUILT,
        },
        min_rows=0,
    ),
    Contract(
        "stablecoin_chain_daily",
        ("stablecoin_id", "chain", "day"),
        {
            "stablecoin_id": _TEXT,
            "chain": _TEXT,
            "day": _DAY,
            "circulating_native": _MOSTLY,
            "supply_usd": _NUMBER,
            "supply_par_usd": _NUMBER,
            "chain_share_frac": _SHARE,
            "is_missing": _FLAG,
            "is_quarantined": _FLAG,
            **_BUILT,
        },
        min_rows=0,
    ),
    Contract(
        "stablecoin_market_daily",
        ("day",),
        {
            "day": _DAY,
            "total_supply_usd": _MOSTLY,
            "total_supply_par_usd": _MOSTLY,
            "coin_count": _COUNT,
            "net_mint_1d_usd": _NUMBER,
            "net_mint_7d_usd": _NUMBER,
            "net_mint_30d_usd": _NUMBER,
            "ssr": _NUMBER,
            "ssr_osc": _NUMBER,
            "dry_powder_chg_30d": Column("DOUBLE", median=(-0.5, 0.5)),
            "hhi_issuer": _SHARE,
            "share_fiat_frac": _SHARE,
            "velocity_30d": _NUMBER,
            "is_partial": _FLAG,
            **_BUILT,
        },
        min_rows=0,
    ),
    Contract(
        "stablecoin_milestone",
        ("stablecoin_id", "threshold_usd"),
        {
            "stablecoin_id": _TEXT,
            "threshold_usd": _NUMBER,
            "reached_day": _DAY,
            "known_from_day": _DAY,
            "supply_par_usd": _NUMBER,
            "days_since_launch": _COUNT,
            "is_left_censored": _FLAG,
            **_BUILT,
        },
        min_rows=0,
    ),
    Contract(
        "stablecoin_risk_card",
        ("stablecoin_id",),
        {
            "stablecoin_id": _TEXT,
            "mechanism": _TEXT,
            "peg_ref": _TEXT,
            "can_freeze": _FLAG,
            "day": _DAY,
            "dev_bps": _NUMBER,
            "supply_usd": _NUMBER,
            "hhi_chain": _NUMBER,
            "depeg_count": _COUNT,
            "is_depeg_open": _FLAG,
            "worst_bps": _NUMBER,
            "death_spiral_day_count": _COUNT,
            "attestation_age_d": _COUNT,
            **_BUILT,
        },
        # every curated coin has a card, whether or not a source follows it
        min_rows=1,
    ),
)
