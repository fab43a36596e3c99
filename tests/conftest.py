"""What every test may use: the recorded data, and an environment without the user's settings."""

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded real data; a test that needs it is skipped where it is absent."""
    path = Path(os.environ.get("TOKENMART_SHARED_DATA", REPO.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"recorded real data is not here ({path}); set TOKENMART_SHARED_DATA")
    return path


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own TOKENMART_* settings must not decide a test."""
    for name in list(os.environ):
        if name.startswith("TOKENMART_") and name != "TOKENMART_SHARED_DATA":
            monkeypatch.delenv(name)
