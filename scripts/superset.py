"""Apache Superset on what is published: start it on this machine, and give it the dashboards.

    python scripts/superset.py              # start it, register, and serve until it is interrupted
    python scripts/superset.py --register   # register again, with one that runs

It runs in an environment of its own (`make superset` makes it) and keeps what it writes in the
data folder, with a secret key and a password that are made there. Registering replaces what it
registered before, and makes nothing twice.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

from pipelines.core.settings import REPO_DIR, SettingsError, child_environment, get_settings
from pipelines.publishing.manifest import DATABASE_NAME
from scripts.superset_dashboards import DASHBOARDS, bundle

HOST = "127.0.0.1"
USER = "admin"
BIN = REPO_DIR / ".venv" / "superset" / "bin"
START_S = 180


def kept(path: Path) -> str:
    """Return the secret that is kept in the file, made at first."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(42), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def environment(home: Path) -> dict[str, str]:
    """Return what Superset is told: where it keeps things, its key, its settings."""
    return child_environment() | {
        "SUPERSET_HOME": str(home),
        "SUPERSET_SECRET_KEY": kept(home / "secret_key"),
        "FLASK_APP": "superset",
        "SUPERSET_CONFIG_PATH": str(REPO_DIR / "deploy" / "superset_config.py"),
    }


def prepare(home: Path) -> None:
    """Make Superset's own database and its user, or bring them to this version."""
    steps = [
        ["db", "upgrade"],
        [
            *("fab", "create-admin", "--username", USER, "--firstname", "admin"),
            *("--lastname", "admin", "--email", "admin@localhost"),
            *("--password", kept(home / "password")),
        ],
        ["init"],
    ]
    with (home / "superset.log").open("a", encoding="utf-8") as log:
        for step in steps:
            subprocess.run(
                [BIN / "superset", *step],
                env=environment(home),
                stdout=log,
                stderr=subprocess.STDOUT,
                check=True,
            )


def start(home: Path, port: int) -> subprocess.Popen[bytes]:
    """Start Superset's process; it answers some seconds later."""
    with (home / "superset.log").open("a", encoding="utf-8") as log:
        return subprocess.Popen(
            [
                # no longer than this program lives, however it ends
                *(sys.executable, "-m", "pipelines.core.lifeline", str(os.getpid())),
                *(BIN / "gunicorn", "--bind", f"{HOST}:{port}", "--workers", "1"),
                *("--worker-class", "gthread", "--threads", "8", "--timeout", "120"),
                "superset.app:create_app()",
            ],
            env=environment(home),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait_for(process: subprocess.Popen[bytes], home: Path, port: int) -> None:
    """Return once Superset answers."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"http://{HOST}:{port}/health", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.5)
    raise SystemExit(f"error: Superset did not start; {home / 'superset.log'} says why")


def session(home: Path, port: int) -> requests.Session:
    """Log in, and return what requests are made with."""
    url = f"http://{HOST}:{port}/api/v1/security"
    signed = requests.Session()
    entered = signed.post(
        f"{url}/login",
        json={
            "username": USER,
            "password": kept(home / "password"),
            "provider": "db",
            "refresh": False,
        },
        timeout=60,
    )
    entered.raise_for_status()
    signed.headers["Authorization"] = f"Bearer {entered.json()['access_token']}"
    token = signed.get(f"{url}/csrf_token/", timeout=60)
    token.raise_for_status()
    signed.headers["X-CSRFToken"] = token.json()["result"]
    return signed


def register(home: Path, port: int, database: Path) -> None:
    """Give Superset the database, the datasets, the charts and the dashboards."""
    answer = session(home, port).post(
        f"http://{HOST}:{port}/api/v1/assets/import/",
        files={"bundle": ("tokenmart.zip", bundle(database), "application/zip")},
        timeout=600,
    )
    if not answer.ok:
        raise SystemExit(f"error: Superset refused the dashboards: {answer.text}")


def main() -> int:
    """Start, register, serve; 1 where nothing can be."""
    parser = argparse.ArgumentParser(prog="python scripts/superset.py", description=__doc__)
    parser.add_argument("--port", type=int, default=8088)
    parser.add_argument("--register", action="store_true", help="with one that runs")
    asked = parser.parse_args()
    try:
        settings = get_settings()
    except SettingsError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    database, home = settings.published_dir / DATABASE_NAME, settings.data_dir / "superset"
    if not database.exists():
        print(f"error: there is no {database}; `make daily` publishes one", file=sys.stderr)
        return 1
    if not (BIN / "superset").exists():
        print("error: Superset is not here; `make superset` installs it", file=sys.stderr)
        return 1
    if asked.register:
        register(home, asked.port, database)
        return 0
    with socket.socket() as tried:
        if tried.connect_ex((HOST, asked.port)) == 0:
            print(f"error: port {asked.port} is taken; --port N chooses another", file=sys.stderr)
            return 1
    home.mkdir(parents=True, exist_ok=True)
    prepare(home)
    # ended from outside, it ends what it started, as at Ctrl-C
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    process = start(home, asked.port)
    try:
        wait_for(process, home, asked.port)
        register(home, asked.port, database)
        for title in DASHBOARDS:
            print(f"http://{HOST}:{asked.port}/superset/dashboard/{title.lower()}/")
        print(f"user {USER}, password in {home / 'password'}; Ctrl-C ends it", flush=True)
        return process.wait()
    except KeyboardInterrupt:
        return 130
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
