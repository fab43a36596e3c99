"""A pseudo-terminal: what a command shows to a person, and what a person can do to it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

WIDTH, HEIGHT = 80, 24
CTRL_C = "\x03"
_TOKEN = re.compile(r"\x1b\[\??([\d;]*)([A-Za-z])|([\r\n])|([^\r\n\x1b]+)")


def screen(raw: str) -> str:
    """Return the lines that stay on the screen: what was erased or overwritten is gone."""
    lines, row, column = [""], 0, 0
    for argument, action, move, text in _TOKEN.findall(raw):
        if text:
            lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + len(text) :]
            column += len(text)
        elif move == "\r":
            column = 0
        elif move == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif action == "A":
            row = max(0, row - int(argument or 1))
        elif action == "K":
            lines[row] = ""
    return "\n".join(line.rstrip() for line in lines).rstrip("\n")


def _as_a_login() -> None:
    """Give the process its terminal, and the signals that whoever runs the tests may ignore."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Terminal:
    """A command in a terminal of 80 columns; the first of a session, as a shell's job is.

    Attributes:
        raw: everything that it has written.
        process: the command.
    """

    def __init__(
        self, command: Sequence[str], cwd: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        given = {**(os.environ if environment is None else environment), "TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={name: given[name] for name in given if name not in ("COLUMNS", "LINES")},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_as_a_login,  # noqa: PLW1509  # it starts no thread
        )
        os.close(theirs)
        self._ours = ours
        self._chunks: list[bytes] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def raw(self) -> str:
        return b"".join(self._chunks).decode(errors="replace")

    @property
    def screen(self) -> str:
        """What is to be read."""
        return screen(self.raw)

    def wait_for(self, text: str, timeout: float = 60) -> None:
        """Wait until the command has shown a text."""
        deadline = time.monotonic() + timeout
        while text not in self.raw:
            assert time.monotonic() < deadline, f"{text!r} was not shown:\n{self.screen}"
            assert self.process.poll() is None or text in self.raw, self.screen
            time.sleep(0.05)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the command alone, as a supervisor does."""
        self.process.send_signal(number)

    def end(self, timeout: float = 60) -> tuple[int, float]:
        """Wait for the end of the command; return its exit code and the seconds waited."""
        started = time.monotonic()
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"it did not end within {timeout} s:\n{self.screen}") from None
        seconds = time.monotonic() - started
        self._reader.join(5)
        return code, seconds

    def _read(self) -> None:
        try:
            while chunk := os.read(self._ours, 65536):
                self._chunks.append(chunk)
        except OSError:  # the other end is closed
            pass
