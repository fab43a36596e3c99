"""What docs/security.md promises and the code alone can show."""

from __future__ import annotations

import re
import socket
from pathlib import Path

from assets.command import cli
from pipelines.core.settings import REPO_DIR, Serving
from pipelines.http.client import LOOPBACK
from pipelines.sandbox.server import run as server

_CODE = ("pipelines", "assets", "scripts", "benchmarks", "tests")
_LET_OFF = re.compile(r"# noqa: (?:[A-Z]+\d+, )*S\d{3}\b(?P<why>.*)")
_EVERYWHERE = re.compile(r"""["'](?:0\.0\.0\.0|::|\*|)["']\s*,\s*port|0\.0\.0\.0""")


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in (REPO_DIR / folder).rglob("*.py")]


def test_each_line_that_is_let_off_a_rule_of_security_says_why() -> None:
    silent = [
        f"{path.relative_to(REPO_DIR)}:{number}"
        for path in sources(*_CODE)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (found := _LET_OFF.search(line)) and not found["why"].strip(" #,")
    ]
    assert silent == []


def test_nothing_listens_elsewhere_than_on_loopback() -> None:
    """`tests/e2e/test_listening.py` looks at what runs; here nobody says another address."""
    assert server.HOST in LOOPBACK
    with server._listen(0) as listening:
        assert isinstance(listening, socket.socket)
        assert listening.getsockname()[0] in LOOPBACK
    assert cli.LOOPBACK in LOOPBACK, "Dagster's UI and daemon"
    assert Serving().host in LOOPBACK, "the service of the marts"
    everywhere = [
        path for path in sources("pipelines", "assets") if _EVERYWHERE.search(path.read_text())
    ]
    assert everywhere == []


def test_what_the_page_of_security_names_is_there() -> None:
    page = (REPO_DIR / "docs" / "security.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/.]+)`", page)
    assert len(named) > 8
    assert [path for path in named if not (REPO_DIR / path).exists()] == []


def test_each_locked_package_has_its_hash_and_no_lock_names_an_index() -> None:
    for lock in (REPO_DIR / "requirements.lock", REPO_DIR / ".ci" / "audit.lock"):
        text = lock.read_text("utf-8")
        packages = re.split(r"^(?=[\w.-]+==)", text, flags=re.M)[1:]
        assert len(packages) > 20, lock.name
        assert [one.split()[0] for one in packages if "--hash=sha256:" not in one] == []
        assert re.findall(r"https?://\S+|--index-url", text) == [], lock.name
