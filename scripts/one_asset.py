"""One asset's page of numbers, by hand: from published prices to grade, signal and plan.

    python scripts/one_asset.py [asset_id] [day] [--file data/published/tokenmart.duckdb]

Reads closes, highs, lows and volumes from the published file, recomputes everything else with the
formulas written out below (no library but the standard one), and prints both numbers with their
difference. What cannot be derived from the asset's own prices is read: market cap, nearest support,
on-chain use and funding, the mean return of the members, and the other assets' factors that it is
ranked among. Exits with 1 if a number differs by more than rounding.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

import duckdb

Series = list[float | None]

# seeds: cfg_signal of version 1, cfg_plan of version 2


@dataclass(frozen=True)
class Grade:
    """A grade as its seeds have it: groups with their weights and factors."""

    name: str
    groups: dict[str, tuple[float, tuple[str, ...]]]
    bad_when_high: frozenset[str]
    has_history: bool
    """Whether a factor's place in its own year counts as well."""

    @property
    def factors(self) -> list[str]:
        return [name for _, names in self.groups.values() for name in names]


# cfg_grade_group of version 2
TRADER_GRADE = Grade(
    "trader_grade",
    {
        "calm_grade": (0.5, ("range_30d", "residual_volatility_60d", "max5_gain_60d")),
        "attention_grade": (0.3, ("volume_shock_7d_90d", "return_14d")),
        "seasoning_grade": (0.2, ("age",)),
    },
    frozenset(
        (
            "range_30d",
            "residual_volatility_60d",
            "max5_gain_60d",
            "volume_shock_7d_90d",
            "return_14d",
        )
    ),
    has_history=False,
)
# cfg_grade_group of version 1
TREND_SCORE = Grade(
    "trend_score",
    {
        "ta_grade": (0.4, ("trend", "breakout", "strength")),
        "quant_grade": (0.4, ("mom_7", "mom_28", "rel_btc", "downside")),
        "flow_grade": (0.2, ("vol_conf", "crowding", "usage")),
    },
    frozenset(("downside", "crowding")),
    has_history=True,
)
READ_FACTORS = {"crowding", "usage"}
FLAT = 1e-9
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Line:
    """One number: as computed here, and as published."""

    name: str
    by_hand: float | None
    published: float | None

    @property
    def difference(self) -> float | None:
        if self.by_hand is None or self.published is None:
            return None if self.by_hand is self.published else math.inf
        return self.by_hand - self.published

    @property
    def agrees(self) -> bool:
        if self.difference is None:
            return True
        scale = max(1.0, abs(self.published)) if self.published is not None else 1.0
        return abs(self.difference) <= TOLERANCE * scale


