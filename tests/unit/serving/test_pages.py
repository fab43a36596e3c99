"""The pages of the current publication at `/`, and the commands that make them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pipelines import publishing
from pipelines.core.settings import REPO_DIR, Settings
from pipelines.publishing.manifest import SITE_DIR

Publish = Callable[..., publishing.Manifest]


def put_page(settings: Settings, version: str, text: str) -> None:
    folder = settings.published_dir / version / SITE_DIR
    (folder / "token").mkdir(parents=True)
    (folder / "index.html").write_text(text)
    (folder / "token" / "bitcoin.html").write_text("Bitcoin")


def test_pages_are_those_of_the_current_publication(
    settings: Settings, publish: Publish, client_of: Callable[..., TestClient]
) -> None:
    put_page(settings, publish().version, "first")
    client = client_of()
    assert client.get("/").text == "first"
    assert client.get("/token/bitcoin.html").headers["content-type"].startswith("text/html")
    put_page(settings, publish(base=200.0).version, "second")
    assert client.get("/").text == "second", "a new publication's pages are not taken up"


def test_where_no_pages_are_it_is_said_how_they_are_made(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 404
    assert "`tokenmart site`" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/..%2fmanifest.json", "/%2e%2e/tokenmart.duckdb", "/nothing"])
def test_nothing_but_pages_is_given_out(
    settings: Settings, publish: Publish, client_of: Callable[..., TestClient], path: str
) -> None:
    put_page(settings, publish().version, "page")
    answer = client_of().get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def run(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "assets", *words],
        cwd=REPO_DIR,
        env={**os.environ, "TOKENMART_DATA_DIR": str(settings.data_dir)},
        capture_output=True,
        text=True,
    )


def test_the_commands_make_them(settings: Settings, publish: Publish, tmp_path: Path) -> None:
    version = publish().version
    done = run(settings, "site", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "out" / "token" / "bitcoin.html").is_file()
    refused = run(settings, "site", "--version", "of-no-day")
    assert refused.returncode == 1
    said = " ".join((refused.stdout + refused.stderr).split())
    assert f"there is no whole publication of-no-day (kept: {version})" in said
    shown = run(settings, "demo")
    assert f"{version}/site/index.html" in "".join(shown.stdout.split())
    assert (settings.published_dir / version / SITE_DIR / "index.html").is_file()
