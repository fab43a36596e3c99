"""Faults other than a kill: each is done to a box of its own, and told as what came of it."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from tests.chaos.box import Box, Result
from tests.chaos.reader import Broken

_RUN_S = 3600


@dataclass(frozen=True)
class Case:
    """What a fault is given.

    Attributes:
        box: a project after its first day, of its own.
        day: the day after, which is to be published.
        expected: what that leads to without a fault.
        chance: of this fault alone.
    """

    box: Box
    day: date
    expected: Result
    chance: random.Random

    def recovers(self) -> None:
        """Run to the end; nothing may tell that there was a fault."""
        self.box.must("daily")
        self.is_as_expected()

    def is_as_expected(self) -> None:
        if differences := self.expected.differences(self.box.result()):
            raise Broken(differences)
        self.box.check_readers()
        self.box.check_leftovers()

    def refuses(self, *words: str) -> None:
        """Run; it must end with a sentence that has the words, and change nothing for readers."""
        if self.box.run("daily") == 0:
            raise Broken("the run went well")
        for word in words:
            if word not in self.box.said:
                raise Broken(f"not said: {word}: {self.box.said[-1000:]}")
        if "Traceback" in self.box.said:
            raise Broken("a traceback, and no sentence")
        self.box.check_readers()


class Skipped(Exception):
    """The fault cannot be made here; the message says why."""


def full_disk(case: Case) -> str:
    """The disk is full after a few megabytes more; then there is room."""
    with _Disk(case, size_mb=None) as disk:
        stages = []
        for more_mb in sorted(case.chance.choices(range(1, 60), k=3)):
            disk.resize(disk.used_mb() + more_mb)
            ear = disk.box.ear(("daily",))
            if disk.box.run("daily") == 0:
                break
            if "Traceback" in disk.box.said or "Failed:" not in disk.box.said:
                raise Broken(f"no sentence: {disk.box.said[-1000:]}")
            stages.append(ear.stage())
            disk.box.check_readers()
        disk.resize(disk.used_mb() + 2_000)
        Case(disk.box, case.day, case.expected, case.chance).recovers()
    return f"sentence at {', '.join(dict.fromkeys(stages))}; recovered with room"


def read_only_folder(case: Case) -> str:
    with _Disk(case, size_mb=2_000) as disk:
        on_disk = Case(disk.box, case.day, case.expected, case.chance)
        disk.remount("ro")
        on_disk.refuses("Read-only file system")
        disk.remount("rw")
        on_disk.recovers()
    return "refused with a sentence; recovered when it could be written"


def clock_jumps(case: Case) -> str:
    """A day, then the day before as if it were today, then the day again."""
    case.box.must("daily")
    case.box.must("daily", "--day", str(date.fromordinal(case.day.toordinal() - 1)))
    case.recovers()
    return "same publication after the clock went back a day and forward again"


def two_at_once(case: Case) -> str:
    aside = case.box.data_dir.parent / "other"
    aside.mkdir(exist_ok=True)
    boxes = case.box, replace(case.box, output_dir=aside)
    processes = [box.start("daily") for box in boxes]
    codes = [process.wait(_RUN_S) for process in processes]
    for box, code in zip(boxes, codes, strict=True):
        if code:
            raise Broken(f"one of two ended with {code}: {box.said[-1500:]}")
    case.is_as_expected()
    case.recovers()
    return "both went well, one after the other where they had to; one result"


def deleted_dlt_folder(case: Case) -> str:
    shutil.rmtree(case.box.data_dir / "dlt", ignore_errors=True)
    case.recovers()
    return "not missed"


def torn_dlt_notes(case: Case) -> str:
    for folder in case.box.data_dir.glob("lake/raw/*/_dlt_*"):
        notes = sorted(folder.glob("*.jsonl"))
        if notes and case.chance.random() < 0.5:
            notes[-1].with_name(f"9{notes[-1].name}").write_bytes(notes[-1].read_bytes()[:20])
    case.recovers()
    return "deleted, and the loads went on"


def truncated_warehouse(case: Case) -> str:
    path = case.box.settings.warehouse_path
    os.truncate(path, int(path.stat().st_size * case.chance.uniform(0, 0.95)))
    case.recovers()
    return _moved_aside(case)


def overwritten_header(case: Case) -> str:
    _overwrite(case.box.settings.warehouse_path, 0, 12_288)
    case.recovers()
    return _moved_aside(case)


def overwritten_blocks(case: Case) -> str:
    path = case.box.settings.warehouse_path
    size = path.stat().st_size
    for _ in range(40):
        _overwrite(path, case.chance.randrange(12_288, size), 4_096)
    if case.box.run("daily"):
        if "the next run builds it anew" not in case.box.said:
            raise Broken(f"no sentence: {case.box.said[-1500:]}")
        case.recovers()
        return "found while it was read; the next run built it anew"
    case.recovers()
    return _moved_aside(case)


def _moved_aside(case: Case) -> str:
    if not list(case.box.data_dir.glob("warehouse.duckdb.damaged")):
        return "not seen: nothing that was hit was read"
    return "moved aside and built anew in the same run"


def lost_catalogue(case: Case) -> str:
    (case.box.data_dir / "lake" / "catalog.parquet").unlink()
    case.recovers()
    return "made anew"


def torn_catalogue(case: Case) -> str:
    path = case.box.data_dir / "lake" / "catalog.parquet"
    path.write_bytes(path.read_bytes()[:1_000])
    case.recovers()
    return "made anew"


def damaged_lake_file(case: Case) -> str:
    """A file that is gone, one that is short, one with other bytes: each is found and named."""
    said = []
    for damage in ("gone", "truncated", "changed"):
        path = case.chance.choice(_lake_files(case.box))
        if damage == "gone":
            path.unlink()
        elif damage == "truncated":
            os.truncate(path, path.stat().st_size // 2)
        else:
            _overwrite(path, path.stat().st_size // 2, 16)
        if case.box.run("lake", "verify") == 0 or path.name not in case.box.said:
            raise Broken(f"verify does not name the file that is {damage}: {case.box.said[-800:]}")
        said.append(damage)
    case.refuses("lacks what was landed", "lake mend")
    if case.box.run("lake", "mend") or "tokenmart repair --reread" not in case.box.said:
        raise Broken(f"mend does not say what can be asked for again: {case.box.said[-800:]}")
    case.box.must("daily")
    case.box.check_readers()
    case.box.check_leftovers()
    return f"{', '.join(said)}: each named by `lake verify`; went on without them after `lake mend`"


def _lake_files(box: Box) -> list[Path]:
    catalog = pl.read_parquet(box.data_dir / "lake" / "catalog.parquet")
    return [box.data_dir / "lake" / path for path in catalog["path"].unique().sort()]


def torn_origin(case: Case) -> str:
    path = case.box.data_dir / "lake" / "origin.json"
    before = path.read_bytes()
    path.write_bytes(b"")
    case.refuses("origin.json is damaged", "write {")
    path.write_bytes(before)
    case.recovers()
    return "named, with what to write into it"


def damaged_dagster(case: Case) -> str:
    for path in (case.box.data_dir / "dagster").rglob("*.db"):
        path.write_bytes(b"junk" * 3_000)
    case.refuses("Dagster", "are whole")
    return "named; a new instance is offered"


def current_publication_deleted(case: Case) -> str:
    case.box.must("daily")
    published = case.box.data_dir / "published"
    shutil.rmtree((published / "tokenmart.duckdb").resolve().parent)
    if case.box.run("rollback"):
        raise Broken(f"rollback: {case.box.said[-800:]}")
    case.box.check_readers()
    case.recovers()
    return "rollback went to the one before; the next run published anew"


FAULTS: tuple[Callable[[Case], str], ...] = (
    lost_catalogue,
    torn_catalogue,
    damaged_lake_file,
    torn_origin,
    truncated_warehouse,
    overwritten_header,
    overwritten_blocks,
    deleted_dlt_folder,
    torn_dlt_notes,
    current_publication_deleted,
    damaged_dagster,
    full_disk,
    read_only_folder,
    two_at_once,
    clock_jumps,
)


def _overwrite(path: Path, at: int, count: int) -> None:
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(os.urandom(count))


class _Disk:
    """A small disk of its own that a box is moved to."""

    def __init__(self, case: Case, size_mb: int | None) -> None:
        if os.geteuid() != 0:
            raise Skipped("only root can make a small disk")
        self._where = case.box.data_dir.parent / f"{case.box.data_dir.name}-disk"
        self._where.mkdir()
        self._source = case.box
        self._size_mb = size_mb or 4_000

    def __enter__(self) -> _Disk:
        options = f"size={self._size_mb}m"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self._where)],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise Skipped(f"no small disk can be mounted: {done.stderr.strip()}")
        self.box = self._source.copy(self._where / "data")
        self.box.output_dir = self._where.parent  # not on the small disk
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "-l", str(self._where)], check=False)

    def used_mb(self) -> int:
        return 1 + shutil.disk_usage(self._where).used // 2**20

    def resize(self, size_mb: int) -> None:
        self.remount(f"size={size_mb}m")

    def remount(self, option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", str(self._where)], check=True)
