"""What every request goes through: who asks, how often, how much at once, and what is logged.

One plain ASGI middleware, so that streams pass through as they are.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter as Tally
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request

from pipelines.core.windows import Clock, SystemClock, start_of
from pipelines.publishing.manifest import Manifest
from pipelines.serving.keys import Key, KeyRing
from pipelines.serving.problems import Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from pipelines.core.settings import Serving

# the instant at which a counter began is of no use, and a series more
disable_created_metrics()  # type: ignore[no-untyped-call]
log = logging.getLogger("tokenmart.access")
# answered to everybody: whether the process lives says nothing about the data
_OPEN = frozenset({"/healthz"})
_SECURE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Meters:
    """What Prometheus is told."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("route", "status")
        self.seconds = Histogram(
            "tokenmart_http_request_seconds",
            "Seconds until the last byte",
            ("route",),
            registry=self.registry,
        )
        self.requests = Counter(
            "tokenmart_http_requests", "Requests", labels, registry=self.registry
        )
        self.bytes = Counter(
            "tokenmart_http_response_bytes", "Bytes sent", ("route",), registry=self.registry
        )
        self.age = Gauge(
            "tokenmart_publication_age_seconds",
            "Seconds since the current publication was made",
            registry=self.registry,
        )
        self.data_age = Gauge(
            "tokenmart_newest_day_age_seconds",
            "Seconds since the end of the newest day",
            registry=self.registry,
        )

    def tell(self, manifest: Manifest, now: datetime) -> None:
        """Say how old a publication is at an instant."""
        self.age.set((now - manifest.published_at).total_seconds())
        if manifest.newest_day is not None:
            end = start_of(manifest.newest_day + timedelta(days=1))
            self.data_age.set((now - end).total_seconds())


class Guard:
    """The middleware.

    Args:
        app: what it stands before.
        serving: the settings of the service.
        keys: the keys that are known.
        clock: for their expiry.
        meters: what is counted.
    """

    def __init__(
        self, app: ASGIApp, serving: Serving, keys: KeyRing, clock: Clock, meters: Meters
    ) -> None:
        self._app, self._serving, self._keys = app, serving, keys
        self._clock, self._meters = clock, meters
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._rate = RateLimitItemPerMinute(serving.requests_per_minute)
        self._running: Tally[str] = Tally()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer with the problem that it has."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, sent, status = time.perf_counter(), 0, 500
        request_id = secrets.token_hex(8)
        more: dict[str, str] = {**_SECURE, "X-Request-Id": request_id}
        who, holder = "", ""

        async def passed(message: Message) -> None:
            nonlocal sent, status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in more.items():
                    headers.setdefault(name, value)
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        try:
            key = self._identified(scope)
            holder = key.key_id if key else str((scope.get("client") or ("",))[0])
            scope.setdefault("state", {})["key"] = key
            more |= self._counted(holder)
            self._begin(holder)
            who = holder
            await self._app(scope, _bounded(scope, receive, self._serving.max_body_bytes), passed)
        except Problem as problem:
            await problem.response()(scope, receive, passed)
        finally:
            if who:
                self._running[who] -= 1
            self._account(scope, request_id, holder, status, sent, time.perf_counter() - began)

    def _identified(self, scope: Scope) -> Key | None:
        """Return the key of a request.

        Raises:
            Problem: one is needed, or the one that was sent does not hold.
        """
        text = _key_text(Headers(scope=scope))
        if text is None:
            if self._serving.require_keys and scope["path"] not in _OPEN:
                raise Problem(
                    "key-needed",
                    401,
                    "send a key as `Authorization: Bearer …`; `tokenmart keys make` makes one",
                    headers={"WWW-Authenticate": "Bearer"},
                )
            return None
        key = self._keys.find(text, self._clock.now())
        if key is None and self._serving.require_keys:
            raise Problem(
                "key-refused",
                401,
                "this key is unknown, expired or withdrawn: ask for another one",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
        return key

    def _counted(self, holder: str) -> dict[str, str]:
        """Count a request and return the headers that say what is left.

        Raises:
            Problem: there were too many within a minute.
        """
        is_allowed = self._limiter.hit(self._rate, holder)
        resets_at, remaining = self._limiter.get_window_stats(self._rate, holder)
        # the limiter reads the wall itself, in seconds since 1970
        reset_s = max(1, round(resets_at - SystemClock().now().timestamp()))
        headers = {
            "RateLimit-Policy": f'"default";q={self._rate.amount};w=60',
            "RateLimit": f'"default";r={remaining};t={reset_s}',
        }
        if not is_allowed:
            raise Problem(
                "too-many-requests",
                429,
                f"more than {self._rate.amount} requests within a minute: come again in "
                f"{reset_s} s",
                headers={**headers, "Retry-After": str(reset_s)},
            )
        return headers

    def _begin(self, holder: str) -> None:
        most = self._serving.max_concurrent_requests
        if self._running[holder] >= most:
            raise Problem(
                "too-much-at-once",
                429,
                f"{most} requests of this client are being answered: wait for one of them",
                headers={"Retry-After": "1"},
            )
        self._running[holder] += 1

    def _account(
        self, scope: Scope, request_id: str, holder: str, status: int, sent: int, seconds: float
    ) -> None:
        # the pattern and not the address: an address per asset would be a series per asset
        route = getattr(scope.get("route"), "path", "none")
        self._meters.seconds.labels(route).observe(seconds)
        self._meters.requests.labels(route, str(status)).inc()
        self._meters.bytes.labels(route).inc(sent)
        log.info(
            "%s %s %d",
            scope["method"],
            scope["path"],
            status,
            extra={
                "request_id": request_id,
                "holder": holder,
                "route": route,
                "status": status,
                "bytes": sent,
                "seconds": round(seconds, 6),
            },
        )


def key_of(request: Request) -> Key | None:
    """Return the key that a request came with."""
    key: Key | None = getattr(request.state, "key", None)
    return key


def _key_text(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    # as Token Metrics' clients send it, and as many others do
    return headers.get("api_key") or headers.get("x-api-key")


def _bounded(scope: Scope, receive: Receive, most: int) -> Receive:
    """Return `receive` that refuses bodies over a size, said or not."""
    said = Headers(scope=scope).get("content-length", "0")
    too_large = Problem("body-too-large", 413, f"a request's body has at most {most:,} bytes")
    if said.isdigit() and int(said) > most:
        raise too_large
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise too_large
        return message

    return bounded