class Page:
    """What the published file says about one asset, one row per calendar day."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, asset: str, day: date | None) -> None:
        self._connection = connection
        self.asset = asset
        rows = connection.execute(
            """
            select price.day, price.close_usd, price.volume_usd, price.price_quality,
                bar.high_usd, bar.low_usd, risk.logret_1d
            from marts.price_daily as price
            inner join marts.ohlcv_daily as bar using (asset_id, day)
            left join marts.returns_risk_daily as risk using (asset_id, day)
            where price.asset_id = ? and price.day <= coalesce(?, date '9999-12-31')
            order by price.day
            """,
            [asset, day],
        ).fetchall()
        if not rows:
            raise SystemExit(f"no prices of {asset}")
        first = next(place for place, row in enumerate(rows) if row[1] is not None)
        rows = rows[first:]
        self.days: list[date] = [row[0] for row in rows]
        self.day = self.days[-1]
        self.close, self.volume = [row[1] for row in rows], [row[2] for row in rows]
        self.quality: list[str] = [row[3] for row in rows]
        self.high, self.low = [row[4] for row in rows], [row[5] for row in rows]
        if None in self.close:
            raise SystemExit(f"{asset} has days without a price: take one that has none")
        for place, row in enumerate(rows[1:], start=1):
            own = math.log(self.close[place] / self.close[place - 1])
            if row[6] is not None and abs(own - row[6]) > 1e-9:
                raise SystemExit(f"{asset} changed its units on {row[0]}: take another asset")

    def published(self, mart: str, column: str) -> Any:
        row = self._connection.execute(
            f"select {column} from marts.{mart} where asset_id = ? and day = ?",  # noqa: S608  # names of our own
            [self.asset, self.day],
        ).fetchone()
        return None if row is None else row[0]

    def market(self) -> dict[date, float]:
        """The mean log return of the members of each day.

        A price that one venue alone shows counts when the next reading has confirmed it: until then
        the one before stands. A change of units is no return.
        """
        return dict(
            self.query(
                """
                with shown as (
                    select asset_id, day, price_quality, prior_close_verdict,
                        ln(close_usd) as level,
                        logret_1d - ln(close_usd / lag(close_usd) over series) as jump
                    from marts.price_daily
                    left join marts.returns_risk_daily using (asset_id, day)
                    where close_usd > 0
                    window series as (partition by asset_id order by day)
                ),

                in_first_units as (
                    select * replace (
                        level + coalesce(
                            sum(case when abs(jump) > 1e-6 then jump end) over series, 0
                        )
                        as level
                    )
                    from shown
                    window series as (partition by asset_id order by day)
                ),

                settled as (
                    select asset_id, day,
                        case
                            when price_quality != 'unconfirmed' then level
                            when prior_close_verdict = 'confirmed' then lag(level) over series
                        end as level
                    from in_first_units
                    window series as (partition by asset_id order by day)
                ),

                held as (
                    select asset_id, day,
                        last_value(level ignore nulls) over (partition by asset_id order by day)
                            as level
                    from settled
                )

                select now.day, avg(now.level - before.level)
                from held as now
                inner join held as before
                    on now.asset_id = before.asset_id and now.day = before.day + 1
                inner join marts.dim_universe_membership as member
                    on now.asset_id = member.asset_id and now.day = member.day
                where member.universe_id = 'core' and member.is_member
                group by now.day
                """
            )
        )

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, list(values)).fetchall()


def ema(values: list[float], n: int) -> Series:
    """Seeded by the mean of the first n."""
    out: Series = [None] * len(values)
    if len(values) < n:
        return out
    level = fmean(values[:n])
    out[n - 1] = level
    for place in range(n, len(values)):
        level += 2 / (n + 1) * (values[place] - level)
        out[place] = level
    return out


def wilder(values: list[float], n: int) -> Series:
    """Wilder's average: seeded by the mean of the first n, then one n-th of the new one."""
    out: Series = [None] * len(values)
    if len(values) < n:
        return out
    level = fmean(values[:n])
    out[n - 1] = level
    for place in range(n, len(values)):
        level = (level * (n - 1) + values[place]) / n
        out[place] = level
    return out


def rsi(close: list[float], n: int) -> Series:
    """Wilder's averages of gains and losses, seeded by their first means."""
    changes = [b - a for a, b in itertools.pairwise(close)]
    gains = wilder([max(change, 0.0) for change in changes], n)
    losses = wilder([max(-change, 0.0) for change in changes], n)
    out: Series = [None]
    for gain, loss in zip(gains, losses, strict=True):
        if gain is None or loss is None:
            out.append(None)
        elif gain + loss == 0:
            out.append(50.0)
        else:
            out.append(100 * gain / (gain + loss))
    return out


def atr(high: list[float], low: list[float], close: list[float], n: int) -> Series:
    """The first true range needs a close before it."""
    ranges = [
        max(h, before) - min(lo, before)
        for h, lo, before in zip(high[1:], low[1:], close, strict=False)
    ]
    return [None, *wilder(ranges, n)]


def back(values: Series | list[float], place: int, n: int) -> list[float]:
    """The known values of the n days that end at `place`."""
    return [value for value in values[max(0, place - n + 1) : place + 1] if value is not None]


def growth(values: Series, place: int, n: int) -> float | None:
    """Exact calendar lag."""
    if place < n:
        return None
    now, before = values[place], values[place - n]
    return None if now is None or before is None else now / before - 1


