"""The formulas once more in plain Python, one series at a time, as slow and plain as can be.

Lists stand for the days of a dense calendar; None is a day without a value. Nothing here is
imported by the code under test, and nothing here imports it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from datetime import date, timedelta

Values = Sequence[float | None]
Result = list[float | None]


def stretches(values: Values, max_gap: int) -> list[list[tuple[int, float]]]:
    """Observations cut where more than max_gap days are missing."""
    parts: list[list[tuple[int, float]]] = []
    for i, value in enumerate(values):
        if value is None:
            continue
        if parts and i - parts[-1][-1][0] - 1 <= max_gap:
            parts[-1].append((i, value))
        else:
            parts.append([(i, value)])
    return parts


def smoothed(values: Values, n: int, max_gap: int, alpha: float) -> Result:
    out: Result = [None] * len(values)
    for part in stretches(values, max_gap):
        if len(part) < n:
            continue
        state = sum(value for _, value in part[:n]) / n
        out[part[n - 1][0]] = state
        for i, value in part[n:]:
            state = state + alpha * (value - state)
            out[i] = state
    return out


def ema(values: Values, n: int, max_gap: int) -> Result:
    return smoothed(values, n, max_gap, 2 / (n + 1))


def wilder(values: Values, n: int, max_gap: int) -> Result:
    return smoothed(values, n, max_gap, 1 / n)


def sma(values: Values, n: int) -> Result:
    return [
        None
        if i + 1 < n or None in values[i + 1 - n : i + 1]
        else math.fsum(values[i + 1 - n : i + 1]) / n  # type: ignore[arg-type]
        for i in range(len(values))
    ]


def macd(values: Values, fast: int, slow: int, signal: int, gap: int) -> list[Result]:
    line = [
        None if a is None or b is None else a - b
        for a, b in zip(ema(values, fast, gap), ema(values, slow, gap), strict=True)
    ]
    smooth = ema(line, signal, gap)
    rest = [None if a is None or b is None else a - b for a, b in zip(line, smooth, strict=True)]
    return [line, smooth, rest]


def rsi(values: Values, n: int, gap: int) -> Result:
    out: Result = [None] * len(values)
    for part in stretches(values, gap):
        gain_average = loss_average = 0.0
        for k in range(1, len(part)):
            change = part[k][1] - part[k - 1][1]
            gain, loss = max(change, 0.0), max(-change, 0.0)
            if k <= n:
                gain_average += gain / n
                loss_average += loss / n
            else:
                gain_average = ((n - 1) * gain_average + gain) / n
                loss_average = ((n - 1) * loss_average + loss) / n
            if k >= n:
                if gain_average == 0 and loss_average == 0:
                    out[part[k][0]] = 50.0
                elif loss_average == 0:
                    out[part[k][0]] = 100.0
                else:
                    out[part[k][0]] = 100 - 100 / (1 + gain_average / loss_average)
    return out


def true_range(high: Values, low: Values, close: Values, gap: int) -> Result:
    out: Result = []
    last: tuple[int, float] | None = None
    for i, (h, low_, c) in enumerate(zip(high, low, close, strict=True)):
        if h is None or low_ is None or last is None or i - last[0] - 1 > gap:
            out.append(None)
        else:
            out.append(max(h - low_, abs(h - last[1]), abs(low_ - last[1])))
        if c is not None:
            last = (i, c)
    return out


def atr(high: Values, low: Values, close: Values, n: int, gap: int) -> Result:
    return wilder(true_range(high, low, close, gap), n, gap)


def crosses(fast: Values, slow: Values, gap: int) -> list[str | None]:
    out: list[str | None] = []
    sign, seen = 0, None
    for i, (f, s) in enumerate(zip(fast, slow, strict=True)):
        event = None
        if f is not None and s is not None:
            if seen is not None and i - seen - 1 > gap:
                sign = 0
            seen = i
            now = 0 if abs(f - s) <= 1e-12 * max(abs(f), abs(s)) else (1 if f > s else -1)
            if now:
                if sign and now != sign:
                    event = "golden" if now > 0 else "death"
                sign = now
        out.append(event)
    return out


def window(values: Values, i: int, n: int) -> list[float]:
    return [v for v in values[max(0, i + 1 - n) : i + 1] if v is not None]


def bollinger(values: Values, n: int, k: float) -> list[tuple[float, float, float] | None]:
    out: list[tuple[float, float, float] | None] = []
    for i in range(len(values)):
        seen = window(values, i, n)
        if len(seen) < n:
            out.append(None)
            continue
        mid, sd = statistics.fmean(seen), statistics.pstdev(seen)
        out.append((mid - k * sd, mid, mid + k * sd))
    return out


def donchian(high: Values, low: Values, close: Values, n: int) -> list[tuple[float | None, ...]]:
    def span(i: int) -> tuple[float, float] | None:
        highs, lows = window(high, i, n), window(low, i, n)
        return None if i + 1 < n or len(highs) < n or len(lows) < n else (max(highs), min(lows))

    out: list[tuple[float | None, ...]] = []
    for i, c in enumerate(close):
        before = span(i - 1) if i else None
        now = span(i)
        place = None
        if now and c is not None and now[0] > now[1]:
            place = (c - now[1]) / (now[0] - now[1])
        out.append((before[0] if before else None, before[1] if before else None, place))
    return out


def returns(close: Values, n: int) -> Result:
    out: Result = []
    for i, c in enumerate(close):
        base = close[i - n] if i >= n else None
        out.append(None if c is None or not base else c / base - 1)
    return out


def tsmom(close: Values, n: int, vol_d: int, min_obs: int, floor: float) -> Result:
    daily, total = returns(close, 1), returns(close, n)
    out: Result = []
    for i, value in enumerate(total):
        seen = window(daily, i, vol_d)
        sd = statistics.stdev(seen) if len(seen) >= max(min_obs, 2) else 0.0
        out.append(None if value is None or sd < floor else value / (sd * math.sqrt(n)))
    return out


def volume_z(volume: Values, n: int, min_obs: int, floor: float) -> Result:
    logs = [math.log(v) if v is not None and v > 0 else None for v in volume]
    out: Result = []
    for i, value in enumerate(logs):
        seen = window(logs, i - 1, n) if i else []
        sd = statistics.stdev(seen) if len(seen) >= max(min_obs, 2) else 0.0
        known = value is not None and sd >= floor
        out.append((value - statistics.fmean(seen)) / sd if known else None)  # type: ignore[operator]
    return out


def percentile(values: Values) -> Result:
    known = [v for v in values if v is not None]
    return [
        None
        if v is None
        else 100 * (sum(k < v for k in known) + 0.5 * sum(k == v for k in known)) / len(known)
        for v in values
    ]


def history_percentile(values: Values, n: int, min_obs: int) -> Result:
    out: Result = []
    for i, value in enumerate(values):
        seen = window(values, i, n)
        out.append(
            None if value is None or len(seen) < min_obs else percentile([*seen[:-1], value])[-1]
        )
    return out


def max_drawdown(values: Values, n: int, min_obs: int) -> Result:
    out: Result = []
    for i in range(len(values)):
        seen = window(values, i, n)
        if len(seen) < min_obs:
            out.append(None)
            continue
        peak, worst = -math.inf, 0.0
        for v in seen:
            peak = max(peak, v)
            worst = min(worst, v / peak - 1) if peak > 0 else worst
        out.append(worst)
    return out


def ewma_variance(log_returns: Values, decay: float, seed: int, gap: int) -> Result:
    out: Result = [None] * len(log_returns)
    for part in stretches(log_returns, gap):
        if len(part) < seed:
            continue
        state = statistics.variance([v for _, v in part[:seed]])
        out[part[seed - 1][0]] = state
        for i, v in part[seed:]:
            state = decay * state + (1 - decay) * v * v
            out[i] = state
    return out


def decided(state: int, g: float, is_up: bool, is_down: bool) -> tuple[int, str | None]:
    """What a grade makes of a state that it may change."""
    if is_up and state < 1:
        return 1, "enter_long" if state == 0 else "reverse_to_long"
    if is_down and state > -1:
        return -1, "enter_short" if state == 0 else "reverse_to_short"
    if state == 1 and g < 50:
        return 0, "exit_long"
    if state == -1 and g > 50:
        return 0, "exit_short"
    return state, None


def signals(
    grades: Values,
    left: Sequence[bool],
    dead: Sequence[bool],
    unpriced: Sequence[bool],
    *,
    confirm: int = 2,
    hold: int = 3,
    no_data: int = 10,
    missing_d: int = 3,
) -> list[tuple[int, str | None]]:
    """The signal machine for the thresholds 65, 50, 35, 50."""
    state = held = up = down = unknown = missing = 0
    out: list[tuple[int, str | None]] = []
    for g, is_left, is_dead, no_price in zip(grades, left, dead, unpriced, strict=True):
        was, why = state, None
        missing = missing + 1 if no_price else 0
        if g is None:
            unknown += 1
        else:
            unknown = 0
            up = up + 1 if g >= 65 else 0
            down = down + 1 if g <= 35 else 0
            if state == 0 or held >= hold:
                state, why = decided(state, g, up >= confirm, down >= confirm)
        override = None
        if unknown >= no_data:
            override = "no_data"
        if missing >= missing_d:
            override = "price_missing"
        if is_left:
            override = "left_universe"
        if is_dead:
            override = "dead"
        if override:
            state, why, up, down = 0, override, 0, 0
        held = 0 if state != was else held + 1
        out.append((state, why if state != was else None))
    return out


def depegs(
    deviations: Values,
    lows: Values,
    *,
    fast: float = 100,
    slow: float = 50,
    slow_d: int = 3,
    close: float = 50,
    close_d: int = 2,
) -> list[dict[str, object]]:
    """The depeg machine as a log; days are positions."""
    log: list[dict[str, object]] = []
    current: dict[str, object] | None = None
    pending: list[tuple[int, float, float | None]] = []
    inside = 0

    def note(day: int, change: str) -> None:
        assert current is not None
        log.append({**current, "day": day, "change": change})

    def lowest(values: Sequence[float | None]) -> float | None:
        known = [v for v in values if v is not None]
        return min(known) if known else None

    for i, (dev, low) in enumerate(zip(deviations, lows, strict=True)):
        if dev is None:
            continue
        size = abs(dev)
        if current is None:
            pending = [*pending, (i, dev, low)] if size >= slow else []
            if size >= fast or len(pending) >= slow_d:
                current = {
                    "start": pending[0][0],
                    "detected": i,
                    "rule": "fast" if size >= fast else "slow",
                    "worst": max((d for _, d, _ in pending), key=abs),
                    "worst_low": lowest([w for _, _, w in pending]),
                    "last_off": i,
                }
                inside = 0
                note(i, "open")
            continue
        worse = size > abs(current["worst"])  # type: ignore[arg-type]
        lower = lowest([current["worst_low"], low]) != current["worst_low"]  # type: ignore[list-item]
        if worse:
            current["worst"] = dev
        current["worst_low"] = lowest([current["worst_low"], low])  # type: ignore[list-item]
        if size <= close:
            inside += 1
        else:
            inside, current["last_off"] = 0, i
        if inside >= close_d:
            note(i, "close")
            current, pending = None, []
        elif worse or lower:
            note(i, "worst")
    return log


def swings(high: Values, low: Values, k: int) -> list[tuple[int, str, float]]:
    """(day of the swing, kind, price), in the order in which they become known."""
    found = []
    for t in range(k, len(high) - k):
        for kind, values, sign in (("high", high, 1), ("low", low, -1)):
            around = values[t - k : t + k + 1]
            if None in around:
                continue
            heights = [sign * v for v in around]  # type: ignore[operator]
            if all(heights[k] > h for j, h in enumerate(heights) if j != k):
                found.append((t, kind, values[t]))
    return found  # type: ignore[return-value]


def levels(
    high: Values,
    low: Values,
    close: Values,
    first_day: date,
    *,
    k: int,
    merge: float,
    touch: float,
    lookback: int,
    half_life: float,
    atr_d: int,
    gap: int,
) -> list[dict[str, object]]:
    """Levels, day by day and level by level."""
    ranges = atr(high, low, close, atr_d, gap)
    found = swings(high, low, k)
    open_levels: list[dict[str, list[float] | list[int] | str | int]] = []
    rows: list[dict[str, object]] = []
    for d in range(len(close)):
        for t, kind, price in found:
            if t + k != d:
                continue
            alive = [lv for lv in open_levels if lv["days"][-1] > d - lookback]  # type: ignore[index]
            best = min(
                alive,
                key=lambda lv: abs(statistics.fmean(lv["prices"]) - price),
                default=None,  # type: ignore[arg-type]
            )
            reach = merge * (ranges[d] or 0.0)
            if best is not None and abs(statistics.fmean(best["prices"]) - price) <= reach:  # type: ignore[arg-type]
                best["prices"].append(price)  # type: ignore[union-attr]
                best["days"].append(t)  # type: ignore[union-attr]
            else:
                open_levels.append(
                    {
                        "id": f"{kind}|{first_day + timedelta(days=t)}",
                        "prices": [price],
                        "days": [t],
                        "known": d,
                    }
                )
        c = close[d]
        if c is None:
            continue
        for lv in open_levels:
            if lv["days"][-1] <= d - lookback:  # type: ignore[index]
                continue
            price = statistics.fmean(lv["prices"])  # type: ignore[arg-type]
            ages = [
                d - s
                for s in range(max(0, d - lookback + 1), d + 1)
                if ranges[s] is not None
                and (
                    (high[s] is not None and abs(high[s] - price) <= touch * ranges[s])  # type: ignore[operator]
                    or (low[s] is not None and abs(low[s] - price) <= touch * ranges[s])  # type: ignore[operator]
                )
            ]
            rows.append(
                {
                    "day": first_day + timedelta(days=d),
                    "level_id": lv["id"],
                    "level_usd": price,
                    "known_from_day": first_day + timedelta(days=int(lv["known"])),  # type: ignore[arg-type]
                    "swing_count": len(lv["prices"]),  # type: ignore[arg-type]
                    "touch_count": len(ages),
                    "strength": sum(2 ** (-age / half_life) for age in ages),
                    "side": "support" if price < c else "resistance" if price > c else "at",
                    "dist_atr": None if not ranges[d] else (price - c) / ranges[d],  # type: ignore[operator]
                }
            )
    return rows


def capped(sizes: Sequence[float], cap: float) -> list[float]:
    """Cut at the cap, spread the excess in proportion over the rest, repeat."""
    if cap * len(sizes) <= 1:
        return [1 / len(sizes)] * len(sizes)
    weights = [size / sum(sizes) for size in sizes]
    fixed: set[int] = set()
    while True:
        above = {i for i, w in enumerate(weights) if w > cap * (1 + 1e-12)} - fixed
        if not above:
            return weights
        fixed |= above
        free = sum(size for i, size in enumerate(sizes) if i not in fixed)
        rest = 1 - cap * len(fixed)
        weights = [cap if i in fixed else rest * size / free for i, size in enumerate(sizes)]


def rearming(triggers: Sequence[bool], rearms: Sequence[bool]) -> list[bool]:
    armed, out = True, []
    for trigger, rearm in zip(triggers, rearms, strict=True):
        fires = trigger and armed
        armed = (armed and not fires) or rearm
        out.append(fires)
    return out


def cooling_down(at: Sequence[int], triggers: Sequence[bool], silence: int) -> list[bool]:
    last, out = None, []
    for day, trigger in zip(at, triggers, strict=True):
        fires = trigger and (last is None or day - last >= silence)
        last = day if fires else last
        out.append(fires)
    return out


def confirmed(labels: Sequence[str | None], n: int) -> list[str | None]:
    state = candidate = None
    count, out = 0, []
    for label in labels:
        if label is None:
            out.append(None)
            continue
        count = count + 1 if label == candidate else 1
        candidate = label
        if count >= n:
            state = label
        out.append(state)
    return out
