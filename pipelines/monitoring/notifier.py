"""Reports what is news, once: remembers what is open and what was not delivered yet.

Every process that sees something reports it here: the daemon's sensors, the command line. What
they remember together is one file in the data folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from pipelines.core.files import replace_file
from pipelines.core.settings import Settings
from pipelines.core.windows import Clock, SystemClock
from pipelines.lake.storage import lock
from pipelines.monitoring import freshness
from pipelines.monitoring.channels import LOG, Channel, NotDelivered, channels
from pipelines.monitoring.freshness import Freshness
from pipelines.monitoring.incidents import Book, Incident, Kind, Message, Signal, hear

_LOCK = "incidents"
_MAX_DETAIL = 2_000


class Delivery(BaseModel):
    """A message that a channel has not taken yet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: str
    message: Message


class Ledger(BaseModel):
    """What the file keeps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    book: Book = Book()
    outbox: tuple[Delivery, ...] = ()


def report(
    settings: Settings, signals: Iterable[Signal], wall: Clock | None = None
) -> tuple[Message, ...]:
    """Send what is news in some signals, and what could not be delivered before.

    A message is sent once to each channel. What a channel does not take waits for the next report,
    in order. (Who is killed between sending and noting it sends it again: receivers know it by its
    id.)

    Args:
        settings: where people are, and where it is remembered.
        signals: what was seen.
        wall: the wall's clock.

    Returns:
        What was news.
    """
    reached = channels(settings, wall or SystemClock())
    with lock(settings, _LOCK):
        before = _read(settings)
        book, messages = hear(before.book, (_redacted(signal, settings) for signal in signals))
        new = [Delivery(channel=to.name, message=one) for one in messages for to in reached]
        ledger = Ledger(book=book, outbox=(*before.outbox, *new))
        if ledger != before:
            _write(settings, ledger)
        for channel in reached:
            ledger = _deliver(settings, ledger, channel)
    return messages


def try_out(settings: Settings, wall: Clock | None = None) -> dict[str, str | None]:
    """Send each channel a message that says that nothing happened.

    Returns:
        Of each channel why it did not take it; None: it did.
    """
    clock = wall or SystemClock()
    now = clock.now()
    nothing = Incident(
        kind="run",
        title="a trial of this channel",
        detail="Nothing happened: somebody tried whether messages arrive.",
        since=now,
    )
    found: dict[str, str | None] = {}
    for channel in channels(settings, clock):
        try:
            channel.send(Message(state="opened", incident=nothing, at=now))
        except NotDelivered as problem:
            found[channel.name] = str(problem)
        else:
            found[channel.name] = None
    return found


def open_incidents(settings: Settings) -> tuple[Incident, ...]:
    """Return what is not over yet, oldest first."""
    incidents = _read(settings).book.open.values()
    return tuple(sorted(incidents, key=lambda incident: incident.since))


def data_signals(settings: Settings) -> tuple[Signal, ...]:
    """Return what the age of the data says: of each source, and of the publication.

    What is late may still come: it neither opens an incident nor ends one.
    """
    now = freshness.judged_at(settings)
    by_source: dict[str, list[Freshness]] = {}
    for one in freshness.of_tables(settings, now):
        by_source.setdefault(one.source, []).append(one)
    found = [
        _data_signal("source", name, f"{name} delivers no new data", tables, now)
        for name, tables in by_source.items()
    ]
    marts = freshness.of_marts(settings, now)
    if marts:
        found.append(_data_signal("marts", "", "the publication is old", marts, now))
    return tuple(signal for signal in found if signal is not None)


def _data_signal(
    kind: Kind, name: str, title: str, found: Iterable[Freshness], now: datetime
) -> Signal | None:
    found = tuple(found)
    status = freshness.worst(found)
    if status != "stale":
        return None if status == "late" else Signal(kind=kind, name=name, at=now)
    stale = [one for one in found if one.status == "stale"]
    incident = Incident(
        kind=kind,
        name=name,
        title=title,
        detail="\n".join(map(str, stale)),
        since=min(one.late_since for one in stale if one.late_since is not None),
    )
    return Signal(kind=kind, name=name, at=now, incident=incident)


def _deliver(settings: Settings, ledger: Ledger, channel: Channel) -> Ledger:
    """Send what waits for a channel, until it does not take something; note each that it took."""
    for delivery in ledger.outbox:
        if delivery.channel != channel.name:
            continue
        try:
            channel.send(delivery.message)
        except NotDelivered as problem:
            LOG.warning("%s: %s; it is tried again", channel.name, problem)
            break
        rest = tuple(one for one in ledger.outbox if one != delivery)
        ledger = ledger.model_copy(update={"outbox": rest})
        _write(settings, ledger)
    return ledger


def _redacted(signal: Signal, settings: Settings) -> Signal:
    """Return the signal without the settings' secrets, and not endless: it goes to others."""
    if signal.incident is None:
        return signal
    detail = signal.incident.detail
    for secret in _secrets(settings.model_dump()):
        detail = detail.replace(secret, "***")
    if len(detail) > _MAX_DETAIL:
        detail = f"{detail[:_MAX_DETAIL]} …"
    incident = signal.incident.model_copy(update={"detail": detail})
    return signal.model_copy(update={"incident": incident})


def _secrets(value: Any) -> Iterable[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, dict):
        for part in value.values():
            yield from _secrets(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _secrets(part)


def _read(settings: Settings) -> Ledger:
    path = settings.incidents_path
    if not path.exists():
        return Ledger()
    try:
        return Ledger.model_validate_json(path.read_bytes())
    except ValidationError:
        # whoever watches must not fail because of what it remembers: the worst is a message twice
        LOG.warning("%s is damaged: what is open is found anew", path)
        return Ledger()


def _write(settings: Settings, ledger: Ledger) -> None:
    replace_file(settings.incidents_path, ledger.model_dump_json(indent=2).encode())
