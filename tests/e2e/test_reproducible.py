"""The same market, landed and built anew elsewhere, is published to the same last bit."""

from pathlib import Path

import pytest

from pipelines.sandbox.dataset import load
from pipelines.sandbox.generate import GeneratorSettings, generate
from tests.e2e.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

# they tell which run it was, and how long its requests took
OF_THE_RUN = {"ops_check_result", "ops_load_log"}


def test_two_warehouses_of_one_market_are_the_same(tmp_path: Path) -> None:
    """Of full size: small tables are read by one thread, and in one order."""
    dataset = load(generate(GeneratorSettings(), tmp_path / "market"))
    found = []
    for name in ("one", "other"):
        project = Project(tmp_path / name, dataset)
        done = project.daily()
        assert done.returncode == 0, f"{name}:\n{done.stdout}\n{done.stderr}"
        found.append({mart.name: mart.content_hash for mart in project.current.marts})

    one, other = found
    assert one.keys() == other.keys()
    assert {name for name in one if one[name] != other[name]} <= OF_THE_RUN
