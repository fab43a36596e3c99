"""Messages on their way: to a server on this machine, signed, once, and without secrets."""

import base64
import email
import hashlib
import hmac
import json
import logging
import threading
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import ClassVar

import pytest
from pydantic import SecretStr, ValidationError

from pipelines.core.settings import Settings
from pipelines.core.windows import FixedClock
from pipelines.monitoring import channels, notifier
from pipelines.monitoring.incidents import Incident, Signal
from tests.sources.local_api import Answer, Asked, local_api

NOW = datetime(2024, 3, 2, 6, tzinfo=UTC)
WALL = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
KEY = b"a key of two"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


def bad(hour: int = 0, detail: str = "host is down") -> Signal:
    at = NOW + timedelta(hours=hour)
    incident = Incident(
        kind="run", name="daily", title="daily failed", detail=detail, since=at, run_id="r-1"
    )
    return Signal(kind="run", name="daily", at=at, incident=incident)


def good(hour: int) -> Signal:
    return Signal(kind="run", name="daily", at=NOW + timedelta(hours=hour))


def accepted(_: Asked) -> Answer:
    return Answer({}, 200)


def webhook(data_dir: Path, url: str) -> Settings:
    return Settings(
        data_dir=data_dir,
        notify_webhook_url=SecretStr(f"{url}/hooks/token-of-the-path"),
        notify_webhook_secret=SecretStr(SECRET),
    )


def test_the_log_has_every_incident_and_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tokenmart.incidents")
    settings = Settings(data_dir=tmp_path)
    for signal in (bad(), bad(1), good(2), good(3)):
        notifier.report(settings, [signal], WALL)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    first, last = caplog.messages
    assert "daily failed" in first
    assert "run: r-1" in first
    assert "docs/runbooks/alerts.md#a-run-failed" in first
    assert "recovered" in last


def test_a_webhook_is_signed_as_the_standard_says(tmp_path: Path) -> None:
    """By the standard's own recipe, not by the code that signs."""
    with local_api(accepted) as api:
        notifier.report(webhook(tmp_path, api.url), [bad()], WALL)
        (request,) = api.asked
    headers = {name.lower(): value for name, value in request.headers.items()}
    body = json.dumps(request.body).encode()
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert int(headers["webhook-timestamp"]) == WALL.now().timestamp(), "the wall's time"
    assert request.path == "/hooks/token-of-the-path"
    assert request.body["type"] == "incident.opened"
    data = request.body["data"]
    assert (data["kind"], data["name"], data["run_id"]) == ("run", "daily", "r-1")
    assert data["runbook"] == "docs/runbooks/alerts.md#a-run-failed"


def test_apprise_takes_messages_to_a_url(tmp_path: Path) -> None:
    with local_api(accepted) as api:
        address = api.url.replace("http://", "json://")
        settings = Settings(data_dir=tmp_path, notify=(SecretStr(f"{address}/incidents"),))
        for signal in (bad(), bad(1), good(2)):
            notifier.report(settings, [signal], WALL)
        bodies = [request.body for request in api.asked]
    assert [(body["title"], body["type"]) for body in bodies] == [
        ("Tokenmart: daily failed", "failure"),
        ("Tokenmart: recovered: daily failed", "success"),
    ]
    assert "run: r-1" in bodies[0]["message"]


class _Mailbox(StreamRequestHandler):
    """As much of SMTP as takes a letter."""

    letters: ClassVar[list[str]] = []

    def handle(self) -> None:
        self._say("220 here")
        letter: list[str] | None = None
        while line := self.rfile.readline().decode():
            if letter is not None and line != ".\r\n":
                letter.append(line)
            elif letter is not None:
                self.letters.append("".join(letter))
                letter = None
                self._say("250 taken")
            elif line.upper().startswith("DATA"):
                letter = []
                self._say("354 go on")
            else:
                self._say("221 bye" if line.upper().startswith("QUIT") else "250 yes")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


