"""A project that can be killed: a data folder, the command on it, and what must hold afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from assets.command.runs import open_instance
from pipelines import publishing
from pipelines.core import warehouse
from pipelines.core.settings import REPO_DIR, Settings
from pipelines.publishing.ledger import NUMBER, NUMBERED
from tests.chaos.reader import Broken, look
from tests.chaos.stages import Ear

Command = tuple[str, ...]

_RUN_S = 3600
_LOOK_S = 0.1
# what lives on for a moment after its parent was killed
_ORPHANS_S = 15


@dataclass(frozen=True)
class Result:
    """What an uninterrupted run led to, and every other one must lead to.

    Attributes:
        content_hash: of the publication.
        versions: how many versions of facts each history has.
        numbers: the numbers that events were given, by mart.
    """

    content_hash: str
    versions: dict[str, int]
    numbers: dict[str, dict[str, int]]

    def differences(self, other: Result) -> str:
        """Say what is otherwise in another result; nothing where they are the same."""
        said = []
        if self.content_hash != other.content_hash:
            said.append(f"published {other.content_hash}, not {self.content_hash}")
        for name in sorted(self.versions.keys() | other.versions.keys()):
            mine, theirs = self.versions.get(name), other.versions.get(name)
            if mine != theirs:
                said.append(f"{name} has {theirs} versions, not {mine}")
        said += [
            f"events of {mart} have other numbers"
            for mart in sorted(self.numbers.keys() | other.numbers.keys())
            if self.numbers.get(mart) != other.numbers.get(mart)
        ]
        return "; ".join(said)


@dataclass
class Box:
    """One data folder of a dataset."""

    data_dir: Path
    dataset: Path
    environment: dict[str, str] = field(default_factory=dict)
    output_dir: Path | None = None

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.data_dir, _env_file=None)

    def copy(self, to: Path) -> Box:
        """Return a box of its own with all that is in this one."""
        shutil.rmtree(to, ignore_errors=True)
        if self.data_dir.exists():
            shutil.copytree(self.data_dir, to, symlinks=True)
        return Box(to, self.dataset, dict(self.environment))

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start `tokenmart`, in a group of its own; what it prints is in `output`."""
        served = ("--dataset", str(self.dataset)) if command[0] == "daily" else ()
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TOKENMART_")}
        with self.output.open("wb") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "assets", *command, *served],
                cwd=REPO_DIR,
                env={**inherited, "TOKENMART_DATA_DIR": str(self.data_dir), **self.environment},
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def output(self) -> Path:
        return (self.output_dir or self.data_dir.parent) / f"{self.data_dir.name}.out"

    @property
    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def ear(self, command: Command) -> Ear:
        """Return what says in which stage a command is; to be made before it is started."""
        return Ear(self.output, self.data_dir / "logs" / f"{command[0]}.log")

    def run(self, *command: str) -> int:
        """Run `tokenmart` to its end; return its exit code."""
        process = self.start(*command)
        try:
            return process.wait(_RUN_S)
        except subprocess.TimeoutExpired:
            self.kill(process, whole_tree=True)
            raise Broken(f"{' '.join(command)} did not end: {self.said[-500:]}") from None

    def must(self, *command: str) -> None:
        """Run a command to its end; it must go well."""
        if code := self.run(*command):
            raise self._ended(command, code)

    def followed(self, command: Command, each: Callable[[float, str], object]) -> None:
        """Run a command to its end, which must be good, and tell at each moment where it is.

        Args:
            command: the command.
            each: is given the seconds since the start and the stage.
        """
        ear = self.ear(command)
        process, started = self.start(*command), time.monotonic()
        while process.poll() is None:
            each(time.monotonic() - started, ear.stage())
            time.sleep(_LOOK_S)
        if process.returncode:
            raise self._ended(command, process.returncode)

    def killed(
        self, command: Command, stage: str, after_s: float, *, whole_tree: bool
    ) -> str | None:
        """Run a command and kill it so long after it has begun a stage.

        Returns:
            The stage that it was in when it was killed; None: it had ended well before.
        """
        ear = self.ear(command)
        process = self.start(*command)
        begun: float | None = None
        while begun is None or time.monotonic() < begun + after_s:
            if (code := process.poll()) is not None:
                if code:
                    raise self._ended(command, code)
                return None
            if begun is None and ear.stage() == stage:
                begun = time.monotonic()
            time.sleep(_LOOK_S)
        here = ear.stage()
        self.kill(process, whole_tree=whole_tree)
        return here

    def _ended(self, command: Command, code: int) -> Broken:
        return Broken(f"{' '.join(command)} ended with {code}: {self.said[-1500:]}")

    def kill(self, process: subprocess.Popen[bytes], *, whole_tree: bool) -> None:
        """Kill the command with all that it started, or it alone; nothing of it may live on."""
        family = self.processes() if whole_tree else []
        for pid in {process.pid, *family}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()
        deadline = time.monotonic() + _ORPHANS_S
        while left := self.processes():
            if time.monotonic() > deadline:
                names = [Path(f"/proc/{pid}/cmdline").read_bytes()[:200] for pid in left]
                for pid in left:
                    os.kill(pid, signal.SIGKILL)
                raise Broken(f"processes live on {_ORPHANS_S} s after the command: {names}")
            time.sleep(0.1)

    def processes(self) -> list[int]:
        """Return the processes that work on this data folder."""
        mark = f"TOKENMART_DATA_DIR={self.data_dir}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                own = (entry / "environ").read_bytes().split(b"\0")
                is_dead = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                continue
            if mark in own and not is_dead and int(entry.name) != os.getpid():
                found.append(int(entry.name))
        return found

    def check_readers(self) -> None:
        """What users open is whole, and both names lead to the same version."""
        if (self.settings.published_dir / "tokenmart.duckdb").exists():
            opened, described = look(self.settings.published_dir)
            if opened != described:
                raise Broken(f"SQL users see {opened}, current.json describes {described}")
            publishing.current(self.settings)  # raises if a file is missing or short

    def result(self) -> Result:
        """Return what the runs so far have led to.

        Raises:
            Broken: something stands twice that may stand once.
        """
        manifest = publishing.current(self.settings)
        if manifest is None:
            raise Broken("nothing is published")
        return Result(manifest.content_hash, self._versions(), self._numbers())

    def _versions(self) -> dict[str, int]:
        """Return how many versions of facts each history has; the log of requests is none."""
        with warehouse.read(self.settings.warehouse_path) as reader:
            names = reader.execute(
                "select table_name from duckdb_tables() where schema_name = 'history' "
                "and starts_with(table_name, 'hist_') "
                "and not regexp_matches(table_name, '__(extraction|quarantine)$')"
            ).fetchall()
            return {
                name: reader.execute(f'select count(*) from history."{name}"').fetchall()[0][0]
                for (name,) in names
            }

    def _numbers(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for mart, key in NUMBERED.items():
            events: list[str] = []
            numbers: list[int] = []
            for path in Path(self.settings.lake_dir).glob(f"raw/ops/{mart}/*.parquet"):
                table = pq.read_table(path)
                events += table[key].to_pylist()
                numbers += table[NUMBER].to_pylist()
            for what, given in (("event", events), ("number", numbers)):
                twice = [one for one, count in Counter(given).items() if count > 1]
                if twice:
                    raise Broken(f"the {what} {twice[0]} of {mart} stands twice in the ledger")
            found[mart] = dict(zip(events, numbers, strict=True))
        return found

    def check_leftovers(self) -> None:
        """Nothing of a killed run is left: no lock, no open run, no half of a file or folder."""
        for path in self.data_dir.glob("locks/*.lock"):
            try:
                with FileLock(path, timeout=0):
                    pass
            except Timeout:
                raise Broken(f"{path.name} is held") from None
        with open_instance(self.settings) as instance:
            running: Any = dg.RunsFilter(
                statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING]
            )
            if runs := instance.get_runs(running):
                raise Broken(f"{len(runs)} runs are still said to be going on")
        left = [
            *self.data_dir.glob("dlt/*"),
            *self.data_dir.glob("published/.building-*"),
            *self.data_dir.glob("published/.*.new"),
            *self.data_dir.glob("*.wal"),
        ]
        if left:
            raise Broken(f"left behind: {', '.join(path.name for path in left)}")
