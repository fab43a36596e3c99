"""What the service costs beside the same queries in process: `python -m benchmarks.serving`.

One real `tokenmart serve` process over a copy of a data folder's current publication. Processor
seconds are those of the service's process, so that the clients beside it count for nothing; the
clock's are of a machine that both share.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import httpx
import polars as pl
import psutil
from rich.console import Console
from rich.table import Table

from pipelines.core.settings import child_environment, get_settings
from pipelines.publishing.manifest import Manifest
from pipelines.publishing.pointer import point_to

POINTS, MARTS, STREAMERS, CLIENTS, PUBLICATIONS = 2_000, 5, 50, 20, 50
POINT = "/v1/prices/{asset}?start=2026-08-03&end=2026-10-31"
POINT_SQL = (
    "select * from marts.price_daily where asset_id = ? and day between '2026-08-03' and "
    "'2026-10-31' order by asset_id, day"
)
WHOLE = "grade_components"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=get_settings().data_dir)
    source = parser.parse_args().folder / "published"
    console = Console(width=110)
    with TemporaryDirectory() as name:
        published = Path(name) / "published"
        published.mkdir()
        version = (source / "current").readlink().name
        shutil.copytree(source / version, published / version, copy_function=_linked)
        point_to(published, version)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        service = subprocess.Popen(
            [sys.executable, "-m", "assets", "serve", "--port", str(port)],
            env=child_environment(
                data_dir=name,
                serving__requests_per_minute=10**9,
                serving__max_concurrent_requests=10**6,
            ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url)
            process = psutil.Process(service.pid)
            table = Table("what", "service", "in process", "ratio")
            _points(table, url, process, published)
            _whole(table, url, published)
            _memory(table, url, process)
            _swaps(table, url, published, version)
            console.print(table)
        finally:
            service.terminate()
            service.wait()


def _linked(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def _wait(url: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the service does not answer")


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _points(table: Table, url: str, process: psutil.Process, published: Path) -> None:
    """One asset, 90 days, again and again."""
    with duckdb.connect(str(published / "tokenmart.duckdb"), read_only=True) as connection:
        connection.execute("set threads = 2")
        assets = [
            row[0]
            for row in connection.execute(
                "select asset_id from marts.price_daily group by 1 order by 1"
            ).fetchall()
        ]
        wanted = [assets[place % len(assets)] for place in range(POINTS)]
        began = _own_cpu()
        for asset in wanted:
            connection.execute(POINT_SQL, [asset]).to_arrow_table()
        alone_ms = (_own_cpu() - began) / POINTS * 1_000
    seconds = []
    with httpx.Client(base_url=url) as client:
        client.get(POINT.format(asset=assets[0]))
        began = _cpu(process)
        for asset in wanted:
            at = time.perf_counter()
            client.get(POINT.format(asset=asset)).raise_for_status()
            seconds.append(time.perf_counter() - at)
        served_ms = (_cpu(process) - began) / POINTS * 1_000
    cuts = statistics.quantiles(seconds, n=100)
    table.add_row(
        "a point query, processor ms",
        f"{served_ms:.2f}",
        f"{alone_ms:.2f}",
        f"{served_ms / alone_ms:.1f} (goal: {3 * alone_ms + 2:.2f} ms)",
    )
    table.add_row(
        "  p50 / p99, ms by the clock", f"{cuts[49] * 1e3:.1f} / {cuts[98] * 1e3:.1f}", "", ""
    )
    table.add_row("  requests a second of one core", f"{1_000 / served_ms:,.0f}", "", "")


def _whole(table: Table, url: str, published: Path) -> None:
    """A mart from its first row to its last, as Arrow."""
    with duckdb.connect(str(published / "tokenmart.duckdb"), read_only=True) as connection:
        connection.execute("set threads = 2")
        at = time.perf_counter()
        for _ in range(MARTS):
            rows = sum(
                batch.num_rows
                for batch in connection.execute(f"from marts.{WHOLE}").to_arrow_reader(10_000)
            )
        alone = (time.perf_counter() - at) / MARTS
    at = time.perf_counter()
    for _ in range(MARTS):
        size = 0
        with httpx.stream(
            "GET",
            f"{url}/v1/marts/{WHOLE}?format=arrow",
            timeout=600,
            headers={"Accept-Encoding": "identity"},
        ) as answer:
            for chunk in answer.iter_raw():
                size += len(chunk)
    served = (time.perf_counter() - at) / MARTS
    table.add_row(
        f"{WHOLE} whole, {rows:,} rows, {size >> 20} MiB, seconds by the clock",
        f"{served:.2f}",
        f"{alone:.2f}",
        f"{alone / served:.0%} of the speed (goal: 70 %)",
    )


def _memory(table: Table, url: str, process: psutil.Process) -> None:
    """How much the process holds while many clients take a whole mart slowly."""
    before, peak, is_over = process.memory_info().rss, 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not is_over.wait(0.05):
            peak = max(peak, process.memory_info().rss)

    def take(_: int) -> None:
        with httpx.stream(
            "GET",
            f"{url}/v1/marts/{WHOLE}?format=arrow&limit=400000",
            timeout=600,
            headers={"Accept-Encoding": "identity"},
        ) as answer:
            for _chunk in answer.iter_raw():
                time.sleep(0.001)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(STREAMERS) as pool:
        list(pool.map(take, range(STREAMERS)))
    is_over.set()
    watcher.join()
    table.add_row(
        f"memory while {STREAMERS} clients stream, MiB",
        f"{peak >> 20}",
        f"{before >> 20} before",
        "goal: 300 and the buffers",
    )


def _swaps(table: Table, url: str, published: Path, version: str) -> None:
    """Clients ask while publications happen: whatever comes is of one of them, and whole."""
    is_over, asked, failed, mixed = threading.Event(), 0, 0, 0
    lock = threading.Lock()

    def ask(_: int) -> None:
        nonlocal asked, failed, mixed
        with httpx.Client(base_url=url, timeout=60) as client:
            while not is_over.is_set():
                answer = client.get("/v1/prices/BTC?format=parquet&limit=200")
                with lock:
                    asked += 1
                    if answer.status_code != 200:
                        failed += 1
                    elif pl.read_parquet(answer.content).height != 200:
                        mixed += 1
                page = client.get("/v1/prices/BTC?limit=5")
                said = page.json().get("version")
                with lock:
                    asked += 1
                    failed += page.status_code != 200
                    mixed += said != page.headers.get("tokenmart-version")

    with ThreadPoolExecutor(CLIENTS) as pool:
        tasks = [pool.submit(ask, place) for place in range(CLIENTS)]
        manifest = Manifest.load(published / version)
        for number in range(PUBLICATIONS):
            name = f"{version}-{number:02}"
            shutil.copytree(published / version, published / name, copy_function=_linked)
            (published / name / "manifest.json").unlink()
            manifest.model_copy(update={"version": name}).save(published / name)
            point_to(published, name)
            time.sleep(0.3)
        is_over.set()
        for task in tasks:
            task.result()
    table.add_row(
        f"{CLIENTS} clients, {PUBLICATIONS} publications",
        f"{asked:,} answers",
        "",
        f"{failed} failed, {mixed} mixed",
    )


if __name__ == "__main__":
    main()
