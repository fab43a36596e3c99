"""The HTTP client against a server on loopback that answers as reported."""

import gzip
import json
import socket
from typing import Any

import pytest

from pipelines.core.payload import NumberText, PayloadError
from pipelines.http.client import (
    Budget,
    HttpClient,
    Pacer,
    RequestFailed,
    RequestRefused,
    SourceUnavailable,
    Usage,
    redact,
)
from tests.unit.conftest import Answer, Wire


def client_of(wire: Wire, **options: Any) -> HttpClient:
    options = {"budget": None, "max_attempts": 4, "max_retry_delay_s": 30.0, **options}
    return HttpClient("testsource", wire.url, **options)


def test_a_plain_answer(wire: Wire) -> None:
    wire.says({"a": [1]})
    client = client_of(wire)
    assert client.get_json("v1/things", {"b": 2, "none": None}) == {"a": [1]}
    ((path, headers),) = wire.seen
    assert path == "/v1/things?b=2"
    assert headers["User-Agent"].startswith("tokenmart/"), "some hosts refuse the library's own"
    assert client.usage == Usage(1, 0, 0, len(b'{"a": [1]}'))


def test_digits_survive(wire: Wire) -> None:
    wire.says(Answer(b'[0.1, 1e-7, 127670074069.01582000000000000001, 7, "0.10"]'))
    values = client_of(wire).get_json("x")
    assert values == ["0.1", "1e-7", "127670074069.01582000000000000001", 7, "0.10"]
    assert [type(value) for value in values] == [NumberText, NumberText, NumberText, int, str]


def test_retry_after_seconds_are_honoured(wire: Wire, naps: list[float]) -> None:
    wire.says(Answer(status=429, headers={"Retry-After": "7"}), {"ok": True})
    client = client_of(wire)
    assert client.get_json("x") == {"ok": True}
    assert naps == [7.0]
    assert client.usage == Usage(2, 1, 1, len(b'{"ok": true}'), 7.0)


def test_a_ban_is_a_throttle_too(wire: Wire, naps: list[float]) -> None:
    wire.says(Answer(status=418, headers={"Retry-After": "3"}), {"ok": True})
    client = client_of(wire)
    client.get_json("x")
    assert (naps, client.usage.throttle_count) == ([3.0], 1)


def test_a_very_long_retry_after_is_capped(wire: Wire, naps: list[float]) -> None:
    wire.says(Answer(status=429, headers={"Retry-After": "86400"}), {"ok": True})
    client_of(wire, max_retry_delay_s=12.0).get_json("x")
    assert naps == [12.0]


def test_a_storm_of_429_ends_as_unavailable(wire: Wire, naps: list[float]) -> None:
    wire.says(Answer(b"slow down", status=429, headers={"Retry-After": "1"}))
    client = client_of(wire)
    with pytest.raises(SourceUnavailable, match=r"^HTTP 429 from .*/x after all att"):
        client.get_json("x")
    assert len(wire.seen) == 4
    assert naps == [1.0, 1.0, 1.0]
    assert client.usage == Usage(4, 3, 4, len(b"slow down"), 3.0)


def test_5xx_then_success_backs_off(wire: Wire, naps: list[float]) -> None:
    wire.says(Answer(status=500), Answer(status=503), Answer(status=502), [1])
    client = client_of(wire)
    assert client.get_json("x") == [1]
    assert naps == sorted(naps), "the pauses must not get shorter"
    assert naps[-1] > naps[0]
    assert client.usage.retry_count == 3
    assert client.usage.throttle_count == 0


def test_5xx_for_ever_is_this_requests_failure(wire: Wire, naps: list[float]) -> None:
    wire.says(Answer(b"oops", status=500))
    with pytest.raises(RequestFailed, match=r"HTTP 500 .* after all attempts: oops"):
        client_of(wire).get_json("x")
    assert len(wire.seen) == 4


@pytest.mark.parametrize("status", [400, 401, 402, 404, 410, 414])
def test_a_refusal_is_not_retried(wire: Wire, status: int) -> None:
    wire.says(Answer(b'{"code":-1121,"msg":"Invalid symbol."}', status=status))
    with pytest.raises(RequestRefused, match=rf'HTTP {status} .*"Invalid symbol."'):
        client_of(wire).get_json("x")
    assert len(wire.seen) == 1


@pytest.mark.parametrize("status", [403, 451])
def test_a_block_is_the_whole_sources_and_is_not_retried(wire: Wire, status: int) -> None:
    wire.says(Answer(b'{"code":0,"msg":"restricted location"}', status=status))
    with pytest.raises(SourceUnavailable, match=rf"HTTP {status} .* blocks this client or place"):
        client_of(wire).get_json("x")
    assert len(wire.seen) == 1


