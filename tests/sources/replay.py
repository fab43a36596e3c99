"""A source's answers, recorded once from a sandbox and played again, as they were or changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.tables import EXTRACTION, QUARANTINE
from pipelines.core.windows import FixedClock, Window
from pipelines.extraction import universe
from pipelines.extraction.run import Extraction
from pipelines.extraction.source import begin_extraction, extract
from pipelines.http.client import Allowance, HttpClient, NumberText, RequestRefused, Usage
from pipelines.sandbox.dataset import Dataset

Key = tuple[str, str]
Change = Callable[[Key, Any], Any]

# few series are enough to damage, and there is one of each kind among them
FEW = frozenset(
    {"BTC", "XBT", "ETH", "btc", "eth", "bitcoin", "ethereum", "tether", "usdt", "1", "2", "aave"}
)


@dataclass
class Tape:
    """The answers of one extraction: JSON as text was, by what was asked."""

    source: str
    window: Window
    fetched_at: datetime
    universe: frozenset[str]
    answers: dict[Key, Any] = field(default_factory=dict)
    stand_in: tuple[str, Any] | None = None
    """A body from elsewhere for every path with this part in it."""
    texts: set[Key] = field(default_factory=set)


@dataclass
class Played:
    """What an extraction made of the answers."""

    run: Extraction
    rows: dict[str, pa.Table]

    @property
    def landed(self) -> dict[str, pa.Table]:
        """The rows of the source's own tables."""
        return {name: rows for name, rows in self.rows.items() if name != QUARANTINE.name}

    @property
    def quarantine(self) -> list[dict[str, Any]]:
        """The refused rows."""
        rows = self.rows.get(QUARANTINE.name)
        return [] if rows is None else rows.to_pylist()

    def facts(self) -> dict[str, set[tuple[Any, ...]]]:
        """The landed rows of each table, without their order."""
        return {
            name: set(zip(*(column.to_pylist() for column in rows.columns), strict=True))
            for name, rows in self.landed.items()
        }


class _Recorder(HttpClient):
    tape: Tape

    def get_json(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        answer = super().get_json(path, params)
        self.tape.answers[_key(path, params)] = _plain(answer)
        return answer

    def post_json(self, path: str, body: object) -> Any:
        answer = super().post_json(path, body)
        self.tape.answers[_key(path, body)] = _plain(answer)
        return answer

    def get_text(self, path: str, params: Mapping[str, Any] | None = None) -> str:
        key = _key(path, params)
        self.tape.texts.add(key)
        self.tape.answers[key] = super().get_text(path, params)
        return str(self.tape.answers[key])


class _Player:
    """Stands for the client: what nobody recorded is refused."""

    base_url = "http://tape"

    def __init__(self, tape: Tape, change: Change | None) -> None:
        self._tape, self._change = tape, change
        self.allowance = Allowance()

    @property
    def usage(self) -> Usage:
        return Usage(request_count=self.allowance.sent)

    def get_json(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        return json.loads(json.dumps(self._answer(_key(path, params))), parse_float=NumberText)

    def post_json(self, path: str, body: object) -> Any:
        return json.loads(json.dumps(self._answer(_key(path, body))), parse_float=NumberText)

    def get_text(self, path: str, params: Mapping[str, Any] | None = None) -> str:
        return str(self._answer(_key(path, params)))

    def change_host(self) -> bool:
        return False

    def _answer(self, key: Key) -> Any:
        self.allowance.take()
        stand_in = self._tape.stand_in
        if stand_in is not None and stand_in[0] in key[0]:
            return stand_in[1] if self._change is None else self._change(key, stand_in[1])
        if key not in self._tape.answers:
            raise RequestRefused(f"HTTP 404: nobody recorded {key}", status=404)
        answer = self._tape.answers[key]
        return answer if self._change is None else self._change(key, answer)


def record(name: str, settings: Settings, dataset: Dataset, days: int) -> Tape:
    """Extract the newest days of a few series, and keep the answers."""
    source = sources.source(name)
    curated = universe.codes(settings, source.identity or name)
    few = curated & FEW or frozenset(sorted(curated)[:3])
    window = Window.of_day(dataset.end).look_back(days - 1)
    run = begin_extraction(source, settings, FixedClock(dataset.now), "record", few)
    client = _Recorder(name, run.client.base_url, budget=None, max_attempts=1)
    client.tape = tape = Tape(name, window, run.fetched_at, few)
    run.client, run.files = client, None
    for _ in source.extract(run, window):
        pass
    assert run.failures == [], f"{name} cannot be recorded: {run.failures}"
    assert tape.answers, f"{name} was not asked for anything"
    return tape


def play(tape: Tape, change: Change | None = None, **options: Any) -> Played:
    """Extract from the tape, each answer changed first; `options` are the extraction's."""
    source = sources.source(tape.source)
    run = Extraction(
        client=_Player(tape, change),  # type: ignore[arg-type]
        fetched_at=tape.fetched_at,
        run_id="replay",
        universe=tape.universe,
        **options,
    )
    parts: dict[str, list[pa.Table]] = {}
    for name, rows in extract(source, run, tape.window):
        parts.setdefault(name, []).append(rows)
    assert run.log().schema == EXTRACTION.arrow_schema()
    return Played(run, {name: pa.concat_tables(rows) for name, rows in parts.items()})


def _key(path: str, asked: object) -> Key:
    if isinstance(asked, Mapping):
        asked = {name: value for name, value in asked.items() if value is not None}
    return path, json.dumps(asked, sort_keys=True, default=str)


def _plain(answer: Any) -> Any:
    """Return the answer with its numbers as numbers again, as a source sends them."""
    if isinstance(answer, NumberText):
        return float(answer)
    if isinstance(answer, dict):
        return {name: _plain(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [_plain(value) for value in answer]
    return answer
