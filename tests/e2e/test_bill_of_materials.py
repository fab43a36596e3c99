"""The bill of materials names what the lock has, the same way each time."""

import json
import re
import subprocess

import pytest

from tests.e2e.conftest import REPO

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_PINNED = re.compile(r"^([\w.-]+)==([^\s;]+)", re.M)
# what only one machine or one network knows
_PRIVATE = re.compile(
    r"[\d.:\[\]a-f]+|localhost\b.*|[^.]+|.*\.(?:local|internal|lan)(?::\d+)?|.*@.*"
)


def test_it_is_the_lock_and_the_same_bytes_each_time() -> None:
    made = []
    for _ in range(2):
        done = subprocess.run(["make", "sbom"], cwd=REPO, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        made.append((REPO / "data" / "sbom.cdx.json").read_bytes())
    assert made[0] == made[1]
    bill = json.loads(made[0])
    assert bill["bomFormat"] == "CycloneDX"
    pinned = set(_PINNED.findall((REPO / "requirements.lock").read_text()))
    assert {(part["name"], part["version"]) for part in bill["components"]} == pinned
    bare = [
        part["name"]
        for part in bill["components"]
        if not any(place.get("hashes") for place in part["externalReferences"])
    ]
    assert bare == [], "without a hash"
    hosts = set(re.findall(r"https?://([^/\"]+)", made[0].decode()))
    assert [host for host in sorted(hosts) if _PRIVATE.fullmatch(host)] == []
