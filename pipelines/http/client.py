"""One HTTP client for all sources: a budget per source, retries, Retry-After, timeouts, bounds.

Built on dlt's requests client, which retries and honours Retry-After; added are the pacing and the
counting of every request that leaves (retries too), and one order of questions to an answer:
status, content type, JSON, and only then what the source itself says inside the body.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from http import HTTPStatus
from operator import add, sub
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests

from pipelines.core.bounds import Bounds
from pipelines.core.payload import NumberText, PayloadError
from pipelines.http.bounded import BoundedAdapter, OutOfBounds

LOG = logging.getLogger("tokenmart.http")
RETRIED = (408, 418, 425, 429, *range(500, 600))
THROTTLED = (418, 429)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
USER_AGENT = "tokenmart/0.1 (market-data warehouse)"
# of an answer in an error: letters that people see, and what a parser of errors may look at
_QUOTED, _READ_BYTES = 200, 2**16
# nodes of chains are reached by addresses such as https://host/v3/<key>
_KEY_IN_PATH = re.compile(r"[A-Za-z0-9_-]{20,}")
_SECRET_WORDS = ("key", "token", "secret", "password", "signature")


class SourceError(Exception):
    """A source did not give what was asked for.

    Attributes:
        status: the answer's HTTP status; None without an answer.
        body: what the answer said, for sources whose errors say how to ask better.
    """

    def __init__(self, message: str, *, status: int | None = None, body: str = "") -> None:
        """Say what went wrong, and what the source answered."""
        super().__init__(message)
        self.status = status
        self.body = body


class SourceUnavailable(SourceError):
    """The source as a whole cannot be used now: unreachable, blocking us, or out of patience."""


class OverBudget(SourceUnavailable):
    """The run has sent all that it may: more was asked for than was planned, or is allowed."""


class RequestRefused(SourceError):
    """The source understood one request and refused it; the next may go well."""


class RequestFailed(SourceError):
    """The source failed at one request, after all attempts; the next may go well."""


@dataclass(frozen=True)
class Budget:
    """How fast a source may be asked.

    Attributes:
        requests_per_second: the sustained rate.
        burst: requests that may leave at once after a pause.
    """

    requests_per_second: float
    burst: int = 1


@dataclass(frozen=True)
class Usage:
    """What was sent so far.

    Attributes:
        request_count: requests, retries included.
        retry_count: requests that were sent again.
        throttle_count: answers that asked us to slow down.
        byte_count: bytes of the answers.
        throttled_s: seconds of waiting: for the budget, and before a request was sent again.
    """

    request_count: int = 0
    retry_count: int = 0
    throttle_count: int = 0
    byte_count: int = 0
    throttled_s: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*map(add, astuple(self), astuple(other)))

    def since(self, earlier: Usage) -> Usage:
        """Return what was sent after `earlier`."""
        return Usage(*map(sub, astuple(self), astuple(earlier)))


class Allowance:
    """How many requests a run may send, to all hosts of its source together.

    Attributes:
        ceiling: that many; None: nobody has planned the run.
        reason: where the number comes from, for people.
        sent: requests that have left.
    """

    def __init__(self) -> None:
        """Begin without a ceiling."""
        self.ceiling: int | None = None
        self.reason = ""
        self.sent = 0
        self._lock = threading.Lock()

    def take(self) -> None:
        """Count one request.

        Raises:
            OverBudget: there is none left.
        """
        with self._lock:
            if self.ceiling is not None and self.sent >= self.ceiling:
                raise OverBudget(
                    f"{self.sent} requests are sent, and no more are allowed: {self.reason}"
                )
            self.sent += 1


class Pacer:
    """A token bucket: `wait` comes back when the next request may leave."""

    def __init__(
        self,
        budget: Budget,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._budget = budget
        self._monotonic = monotonic
        self._sleep = sleep
        self._tokens = float(budget.burst)
        self._filled_at = monotonic()
        self._lock = threading.Lock()

    def wait(self) -> float:
        """Take one token, sleeping until there is one; return for how many seconds."""
        with self._lock:
            self._fill()
            pause = max(0.0, 1 - self._tokens) / self._budget.requests_per_second
            if pause:
                self._sleep(pause)
                self._fill()
            self._tokens -= 1
            return pause

    def _fill(self) -> None:
        now = self._monotonic()
        gained = (now - self._filled_at) * self._budget.requests_per_second
        self._tokens = min(float(self._budget.burst), self._tokens + gained)
        self._filled_at = now


class _PacedAdapter(BoundedAdapter):
    """Counts and paces what really leaves, so that retries and redirects are inside the budget."""

    def __init__(
        self,
        pacer: Pacer | None,
        allowance: Allowance,
        hosts: Collection[str | None],
        private: Collection[str],
        bounds: Bounds,
    ) -> None:
        """Take the pace, the allowance, the source's hosts, and what headers only they may see."""
        super().__init__(bounds, pool_maxsize=4)
        self._allowance = allowance
        self._hosts = hosts
        self._private = private
        self.usage = Usage()
        self.redirect_count = 0
        self._pacer = pacer

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        if urlsplit(request.url).hostname not in self._hosts:
            for name in self._private:  # a redirect has led elsewhere: the key stays here
                request.headers.pop(name, None)
        self._allowance.take()
        waited_s = self._pacer.wait() if self._pacer is not None else 0.0
        self.usage += Usage(request_count=1, throttled_s=waited_s)
        response = super().send(request, *args, **kwargs)
        self.usage += Usage(throttle_count=response.status_code in THROTTLED)
        self.redirect_count += response.is_redirect
        return response

    def pausing(self, sleep: Callable[[float], None]) -> Callable[[float], None]:
        """Return a `sleep` between two attempts that counts as waiting."""

        def pause(seconds: float) -> None:
            self.usage += Usage(throttled_s=seconds)
            sleep(seconds)

        return pause


