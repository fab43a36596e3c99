"""Files that the product keeps: each is written whole or not at all, and named when it is damaged.

Whoever is killed or finds the disk full while he writes leaves the file of before.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class FileDamaged(Exception):
    """A file that the product keeps cannot be read; the message says which, and what to do."""

    def __init__(self, path: object, what: str, remedy: str, problem: object = None) -> None:
        """Name a file.

        Args:
            path: the file.
            what: what it is for: "it is <what>".
            remedy: what to do, as sentences.
            problem: what reading it has shown.
        """
        why = f" ({' '.join(str(problem).split())[:200]})" if problem else ""
        super().__init__(f"{path} is damaged{why}. It is {what}. {remedy}")
        self.path = str(path)


@contextmanager
def naming(path: object, what: str, remedy: str, *errors: type[Exception]) -> Iterator[None]:
    """Name the file that could not be read, where one of the errors says so.

    Raises:
        FileDamaged: in place of such an error.
    """
    try:
        yield
    except errors as problem:
        raise FileDamaged(path, what, remedy, problem) from problem


def replace_file(target: Path, content: bytes) -> None:
    """Write a file as a whole, and its folder if it is not there: it is on the disk, or as before.

    Raises:
        OSError: it could not be written, such as on a full disk; the message names the file.
    """
    replace_with(target, (content,))


def replace_with(target: Path, pieces: Iterable[bytes]) -> None:
    """Write a file as `replace_file` does, piece by piece; where one fails, it is as before.

    Raises:
        OSError: it could not be written; the message names the file.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        with beside.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
        _sync(target.parent)
    except OSError as problem:
        if problem.errno is None:
            raise
        # the name that people know, and not the one beside it
        raise OSError(problem.errno, problem.strerror, str(target)) from problem
    finally:
        beside.unlink(missing_ok=True)  # there only if it could not take its place


def sync_tree(folder: Path) -> None:
    """Wait until everything in a folder is on the disk."""
    for path in (*folder.rglob("*"), folder):
        if not path.is_symlink():
            _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
