"""A small publication of prices and a signal, as rules read it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

DAYS = [date(2024, 1, 1) + timedelta(days=number) for number in range(60)]
ASSETS = [f"a{number}" for number in range(10)]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A publication of ten assets; the unit of the first changes by a hundred on the 40th day."""
    chance = np.random.default_rng(3)
    close = 50 * np.exp(np.cumsum(chance.normal(0, 0.03, (len(ASSETS), len(DAYS))), axis=1))
    ret = np.concatenate([np.full((len(ASSETS), 1), np.nan), close[:, 1:] / close[:, :-1] - 1], 1)
    close[0, 40:] /= 100
    keys = {"asset_id": np.repeat(ASSETS, len(DAYS)), "day": DAYS * len(ASSETS)}
    flat = close.ravel()
    marts = {
        "ohlcv_daily": {
            "open_usd": flat,
            "high_usd": flat * 1.01,
            "low_usd": flat * 0.99,
            "close_usd": flat,
            "volume_usd": flat * 0 + 1e7,
        },
        "price_daily": {"price_quality": ["ok"] * len(flat)},
        "returns_risk_daily": {"ret_1d": ret.ravel()},
        "technical_daily": {"atr_14": flat * 0.02, "tsmom_28": chance.normal(size=len(flat))},
        "dim_universe_membership": {
            "universe_id": ["core"] * len(flat),
            "is_member": [True] * len(flat),
            "universe_rank": np.repeat(np.arange(1, len(ASSETS) + 1), len(DAYS)),
            "volume_median_30d_usd": flat * 0 + 1e7,
        },
        "signal_daily": {"signal": np.sign(chance.normal(size=len(flat))).astype(np.int8)},
        "derivatives_daily": {
            "funding_day": flat * 0 + 1e-4,
            "funding_contract_count": [1] * len(flat),
            "oi_contract_count": [0] * len(flat),
        },
    }
    frames = {
        name: pl.DataFrame({**keys, **columns}).with_columns(pl.col(pl.Float64).fill_nan(None))
        for name, columns in marts.items()
    }
    frames["dim_token_event"] = pl.DataFrame(
        schema={"asset_id": pl.String, "effective_at": pl.Datetime, "event_kind": pl.String}
    )
    frames["signal_quality"] = pl.DataFrame({"statistic_value": [1.0]})
    folder = tmp_path_factory.mktemp("published")
    with duckdb.connect(str(folder / "tokenmart.duckdb")) as connection:
        connection.execute("create schema marts")
        for name, frame in frames.items():
            connection.register("given", frame.to_arrow())
            connection.execute(f"create table marts.{name} as select * from given")
    return folder
