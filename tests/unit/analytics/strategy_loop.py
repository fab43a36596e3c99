"""The same trading written a second time, in plain Python: one asset and one event at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import polars as pl

from pipelines.analytics.strategies import LEDGER, Rule

KINDS = ("gross_pnl", "fee", "slippage", "impact", "borrow", "funding", "traded")


@dataclass
class Position:
    asset: str
    entry_day: date
    side: int
    entry: float
    equity: float
    size: float
    plan: float
    risk: float | None
    reward: float | None
    units: float
    mark: float
    targets_hit: int = 0
    missing: int = 0
    leaving: bool = False
    flow: dict[str, float] = field(default_factory=lambda: dict.fromkeys(KINDS, 0.0))
    initial: float = 0.0

    @property
    def stop(self) -> float | None:
        return None if self.risk is None else self.plan - self.side * self.risk

    def target(self, distance: float) -> float:
        assert self.reward is not None
        return self.plan + self.side * distance * self.reward


@dataclass
class Order:
    side: int
    weight: float
    close: float
    risk: float | None
    reward: float | None
    equity: float


class Trader:
    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.equity = 1.0
        self.open: dict[str, Position] = {}
        self.orders: dict[str, Order] = {}
        self.spent: dict[str, int] = {}
        self.lines: list[dict[str, Any]] = []
        self.bars: dict[str, dict[str, Any]] = {}
        self.day = date.min

    @property
    def targets(self) -> tuple[float, ...]:
        return self.rule.take_profit_r or self.rule.take_profit_excursion_x or ()

    def bar(self, asset: str) -> dict[str, Any]:
        return self.bars.get(asset, {})

    def settle(self, p: Position, price: float) -> None:
        p.flow["gross_pnl"] += p.units * (price - p.mark)
        p.mark = price

    def trade(self, p: Position, units: float, price: float) -> None:
        self.settle(p, price)
        notional = abs(units - p.units) * price
        volume = self.bar(p.asset).get("volume_usd") or 0
        if volume <= 0:
            volume = self.bar(p.asset).get("volume_median_30d_usd") or 0
        share = notional * self.rule.capital_usd / volume if volume > 0 else 1.0
        p.flow["traded"] += notional
        p.flow["fee"] += notional * self.rule.fee_bps / 1e4
        p.flow["slippage"] += notional * self.rule.slippage_bps / 1e4
        p.flow["impact"] += notional * self.rule.impact_bps / 1e4 * math.sqrt(share)
        p.units = units

    def write_line(self, p: Position, exit_usd: float | None, reason: str | None) -> None:
        self.lines.append(
            {
                "asset_id": p.asset,
                "day": self.day,
                "entry_day": p.entry_day,
                "side": p.side,
                "entry_usd": p.entry,
                "stop_usd": p.stop,
                "risk_usd": p.risk,
                "entry_equity": p.equity,
                "size_frac": p.size,
                "exit_usd": exit_usd,
                "exit_reason": reason,
                "value": p.units * p.mark,
                **p.flow,
            }
        )
        self.equity += p.flow["gross_pnl"]
        for kind in ("fee", "slippage", "impact", "borrow", "funding"):
            self.equity -= p.flow[kind]
        p.flow = dict.fromkeys(KINDS, 0.0)

    def close(self, p: Position, reason: str) -> None:
        p.units = 0.0
        self.write_line(p, p.mark, reason)
        del self.open[p.asset]

    def sell(self, p: Position, price: float, reason: str) -> None:
        if reason in ("stop", "take_profit"):
            self.spent[p.asset] = p.side
        self.trade(p, 0.0, price)
        self.close(p, reason)

    def take_profits(self, p: Position, best: float, fill: float | None) -> None:
        targets = self.targets
        while p.asset in self.open and p.targets_hit < len(targets):
            target = p.target(targets[p.targets_hit])
            if p.side * (best - target) < 0:
                return
            p.targets_hit += 1
            price = target if fill is None else fill
            if p.targets_hit == len(targets):
                self.sell(p, price, "take_profit")
            else:
                left = 1 - p.targets_hit / len(targets)
                self.trade(p, p.initial * left, price)

    def carry_out(self, asset: str, price: float) -> None:
        p = self.open.get(asset)
        if p is not None and p.leaving:
            self.sell(p, price, "signal" if self.equity > 0 else "ruin")
            p = None
        order = self.orders.pop(asset, None)
        if order is None or order.side == self.spent.get(asset, 0):
            return
        units = order.side * order.weight * order.equity / price
        if p is not None:
            if p.side == order.side:
                self.trade(p, units, price)
            return
        if order.risk is not None:
            if order.side * (price - (order.close - order.side * order.risk)) <= 0:
                return
            for distance in self.targets[:1]:
                assert order.reward is not None
                if order.side * (price - (order.close + order.side * distance * order.reward)) >= 0:
                    return
        p = Position(
            asset,
            self.day,
            order.side,
            price,
            order.equity,
            order.weight,
            order.close,
            order.risk,
            order.reward,
            0.0,
            price,
            initial=units,
        )
        self.open[asset] = p
        self.trade(p, units, price)

    def live(self, day: date, bars: dict[str, dict[str, Any]], assets: list[str]) -> None:
        self.day, self.bars = day, bars
        for asset in list(self.open):
            self.write_off(self.open[asset])
        for asset in list(self.open):
            self.gap(self.open[asset])
        for asset in assets:
            if self.fills_at_open(asset):
                self.carry_out(asset, self.bar(asset)["open_usd"])
        for p in self.open.values():
            self.finance(p)
        for asset in list(self.open):
            self.touch(self.open[asset])
        for asset in assets:
            if self.bar(asset).get("close_usd") is not None and not self.fills_at_open(asset):
                self.carry_out(asset, self.bar(asset)["close_usd"])
        for p in list(self.open.values()):
            close = self.bar(p.asset).get("close_usd")
            if close is not None:
                self.settle(p, close)
            self.write_line(p, None, None)

    def fills_at_open(self, asset: str) -> bool:
        return self.rule.fill_at == "open" and self.opened(asset) is not None

    def opened(self, asset: str) -> float | None:
        bar = self.bar(asset)
        return bar["open_usd"] if bar.get("close_usd") is not None else None

    def write_off(self, p: Position) -> None:
        bar = self.bar(p.asset)
        p.missing = p.missing + 1 if bar.get("close_usd") is None else 0
        dead = bool(bar.get("is_dead"))
        if dead or p.missing >= self.rule.missing_d:
            self.spent[p.asset] = p.side
            self.settle(p, p.mark * (1 - p.side * self.rule.haircut_frac))
            self.close(p, "dead" if dead else "no_price")

    def gap(self, p: Position) -> None:
        opened = self.opened(p.asset)
        if opened is None or p.stop is None:
            return
        if p.side * (opened - p.stop) <= 0:
            self.sell(p, opened, "stop")
        else:
            self.take_profits(p, opened, opened)

    def finance(self, p: Position) -> None:
        if p.side > 0:
            return
        value, funding = -p.units * p.mark, self.bar(p.asset).get("funding_frac")
        if funding is None:
            p.flow["borrow"] += self.rule.borrow_ann / 365 * value
        else:
            p.flow["funding"] -= funding * value

    def touch(self, p: Position) -> None:
        bar = self.bar(p.asset)
        if bar.get("close_usd") is None or p.stop is None:
            return
        prices = [bar[name] for name in ("open_usd", "high_usd", "low_usd", "close_usd")]
        known = [price for price in prices if price is not None]
        worst, best = (min(known), max(known))[:: p.side]
        if p.side * (worst - p.stop) <= 0:
            is_beyond = bar["open_usd"] is None and p.side * (best - p.stop) < 0
            self.sell(p, bar["close_usd"] if is_beyond else p.stop, "stop")
        else:
            self.take_profits(p, best, None)

    def decide(self, wanted: dict[str, dict[str, Any]], assets: list[str]) -> None:
        self.orders = {}
        rebalances = (self.day - date(1970, 1, 4)).days % self.rule.rebalance_d == 0
        side = {asset: wanted.get(asset, {}).get("side", 0) for asset in assets}
        for asset in assets:
            if self.spent.get(asset) != side[asset]:
                self.spent.pop(asset, None)
        for p in self.open.values():
            if self.rule.exit == "any_day" or rebalances:
                p.leaving = side[p.asset] != p.side
            if self.equity <= 0:
                p.leaving = True
        if rebalances and self.equity > 0:
            self.plan(self.choose(side, wanted))

    def choose(self, side: dict[str, int], wanted: dict[str, dict[str, Any]]) -> dict[str, Order]:
        rule, chosen = self.rule, {}
        for asset in sorted(side):
            close, wish = self.bar(asset).get("close_usd"), wanted.get(asset, {})
            if side[asset] == 0 or asset in self.spent or not close:
                continue
            risk = reward = None
            if rule.stop_atr is not None or rule.stop_excursion_x is not None:
                if rule.stop_atr is not None:
                    risk = rule.stop_atr * (wish.get("atr_usd") or 0.0)
                else:
                    assert rule.stop_excursion_x is not None
                    risk = rule.stop_excursion_x * (wish.get("adverse_usd") or 0.0)
                by_excursion = rule.take_profit_excursion_x is not None
                reward = wish.get("favourable_usd") if by_excursion else risk
                if not risk or not reward or (side[asset] > 0 and risk >= close):
                    continue
            chosen[asset] = Order(side[asset], 0.0, close, risk, reward, self.equity)
        return chosen

    def weight(self, order: Order, chosen: dict[str, Order], usual: float) -> float:
        rule = self.rule
        if rule.sizing == "risk_at_stop":
            assert order.risk is not None
            assert rule.risk_at_stop_frac is not None
            weight = rule.risk_at_stop_frac / (order.risk / order.close)
        else:
            rivals = sum(other.side == order.side for other in chosen.values())
            sides = len({other.side for other in chosen.values()})
            weight = rule.max_gross_frac / sides / rivals
        weight = min(weight, rule.max_weight_frac)
        if rule.capacity_frac is None:
            return weight
        return min(weight, rule.capacity_frac * usual / (self.equity * rule.capital_usd))

    def plan(self, chosen: dict[str, Order]) -> None:
        rule = self.rule
        for asset, order in chosen.items():
            usual = self.bar(asset).get("volume_median_30d_usd") or 0.0
            order.weight = self.weight(order, chosen, usual)
        orders = {
            asset: order
            for asset, order in chosen.items()
            if asset not in self.open or self.open[asset].leaving or rule.is_resized
        }
        kept = [
            p.units * p.mark / self.equity
            for p in self.open.values()
            if not p.leaving and p.asset not in orders
        ]
        gross = sum(order.weight for order in orders.values())
        net = sum(order.side * order.weight for order in orders.values())
        part = 1.0
        if gross > 0:
            part = min(part, (rule.max_gross_frac - sum(map(abs, kept))) / gross)
        if net > 0:
            part = min(part, (rule.max_net_frac - sum(kept)) / net)
        if net < 0:
            part = min(part, (rule.max_net_frac + sum(kept)) / -net)
        for asset, order in orders.items():
            order.weight *= max(part, 0.0)
            if order.weight > 0:
                self.orders[asset] = order


def loop(bars: pl.DataFrame, decided: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """The ledger of `strategies.simulate`."""
    if bars.is_empty():
        return pl.DataFrame(schema=LEDGER)
    by_day: dict[date, dict[str, dict[str, Any]]] = {}
    for row in bars.to_dicts():
        by_day.setdefault(row["day"], {})[row["asset_id"]] = row
    decisions: dict[date, dict[str, dict[str, Any]]] = {}
    for row in decided.to_dicts():
        decisions.setdefault(row["day"], {})[row["asset_id"]] = row
    assets = sorted(bars["asset_id"].unique())
    trader = Trader(rule)
    day = min(by_day)
    while day <= max(by_day):
        trader.live(day, by_day.get(day, {}), assets)
        trader.decide(decisions.get(day, {}), assets)
        day += timedelta(days=1)
    return (
        pl.DataFrame(trader.lines, schema=LEDGER, orient="row")
        if trader.lines
        else (pl.DataFrame(schema=LEDGER))
    )
