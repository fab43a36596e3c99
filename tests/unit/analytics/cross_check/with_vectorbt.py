"""The same two rules in vectorbt 1.2.0: writes what it says of them beside this file.

It takes part in no test and in no environment of the project; in one of its own:

    python -m venv /tmp/vectorbt && /tmp/vectorbt/bin/pip install vectorbt==1.2.0
    /tmp/vectorbt/bin/python tests/unit/analytics/cross_check/with_vectorbt.py

``rebalanced``: every seventh day, at the open, each asset is brought to its part of the equity of
the close before, long or short; a fee on what is traded. ``stopped``: all of the equity is long
from the open after a signal, until a stop or a target is touched or the signal ends. vectorbt buys
within its cash: it is lent some for the first rule, and the second one has no fee.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import vectorbt as vbt
from numba import njit
from vectorbt.portfolio import nb
from vectorbt.portfolio.enums import SizeType

HERE = Path(__file__).parent
ASSETS, DAYS, FEE = 4, 140, 0.0015
STOP, TARGET, LENT = 0.04, 0.06, 9.0
FIRST = np.datetime64("2024-01-01")
SUNDAY = np.datetime64("1970-01-04")


def bars() -> pd.DataFrame:
    """Random walks with gaps overnight; a side by chance that stays for some days."""
    chance = np.random.default_rng(20240101)
    rows = []
    for asset in range(ASSETS):
        close, side = 100.0 * (asset + 1), 0
        for number in range(DAYS):
            if number % 9 == 2 * asset:
                side = int(chance.integers(-1, 2))
            opened = close * np.exp(chance.normal(0, 0.004))
            after = opened * np.exp(chance.normal(0, 0.018))
            rows.append(
                {
                    "asset_id": f"a{asset}",
                    "day": FIRST + number,
                    "open_usd": round(opened, 6),
                    "high_usd": round(max(opened, after) * 1.004, 6),
                    "low_usd": round(min(opened, after) * 0.996, 6),
                    "close_usd": round(after, 6),
                    "side": side,
                }
            )
            close = after
    return pd.DataFrame(rows)


@njit
def start_of_day(c):
    """What the equity was at the close before."""
    return (c.last_value[c.group] - LENT,)


@njit
def order(c, equity, opened, weight):
    """To the day's part of it, at the open."""
    wanted = weight[c.i, c.col]
    if np.isnan(wanted):
        return nb.order_nothing_nb()
    return nb.order_nb(
        size=wanted * equity / opened[c.i, c.col],
        price=opened[c.i, c.col],
        size_type=SizeType.TargetAmount,
        fees=FEE,
    )


def rebalanced(wide: dict[str, pd.DataFrame]) -> pd.Series:
    """Equity at each close."""
    side = wide["side"].to_numpy(float)
    decides = ((wide["side"].index.to_numpy() - SUNDAY) / np.timedelta64(1, "D")) % 7 == 0
    counts = [np.maximum((side == one).sum(axis=1), 1)[:, None] for one in (1, -1)]
    both = ((side == 1).any(axis=1) & (side == -1).any(axis=1))[:, None]
    weight = side / np.where(side > 0, *counts) / np.where(both, 2, 1)
    weight[~decides] = np.nan
    weight = np.vstack([np.full((1, ASSETS), np.nan), weight[:-1]])
    book = vbt.Portfolio.from_order_func(
        wide["close_usd"],
        order,
        wide["open_usd"].to_numpy(),
        weight,
        pre_segment_func_nb=start_of_day,
        init_cash=1.0 + LENT,
        cash_sharing=True,
        group_by=True,
    )
    return book.value() - LENT


def stopped(wide: dict[str, pd.DataFrame]) -> pd.Series:
    """Equity at each close."""
    close, opened = wide["close_usd"]["a0"], wide["open_usd"]["a0"]
    wanted = wide["side"]["a0"].shift(1, fill_value=0) == 1
    before = wanted.shift(1, fill_value=False)
    decided = close.shift(1)
    book = vbt.Portfolio.from_signals(
        close,
        entries=wanted & ~before,
        exits=~wanted & before,
        price=opened,
        open=opened,
        high=wide["high_usd"]["a0"],
        low=wide["low_usd"]["a0"],
        sl_stop=(1 - decided * (1 - STOP) / opened).clip(lower=1e-6).fillna(0.5),
        tp_stop=(decided * (1 + TARGET) / opened - 1).clip(lower=1e-6).fillna(0.5),
        stop_entry_price="fillprice",
        stop_exit_price="stoplimit",
        init_cash=1.0,
    )
    return book.value()


def main() -> None:
    """Write the bars, and the equity that vectorbt has on each of them."""
    given = bars()
    given.to_csv(HERE / "bars.csv", index=False)
    wide = {
        name: given.set_index(["day", "asset_id"])[name].unstack()  # noqa: PD010
        for name in given.columns[2:]
    }
    found = pd.DataFrame({"rebalanced": rebalanced(wide), "stopped": stopped(wide)})
    found.to_csv(HERE / "equity.csv", float_format="%.17g")


if __name__ == "__main__":
    main()
