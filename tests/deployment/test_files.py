"""What `deploy/` says holds of the project: commands, settings, versions, and of systemd."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from assets.command.cli import app
from pipelines.core.settings import REPO_DIR, Settings

DEPLOY = REPO_DIR / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
# of 10; what is left are the network, and files that its group may read
MAX_EXPOSURE = 2.0


def test_what_is_started_is_a_command() -> None:
    started = [
        line.split("/tokenmart ")[1].split()[0]
        for unit in UNITS
        for line in unit.read_text().splitlines()
        if line.startswith("ExecStart=")
    ]
    started += [s["command"][0] for s in COMPOSE["services"].values() if "command" in s]
    started += re.findall(r'^CMD \["(\w+)"', (DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    commands = {command.callback.__name__ for command in app.registered_commands}
    assert len(started) == 5
    assert set(started) <= commands


def test_variables_are_settings() -> None:
    texts = [
        path.read_text() for path in DEPLOY.rglob("*") if path.suffix != ".lock" and path.is_file()
    ]
    named = set(re.findall(r"\bTOKENMART_([A-Z_]+)", "\n".join(texts)))
    assert {"DATA_DIR", "POSTGRES_URL"} <= named
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_a_deployment_has_the_versions_that_the_tests_ran_with() -> None:
    def pins(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^([a-zA-Z0-9._-]+)==([^ ;\\]+)", path.read_text(), re.MULTILINE))

    tested, deployed = pins(REPO_DIR / "requirements.lock"), pins(DEPLOY / "requirements.lock")
    assert {
        name for name in deployed if deployed[name] != tested.get(name, deployed[name])
    } == set()
    assert {"dagster-postgres", "s3fs", "opentelemetry-sdk"} <= set(deployed) - set(tested)
    assert "pytest" not in deployed
    beside = pins(DEPLOY / "requirements-test.lock")
    assert {name for name in beside if beside[name] != deployed.get(name, beside[name])} == set()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine on which the project was installed as docs/deployment.md says."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    units = tmp_path / "etc" / "systemd" / "system"
    shutil.copytree(DEPLOY / "systemd", units)
    (units / "sysinit.target").write_text("[Unit]\n")
    program = tmp_path / "opt" / "tokenmart" / ".venv" / "bin" / "tokenmart"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_takes_the_units_and_finds_them_closed(root: Path, unit: Path) -> None:
    def analyze(verb: str, *options: str) -> str:
        done = subprocess.run(
            ["systemd-analyze", verb, f"--root={root}", *options, unit.name],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    said = analyze("verify", "--man=no", "--recursive-errors=one")
    assert said == "", "systemd does not understand a line"
    found = re.search(r"exposure level for .*: ([\d.]+)", analyze("security", "--offline=true"))
    assert found is not None
    assert float(found[1]) <= MAX_EXPOSURE
