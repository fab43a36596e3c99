"""The marts as Polars frames, from a service or from a file: the same calls for both.

    from pipelines.serving.client import Client

    Client("http://127.0.0.1:8000").prices("bitcoin", start="2026-01-01")
    Client("data/published").prices("bitcoin", start="2026-01-01")

There is a method for each address of `/v1`: `/v1/grades/trader` is `grades_trader`. What it takes
is what the address takes (see `docs/serving.md`), what it gives is the whole answer and no page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import polars as pl
import requests

from pipelines.serving.resources import RESOURCES, Resource

if TYPE_CHECKING:
    from pipelines.serving.query import Question
    from pipelines.serving.shelf import Edition

Value = str | int | bool | date | datetime | Sequence[str]
_TIMEOUT_S = 300.0


class ClientError(Exception):
    """A question that was not answered; the message says what to do.

    Attributes:
        kind: the last part of the problem's type, such as `ambiguous-symbol`.
    """

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class _Source(Protocol):
    def read(self, mart: str, asked: dict[str, str]) -> pl.DataFrame: ...


class Client:
    """The published marts.

    Args:
        source: the address of a service, or the folder of publications (`data/published`).
        key: of the service, where it wants one.
    """

    def __init__(self, source: str | Path, *, key: str | None = None) -> None:
        is_service = isinstance(source, str) and source.startswith(("http://", "https://"))
        self._source: _Source = (
            _Service(str(source), key) if is_service else _Folder(Path(source).expanduser())
        )

    def mart(self, name: str, asset: Value | None = None, **asked: Value | None) -> pl.DataFrame:
        """Return rows of any mart, or of the view of its newest day.

        Args:
            name: such as `price_daily` or `price_daily_latest`.
            asset: ids or symbols, of marts of assets.
            asked: parameters of the address: start, end, columns, order, limit, version, known_at,
                and any column of text, truth or whole numbers. A list means any of its values.

        Raises:
            ClientError: it cannot be answered.
        """
        given = {"asset": asset, **asked}
        return self._source.read(
            name, {key: _text(value) for key, value in given.items() if value is not None}
        )

    def __dir__(self) -> list[str]:
        """List the methods of the addresses, too."""
        return sorted({*super().__dir__(), *map(_name, RESOURCES)})


class _Service:
    def __init__(self, url: str, key: str | None) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.headers["Accept"] = "application/vnd.apache.arrow.stream"
        if key is not None:
            self._session.headers["Authorization"] = f"Bearer {key}"

    def read(self, mart: str, asked: dict[str, str]) -> pl.DataFrame:
        answer = self._session.get(f"{self._url}/v1/marts/{mart}", params=asked, timeout=_TIMEOUT_S)
        if not answer.ok:
            problem = answer.json()
            raise ClientError(problem["type"].rpartition("/")[2], problem["detail"])
        return pl.read_ipc_stream(answer.content)


class _Folder:
    def __init__(self, folder: Path) -> None:
        # whoever asks a service needs none of its libraries
        from pipelines.serving.shelf import Shelf

        self._shelf = Shelf(folder)

    def read(self, mart: str, asked: dict[str, str]) -> pl.DataFrame:
        from pipelines.serving.answers import chosen_version
        from pipelines.serving.marts import question_of, validated
        from pipelines.serving.problems import Problem, unknown

        try:
            with self._shelf.edition() as edition:
                marts = edition.catalog.marts
            if mart not in marts:
                raise unknown("mart", mart, list(marts), hint="see meta_metric_catalog")
            questions = validated(marts[mart], asked)
            version = chosen_version(self._shelf, questions)
            with self._shelf.edition(version) as edition:
                found = edition.catalog.marts[mart]
                return _frame(edition, question_of(edition, found, questions, {}))
        except Problem as problem:
            raise ClientError(problem.kind, problem.detail) from None


def _frame(edition: Edition, question: Question) -> pl.DataFrame:
    sql, values = question.sql()
    with closing(edition.cursor()) as cursor:
        return cast("pl.DataFrame", pl.from_arrow(cursor.execute(sql, values).to_arrow_table()))


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, str | int) else ",".join(value)


def _name(resource: Resource) -> str:
    return resource.path.strip("/").replace("/", "_").replace("-", "_")


def _method(resource: Resource) -> Callable[..., pl.DataFrame]:
    def read(self: Client, asset: Value | None = None, **asked: Value | None) -> pl.DataFrame:
        return self.mart(resource.mart, asset, **asked)

    read.__name__ = _name(resource)
    read.__qualname__ = f"{Client.__name__}.{read.__name__}"
    read.__doc__ = (
        f"Return rows of `{resource.mart}`, as `/v1{resource.path}` does; see `Client.mart`."
    )
    return read


for _resource in RESOURCES:
    setattr(Client, _name(_resource), _method(_resource))