def trader_factors(page: Page) -> dict[str, Series]:
    """The raw values of the trader grade's factors on the last day."""
    last, close = len(page.close) - 1, page.close
    returns: Series = [None, *(b / a - 1 for a, b in itertools.pairwise(close))]
    logrets: Series = [None, *(math.log(b / a) for a, b in itertools.pairwise(close))]
    logs: Series = [math.log(v) if v is not None and v > 0 else None for v in page.volume]
    ranges = [math.log(h / lo) for h, lo in zip(page.high, page.low, strict=True)]
    found: dict[str, float | None] = dict.fromkeys(TRADER_GRADE.factors)

    spread = median(back(ranges, last, 30)) if last >= 23 else None
    if spread is not None and spread > FLAT:
        found["range_30d"] = spread
    gains = sorted(back(returns, last, 60))
    if len(gains) >= 48 and stdev(back(logrets, last, 60)) > FLAT:
        found["max5_gain_60d"] = fmean(gains[-5:])
    market = page.market()
    pairs = [
        (market[day], own)
        for day, own in list(zip(page.days, logrets, strict=True))[-60:]
        if own is not None and day in market
    ]
    if len(pairs) >= 48:
        found["residual_volatility_60d"] = unexplained(pairs)
    week, quarter = back(logs, last, 7), back(logs, last, 90)
    if len(week) >= 6 and len(quarter) >= 72:
        found["volume_shock_7d_90d"] = fmean(week) - fmean(quarter)
    found["return_14d"] = growth(close, last, 14)
    found["age"] = float(last)
    return {name: [value] for name, value in found.items()}


def unexplained(pairs: list[tuple[float, float]]) -> float | None:
    """Standard deviation of what a line through (market, own) leaves."""
    x0, y0 = (fmean(side) for side in zip(*pairs, strict=True))
    variance = sum((x - x0) ** 2 for x, _ in pairs)
    if variance == 0:
        return None
    slope = sum((x - x0) * (y - y0) for x, y in pairs) / variance
    left = math.sqrt(fmean((y - y0 - slope * (x - x0)) ** 2 for x, y in pairs))
    return left if left > FLAT else None


def trend_factors(page: Page, bitcoin: Page) -> dict[str, Series]:
    """The raw values of the trend score's factors that follow from prices, for every day."""
    close, count = page.close, len(page.close)
    returns: Series = [None, *(math.log(b / a) for a, b in itertools.pairwise(close))]
    logs: Series = [math.log(v) if v is not None and v > 0 else None for v in page.volume]
    fast, slow, range_ = ema(close, 12), ema(close, 26), atr(page.high, page.low, close, 14)
    strength = rsi(close, 14)
    btc = {day: place for place, day in enumerate(bitcoin.days)}
    out: dict[str, Series] = {name: [None] * count for name in TREND_SCORE.factors}
    for place in range(count):
        own_fast, own_slow, own_range = fast[place], slow[place], range_[place]
        if own_fast is not None and own_slow is not None and own_range:
            out["trend"][place] = (own_fast - own_slow) / own_range
        if place >= 19:
            top, floor = max(back(page.high, place, 20)), min(back(page.low, place, 20))
            if top > floor:
                out["breakout"][place] = (close[place] - floor) / (top - floor)
        if (own := strength[place]) is not None:
            out["strength"][place] = max(-25.0, min(25.0, own - 50))
        month = back(returns, place, 30)
        sigma = stdev(month) if len(month) >= 24 else None
        for n in (7, 28):
            if sigma and (change := growth(close, place, n)) is not None:
                out[f"mom_{n}"][place] = change / (sigma * math.sqrt(n))
        there = btc.get(page.days[place])
        own14 = growth(close, place, 14)
        btc14 = None if there is None else growth(bitcoin.close, there, 14)
        if own14 is not None and btc14 is not None:
            out["rel_btc"][place] = own14 - btc14
        if len(month) >= 24:
            out["downside"][place] = math.sqrt(fmean(min(0.0, math.exp(r) - 1) ** 2 for r in month))
        before, own_log = back(logs, place - 1, 30) if place else [], logs[place]
        week = growth(close, place, 7)
        if len(before) >= 24 and own_log is not None and week is not None and stdev(before) > 1e-9:
            z = (own_log - fmean(before)) / stdev(before)
            out["vol_conf"][place] = z * ((week > 0) - (week < 0))
    return out


def digits(value: float) -> float:
    """What differs by rounding alone is equal: ten significant digits are ranked."""
    return float(f"{value:.9e}")


def mid_rank(value: float, among: list[float]) -> float:
    """100 (#less + half of #equal) / n."""
    ordered = sorted(digits(other) for other in among)
    less = bisect_left(ordered, digits(value))
    equal = bisect_right(ordered, digits(value)) - less
    return 100 * (less + equal / 2) / len(ordered)


