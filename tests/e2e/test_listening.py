"""What `tokenmart dev` starts listens on this machine alone."""

import re
import signal
import socket
import subprocess
import sys
import time
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest

from tests.e2e.conftest import REPO, Project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="asks Linux who listens"),
]

_LISTENING = "0A"
Address = IPv4Address | IPv6Address


def _address(text: str) -> Address:
    """Return an address as Linux writes it: words of four bytes, each the wrong way round."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    return ip_address(b"".join(words))


def _listening() -> dict[str, tuple[Address, int]]:
    """Return who listens on this machine, by the inode of the socket."""
    found = {}
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            address, _, port = fields[1].partition(":")
            if fields[3] == _LISTENING:
                found[fields[9]] = _address(address), int(port, 16)
    return found


def _family(pid: int) -> set[int]:
    """Return a process and all that it and its children started."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def _sockets(pid: int) -> set[tuple[Address, int]]:
    listening = _listening()
    found = set()
    for one in _family(pid):
        for link in Path(f"/proc/{one}/fd").glob("*"):
            try:
                inode = re.match(r"socket:\[(\d+)\]", str(link.readlink()))
            except FileNotFoundError:
                continue
            if inode and inode[1] in listening:
                found.add(listening[inode[1]])
    return found


def test_it_listens_on_loopback_alone(project: Project, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    served = Project(
        project.data_dir, project.dataset, {"TOKENMART_DATASET": str(project.dataset.path)}
    )
    log = tmp_path / "dev.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "assets", "dev", "--port", str(port)],
            cwd=REPO, env=served.full_environment, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 240
        while port not in {number for _, number in _sockets(process.pid)}:
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, "the UI did not come"
            time.sleep(1)
        time.sleep(5)  # the daemon's code server
        found = _sockets(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert len(found) >= 2, "the sandbox listens as well"
    assert {address for address, _ in found if not address.is_loopback} == set()
