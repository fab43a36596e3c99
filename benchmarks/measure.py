"""Runs one stage in a process of its own and tells its seconds and peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    seconds: float
    peak_mib: float
    output: str


def run_stage(stage: str, *arguments: str, environment: Mapping[str, str]) -> Measured:
    """Run `python -m benchmarks.stage` and wait for it.

    The peak is the largest resident set of the process and of those that it started and waited for.

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
    return Measured(seconds, usage.ru_maxrss / 1024, output)
