"""Starting, stopping, the command line, and the page for people."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from pipelines.sandbox import SandboxError, SandboxProcess, SandboxServer
from pipelines.sandbox.__main__ import main
from pipelines.sandbox.dataset import Dataset, DatasetError, describe_layout

REPO = Path(__file__).resolve().parents[2]


def test_a_server_stops_soon_and_frees_its_port(dataset: Dataset) -> None:
    with SandboxServer(dataset) as server, httpx.Client(trust_env=False) as client:
        assert client.get(server.url).status_code == 200
        port = int(server.url.rpartition(":")[2])
        before = time.monotonic()
        server.stop()
        # a fifth of a second on an idle machine; not the five that a hanging thread is given
        assert time.monotonic() - before < 4
        assert not server._thread.is_alive()
    with SandboxServer(dataset, port) as again:
        assert again.url == server.url


def test_it_listens_on_loopback_alone(dataset: Dataset) -> None:
    with SandboxServer(dataset) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert server._socket.getsockname()[0] == "127.0.0.1"


def test_a_port_in_use_and_a_broken_folder_are_said_at_once(
    dataset: Dataset, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SandboxError, match="cannot be used"):
            SandboxServer(dataset, taken.getsockname()[1])
    with pytest.raises(DatasetError, match="there is no such folder"):
        SandboxServer(tmp_path / "nowhere")


def test_as_a_process_it_answers_obeys_and_ends(folder: Path) -> None:
    now = datetime(2025, 10, 20, 6, tzinfo=UTC)
    with SandboxProcess(folder, now=now) as server:
        assert server.clock() == now
        server.set_faults([{"source": "binance", "kind": "500"}])
        answer = httpx.get(f"{server.url}/binance/api/v3/exchangeInfo", trust_env=False)
        assert answer.status_code == 500
        process = server._process
        assert process is not None
    assert process.returncode == 0


def test_as_a_process_it_says_why_it_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="there is no such folder"):
        SandboxProcess(tmp_path / "nowhere").start()


def test_the_command_prints_one_line_when_ready_and_ends_on_a_signal(folder: Path) -> None:
    command = [sys.executable, "-m", "pipelines.sandbox", "serve", "--dataset", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPO) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("sandbox listening on http://127.0.0.1:")
        url = line.split()[-1]
        assert httpx.get(f"{url}/_sandbox/clock", trust_env=False).status_code == 200
        process.terminate()
        assert process.wait(5) in (0, -15)


def test_the_page_for_people_shows_the_dataset(
    ask: Callable[..., httpx.Response], dataset: Dataset
) -> None:
    page = ask("/")
    assert page.headers["content-type"].startswith("text/html")
    for text in (dataset.name, dataset.now.isoformat(), "F-17", "/kraken/0/public/OHLC?pair="):
        assert text in page.text
    addresses = [
        part.split('"')[0].replace("&amp;", "&") for part in page.text.split('<a href="')[1:]
    ]
    assert len(addresses) >= 10
    for address in addresses:
        assert ask(address).status_code == 200, address


def test_the_commands_generate_validate_and_layout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "market"
    sizes = ["--assets", "15", "--stablecoins", "7", "--start", "2024-01-01", "--end", "2024-04-30"]
    assert main(["generate", str(out), *sizes]) == 0
    assert "2024-01-01 to 2024-04-30" in capsys.readouterr().out
    assert main(["validate", str(out)]) == 0
    assert "planted defects" in capsys.readouterr().out
    assert main(["layout"]) == 0
    assert capsys.readouterr().out == describe_layout()
    (out / "candles.parquet").unlink()
    assert main(["validate", str(out)]) == 1
    assert "candles: the table is missing" in capsys.readouterr().err
    assert main(["generate", str(out), "--assets", "1"]) == 1
    assert "assets" in capsys.readouterr().err
