"""Definitions as Dagster would load them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from assets.definitions import build_defs
from assets.resources import SilentProgress
from pipelines.core.settings import Settings

NOW = datetime(2024, 3, 2, 6, tzinfo=UTC)


@pytest.fixture(scope="session", autouse=True)
def _with_manifest(parsed_project: Path) -> None:
    """Definitions load dbt's manifest."""


@pytest.fixture(scope="session")
def defs(_with_manifest: None) -> dg.Definitions:
    return build_defs()


@pytest.fixture(scope="session")
def specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    """Every asset's spec by its key as text; raw tables that dbt only refers to are not assets."""
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", now=NOW)


@pytest.fixture
def defs_with(settings: Settings) -> Callable[[], dg.Definitions]:
    """Return a function that builds definitions on a temporary data folder."""

    def build() -> dg.Definitions:
        return build_defs(settings=settings, progress=SilentProgress())

    return build