def test_html_with_200_is_not_an_answer(wire: Wire) -> None:
    page = b"<!DOCTYPE html>\n<html><title>Just a moment...</title></html>"
    wire.says(Answer(page, headers={"Content-Type": "text/html; charset=UTF-8"}))
    with pytest.raises(PayloadError, match=r"answered HTML, not JSON: <!DOCTYPE html> <html>"):
        client_of(wire).get_json("x")


def test_html_that_calls_itself_json_is_not_an_answer(wire: Wire) -> None:
    wire.says(Answer(b"<html></html>"))
    with pytest.raises(PayloadError, match=r"answered 13 bytes that are not JSON .*: <html>"):
        client_of(wire).get_json("x")


@pytest.mark.parametrize(
    "body",
    [b'[[1, "2"], [3', b"", b"not found", b"\xff\xfe", b'{"a": 1} trailing', b"[" * 100_000],
    ids=["truncated", "empty", "text", "bytes", "two", "deep"],
)
def test_what_is_not_json_is_said_with_its_size(wire: Wire, body: bytes) -> None:
    wire.says(Answer(body))
    with pytest.raises(PayloadError, match=f"answered {len(body)} bytes that are not JSON"):
        client_of(wire).get_json("x")


def test_a_connection_cut_in_the_body_is_retried(wire: Wire, naps: list[float]) -> None:
    cut = Answer(b'[1, 2, 3', announced_length=5_000)  # fmt: skip
    wire.says(cut, cut, [1, 2, 3])
    client = client_of(wire)
    assert client.get_json("x") == [1, 2, 3]
    assert client.usage.retry_count == 2


def test_json_may_come_as_text_or_compressed(wire: Wire) -> None:
    wire.says(
        Answer(b"[1]", headers={"Content-Type": "text/plain"}),
        Answer(
            gzip.compress(b"[2]"),
            headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
        ),
    )
    client = client_of(wire)
    assert [client.get_json("x"), client.get_json("x")] == [[1], [2]]


def test_connection_refused_is_unavailable(naps: list[float]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    client = HttpClient("testsource", f"http://127.0.0.1:{port}", budget=None, max_attempts=3)
    with pytest.raises(SourceUnavailable, match=rf"no answer from http://127.0.0.1:{port}/x: Conn"):
        client.get_json("x", {"api_key": "s3cret"})
    assert client.usage == Usage(3, 2, 0, 0, sum(naps))


def test_a_proxy_of_the_environment_is_not_asked_for_loopback(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    wire.says([1])
    assert client_of(wire, max_attempts=1).get_json("x") == [1]


def test_a_redirect_is_followed_and_is_no_retry(wire: Wire) -> None:
    wire.says(Answer(b"", status=301, headers={"Location": "/new"}), [1])
    client = client_of(wire)
    assert client.get_json("old") == [1]
    assert (wire.paths, client.usage.request_count, client.usage.retry_count) == (
        ["/old", "/new"],
        2,
        0,
    )


def test_a_key_does_not_follow_a_redirect_to_another_host(wire: Wire) -> None:
    elsewhere = wire.url.replace("127.0.0.1", "localhost") + "/there"
    wire.says(Answer(b"", status=302, headers={"Location": elsewhere}), [1], [2])
    client = client_of(wire, headers={"x-key": "s3cret"})
    assert [client.get_json("here"), client.get_json("again")] == [[1], [2]]
    assert [(path, headers.get("x-key")) for path, headers in wire.seen] == [
        ("/here", "s3cret"),
        ("/there", None),
        ("/again", "s3cret"),
    ]


def test_a_next_page_of_the_same_host_is_followed(wire: Wire) -> None:
    wire.says([1])
    client_of(wire).get_json(f"{wire.url}/v4/x?next_page_token=abc")
    assert wire.paths == ["/v4/x?next_page_token=abc"]


@pytest.mark.parametrize(
    "url", ["https://evil.example/x", "{base}.evil.example/x", "http://[half", "file:///etc/passwd"]
)
def test_a_next_page_elsewhere_is_not_followed(wire: Wire, url: str) -> None:
    with pytest.raises(PayloadError, match="not followed"):
        client_of(wire).get_json(url.format(base=wire.url))
    assert wire.seen == []


def test_busy_inside_200_is_retried_and_then_returned(wire: Wire, naps: list[float]) -> None:
    busy = {"error": ["EService:Busy"]}
    wire.says(busy, busy, {"error": [], "result": {}})
    client = client_of(wire, is_busy=lambda body: bool(body["error"]))
    assert client.get_json("x") == {"error": [], "result": {}}
    assert client.usage.retry_count == 2
    wire.says(busy)
    assert client.get_json("x") == busy, "who asked decides what a busy answer means"


def test_a_broken_body_is_not_busy(wire: Wire) -> None:
    wire.says(Answer(b"{"))
    with pytest.raises(PayloadError):
        client_of(wire, is_busy=lambda body: True).get_json("x")
    assert len(wire.seen) == 1


def test_usage_since(wire: Wire) -> None:
    wire.says([1])
    client = client_of(wire)
    client.get_json("x")
    before = client.usage
    client.get_json("x")
    assert client.usage.since(before) == Usage(1, 0, 0, 3)


class FakeTime:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_waiting_for_the_budget_counts(wire: Wire) -> None:
    wire.says([1])
    client = client_of(wire, budget=Budget(requests_per_second=50.0))
    for _ in range(3):
        client.get_json("x")
    # the third waits for the rest of 1/50 s, of which a slow machine may have spent a part
    assert 0 < client.usage.throttled_s < 0.05


def test_the_pace_is_kept() -> None:
    time = FakeTime()
    pacer = Pacer(Budget(requests_per_second=2.0), time.monotonic, time.sleep)
    leaving, waits = [], []
    for _ in range(5):
        waits.append(pacer.wait())
        leaving.append(time.now - 100.0)
    assert waits == [0.0, *time.slept], "what was slept is what is reported"
    assert leaving == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0])


