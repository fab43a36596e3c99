"""The sources' own rate limits, when they are enforced."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from pipelines.sandbox.server.reply import Reply
from pipelines.sandbox.server.wire import MOUNTS


@dataclass
class Limiter:
    """Counts requests by source; refuses what is over the limit when asked to enforce it.

    Attributes:
        enforce: whether requests over the limit are refused.
        monotonic: the seconds that pass.
    """

    enforce: bool = False
    monotonic: Callable[[], float] = time.monotonic
    _spent: dict[str, deque[tuple[float, float]]] = field(default_factory=dict)

    def spend(self, source: str, weight: float) -> tuple[float, float]:
        """Count a request; return the weight used in the window and the seconds until it eases."""
        now, limit = self.monotonic(), MOUNTS[source].limit
        spent = self._spent.setdefault(source, deque())
        while spent and spent[0][0] <= now - limit.window_s:
            spent.popleft()
        spent.append((now, weight))
        return sum(one for _, one in spent), spent[0][0] + limit.window_s - now

    def refuse(self, source: str, weight: float) -> tuple[Reply | None, Mapping[str, str]]:
        """Count a request; return its refusal if it is one too many, and headers for any answer."""
        mount = MOUNTS[source]
        used, wait_s = self.spend(source, weight)
        headers = mount.meter(mount.limit, used, wait_s)
        if not self.enforce or used <= mount.limit.weight:
            return None, headers
        # what was refused costs nothing
        self._spent[source].pop()
        retry = {"Retry-After": str(max(1, round(wait_s)))}
        return replace(mount.throttled(""), headers=retry), headers