def test_an_e_mail_arrives_by_smtp(tmp_path: Path) -> None:
    _Mailbox.letters.clear()
    with ThreadingTCPServer(("127.0.0.1", 0), _Mailbox) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        address = f"127.0.0.1:{server.server_address[1]}"
        url = f"mailto://{address}/?from=warehouse@example.org&to=ops@example.org&mode=insecure"
        settings = Settings(data_dir=tmp_path, notify=(SecretStr(url),))
        for signal in (bad(), bad(1), good(2)):
            notifier.report(settings, [signal], WALL)
        server.shutdown()
    letters = [email.message_from_string(letter) for letter in _Mailbox.letters]
    subjects = [str(make_header(decode_header(letter["Subject"]))) for letter in letters]
    assert subjects == ["Tokenmart: daily failed", "Tokenmart: recovered: daily failed"]
    assert letters[0]["To"] == "ops@example.org"
    texts = [part.get_payload(decode=True) for part in letters[0].walk() if not part.is_multipart()]
    assert any(b"run: r-1" in text for text in texts if isinstance(text, bytes))


def test_what_is_not_taken_waits_and_is_sent_once_in_order(tmp_path: Path) -> None:
    is_up = False

    def reply(_: Asked) -> Answer:
        return Answer({}, 200 if is_up else 503)

    with local_api(reply) as api:
        settings = webhook(tmp_path, api.url)
        notifier.report(settings, [bad()], WALL)
        notifier.report(settings, [good(1)], WALL)
        refused = len(api.asked)
        is_up = True
        notifier.report(settings, [], WALL)
        notifier.report(settings, [], WALL)
        sent = [request.body["type"] for request in api.asked[refused:]]
    assert sent == ["incident.opened", "incident.recovered"]


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    def reply(_: Asked) -> Answer:
        return Answer({}, 302, headers={"Location": "/elsewhere"})

    with local_api(reply) as api:
        tried = notifier.try_out(webhook(tmp_path, api.url), WALL)
        assert [request.path for request in api.asked] == ["/hooks/token-of-the-path"]
    (problem,) = (said for name, said in tried.items() if name != "log")
    assert problem == "the webhook answered 302"


def test_no_secret_is_in_a_log_a_file_or_a_message(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "tokenmart.incidents")
    caplog.set_level(logging.DEBUG, "apprise")
    with local_api(lambda _: Answer({}, 500)) as api:
        host = api.url.removeprefix("http://")
        settings = Settings(
            data_dir=tmp_path,
            notify=(SecretStr(f"json://user:pass-word-1@{host}/hidden-path"), SecretStr("x-token")),
            notify_webhook_url=SecretStr(f"{api.url}/hooks/token-of-the-path"),
            notify_webhook_secret=SecretStr(SECRET),
            sources={"coingecko": {"api_key": "key-of-a-source"}},  # type: ignore[dict-item]
        )
        notifier.report(settings, [bad(detail="refused with key-of-a-source")], WALL)
        bodies = "".join(str(request.body) for request in api.asked)
        tried = notifier.try_out(settings, WALL)
    seen = caplog.text + bodies + (tmp_path / "incidents.json").read_text() + str(tried)
    for secret in ("pass-word-1", "hidden-path", "x-token", "token-of-the-path", SECRET[6:]):
        assert secret not in seen
    assert "key-of-a-source" not in seen
    assert "refused with ***" in bodies
    assert "not a URL that Apprise knows" in tried.values()


def test_a_webhook_without_a_secret_is_refused_without_printing_it(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="NOTIFY_WEBHOOK_SECRET") as refused:
        Settings(data_dir=tmp_path, notify_webhook_url=SecretStr("https://x.example/token"))
    assert "token" not in str(refused.value)


def test_a_secret_that_is_no_base64_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="base64"):
        Settings(data_dir=tmp_path, notify_webhook_secret=SecretStr("whsec_?"))


def test_a_damaged_memory_does_not_stop_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(data_dir=tmp_path)
    (tmp_path / "incidents.json").write_text('{"book": ')
    assert notifier.open_incidents(settings) == ()
    assert len(notifier.report(settings, [bad()], WALL)) == 1
    assert "incidents.json is damaged" in caplog.text
    assert len(notifier.open_incidents(settings)) == 1


def test_a_long_story_is_cut(tmp_path: Path) -> None:
    (message,) = notifier.report(Settings(data_dir=tmp_path), [bad(detail="x" * 9_999)], WALL)
    assert len(message.incident.detail) < 2_100


def test_the_secret_may_be_plain_text() -> None:
    signed = channels.signature(SecretStr("plain"), "id", "1", b"{}")
    digest = hmac.new(b"plain", b"id.1.{}", hashlib.sha256).digest()
    assert signed == f"v1,{base64.b64encode(digest).decode()}"