def test_a_burst_is_allowed_after_a_pause_and_not_saved_up() -> None:
    time = FakeTime()
    pacer = Pacer(Budget(requests_per_second=1.0, burst=3), time.monotonic, time.sleep)
    for _ in range(3):
        pacer.wait()
    assert time.slept == []
    pacer.wait()
    assert time.slept == [1.0]
    time.now += 1000.0
    for _ in range(4):
        pacer.wait()
    assert time.slept == [1.0, 1.0], "a long pause is worth the burst, not more"


def test_retries_are_inside_the_budget(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[None] = []
    monkeypatch.setattr(Pacer, "wait", lambda self: waits.append(None) or 0.0)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    wire.says(Answer(status=503), Answer(status=503), [1])
    client_of(wire, budget=Budget(100.0)).get_json("x")
    assert len(waits) == len(wire.seen) == 3


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h/x?api_key=abc&symbol=BTC", "https://h/x?api_key=***&symbol=BTC"),
        ("https://h/x?apikey=abc&X-Token=d&b=", "https://h/x?apikey=***&X-Token=***&b="),
        ("https://h/x?signature=1&PASSWORD=2", "https://h/x?signature=***&PASSWORD=***"),
        ("https://user:pw@h:8080/x", "https://h:8080/x"),
        ("https://h/x?assets=btc,eth&t=2020-01-01", "https://h/x?assets=btc,eth&t=2020-01-01"),
        ("http://[half", "(not a URL)"),
    ],
)
def test_secrets_are_redacted(url: str, shown: str) -> None:
    assert redact(url) == shown


def test_no_error_shows_a_secret(wire: Wire, naps: list[float]) -> None:
    secret = "s3cret"
    base = wire.url.replace("http://", f"http://user:{secret}@")
    client = HttpClient("testsource", base, budget=None, max_attempts=1)
    answers = [Answer(status=s) for s in (400, 403, 429, 500)] + [Answer(b"{")]
    for answer in answers:
        wire.says(answer)
        with pytest.raises((RequestRefused, SourceUnavailable, RequestFailed, PayloadError)) as e:
            client.get_json("x", {"api_key": secret})
        assert secret not in str(e.value), str(e.value)


KEY = "CG-planted0123456789abcdef"


@pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 500])
@pytest.mark.parametrize("place", ["header", "password", "path"])
def test_a_host_that_repeats_the_key_is_not_quoted_with_it(
    wire: Wire, naps: list[float], caplog: pytest.LogCaptureFixture, status: int, place: str
) -> None:
    caplog.set_level("DEBUG", "tokenmart")
    base = wire.url.replace("//", f"//user:{KEY}@") if place == "password" else wire.url
    client = HttpClient(
        "testsource",
        f"{base}/v3/{KEY}" if place == "path" else base,
        budget=None,
        max_attempts=1,
        headers={"x-key": KEY} if place == "header" else None,
    )
    wire.says(Answer(f"no such key: {KEY * 20}".encode(), status=status))
    with pytest.raises((RequestRefused, SourceUnavailable, RequestFailed, PayloadError)) as raised:
        client.get_json("x")
    assert "no such key: ***" in str(raised.value)
    assert KEY not in f"{raised.value} {getattr(raised.value, 'body', '')} {caplog.text}"

    wire.says({"error": f"no such key: {KEY}"})
    assert client.get_json("x") == {"error": "no such key: ***"}, "what a parser may quote"


def test_numbers_keep_being_json(wire: Wire) -> None:
    wire.says(Answer(b'[{"price": 0.10}]'))
    assert json.dumps(client_of(wire).get_json("x")) == '[{"price": "0.10"}]'
