"""A command that is stopped ends at once: by Ctrl-C, by a supervisor, by a terminal that closes.

Nothing is unwound and nothing waited for: what was landed is whole or not listed, as after a loss
of power, and the next run goes on from there. What must be said and noted is, by a thread of its
own, because the others may be deep inside a library that knows no signals. Children end with their
parent by themselves.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

# Ctrl-C; a supervisor; a terminal that is closed
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE_S = 3
_last_acts: list[Callable[[], object]] = []


def exit_code(number: int) -> int:
    """Return the exit code of what a signal has ended, as shells have it."""
    return 128 + number


@contextmanager
def before_the_end(act: Callable[[], object]) -> Iterator[None]:
    """Do something if the command is stopped while the block runs: short, and of no other thread.

    Args:
        act: done after those that were given before; what it raises is dropped.
    """
    _last_acts.append(act)
    try:
        yield
    finally:
        _last_acts.remove(act)


@contextmanager
def ending_at_once() -> Iterator[None]:
    """End this process when it is told to while the block runs, whatever it is doing."""
    heard, told = socket.socketpair()
    told.setblocking(False)
    is_stopped = threading.Event()

    def tell(number: int, _frame: object) -> None:
        is_stopped.set()
        with suppress(OSError):
            told.send(bytes([number]))

    # what whoever started us wants ignored, such as `nohup`, stays ignored
    wanted = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    handlers = {number: signal.signal(number, tell) for number in wanted}
    # Python's own handlers wait for the main thread to come back from where it is
    before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_listen, args=(heard,), name="interruption", daemon=True).start()
    try:
        yield
    finally:
        if is_stopped.is_set():
            # what the signal made of the work is no outcome: the other thread has the word
            threading.Event().wait()
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        told.close()


def _listen(heard: socket.socket) -> None:
    with heard:
        while number := heard.recv(1):
            if number[0] in SIGNALS:
                _end(exit_code(number[0]))


def _end(code: int) -> None:
    def lose_patience() -> None:
        time.sleep(_PATIENCE_S)
        os._exit(code)

    threading.Thread(target=lose_patience, daemon=True).start()
    for act in tuple(_last_acts):
        with suppress(Exception):
            act()
    os._exit(code)
