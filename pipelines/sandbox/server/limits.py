"""The sources' own rate limits, when they are enforced."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipelines.sandbox.server.reply import Reply, text


@dataclass(frozen=True)
class Limit:
    """So much weight in a sliding window of seconds."""

    weight: float
    window_s: float


LIMITS: Mapping[str, Limit] = {
    "binance": Limit(6000, 60),
    "coinbase": Limit(15, 1.5),
    "kraken": Limit(2, 2),
    "coinmetrics": Limit(10, 6),
    "defillama_stablecoins": Limit(300, 60),
    "binance_files": Limit(1_000, 10),
    "binance_futures": Limit(500, 300),
    "okx": Limit(20, 2),
    "bybit": Limit(600, 5),
    "bitstamp": Limit(10_000, 600),
    # what is not published is what others were seen to get
    "coingecko": Limit(10, 60),
    "defillama": Limit(300, 60),
    "defillama_coins": Limit(300, 60),
    "defillama_yields": Limit(300, 60),
    "ethereum": Limit(100, 10),
    "blockchain_info": Limit(30, 30),
    "coinmetrics_archive": Limit(300, 60),
    "ecb": Limit(100, 60),
    "gold": Limit(300, 60),
}


@dataclass
class Limiter:
    """Counts requests by source; refuses what is over the limit when told to enforce it.

    Attributes:
        enforce: whether requests over the limit are refused.
        monotonic: the seconds that pass.
    """

    enforce: bool = False
    monotonic: Callable[[], float] = time.monotonic
    _spent: dict[str, deque[tuple[float, float]]] = field(default_factory=dict)

    def spend(self, source: str, weight: float) -> tuple[float, float]:
        """Count a request; return the weight used in the window and the seconds until it eases."""
        now, limit = self.monotonic(), LIMITS[source]
        spent = self._spent.setdefault(source, deque())
        while spent and spent[0][0] <= now - limit.window_s:
            spent.popleft()
        spent.append((now, weight))
        return sum(one for _, one in spent), spent[0][0] + limit.window_s - now

    def refuse(self, source: str, weight: float) -> tuple[Reply | None, dict[str, str]]:
        """Count a request; return its refusal if it is one too many, and headers for any answer."""
        used, wait_s = self.spend(source, weight)
        limit = LIMITS[source]
        headers: dict[str, str] = {}
        if source == "binance":
            headers = {"X-MBX-USED-WEIGHT": f"{used:g}", "X-MBX-USED-WEIGHT-1M": f"{used:g}"}
        if source == "coinmetrics":
            headers = {
                "X-RateLimit-Limit": f"{limit.weight:g}",
                "X-RateLimit-Remaining": f"{max(limit.weight - used, 0):g}",
                "X-RateLimit-Reset": f"{max(wait_s, 0):.0f}",
            }
        if not self.enforce or used <= limit.weight:
            return None, headers
        # what was refused costs nothing
        self._spent[source].pop()
        return _refusal(source, max(1, round(wait_s))), headers


def _refusal(source: str, wait_s: int) -> Reply:
    headers = {"Retry-After": str(wait_s)}
    match source:
        case "okx":
            return Reply({"code": "50011", "msg": "Too Many Requests", "data": []}, 429, headers)
        case "bybit":
            return text("access too frequent", 403)
        case "bitstamp":
            reason = "Request rate limit exceeded"
            body = {"status": "error", "reason": reason, "response_code": "400.002"}
            return Reply(body, 400, headers)
        case "binance" | "binance_futures":
            message = (
                "Too much request weight used; current limit is 6000 request weight per 1 MINUTE."
            )
            return Reply({"code": -1003, "msg": message}, 429, headers)
        case "coinbase":
            return Reply({"message": "Public rate limit exceeded"}, 429, headers)
        case "kraken":
            return Reply({"error": ["EGeneral:Too many requests"]})
        case "coingecko":
            message = (
                "You've exceeded the Rate Limit. Please visit "
                "https://www.coingecko.com/en/api/pricing to subscribe to our API plans."
            )
            status = {"error_code": 429, "error_message": message}
            return Reply({"status": status}, 429, headers)
        case "coinmetrics":
            error = {"type": "too_many_requests", "message": "Too many requests"}
            return Reply({"error": error}, 429, headers)
        case _:
            refused = text("Too many requests", 429)
            return Reply(refused.payload, 429, headers, refused.media_type)