def scores(page: Page, grade: Grade, raw: dict[str, Series]) -> tuple[list[Line], dict[str, float]]:
    """Each factor's value, its place among the members and in its own past, and the score."""
    lines, result = [], {}
    for name in grade.factors:
        reported = page.query(
            "select factor_value, xs_pctile, ts_pctile, score from marts.grade_components "
            "where asset_id = ? and day = ? and grade = ? and factor = ?",
            page.asset,
            page.day,
            grade.name,
            name,
        )
        value, xs, ts, score = reported[0] if reported else (None, None, None, None)
        if value is None:
            continue
        sign = -1 if name in grade.bad_when_high else 1
        members = page.query(
            "select factor_value from marts.grade_components where day = ? and "
            "grade = ? and factor = ? and factor_value is not null",
            page.day,
            grade.name,
            name,
        )
        across = mid_rank(sign * value, [sign * other for (other,) in members])
        if name not in READ_FACTORS:
            lines.append(Line(name, raw[name][-1], value))
        lines.append(Line(f"{name}: among {len(members)} members", across, xs))
        own = ts if name in READ_FACTORS else None
        if grade.has_history and name not in READ_FACTORS:
            year = [sign * known for known in back(raw[name], len(page.days) - 1, 365)]
            own = mid_rank(sign * value, year) if len(year) >= 90 else None
            lines.append(Line(f"{name}: in its own year", own, ts))
        result[name] = across if own is None else (across + own) / 2
        lines.append(Line(f"{name}: score", result[name], score))
    return lines, result


def graded(page: Page, grade: Grade, score: dict[str, float]) -> list[Line]:
    """Means of groups that are half known, weighted; NULL below 0.6 of the weight."""
    lines, parts, shares = [], [], {}
    for group, (weight, names) in grade.groups.items():
        known = [name for name in names if name in score]
        value = fmean(score[name] for name in known) if 2 * len(known) >= len(names) else None
        lines.append(Line(group, value, page.published("trader_grade_daily", group)))
        if value is not None:
            parts.append((weight, value))
            shares |= {name: weight / len(known) for name in known}
    weight = sum(part for part, _ in parts)
    if weight < 0.6 - 1e-9:
        return [*lines, Line(grade.name, None, page.published("trader_grade_daily", grade.name))]
    points = dict(
        page.query(
            "select factor, contribution from marts.grade_components "
            "where asset_id = ? and day = ? and grade = ? and contribution is not null",
            page.asset,
            page.day,
            grade.name,
        )
    )
    lines += [
        Line(f"{name}: points", share / weight * score[name], points.get(name))
        for name, share in shares.items()
    ]
    total = sum(part * value for part, value in parts) / weight
    return [*lines, Line(grade.name, total, page.published("trader_grade_daily", grade.name))]


def signal(page: Page) -> Line:
    """The state machine over the published grades, from the first day on."""
    rows = page.query(
        "select grade.trader_grade, grade.is_in_universe, price.price_quality "
        "from marts.trader_grade_daily as grade inner join marts.price_daily as price "
        "using (asset_id, day) where asset_id = ? and day <= ? order by day",
        page.asset,
        page.day,
    )
    state = held = highs = lows = unknown = missing = 0
    for value, is_member, quality in rows:
        before = state
        missing = missing + 1 if quality == "missing" else 0
        if value is None:
            unknown += 1
        else:
            unknown = 0
            highs = highs + 1 if value >= 65 else 0
            lows = lows + 1 if value <= 35 else 0
            up, down = highs >= 2, lows >= 2
            if state == 0:
                state = 1 if up else -1 if down else 0
            elif held >= 3 and state == 1:
                state = -1 if down else 0 if value < 50 else 1
            elif held >= 3:
                state = 1 if up else 0 if value > 50 else -1
        if unknown >= 10 or missing >= 3 or not is_member:
            state = highs = lows = 0
        held = 0 if state != before else held + 1
    return Line("signal", state, page.published("signal_daily", "signal"))


