"""Where messages go: the log always, and whatever the settings name.

Most channels are URLs that the library Apprise knows (e-mail, chat, push, plain webhooks). It
cannot sign what it sends, so a webhook whose receiver wants proof is our own: as
https://www.standardwebhooks.com describes it, for which there are libraries in any language.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from typing import Protocol

import requests
from pydantic import SecretStr

from pipelines.core.settings import Settings, webhook_key
from pipelines.core.windows import Clock
from pipelines.monitoring.incidents import Message

LOG = logging.getLogger("tokenmart.incidents")
_TIMEOUT_S = 10.0


class NotDelivered(Exception):
    """A channel did not take a message; says why, and no secret."""


class Channel(Protocol):
    """Takes a message to people."""

    @property
    def name(self) -> str:
        """The same in every process, another one for another address, and no secret."""
        ...

    def send(self, message: Message) -> None:
        """Send it.

        Raises:
            NotDelivered: it may be tried again.
        """
        ...


class LogChannel:
    """Python's log: the terminal's, the run's or the daemon's, whoever runs."""

    name = "log"

    def send(self, message: Message) -> None:
        """Write it; a recovery is no warning."""
        level = logging.WARNING if message.state == "opened" else logging.INFO
        LOG.log(level, "%s | %s", message.title, message.body.replace("\n", " | "))


class AppriseChannel:
    """A URL that Apprise knows."""

    def __init__(self, url: SecretStr) -> None:
        self._url = url
        self.name = f"apprise-{_fingerprint(url)}"

    def send(self, message: Message) -> None:
        """Send it.

        Raises:
            NotDelivered: Apprise does not know the URL, or the other side did not take it.
        """
        import apprise

        # it logs addresses, those that it does not know as errors; what went wrong is said here
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        service = apprise.Apprise()
        if not service.add(self._url.get_secret_value()):
            raise NotDelivered("not a URL that Apprise knows")
        state = apprise.NotifyType
        if not service.notify(
            title=message.title,
            body=message.body,
            notify_type=state.FAILURE if message.state == "opened" else state.SUCCESS,
        ):
            raise NotDelivered(f"{service[0].service_name} did not take the message")


class WebhookChannel:
    """A signed POST of JSON."""

    def __init__(self, url: SecretStr, secret: SecretStr, clock: Clock) -> None:
        self._url = url
        self._secret = secret
        self._clock = clock
        self.name = f"webhook-{_fingerprint(url)}"

    def send(self, message: Message) -> None:
        """Send it.

        Raises:
            NotDelivered: there was no answer, or none that says that it was taken.
        """
        post_signed(self._url, self._secret, message.id, payload(message), self._clock)


def post_signed(
    url: SecretStr, secret: SecretStr, message_id: str, body: bytes, clock: Clock
) -> None:
    """Post JSON, signed as Standard Webhooks says.

    Args:
        url: who gets it.
        secret: that it is signed with.
        message_id: the same each time that it is sent, so that a receiver knows it again.
        body: the JSON.
        clock: the wall's, even of a simulated run: receivers refuse what is older than minutes.

    Raises:
        NotDelivered: there was no answer, or none that says that it was taken.
    """
    sent_at = str(int(clock.now().timestamp()))
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": sent_at,
        "webhook-signature": signature(secret, message_id, sent_at, body),
    }
    try:
        answer = requests.post(
            url.get_secret_value(),
            data=body,
            headers=headers,
            timeout=_TIMEOUT_S,
            # whoever redirects is not whom the secret was agreed with
            allow_redirects=False,
        )
    except requests.RequestException as problem:
        # its text has the URL
        raise NotDelivered(f"the webhook was not reached: {type(problem).__name__}") from None
    if not answer.ok or answer.is_redirect:
        raise NotDelivered(f"the webhook answered {answer.status_code}")


def payload(message: Message) -> bytes:
    """Return a message as the JSON that a webhook gets."""
    incident = message.incident
    content = {
        "type": f"incident.{message.state}",
        "timestamp": message.at.isoformat(),
        "data": {
            "incident": incident.id,
            "kind": incident.kind,
            "name": incident.name,
            "title": incident.title,
            "detail": incident.detail,
            "since": incident.since.isoformat(),
            "run_id": incident.run_id,
            "runbook": incident.runbook,
        },
    }
    return json.dumps(content).encode()


def signature(secret: SecretStr, message_id: str, sent_at: str, body: bytes) -> str:
    """Return the header `webhook-signature`: HMAC-SHA256 of `id.timestamp.body` in base64."""
    key = webhook_key(secret)
    signed = hmac.new(key, f"{message_id}.{sent_at}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed.digest()).decode()}"


def channels(settings: Settings, wall: Clock) -> tuple[Channel, ...]:
    """Return where the settings want messages to go.

    Args:
        settings: the addresses.
        wall: dates what is signed.
    """
    found: list[Channel] = [LogChannel(), *map(AppriseChannel, settings.notify)]
    url, secret = settings.notify_webhook_url, settings.notify_webhook_secret
    if url is not None and secret is not None:
        found.append(WebhookChannel(url, secret, wall))
    return tuple(found)


def _fingerprint(address: SecretStr) -> str:
    return hashlib.sha256(address.get_secret_value().encode()).hexdigest()[:12]
