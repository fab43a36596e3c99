"""Fixtures of model tests: an empty lake in a box, the project parsed once."""

import shutil
from pathlib import Path

import pytest

from tests.models import lake_box as boxes


@pytest.fixture(scope="session")
def dbt_target(parsed_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where dbt writes its artifacts in this session."""
    target = tmp_path_factory.mktemp("dbt_target")
    boxes.prepare(target, parsed_project)
    return target


@pytest.fixture
def lake_box(dbt_target: Path, tmp_path: Path) -> boxes.LakeBox:
    """An empty lake and no warehouse."""
    return boxes.LakeBox(tmp_path)


@pytest.fixture(scope="session")
def seeded_warehouse(dbt_target: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of an empty lake with the seeds in it, to be copied."""
    box = boxes.LakeBox(tmp_path_factory.mktemp("seeded"))
    box.dbt("seed")
    return box.warehouse


@pytest.fixture
def seeded_box(lake_box: boxes.LakeBox, seeded_warehouse: Path) -> boxes.LakeBox:
    """An empty lake and a warehouse that has the seeds and nothing else."""
    shutil.copy(seeded_warehouse, lake_box.warehouse)
    return lake_box


@pytest.fixture(scope="module")
def shared_box(seeded_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> boxes.LakeBox:
    """One seeded warehouse for the tests of a module, which read it and do not change it."""
    box = boxes.LakeBox(tmp_path_factory.mktemp("box"))
    shutil.copy(seeded_warehouse, box.warehouse)
    return box
