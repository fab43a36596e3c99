"""In the live profile a key that is missing silences its source, and nothing else notices."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets import automation, keys
from assets.command import runs
from assets.command.cli import app
from assets.definitions import build_defs
from assets.resources import SilentProgress
from pipelines import sources
from pipelines.core.settings import Settings, SourceOverrides
from pipelines.core.windows import Window
from tests.sources.local_api import Asked, local_api

KEYED = "coingecko"
DISABLED_REASON = "no key: set TOKENMART_SOURCES__COINGECKO__API_KEY"


@pytest.fixture
def _live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setenv("TOKENMART_PROFILE", "live")
    monkeypatch.setenv("TOKENMART_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def _keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if one source answered nobody without a key."""
    plain = sources.source

    def source(name: str) -> Any:
        return replace(plain(name), needs_key=name == KEYED)

    monkeypatch.setattr(sources, "source", source)


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return what `tokenmart` prints, run with the arguments given."""

    def run(*arguments: str) -> str:
        capfd.readouterr()
        assert not app(arguments, standalone_mode=False)
        return capfd.readouterr().out

    return run


def disabled_reasons(status: str) -> dict[str, str | None]:
    """Return what keeps each source from being asked, from the JSON of `tokenmart status`."""
    found = json.loads(status)
    assert found["profile"] == "live"
    assert all(line["enabled"] == (line["disabled_reason"] is None) for line in found["sources"])
    return {line["name"]: line["disabled_reason"] for line in found["sources"]}


@pytest.mark.usefixtures("_live")
def test_without_any_key_every_source_is_asked(said: Callable[..., str]) -> None:
    assert disabled_reasons(said("status", "--json")) == dict.fromkeys(sources.SOURCES)


@pytest.mark.usefixtures("_live", "_keyed")
def test_status_names_the_variable_that_is_missing(
    said: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {**dict.fromkeys(sources.SOURCES), KEYED: DISABLED_REASON}
    assert disabled_reasons(said("status", "--json")) == expected
    monkeypatch.setenv("COLUMNS", "160")
    assert f"{KEYED} ({DISABLED_REASON})" in said("status")
    monkeypatch.setenv("TOKENMART_SOURCES__COINGECKO__API_KEY", "free")
    assert disabled_reasons(said("status", "--json")) == dict.fromkeys(sources.SOURCES)


@pytest.mark.usefixtures("_live")
def test_the_code_location_is_the_same(
    defs: dg.Definitions, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("_keyed")
    loaded = build_defs().get_repository_def()
    assert loaded.asset_graph.get_all_asset_keys() == (
        defs.get_repository_def().asset_graph.get_all_asset_keys()
    )


@pytest.mark.slow
@pytest.mark.usefixtures("_live", "_keyed")
def test_a_run_lands_the_others_and_says_why_one_is_left_out(
    tmp_path: Path,
) -> None:
    day = Window.of_day(date(2024, 3, 1))

    def bank(asked: Asked) -> Any:
        if "cenyzlota" in asked.path:
            return [{"data": "2024-03-01", "cena": 262.1}]
        rates = [{"no": "044/A/NBP/2024", "effectiveDate": "2024-03-01", "mid": 3.98}]
        return {"table": "A", "currency": "dolar", "code": "USD", "rates": rates}

    outcomes: list[str] = []

    class Recorded(SilentProgress):
        def advance(self, what: str, outcome: str | None = None) -> None:  # noqa: ARG002
            if outcome is not None:
                outcomes.append(outcome)

    with local_api(bank) as api:
        overrides = {name: SourceOverrides(enabled=False) for name in sources.SOURCES}
        overrides["gold"] = SourceOverrides(base_url=api.url)
        overrides[KEYED] = SourceOverrides()
        settings = Settings(
            profile="live", data_dir=tmp_path / "data", now="2024-03-02T06:00:00Z",
            sources=overrides, _env_file=None,
        )  # fmt: skip
        with runs.open_instance(settings) as instance:
            outcome = runs.execute(instance, automation.HISTORY_JOB, day, settings, Recorded())
            record = instance.get_latest_materialization_event(keys.raw("gold", "prices"))
    assert outcome.window == day
    assert record is not None
    assert record.asset_materialization is not None
    assert record.asset_materialization.metadata["dagster/row_count"].value == 1
    assert outcomes.count(f"off: {DISABLED_REASON}") == 1
    assert outcomes.count("off: switched off") == len(sources.SOURCES) - 2