def plan(page: Page, range_: float | None, vol: dict[int, float | None]) -> list[Line]:
    """Size, stop and targets from volatility, range and levels."""

    def reported(column: str) -> Any:
        return page.published("risk_plan_daily", column)

    entry, mcap = page.close[-1], reported("mcap_usd")
    month, quarter = vol[30], vol[90]
    weight = None
    if month is not None and quarter is not None:
        weight = min(0.10, 0.20 / max(month, quarter))
    is_small = mcap is None or mcap < 50e6
    most = None if weight is None else min(weight, 0.01) if is_small else weight
    volumes = back(page.volume, len(page.days) - 1, 30)
    cap = 0.01 * median(volumes) if len(volumes) >= 24 else None
    side = -1 if reported("signal") == -1 else 1
    stop = None
    # a short is planned where it can be sold, which the page cannot tell from its own rows
    if range_ is not None and reported("no_stop_reason") is None and entry - side * 2 * range_ > 0:
        stop = entry - side * 2 * range_
    lines = [
        Line("vol_target_weight", weight, reported("vol_target_weight")),
        Line("max_position_frac", most, reported("max_position_frac")),
        Line("liquidity_cap_usd", cap, reported("liquidity_cap_usd")),
        Line("stop_price", stop, reported("stop_price")),
    ]
    if stop is not None and range_ is not None:
        risk = entry - stop
        column = "nearest_support_usd" if side == 1 else "nearest_resistance_usd"
        level = page.published("technical_daily", column)
        behind = stop if level is None else level - side * 0.5 * range_
        near = side * max(side * stop, side * behind)
        size = None if most is None else min(most, 0.01 / (abs(risk) / entry))
        targets = [goal if goal > 0 else None for goal in (entry + 2 * risk, entry + 4 * risk)]
        lines += [
            Line("stop_price_support", near, reported("stop_price_support")),
            Line("take_profit_1", targets[0], reported("take_profit_1")),
            Line("take_profit_2", targets[1], reported("take_profit_2")),
            Line("size_by_risk_frac", size, reported("size_by_risk_frac")),
        ]
    return lines


def lines_of(connection: duckdb.DuckDBPyConnection, asset: str, day: date | None) -> list[Line]:
    """Recompute the page of an asset on a day."""
    page = Page(connection, asset, day)
    bitcoin = page if asset == "bitcoin" else Page(connection, "bitcoin", page.day)
    last = len(page.days) - 1
    returns: Series = [
        None,
        *(math.log(b / a) for a, b in zip(page.close, page.close[1:], strict=False)),
    ]
    vol: dict[int, float | None] = {}
    for n, least in ((30, 24), (90, 72)):
        known = back(returns, last, n)
        vol[n] = stdev(known) * math.sqrt(365) if len(known) >= least else None
    range_ = atr(page.high, page.low, page.close, 14)[-1]
    technical = {
        "ema_12": ema(page.close, 12),
        "ema_26": ema(page.close, 26),
        "rsi_14": rsi(page.close, 14),
    }
    lines = [
        Line(
            f"ret_{n}d",
            growth(page.close, last, n),
            page.published("returns_risk_daily", f"ret_{n}d"),
        )
        for n in (1, 7, 30)
    ]
    lines += [
        Line(f"vol_{n}d_ann", value, page.published("returns_risk_daily", f"vol_{n}d_ann"))
        for n, value in vol.items()
    ]
    lines += [
        Line(name, series[-1], page.published("technical_daily", name))
        for name, series in technical.items()
    ]
    lines.append(Line("atr_14", range_, page.published("technical_daily", "atr_14")))
    for grade, raw in (
        (TRADER_GRADE, trader_factors(page)),
        (TREND_SCORE, trend_factors(page, bitcoin)),
    ):
        ranked, score = scores(page, grade, raw)
        if score:
            lines += [*ranked, *graded(page, grade, score)]
    return [*lines, signal(page), *plan(page, range_, vol)]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="One asset's page of numbers, by hand.")
    parser.add_argument("asset", nargs="?", default="bitcoin")
    parser.add_argument("day", nargs="?", type=date.fromisoformat)
    parser.add_argument("--file", type=Path, default=Path("data/published/tokenmart.duckdb"))
    wanted = parser.parse_args(arguments)
    with duckdb.connect(str(wanted.file), read_only=True) as connection:
        lines = lines_of(connection, wanted.asset, wanted.day)
    print(f"{'':32} {'by hand':>18} {'published':>18} {'difference':>12}")
    for line in lines:
        shown = ["-" if v is None else f"{v:.8g}" for v in (line.by_hand, line.published)]
        gap = "-" if line.difference is None else f"{line.difference:.1e}"
        print(f"{line.name:32} {shown[0]:>18} {shown[1]:>18} {gap:>12}")
    wrong = [line.name for line in lines if not line.agrees]
    print(
        f"{len(lines) - len(wrong)} of {len(lines)} agree"
        + (f"; not: {', '.join(wrong)}" if wrong else "")
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
