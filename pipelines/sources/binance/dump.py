"""data.binance.vision: years of candles in files, each checked before it is read.

What a file does not give (not out yet, damaged, never made) is asked for page by page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any

import polars as pl

from pipelines.core.windows import Window
from pipelines.extraction.candles import count
from pipelines.extraction.parsing import Parsed, parse_rows
from pipelines.extraction.run import Extraction, Incomplete
from pipelines.http.client import HttpClient
from pipelines.sources.binance import parse, plan
from pipelines.sources.binance.tables import DUMP_FILES, KLINES

Pages = Callable[[Window], Iterable[Parsed]]


@dataclass
class Dump:
    """The dump's side of one run.

    Attributes:
        client: asks the host.
        digests: for each file that an earlier run has read, the digest of what it was.
    """

    client: HttpClient
    digests: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Extraction) -> Dump | None:
        """Return the run's dump with what earlier runs read, or None where there is no host."""
        if run.files is None:
            return None
        digests: dict[str, str] = {}
        if run.remembered is not None:
            readable = run.remembered(DUMP_FILES).filter(
                pl.col("status").is_in(["read", "unverified"])
            )
            newest = readable.sort("fetched_at").unique("file_name", keep="last")
            digests = dict(newest.select("file_name", "sha256").iter_rows())
        return cls(run.files, digests)

    def candles(
        self, chosen: plan.Plan, symbol: str, interval: str, first: date, pages: Pages
    ) -> Iterator[Parsed]:
        """Yield the candles of a plan's files, the files, and by page what no file gave.

        Args:
            chosen: the plan; has files.
            symbol: the pair.
            interval: length of the candles.
            first: the day on which the pair's history begins.
            pages: asks for a window page by page.

        Raises:
            Incomplete: files had fewer candles than their period, or were read by an earlier run.
        """
        wanted = list(chosen.pages)
        remarks: list[str] = []
        for file in chosen.files:
            if file.window.end <= first:
                continue
            outcome = _Outcome(f"{symbol}-{interval}-{file.period}.zip")
            yield from self._read(outcome, file, symbol, interval)
            if outcome.is_unchanged:
                remarks.append(f"{outcome.file_name} is as it was read before")
            elif not outcome.is_read:
                wanted.append(file.window)
            else:
                days = Window(max(file.window.start, first), file.window.end)
                expected = count(days, interval)
                if outcome.row_count < expected:
                    remarks.append(
                        f"{outcome.file_name} has {outcome.row_count} of {expected} candles"
                    )
        for window in plan.merged(wanted):
            if window.end > first:
                yield from pages(window)
        if remarks:
            more = f" and {len(remarks) - 3} more" if len(remarks) > 3 else ""
            raise Incomplete(f"{'; '.join(remarks[:3])}{more}")

    def _read(
        self, outcome: _Outcome, file: plan.File, symbol: str, interval: str
    ) -> Iterator[Parsed]:
        name = outcome.file_name
        path = f"data/spot/{file.folder}/klines/{symbol}/{interval}/{name}"
        said = self.client.get_file(f"{path}.CHECKSUM")
        declared: str | None = None
        known = self.digests.get(name)
        try:
            declared = parse.checksum(said, name) if said is not None else None
            if declared is not None and declared == known:
                outcome.is_unchanged = True
                return
            body = self.client.get_file(path)
            if body is None:
                return
            outcome.byte_count, outcome.sha256 = len(body), sha256(body).hexdigest()
            if declared is not None and declared != outcome.sha256:
                outcome.status = "checksum_mismatch"
                raise parse.BrokenFile("checksum: the file is not the one that was declared")
            for lines in parse.lines(body, name, self.client.bounds):
                parsed = parse.kline_lines(lines, symbol, interval, file.window)
                outcome.row_count += parsed.row_count
                yield parsed
            outcome.is_read = True
            outcome.status = "read" if declared else "unverified"
        except parse.BrokenFile as problem:
            yield _refused(str(problem), outcome, declared)
        if outcome.sha256 is not None:
            replaced = known if outcome.is_read and known != outcome.sha256 else None
            yield _line(outcome, file, symbol, interval, declared, replaced)
            if outcome.is_read:
                self.digests[name] = outcome.sha256


@dataclass
class _Outcome:
    """What became of one file."""

    file_name: str
    status: str = "corrupt"
    sha256: str | None = None
    byte_count: int = 0
    row_count: int = 0
    is_read: bool = False
    is_unchanged: bool = False


def _refused(reason: str, outcome: _Outcome, declared: str | None) -> Parsed:
    payload = {
        "file": outcome.file_name,
        "sha256": outcome.sha256,
        "declared_sha256": declared,
        "bytes": outcome.byte_count,
    }
    nothing = KLINES.arrow_schema().remove(len(KLINES.columns)).empty_table()
    return Parsed(KLINES, nothing, ((reason, json.dumps(payload)),))


def _line(
    outcome: _Outcome,
    file: plan.File,
    symbol: str,
    interval: str,
    declared: str | None,
    replaced: str | None,
) -> Parsed:
    row: dict[str, Any] = {
        "file_name": outcome.file_name,
        "symbol": symbol,
        "interval": interval,
        "period": file.period,
        "sha256": outcome.sha256,
        "declared_sha256": declared,
        "replaces_sha256": replaced,
        "status": outcome.status,
        "byte_count": outcome.byte_count,
        "row_count": outcome.row_count,
    }
    return parse_rows(DUMP_FILES, [row], {name: name for name in row}, sent=())
