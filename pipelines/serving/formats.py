"""The five forms of an answer, each written batch by batch: no answer is ever held whole."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.serving.problems import Problem

_DAY, _INSTANT = "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%.fZ"


@dataclass(frozen=True, slots=True)
class Format:
    """A form of an answer.

    Attributes:
        name: as in `?format=`.
        media_type: as in `Accept`.
        write: batches to bytes.
    """

    name: str
    media_type: str
    write: Callable[[pa.Schema, Iterator[pa.RecordBatch]], Iterator[bytes]]


def json_rows(batch: pa.RecordBatch) -> bytes:
    """Return a batch's rows as JSON objects with commas between them, without brackets."""
    # newlines stand between rows only: those in a text are escaped
    return _lines(batch).rstrip(b"\n").replace(b"\n", b",\n")


def _lines(batch: pa.RecordBatch) -> bytes:
    # of a frame Polars writes an unknown value as null and a float in its shortest exact form
    return _texts(batch).write_ndjson().encode()


def _texts(batch: pa.RecordBatch) -> pl.DataFrame:
    frame = cast("pl.DataFrame", pl.from_arrow(batch))
    return frame.with_columns(
        pl.selectors.date().dt.strftime(_DAY), pl.selectors.datetime().dt.strftime(_INSTANT)
    )


def _ndjson(_: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    for batch in batches:
        yield _lines(batch)


def _csv(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    yield pl.DataFrame(schema=schema.names).write_csv().encode()
    for batch in batches:
        yield _texts(batch).write_csv(include_header=False).encode()


class _Sink(io.RawIOBase):
    """A file that gives away what was written to it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(cast("bytes", data))
        self._parts.append(part)
        return len(part)

    def taken(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


def _arrow(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    sink = _Sink()
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield sink.taken()
    yield sink.taken()


def _parquet(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    sink = _Sink()
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield sink.taken()
    yield sink.taken()


def json_lists(head: bytes, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    """Write a JSON object whose last member, `data`, is the list of the rows.

    Args:
        head: the object with its other members.
        batches: of the rows.
    """
    separator = b", " if head != b"{}" else b""
    yield head[:-1] + separator + b'"data": [\n'
    separator = b""
    for batch in batches:
        if batch.num_rows:
            yield separator + json_rows(batch)
            separator = b",\n"
    yield b"\n]}\n"


def _json(_: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    return json_lists(b"{}", batches)


JSON = Format("json", "application/json", _json)
ARROW = Format("arrow", "application/vnd.apache.arrow.stream", _arrow)
PARQUET = Format("parquet", "application/vnd.apache.parquet", _parquet)
FORMATS = (
    JSON,
    Format("ndjson", "application/x-ndjson", _ndjson),
    Format("csv", "text/csv", _csv),
    ARROW,
    PARQUET,
)


def negotiated(name: str | None, accept: str) -> Format:
    """Return the form that is asked for.

    Args:
        name: of `?format=`, which wins.
        accept: the header `Accept`; its first known type with the highest weight wins.

    Raises:
        Problem: none of the forms is wanted.
    """
    if name is not None:
        return next(form for form in FORMATS if form.name == name)
    wanted = []
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        wanted.append((media, weight))
    for media, weight in sorted(wanted, key=lambda pair: -pair[1]):
        if weight <= 0:
            continue
        if media in ("", "*/*", "application/*"):
            return JSON
        for form in FORMATS:
            if media == form.media_type:
                return form
        if media == "text/*":
            return next(form for form in FORMATS if form.name == "csv")
    raise Problem(
        "not-acceptable",
        406,
        f"the forms of an answer are {', '.join(form.media_type for form in FORMATS)}; "
        "`?format=csv` and the like choose one, too",
    )
