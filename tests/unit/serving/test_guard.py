"""Who may ask, how often, and what is said of it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from pipelines.core.settings import Serving, Settings
from pipelines.serving.keys import KeyRing

NOW = datetime(2024, 3, 2, 6, tzinfo=UTC)


@pytest.fixture
def ring(settings: Settings) -> KeyRing:
    return KeyRing(settings.keys_path)


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key", "api_key"])
def test_a_key_opens_and_nothing_else_does(
    publish: Callable[..., Any],
    client_of: Callable[..., TestClient],
    ring: KeyRing,
    header: str,
) -> None:
    publish()
    client = client_of(require_keys=True)
    key = ring.make("a bot", ("read",), NOW)

    def status(text: str) -> int:
        value = f"Bearer {text}" if header == "Authorization" else text
        return int(client.get("/v1/catalog", headers={header: value}).status_code)

    assert client.get("/v1/catalog").status_code == 401
    assert client.get("/healthz").status_code == 200
    assert status(key) == 200
    assert status(key[:-1] + ("A" if key[-1] != "A" else "B")) == 401
    assert status("tmk_unknown_secret") == 401
    ring.withdraw(ring.all()[0].key_id, NOW)
    assert status(key) == 401, "a withdrawn key is refused by a service that runs"


def test_a_key_ends_on_its_day(
    publish: Callable[..., Any], client_of: Callable[..., TestClient], ring: KeyRing
) -> None:
    publish()
    client = client_of(require_keys=True)
    for days, status in {-1: 401, 1: 200}.items():
        key = ring.make("a guest", ("read",), NOW, NOW + timedelta(days=days))
        headers = {"Authorization": f"Bearer {key}"}
        assert client.get("/v1/catalog", headers=headers).status_code == status


def test_of_a_key_only_its_hash_is_kept(ring: KeyRing, settings: Settings) -> None:
    key = ring.make("a bot", ("read",), NOW)
    secret = key.rpartition("_")[2]
    kept = settings.keys_path.read_text()
    assert secret not in kept
    assert settings.keys_path.stat().st_mode & 0o077 == 0, "others may read the file"


def test_too_many_requests_are_told_when_to_come_again(
    publish: Callable[..., Any], client_of: Callable[..., TestClient]
) -> None:
    publish()
    client = client_of(requests_per_minute=3)
    answers = [client.get("/healthz") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit"].startswith('"default";r=2;')
    assert 0 < int(answers[3].headers["retry-after"]) <= 60
    assert answers[3].json()["type"] == "/v1/problems/too-many-requests"


def test_a_large_body_is_refused(
    publish: Callable[..., Any], client_of: Callable[..., TestClient]
) -> None:
    publish()
    client = client_of(max_body_bytes=10)
    assert client.post("/v1/catalog", content=b"x" * 11).status_code == 413


def test_every_answer_is_logged_without_its_key(
    publish: Callable[..., Any],
    client_of: Callable[..., TestClient],
    ring: KeyRing,
    caplog: pytest.LogCaptureFixture,
) -> None:
    publish()
    key = ring.make("a bot", ("read",), NOW)
    client = client_of()
    with caplog.at_level("INFO", logger="tokenmart.access"):
        headers = {"Authorization": f"Bearer {key}"}
        answer = client.get("/v1/prices/BTC?columns=day", headers=headers)
    record = next(r for r in caplog.records if r.name == "tokenmart.access")
    assert vars(record)["route"] == "/v1/prices/{asset}"
    assert vars(record)["request_id"] == answer.headers["x-request-id"]
    assert key not in json.dumps(vars(record), default=str)


def test_prometheus_hears_of_requests_and_of_the_age_of_the_data(client: TestClient) -> None:
    client.get("/v1/prices/BTC")
    said = client.get("/metrics").text
    assert 'tokenmart_http_requests_total{route="/v1/prices/{asset}",status="200"} 1.0' in said
    assert "tokenmart_publication_age_seconds 3600.0" in said


def test_beyond_this_machine_keys_are_needed() -> None:
    with pytest.raises(ValueError, match="REQUIRE_KEYS"):
        Serving(host="192.0.2.1")
    assert Serving(host="192.0.2.1", require_keys=True).require_keys


def test_pages_of_other_origins_may_ask_only_where_it_is_set(
    publish: Callable[..., Any], client_of: Callable[..., TestClient]
) -> None:
    publish()
    headers = {"Origin": "https://example.org"}
    closed = client_of().get("/v1/catalog", headers=headers)
    assert "access-control-allow-origin" not in closed.headers
    opened = client_of(cors_origins=["https://example.org"]).get("/v1/catalog", headers=headers)
    assert opened.headers["access-control-allow-origin"] == "https://example.org"
