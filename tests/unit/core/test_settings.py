"""The environment is read here and nowhere else, and what is wrong in it is named."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipelines.core.settings import (
    REPO_DIR,
    Serving,
    Settings,
    SettingsError,
    SourceOverrides,
    child_environment,
    get_settings,
)
from pipelines.sources import source


@pytest.fixture(autouse=True)
def _no_env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)


def test_defaults() -> None:
    settings = get_settings()
    assert (settings.profile, settings.now, settings.keep_publications) == ("sandbox", None, 10)
    assert settings.data_dir == REPO_DIR / "data"
    assert settings.lake_dir == str(REPO_DIR / "data" / "lake")
    assert settings.warehouse_path == REPO_DIR / "data" / "warehouse.duckdb"
    assert settings.overrides("binance") == SourceOverrides()


def test_the_environment_is_read_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENMART_PROFILE", "live")
    monkeypatch.setenv("TOKENMART_NOW", "2025-11-11T06:00:00Z")
    monkeypatch.setenv("TOKENMART_DATA_DIR", "~/market")
    monkeypatch.setenv("TOKENMART_LAKE_URL", "s3://bucket/lake/")
    monkeypatch.setenv("TOKENMART_SOURCES__BINANCE__BASE_URL", "http://127.0.0.1:1/b")
    monkeypatch.setenv("TOKENMART_SOURCES__BINANCE__REQUESTS_PER_SECOND", "2.5")
    monkeypatch.setenv("TOKENMART_SOURCES__KRAKEN__ENABLED", "false")
    monkeypatch.setenv("TOKENMART_SOURCES__COINMETRICS__ENTITIES", '["btc","eth"]')
    settings = get_settings()
    assert settings.profile == "live"
    assert settings.now == datetime(2025, 11, 11, 6, tzinfo=UTC)
    assert settings.data_dir == Path("~/market").expanduser()
    assert settings.lake_dir == "s3://bucket/lake"
    assert settings.overrides("binance").base_url == "http://127.0.0.1:1/b"
    assert settings.overrides("binance").requests_per_second == 2.5
    assert not settings.overrides("kraken").enabled
    assert settings.overrides("coinmetrics").entities == ("btc", "eth")


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENMART_NOW", "")
    monkeypatch.setenv("TOKENMART_SANDBOX_URL", "")
    assert (get_settings().now, get_settings().sandbox_url) == (None, None)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SOURCES__BINNANCE__ENABLED", "false", "no such source: binnance; there are binance, "),
        (
            "SOURCES__BINANCE__BASEURL",
            "x",
            "BINANCE__BASEURL is no setting; there are TOKENMART_SOURCES__BINANCE__ENABLED, ",
        ),
        (
            "SOURCES__BINANCE__REQUESTS_PER_SECOND",
            "0",
            "PER_SECOND is '0'; it must be greater than 0",
        ),
        (
            "SOURCES__BINANCE__LOOK_BACK_D",
            "-1",
            "LOOK_BACK_D is '-1'; it must be greater than or equal to 0",
        ),
        ("NOW", "2025-11-11T06:00:00", "TOKENMART_NOW needs a time zone, such as 2025-11-11T06:"),
        ("NOW", "yesterday", "^TOKENMART_NOW is 'yesterday'; it must be a valid datetime or date$"),
        (
            "PROFILE",
            "production",
            "^TOKENMART_PROFILE is 'production'; allowed: 'sandbox' or 'live'$",
        ),
        ("KEEP_PUBLICATIONS", "0", "it must be greater than or equal to 1"),
        (
            "KEEP_PUBLICATIONS",
            "x",
            "^TOKENMART_KEEP_PUBLICATIONS is 'x'; it must be a valid integer$",
        ),
        ("SOURCES__BINANCE__ENABLED", "maybe", "ENABLED is 'maybe'; it must be true or false"),
        (
            "SOURCES__BINANCE__ENTITIES",
            "BTC",
            "ENTITIES is 'BTC'; it must be a list in JSON, such as",
        ),
        ("NOTIFY", "json://s3cret", "^TOKENMART_NOTIFY is not readable: (?!.*s3cret)"),
        ("SOURCES", "[1]", "^TOKENMART_SOURCES: it must be an object in JSON"),
    ],
)
def test_what_is_wrong_is_named(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TOKENMART_{name}", value)
    with pytest.raises(SettingsError, match=message):
        get_settings()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        get_settings().profile = "live"  # type: ignore[misc]


def test_a_relative_folder_is_the_projects_in_whatever_folder_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKENMART_DATA_DIR", "data/replay")
    settings = Settings(dataset=Path("x/../y"), curation_dir=tmp_path)
    assert settings.data_dir == REPO_DIR / "data" / "replay"
    assert settings.dataset == REPO_DIR / "y"
    assert settings.curation_dir == tmp_path


def test_a_child_reads_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2025, 11, 11, 6, tzinfo=UTC)
    environment = child_environment(now=now, data_dir=Path("/somewhere"), sandbox_url=None)
    assert environment["TOKENMART_NOW"] == "2025-11-11T06:00:00+00:00"
    assert "TOKENMART_SANDBOX_URL" not in environment
    for name, value in environment.items():
        if name.startswith("TOKENMART_"):
            monkeypatch.setenv(name, value)
    assert get_settings().now == now
    assert get_settings().data_dir == Path("/somewhere")


def _example() -> dict[str, str]:
    """Return the variables of .env.example, those that are commented out too."""
    text = (REPO_DIR / ".env.example").read_text()
    return dict(re.findall(r"^(?:# )?(TOKENMART_[A-Z0-9_]+)=(.*)$", text, re.MULTILINE))


def test_the_example_lists_every_setting_and_no_other() -> None:
    listed = set(_example())
    own = {f"TOKENMART_{name.upper()}" for name in Settings.model_fields if name != "sources"}
    of_sources = {name for name in listed if name.startswith("TOKENMART_SOURCES__")}
    assert listed - of_sources == own
    fields = {name.rpartition("__")[2].lower() for name in of_sources}
    assert fields == set(SourceOverrides.model_fields)


def test_what_the_example_shows_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _example().items():
        monkeypatch.setenv(name, value)
    settings = get_settings()
    assert settings.overrides("binance").entities == ("BTCUSDT", "ETHUSDT")
    assert settings.overrides("coingecko").requests_per_second == 0.5


def test_defaults_of_the_example_are_the_defaults() -> None:
    shown = _example()
    defaults = SourceOverrides()
    for name in ("TIMEOUT_S", "MAX_ATTEMPTS", "MAX_RETRY_DELAY_S"):
        shown_value = float(shown[f"TOKENMART_SOURCES__BINANCE__{name}"])
        assert shown_value == getattr(defaults, name.lower()), name
    bounds = json.loads(shown["TOKENMART_SOURCES__BINANCE__BOUNDS"])
    assert bounds == defaults.bounds.model_dump()
    assert json.loads(shown["TOKENMART_SERVING"]) == Serving().model_dump(mode="json")
    binance = source("binance")
    assert shown["TOKENMART_SOURCES__BINANCE__BASE_URL"] == binance.base_url
    assert int(shown["TOKENMART_SOURCES__BINANCE__LOOK_BACK_D"]) == binance.look_back_d
    pace = float(shown["TOKENMART_SOURCES__BINANCE__REQUESTS_PER_SECOND"])
    assert pace == binance.budget.requests_per_second
