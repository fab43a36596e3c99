"""Where and how fast a source is asked."""

import pytest

from pipelines.core.settings import Settings, SettingsError, SourceOverrides
from pipelines.extraction.source import base_url, client_for
from pipelines.http.client import Budget
from tests.unit.fake_source import daily_source

SOURCE = daily_source()


def settings_of(**values: object) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[arg-type]


def test_the_sandbox_profile_asks_the_sandbox() -> None:
    settings = settings_of(sandbox_url="http://127.0.0.1:8000/")
    assert base_url(SOURCE, settings) == "http://127.0.0.1:8000/kraken"


def test_the_sandbox_profile_never_asks_the_live_host() -> None:
    with pytest.raises(SettingsError, match="no sandbox server is set"):
        base_url(SOURCE, settings_of())
    overrides = {"kraken": SourceOverrides(base_url="https://fake.example/v2")}
    with pytest.raises(SettingsError, match=r"live host fake\.example: set TOKENMART_PROFILE=live"):
        base_url(SOURCE, settings_of(sources=overrides))


def test_the_live_profile_asks_the_host_and_never_the_sandbox() -> None:
    settings = settings_of(profile="live", sandbox_url="http://127.0.0.1:8000")
    assert base_url(SOURCE, settings) == "https://fake.example"


def test_a_base_url_of_the_user_wins() -> None:
    overrides = {"kraken": SourceOverrides(base_url="http://127.0.0.1:7/k")}
    for profile in ("sandbox", "live"):
        settings = settings_of(profile=profile, sources=overrides)
        assert base_url(SOURCE, settings) == "http://127.0.0.1:7/k"


@pytest.mark.parametrize(
    ("profile", "pace", "expected"),
    [
        ("live", None, Budget(1.0)),
        ("live", 0.5, Budget(0.5)),
        ("sandbox", None, None),
        ("sandbox", 9.0, Budget(9.0)),
    ],
)
def test_the_live_budget_is_kept_and_the_sandbox_is_not_slowed(
    profile: str, pace: float | None, expected: Budget | None
) -> None:
    overrides = {"kraken": SourceOverrides(requests_per_second=pace)}
    settings = settings_of(profile=profile, sandbox_url="http://127.0.0.1:8", sources=overrides)
    pacer = client_for(SOURCE, settings)._adapter._pacer
    assert (pacer._budget if pacer else None) == expected
