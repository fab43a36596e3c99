"""What the client of all sources does with text, posts, mirrors and keys."""

from dataclasses import replace

import pytest

from pipelines import sources
from pipelines.core.payload import PayloadError
from pipelines.core.settings import get_settings
from pipelines.extraction.source import client_for
from pipelines.http.client import HttpClient, RequestFailed, RequestRefused, SourceUnavailable
from tests.sources.local_api import Answer, Asked, local_api


def client(url: str, **options: object) -> HttpClient:
    return HttpClient("test", url, budget=None, max_attempts=1, **options)  # type: ignore[arg-type]


def test_text_is_text_and_a_page_for_people_is_not() -> None:
    bodies = {
        "/csv": Answer("\ufefftime,a\n2024-01-01,1\n", content_type="text/plain"),
        "/page": Answer("<html>blocked</html>", content_type="text/html; charset=utf-8"),
    }
    with local_api(lambda asked: bodies[asked.path]) as api:
        assert client(api.url).get_text("csv").startswith("time,a"), "the BOM is no content"
        with pytest.raises(PayloadError, match="answered HTML"):
            client(api.url).get_text("page")


def test_post_sends_and_reads_json_and_an_error_carries_its_body() -> None:
    def reply(asked: Asked) -> object:
        if asked.body == {"method": "good"}:
            return {"result": 1.5}
        return Answer({"error": {"message": "range is too large"}}, status=413)

    with local_api(reply) as api:
        answer = client(api.url).post_json("", {"method": "good"})
        assert answer == {"result": "1.5"}, "a number with a fraction keeps its digits as text"
        with pytest.raises(RequestRefused) as refused:
            client(api.url).post_json("", {"method": "bad"})
    assert refused.value.status == 413
    assert "range is too large" in refused.value.body


@pytest.mark.parametrize("status", [403, 451, 429, 502])
def test_a_host_that_cannot_be_used_is_left_for_its_mirror(status: int) -> None:
    with (
        local_api(lambda _: Answer("no", status=status)) as blocked,
        local_api(lambda _: {"ok": True}) as mirror,
    ):
        asking = client(blocked.url, mirrors=[mirror.url])
        assert asking.get_json("a") == {"ok": True}
        assert asking.get_json("b") == {"ok": True}
    assert len(blocked.asked) == 1, "a host that was left is not asked again"
    assert [asked.path for asked in mirror.asked] == ["/a", "/b"]
    assert asking.usage.request_count == 3, "what the blocked host was asked counts"


def test_a_refused_request_is_refused_by_a_mirror_too() -> None:
    with (
        local_api(lambda _: Answer("no such thing", status=404)) as first,
        local_api(lambda _: {}) as mirror,
    ):
        with pytest.raises(RequestRefused):
            client(first.url, mirrors=[mirror.url]).get_json("a")
        assert not mirror.asked


def test_without_a_mirror_left_the_source_is_unavailable() -> None:
    with local_api(lambda _: Answer("no", status=451)) as api:
        asking = client(api.url, mirrors=[api.url])
        with pytest.raises(SourceUnavailable, match="451"):
            asking.get_json("a")
        assert not asking.change_host()
    with local_api(lambda _: Answer("no", status=500)) as api, pytest.raises(RequestFailed):
        client(api.url).get_json("a")


def test_an_optional_key_is_sent_in_the_sources_header_and_never_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with local_api(lambda _: {}) as api:
        monkeypatch.setenv("TOKENMART_SOURCES__KRAKEN__BASE_URL", api.url)
        monkeypatch.setenv("TOKENMART_SOURCES__KRAKEN__API_KEY", "s3cret")
        settings = get_settings()
        source = replace(sources.source("kraken"), key_header="x-key", mirrors=("http://m",))
        asking = client_for(source, settings)
        asking.get_json("a")
        assert not asking.change_host(), "the user's own host has no mirrors"
    assert api.asked[0].headers["x-key"] == "s3cret"
    assert "s3cret" not in repr(settings)
