"""Each alert and each signal event, posted to those who asked for it, signed, in its order.

What was taken is written down after each message: one that was taken and not yet written down is
sent again after a crash, with the same `webhook-id`, by which its receiver knows it again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi.concurrency import run_in_threadpool
from filelock import FileLock, Timeout
from pydantic import SecretStr

from pipelines.core.files import naming, replace_file
from pipelines.core.settings import Settings, SettingsError
from pipelines.core.windows import Clock, SystemClock
from pipelines.monitoring.channels import NotDelivered, post_signed
from pipelines.serving.events import Event, event_marts, newest_seq, read_events
from pipelines.serving.shelf import Edition, Shelf

log = logging.getLogger("tokenmart.webhooks")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 300.0
_LOOK_AGAIN_S = 60.0


class Webhooks:
    """The receivers of the settings, and what each of them has taken.

    Args:
        settings: who they are.
        clock: the wall's: receivers refuse what was signed long ago.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._serving, self._clock = settings.serving, clock
        self._folder = settings.data_dir / "serving"

    def deliver(self, edition: Edition) -> int:
        """Post what the receivers have not taken yet; return how many messages were taken.

        A receiver begins with what is published after it was named.

        Raises:
            NotDelivered: somebody did not take a message; the others have theirs.
            FileDamaged: what was taken cannot be read.
        """
        taken, refused = 0, []
        for url in self._serving.webhooks:
            try:
                taken += self._deliver_to(url, edition)
            except NotDelivered as problem:
                refused.append(problem)
        if refused:
            raise refused[0]
        return taken

    def _deliver_to(self, url: SecretStr, edition: Edition) -> int:
        # an address may be a secret: what is kept is its fingerprint
        name = hashlib.sha256(url.get_secret_value().encode()).hexdigest()[:16]
        path = self._folder / f"webhook-{name}.json"
        taken, seen = 0, _read(path)
        for mart in event_marts(edition.catalog):
            if mart not in seen:
                seen[mart] = newest_seq(edition, mart)
                _write(path, seen)
            while events := read_events(edition, mart, seen[mart]):
                for event in events:
                    self._post(url, event)
                    seen[mart] = event.seq
                    _write(path, seen)
                    taken += 1
        return taken

    def _post(self, url: SecretStr, event: Event) -> None:
        secret = self._serving.webhook_secret
        if secret is None:
            raise SettingsError("webhooks are signed: set TOKENMART_SERVING__WEBHOOK_SECRET, too")
        body = json.dumps({"type": event.mart, "data": event.content}).encode()
        post_signed(url, secret, f"{event.mart}-{event.key}", body, self._clock)


@asynccontextmanager
async def delivering(settings: Settings, shelf: Shelf) -> AsyncIterator[None]:
    """Post the events of each new publication while the block runs."""
    if not settings.serving.webhooks:
        yield
        return
    task = asyncio.create_task(_for_ever(settings, shelf))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _for_ever(settings: Settings, shelf: Shelf) -> None:
    webhooks = Webhooks(settings, SystemClock())
    lock = settings.data_dir / "serving" / ".webhooks.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    pause = _FIRST_PAUSE_S
    while True:
        version = shelf.current_version()
        try:
            await run_in_threadpool(_once, webhooks, shelf, lock)
        except NotDelivered as problem:
            log.warning("%s; again in %.0f s", problem, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
            continue
        pause = _FIRST_PAUSE_S
        await shelf.next_version(version, time.monotonic() + _LOOK_AGAIN_S)


def _once(webhooks: Webhooks, shelf: Shelf, lock: Path) -> None:
    # of several processes one posts; its successor goes on where it was
    with suppress(Timeout), FileLock(lock, timeout=0), shelf.edition() as edition:
        webhooks.deliver(edition)


def _read(path: Path) -> dict[str, int]:
    if not path.exists():
        return {}
    with naming(path, "what a webhook has taken", "Delete it: it goes on from now.", ValueError):
        seen = json.loads(path.read_bytes())
        return {str(mart): int(seq) for mart, seq in seen.items()}


def _write(path: Path, seen: dict[str, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(seen).encode() + b"\n")