class HttpClient:
    """Asks one source.

    Args:
        source: the source's name, for the log; errors leave it to who reports them.
        base_url: scheme, host and prefix of every path.
        budget: the pace; None for a server of our own.
        timeout_s: seconds to wait for a connection and for each read.
        max_attempts: how often one request is sent at the most.
        max_retry_delay_s: the longest pause between two attempts; caps Retry-After.
        is_busy: True for an answer 200 whose body says "ask again later".
        mirrors: hosts to go on with, one after the other, when one cannot be used.
        headers: sent with every request, such as a key; never logged.
        allowance: how many requests may leave; shared by the clients of one source.
        bounds: how much an answer may be.
    """

    def __init__(
        self,
        source: str,
        base_url: str,
        *,
        budget: Budget | None,
        timeout_s: float = 30.0,
        max_attempts: int = 5,
        max_retry_delay_s: float = 120.0,
        is_busy: Callable[[Any], bool] | None = None,
        mirrors: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        allowance: Allowance | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        self.source = source
        self.bounds = bounds or Bounds()
        self.base_url = base_url.rstrip("/")
        self._mirrors = [mirror.rstrip("/") for mirror in mirrors]
        self._is_busy = is_busy
        self._secrets = _secrets_of(base_url, headers or {})
        self.allowance = allowance or Allowance()
        self._adapter = _PacedAdapter(
            Pacer(budget) if budget else None,
            self.allowance,
            hosts={urlsplit(url).hostname for url in (base_url, *mirrors)},
            private=tuple(headers or ()),
            bounds=self.bounds,
        )
        self._answered = Usage()
        # a second to import: too long for who only wants to know what a source lands
        from dlt.sources.helpers.requests import Client

        client = Client(
            request_timeout=timeout_s,
            raise_for_status=False,
            status_codes=RETRIED,
            request_max_attempts=max_attempts,
            request_max_retry_delay=max_retry_delay_s,
            retry_condition=self._busy_answer if is_busy else None,
        )
        # kept, because dlt's client makes a new one, unpaced, for each thread that asks
        self._session = client.session
        retrying = self._session.send.retry
        retrying.sleep = self._adapter.pausing(retrying.sleep)
        self._session.mount("http://", self._adapter)
        self._session.mount("https://", self._adapter)
        self._session.headers.update({"User-Agent": USER_AGENT, **(headers or {})})
        # a proxy of the environment cannot reach a server of this machine
        self._session.trust_env = urlsplit(base_url).hostname not in LOOPBACK

    @property
    def usage(self) -> Usage:
        """What was sent so far, retries included."""
        sent = self._adapter.usage
        return replace(
            sent,
            retry_count=sent.request_count
            - self._answered.request_count
            - self._adapter.redirect_count,
            byte_count=self._answered.byte_count,
        )

    def get_json(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON body of a GET.

        Numbers with a fraction come as `NumberText`, so that no digit is lost on the way to
        DECIMAL.

        Args:
            path: path below the base URL, or a full URL below it (a next page's).
            params: the query; None values are left out.

        Raises:
            SourceUnavailable: no answer, still 429 after all attempts, a block (403, 451).
            RequestFailed: still 5xx after all attempts, or an answer beyond its bounds.
            RequestRefused: another 4xx.
            PayloadError: the body is not JSON, or the URL is of another host.
        """
        return self._decode(self._ask("GET", path, accept="application/json", params=params))

    def get_text(self, path: str, params: Mapping[str, Any] | None = None) -> str:
        """Return the text body of a GET: CSV.

        Raises:
            SourceUnavailable, RequestFailed, RequestRefused: as `get_json`.
            PayloadError: the body is HTML, not UTF-8 or of endless lines, or the URL is of another
                host.
        """
        response = self._ask("GET", path, accept="text/csv, text/plain", params=params)
        where = self._shown(response.url)
        if _is_html(response):
            raise PayloadError(f"{where} answered HTML, not text: {self._quoted(response)}")
        if problem := self.bounds.of_lines(response.content):
            raise PayloadError(f"{where} answered {problem}")
        try:
            return response.content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise PayloadError(f"{where} answered no text: {error}") from error

    def get_file(self, path: str) -> bytes | None:
        """Return a file's bytes, or None where there is no such file (404).

        Raises:
            SourceUnavailable, RequestFailed, RequestRefused: as `get_json`.
            PayloadError: the body is HTML, or the URL is of another host.
        """
        try:
            response = self._ask("GET", path, accept="*/*")
        except RequestRefused as problem:
            if problem.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        if _is_html(response):
            raise PayloadError(
                f"{self._shown(response.url)} answered HTML, not a file: {self._quoted(response)}"
            )
        return bytes(response.content)

    def post_json(self, path: str, body: object) -> Any:
        """Return the JSON body of a POST of a JSON body, numbers as in `get_json`.

        Raises:
            SourceUnavailable, RequestFailed, RequestRefused, PayloadError: as `get_json`.
        """
        return self._decode(self._ask("POST", path, accept="application/json", json=body))

    def change_host(self) -> bool:
        """Go on with the next mirror; False: there is none left."""
        if not self._mirrors:
            return False
        self.base_url = self._mirrors.pop(0)
        return True

    def _ask(
        self,
        method: str,
        path: str,
        *,
        accept: str,
        params: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> requests.Response:
        """Return an answer 2xx; go on with a mirror where the host cannot be used."""
        query = {name: value for name, value in (params or {}).items() if value is not None}
        while True:
            try:
                return self._ask_host(
                    method, self._url(path), headers={"Accept": accept}, params=query, **options
                )
            except OverBudget:
                raise
            except (SourceUnavailable, RequestFailed):
                if "://" in path or not self.change_host():
                    raise

    def _ask_host(self, method: str, url: str, **options: Any) -> requests.Response:
        try:
            response: requests.Response = self._session.request(method, url, **options)
        except requests.RequestException as error:
            self._count(0)
            LOG.warning(
                "no answer from %s: %s",
                self._shown(url),
                error.__class__.__name__,
                extra={"source": self.source},
            )
            raise SourceUnavailable(
                f"no answer from {self._shown(url)}: {type(error).__name__}"
            ) from error
        except OutOfBounds as error:
            self._count(0)
            raise RequestFailed(f"the answer of {self._shown(url)} {error}: not taken") from error
        self._count(len(response.content))
        self._hide_secrets(response)
        if response.ok:
            return response
        status, where = response.status_code, self._shown(response.url or url)
        problem: type[SourceError] = RequestRefused
        remark = ""
        if status in RETRIED:
            problem = RequestFailed if status >= 500 else SourceUnavailable
            remark = " after all attempts"
        elif status in (403, 451):
            problem = SourceUnavailable
            remark = ": the host blocks this client or place"
        # that there is no such thing is an answer, and often one that was expected
        level = logging.INFO if problem is RequestRefused else logging.WARNING
        LOG.log(level, "HTTP %d from %s%s", status, where, remark, extra={"source": self.source})
        raise problem(
            f"HTTP {status} from {where}{remark}: {self._quoted(response)}",
            status=status,
            body=self._said(response),
        )

    def _url(self, path: str) -> str:
        if "://" not in path:
            return f"{self.base_url}/{path.lstrip('/')}"
        if not path.startswith(f"{self.base_url}/"):
            raise PayloadError(
                f"{self._shown(path)} is not below {self._shown(self.base_url)}: not followed"
            )
        return path

    def _decode(self, response: requests.Response) -> Any:
        where = self._shown(response.url)
        if _is_html(response):
            raise PayloadError(f"{where} answered HTML, not JSON: {self._quoted(response)}")
        if problem := self.bounds.of_json(response.content):
            raise PayloadError(f"{where} answered {problem}: {self._quoted(response)}")
        try:
            return json.loads(response.content, parse_float=NumberText)
        except (ValueError, RecursionError) as error:
            raise PayloadError(
                f"{where} answered {len(response.content)} bytes that are not JSON "
                f"({error}): {self._quoted(response)}"
            ) from error

    def _busy_answer(
        self, response: requests.Response | None, _error: BaseException | None
    ) -> bool:
        if response is None or not response.ok or self._is_busy is None:
            return False
        if self.bounds.of_json(response.content):
            return False  # get_json refuses it
        try:
            return self._is_busy(json.loads(response.content))
        except (ValueError, RecursionError):
            return False  # get_json says so with all that is known

    def _quoted(self, response: requests.Response) -> str:
        return " ".join(self._said(response)[:_QUOTED].split())

    def _said(self, response: requests.Response) -> str:
        # the library would look at all of it to guess in what letters it is
        return response.content[:_READ_BYTES].decode("utf-8", "replace")

    def _shown(self, url: str) -> str:
        shown = redact(url)
        for secret in self._secrets:
            shown = shown.replace(secret, "***")
        return shown

    def _hide_secrets(self, response: requests.Response) -> None:
        """Take out of an answer what it repeats of the question, before anybody can quote it."""
        for secret in map(str.encode, self._secrets):
            if secret in response.content:
                response._content = response.content.replace(secret, b"***")  # noqa: SLF001

    def _count(self, size: int) -> None:
        self._answered += Usage(request_count=1, byte_count=size)


def redact(url: str) -> str:
    """Return the URL without user and password, secret-looking parameters' values replaced."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not a URL)"
    query = [
        (name, "***" if any(word in name.lower() for word in _SECRET_WORDS) else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=host, query=urlencode(query, safe="*,:/")))


def _is_html(response: requests.Response) -> bool:
    return "html" in response.headers.get("Content-Type", "").lower()


def _secrets_of(url: str, headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return what of an address and of headers nobody may see: some hosts repeat it in errors."""
    parts = urlsplit(url)
    keys = [part for part in parts.path.split("/") if _KEY_IN_PATH.fullmatch(part)]
    return tuple(secret for secret in (*headers.values(), parts.password, *keys) if secret)
