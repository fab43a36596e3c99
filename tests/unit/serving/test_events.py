"""Bots miss nothing and see nothing twice: polled, streamed and posted."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from pipelines.core.settings import Serving, Settings
from pipelines.core.windows import FixedClock
from pipelines.monitoring.channels import NotDelivered, signature
from pipelines.serving import webhooks
from pipelines.serving.events import _events
from pipelines.serving.shelf import Shelf

SECRET = "whsec_" + "c2VjcmV0" * 4
CLOCK = FixedClock(datetime(2024, 3, 2, tzinfo=UTC))


class Receiver:
    """A server that takes messages, or refuses some of them."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.refuses = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if outer.refuses:
                    outer.refuses -= 1
                    self.send_response(503)
                else:
                    outer.taken.append((dict(self.headers.items()), body))
                    self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def seqs(self) -> list[int]:
        return [json.loads(body)["data"]["event_seq"] for _, body in self.taken]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def deliver(settings: Settings, receiver: Receiver) -> Callable[[], int]:
    serving = Serving(webhooks=(SecretStr(receiver.url),), webhook_secret=SecretStr(SECRET))
    chosen = settings.model_copy(update={"serving": serving})

    def run() -> int:
        # as after a start: nothing is remembered but what is on the disk
        shelf = Shelf(settings.published_dir)
        try:
            with shelf.edition() as edition:
                return webhooks.Webhooks(chosen, CLOCK).deliver(edition)
        finally:
            shelf.close()

    return run


def test_each_event_is_posted_once_signed_and_in_order(
    publish: Callable[..., Any], deliver: Callable[[], int], receiver: Receiver
) -> None:
    publish(events=5)
    assert deliver() == 0, "what was published before it was named is no news"
    publish(events=8)
    assert deliver() == 3
    assert deliver() == 0
    assert receiver.seqs == [6, 7, 8]
    headers, body = receiver.taken[0]
    lower = {name.lower(): value for name, value in headers.items()}
    assert lower["webhook-id"] == "alert-a6"
    expected = signature(SecretStr(SECRET), "alert-a6", lower["webhook-timestamp"], body)
    assert lower["webhook-signature"] == expected


def test_what_was_refused_is_posted_later_and_nothing_is_left_out(
    publish: Callable[..., Any], deliver: Callable[[], int], receiver: Receiver
) -> None:
    publish(events=1)
    deliver()
    publish(events=4)
    receiver.refuses = 1
    with pytest.raises(NotDelivered):
        deliver()
    deliver()
    assert receiver.seqs == [2, 3, 4]


def test_a_crash_between_sending_and_writing_down_repeats_one_message_with_its_id(
    publish: Callable[..., Any],
    deliver: Callable[[], int],
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish(events=1)
    deliver()
    publish(events=4)
    write = webhooks._write

    def crash(path: Any, seen: dict[str, int]) -> None:
        if seen["alert"] == 3:
            raise KeyboardInterrupt
        write(path, seen)

    monkeypatch.setattr(webhooks, "_write", crash)
    with pytest.raises(KeyboardInterrupt):
        deliver()
    monkeypatch.undo()
    deliver()
    assert receiver.seqs == [2, 3, 3, 4]
    ids = [headers.get("webhook-id") for headers, _ in receiver.taken]
    assert ids[1] == ids[2], "by its id the receiver knows it again"


@pytest.mark.slow
def test_a_poller_sees_every_event_of_thirty_publications_once(
    publish: Callable[..., Any], client_of: Callable[..., TestClient]
) -> None:
    publish(events=1)
    client, last, seen = client_of(), 0, list[int]()
    for publication in range(2, 31):
        publish(events=publication)
        if publication == 15:
            client = client_of()  # another process: the bot's number is all that it needs
        if publication % 3:
            continue
        answer = client.get("/v1/alerts", params={"after_seq": last, "columns": "event_seq"})
        seen += [row["event_seq"] for row in answer.json()["data"]]
        last = seen[-1]
    assert seen == list(range(1, 31))


def test_a_stream_begins_after_the_last_event_that_was_seen(
    publish: Callable[..., Any], settings: Settings
) -> None:
    import asyncio

    publish(events=3)
    shelf = Shelf(settings.published_dir)

    async def listen() -> list[bytes]:
        stream = _events(shelf, "alert", 1)
        heard = [await anext(stream) for _ in range(3)]
        publish(events=4)
        heard.append(await asyncio.wait_for(anext(stream), 30))
        await stream.aclose()  # type: ignore[attr-defined]
        return heard

    heard = asyncio.run(listen())
    shelf.close()
    assert [b"id: 2\n" in heard[0], b"id: 3\n" in heard[1], heard[2]] == [True, True, b": ping\n\n"]
    assert b"id: 4\n" in heard[3]
    assert b"event: alert\n" in heard[3]
