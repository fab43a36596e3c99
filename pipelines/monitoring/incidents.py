"""What is news: pure functions from signals to messages.

A signal says at some instant that something is well or is not. Signals may come twice, and late:
two processes watch the same run. An incident opens with the first bad signal and ends with the
first good one after it; each of both is a message, and nothing in between is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["run", "publication", "source", "marts"]
State = Literal["opened", "recovered"]

_AGING: frozenset[Kind] = frozenset({"source", "marts"})

# where it says what each means and what to do
HANDBOOK = "docs/runbooks/alerts.md"
ANCHORS: dict[Kind, str] = {
    "run": "a-run-failed",
    "publication": "a-publication-was-refused",
    "source": "a-source-is-stale",
    "marts": "the-publication-is-old",
}


class Incident(BaseModel):
    """Something that is not well.

    Attributes:
        kind: what kind of thing.
        name: which of them: the job, the source; nothing where there is but one.
        title: what is wrong, in a line.
        detail: what is known about it.
        since: from when on.
        run_id: the run that showed it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    name: str = ""
    title: str
    detail: str
    since: datetime
    run_id: str | None = None

    @property
    def id(self) -> str:
        """What tells it from every other incident."""
        return f"{key_of(self.kind, self.name)}@{self.since.isoformat()}"

    @property
    def runbook(self) -> str:
        """Where it says what to do."""
        return f"{HANDBOOK}#{ANCHORS[self.kind]}"


class Signal(BaseModel):
    """What was seen of one thing at one instant: an incident, or that all is well."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    name: str = ""
    at: datetime
    incident: Incident | None = None


class Message(BaseModel):
    """What is reported of an incident: that it began, or that it is over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: State
    incident: Incident
    at: datetime

    @property
    def id(self) -> str:
        """The same for each attempt to send it."""
        return f"{self.incident.id}/{self.state}"

    @property
    def title(self) -> str:
        """What happened, in a line."""
        if self.state == "opened":
            return f"Tokenmart: {self.incident.title}"
        return f"Tokenmart: recovered: {self.incident.title}"

    @property
    def body(self) -> str:
        """What is known, since when, and where to look."""
        lines = [self.incident.detail] if self.state == "opened" else []
        lines.append(f"since: {self.incident.since:%Y-%m-%d %H:%M} UTC")
        if self.state == "recovered":
            lines.append(f"recovered: {self.at:%Y-%m-%d %H:%M} UTC")
        if self.incident.run_id is not None:
            lines.append(f"run: {self.incident.run_id}")
        lines.append(f"what to do: {self.incident.runbook}")
        return "\n".join(lines)


class Book(BaseModel):
    """What is remembered between two looks.

    Attributes:
        open: the incidents that are not over, by `key_of`.
        heard: the instant of the newest signal about each thing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    open: dict[str, Incident] = {}
    heard: dict[str, datetime] = {}


def key_of(kind: Kind, name: str) -> str:
    """Return what the signals about one thing have in common."""
    return f"{kind}/{name}" if name else kind


def hear(book: Book, signals: Iterable[Signal]) -> tuple[Book, tuple[Message, ...]]:
    """Return what is remembered after some signals, and what is news in them.

    A signal older than the newest one about the same thing says nothing: it is over by then. And
    the age of data is no news where they were never up to date: somebody looks at the past.
    """
    still_open, heard, messages = dict(book.open), dict(book.heard), []
    for signal in signals:
        key = key_of(signal.kind, signal.name)
        if signal.at < heard.get(key, signal.at):
            continue
        if signal.incident is not None and signal.kind in _AGING and key not in heard:
            continue
        heard[key] = signal.at
        if signal.incident is not None and key not in still_open:
            still_open[key] = signal.incident
            messages.append(Message(state="opened", incident=signal.incident, at=signal.at))
        elif signal.incident is None and key in still_open:
            ended = still_open.pop(key)
            messages.append(Message(state="recovered", incident=ended, at=signal.at))
    return Book(open=still_open, heard=heard), tuple(messages)
