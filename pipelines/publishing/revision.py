"""Which code made a publication."""

from __future__ import annotations

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def code_revision(repo_dir: Path) -> str:
    """Return git's HEAD, with `+changed` if tracked files differ from it.

    Where the project is no git work tree: the installed package's version, or `unknown`.
    """
    head = _git(repo_dir, "rev-parse", "HEAD")
    if head is not None:
        return f"{head}+changed" if _git(repo_dir, "status", "-s", "-uno") else head
    try:
        return f"tokenmart {version('tokenmart')}"
    except PackageNotFoundError:
        return "unknown"


def _git(repo_dir: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(repo_dir), *arguments],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
