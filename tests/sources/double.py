"""A source's client without a network: answers from a function, counts, keeps what was asked."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.core.payload import NumberText
from pipelines.core.windows import Window
from pipelines.extraction.run import Extraction
from pipelines.extraction.source import Source
from pipelines.http.client import Usage

Answer = Callable[[str, dict[str, Any]], Any]


def decoded(text: str) -> Any:
    """Return the JSON as the HTTP client hands it to a parser."""
    return json.loads(text, parse_float=NumberText)


def recorded(path: Path) -> Any:
    return decoded(path.read_text(encoding="utf-8"))


class Double:
    """Stands in for `HttpClient`: what it is asked for is answered by a function."""

    base_url = "double:"

    def __init__(self, answer: Answer) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answer = answer

    @property
    def usage(self) -> Usage:
        return Usage(request_count=len(self.asked))

    def get_json(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        return decoded(json.dumps(self._reply(path, params)))

    def get_text(self, path: str, params: Mapping[str, Any] | None = None) -> str:
        return str(self._reply(path, params))

    def _reply(self, path: str, params: Mapping[str, Any] | None) -> Any:
        sent = {name: value for name, value in (params or {}).items() if value is not None}
        self.asked.append((path, sent))
        return self._answer(path, sent)

    def paths(self, part: str) -> list[dict[str, Any]]:
        """Return the parameters of the requests whose path has `part` in it."""
        return [params for path, params in self.asked if part in path]


def run_of(answer: Answer, now: datetime, universe: Iterable[str], **options: Any) -> Extraction:
    return Extraction(
        client=Double(answer),  # type: ignore[arg-type]
        fetched_at=now,
        run_id="run",
        universe=frozenset(universe),
        **options,
    )


def landed(source: Source, run: Extraction, window: Window) -> dict[str, list[dict[str, Any]]]:
    """Extract, and return the rows of each raw table."""
    tables: dict[str, list[pa.Table]] = {}
    for name, rows in source.extract(run, window):
        tables.setdefault(name, []).append(rows)
    return {name: pa.concat_tables(parts).to_pylist() for name, parts in tables.items()}


def log_of(run: Extraction, table_name: str) -> dict[str, dict[str, Any]]:
    """Return the log rows of a table by entity."""
    return {
        row["entity_id"]: row for row in run.log().to_pylist() if row["table_name"] == table_name
    }


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ms(instant: datetime) -> int:
    return int(instant.timestamp()) * 1000


def days(first: str, last: str) -> Window:
    return Window.between(date.fromisoformat(first), date.fromisoformat(last))
