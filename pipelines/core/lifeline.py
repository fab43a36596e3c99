"""Processes that end with the one that started them, however that ends.

A process that is killed takes nobody with it: what it had started would go on writing, and the next
run would start a second writer beside it. So whoever is started watches who started it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

_LOOK_S = 0.5
_PATIENCE_S = 10


def end_with(parent: int) -> None:
    """End this process when its parent is gone: within a second, whatever it is doing.

    By looking, and not by a signal of the kernel's: that one comes with the end of the *thread*
    that started a process, and on Linux alone.

    Args:
        parent: the process id of who started this one.
    """
    threading.Thread(target=_watch, args=(parent,), name="lifeline", daemon=True).start()


def _watch(parent: int) -> None:
    # an orphan gets another parent
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os.kill(os.getpid(), signal.SIGKILL)


def attend(parent: int, command: Sequence[str]) -> int:
    """Run a program that does not know this module, and all that it starts, no longer than we live.

    For a process that is the first of its own group: when its parent is gone, it stops the group
    as Ctrl-C in a terminal does, and then by force.

    Args:
        parent: the process id of who started this one.
        command: the program and its arguments.

    Returns:
        The program's exit code.
    """
    # the program hears Ctrl-C itself; this process waits for what comes of it
    signal.signal(signal.SIGINT, lambda *_: None)
    process = subprocess.Popen(command)
    while os.getppid() == parent:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(_LOOK_S)
    os.killpg(0, signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE_S)
    os.killpg(0, signal.SIGKILL)
    return 1


if __name__ == "__main__":
    sys.exit(attend(int(sys.argv[1]), sys.argv[2:]))
