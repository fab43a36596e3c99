"""What every test may use: recorded data, the parsed project, nothing of the user's settings."""

import os
from pathlib import Path

import pytest
from filelock import FileLock

from pipelines.core.garbage import collect_rarely
from pipelines.core.settings import Settings

REPO = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded real data; a test that needs it is skipped where it is absent."""
    path = Path(os.environ.get("TOKENMART_SHARED_DATA", REPO.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"recorded real data is not here ({path}); set TOKENMART_SHARED_DATA")
    return path


@pytest.fixture(scope="session")
def parsed_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of dbt's manifest and of its parse, which takes 20 s and is made once.

    `make install` leaves it; where somebody runs pytest bare, the first process makes it and the
    others wait.
    """
    from assets import dbt_project  # seconds, which a single test of a parser need not pay

    with FileLock(tmp_path_factory.getbasetemp().parent / "parse.lock"):
        if not dbt_project.is_parsed():
            dbt_project.parse(Settings())
    return dbt_project.dbt_project().manifest_path.parent


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own TOKENMART_* settings must not decide a test."""
    for name in list(os.environ):
        if name.startswith("TOKENMART_") and name != "TOKENMART_SHARED_DATA":
            monkeypatch.delenv(name)


def pytest_collection_finish() -> None:
    """Leave modules and collected tests alone: the collector would walk them again and again."""
    collect_rarely()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what builds warehouses: small files at the end keep both processes busy."""
    items.sort(key=lambda item: REPO / "tests" / "models" not in item.path.parents)
