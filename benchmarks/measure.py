"""Runs one stage in a process of its own and tells its seconds, of the clock and of processors,
and its peak memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.sandbox.dataset import Dataset
from pipelines.sources import SOURCES


@dataclass(frozen=True)
class Measured:
    seconds: float
    cpu_seconds: float
    peak_mib: float
    output: str


def run_stage(stage: str, *arguments: str, environment: Mapping[str, str]) -> Measured:
    """Run `python -m benchmarks.stage` and wait for it.

    Processor seconds are those of the process and of those that it started and waited for: they say
    more than the clock's where others work, too. The peak is the largest resident set among them.

    Raises:
        SystemExit: the stage failed; its output says why.
    """
    command = [sys.executable, "-m", "benchmarks.stage", stage, *arguments]
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"stage {stage} failed:\n{output}")
    cpu_seconds = usage.ru_utime + usage.ru_stime
    peak = int(output.rpartition("peak_kib=")[2])
    return Measured(seconds, cpu_seconds, peak / 1024, output)


def environment_of(dataset: Dataset, data_dir: Path | str, url: str) -> dict[str, str]:
    """Return the settings of a stage on a dataset; what that has nothing of is off, as in a run."""
    return {
        "TOKENMART_DATA_DIR": str(data_dir),
        "TOKENMART_SANDBOX_URL": url,
        "TOKENMART_NOW": dataset.now.isoformat(),
        "TOKENMART_CURATION_DIR": str(dataset.path),
        **{
            f"TOKENMART_SOURCES__{source.upper()}__ENABLED": "false"
            for source in set(SOURCES) - set(dataset.sources)
        },
    }
