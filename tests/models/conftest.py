"""Fixtures of model tests: an empty lake in a box, the project parsed once."""

from pathlib import Path

import pytest

from tests.models import lake_box as boxes


@pytest.fixture(scope="session")
def dbt_target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where dbt writes its artifacts in this session."""
    target = tmp_path_factory.mktemp("dbt_target")
    boxes.set_target(target)
    return target


@pytest.fixture
def lake_box(dbt_target: Path, tmp_path: Path) -> boxes.LakeBox:
    """An empty lake and no warehouse."""
    return boxes.LakeBox(tmp_path)


@pytest.fixture(scope="module")
def shared_box(dbt_target: Path, tmp_path_factory: pytest.TempPathFactory) -> boxes.LakeBox:
    """One lake and warehouse for the tests of a module, which read it and do not change it."""
    return boxes.LakeBox(tmp_path_factory.mktemp("box"))
