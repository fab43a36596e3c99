"""A host that blocks us (451): its documented mirror is asked, or the block is reported once."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import sources
from pipelines.core.settings import Settings, SourceOverrides
from pipelines.core.windows import FixedClock, Window
from pipelines.extraction import universe
from pipelines.extraction.source import begin_extraction, extract
from pipelines.http.client import Budget
from pipelines.lake import landing
from pipelines.lake.parallel import land_side_by_side
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset
from pipelines.sources import SOURCES
from tests.sources.local_api import Answer, local_api

MIRRORED = [name for name in SOURCES if sources.source(name).mirrors]


def settings_for(server: SandboxServer, dataset: Dataset, tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path, sandbox_url=server.url, curation_dir=dataset.path, _env_file=None
    )


@pytest.mark.parametrize("name", SOURCES)
def test_a_block_is_reported_once_and_costs_one_request(
    name: str, server: SandboxServer, dataset: Dataset, tmp_path: Path
) -> None:
    settings = settings_for(server, dataset, tmp_path)
    server.set_faults([{"source": name, "kind": "451"}])
    source = sources.source(name)
    curated = universe.codes(settings, source.identity or name)
    run = begin_extraction(source, settings, FixedClock(dataset.now), "run", curated)
    assert list(extract(source, run, Window.of_day(dataset.end))) == []
    (failure,) = run.failures
    assert failure.startswith("HTTP 451"), "whoever reports it names the source"
    assert server.faults()[0]["hits"] == 1, "a block is not asked again"
    assert {row["status"] for row in run.log().to_pylist()} <= {"error", "skipped"}


def test_the_documented_mirrors_are_declared() -> None:
    assert set(MIRRORED) == {"binance", "bybit", "ethereum"}
    for name in MIRRORED:
        source = sources.source(name)
        hosts = (source.base_url, *source.mirrors)
        assert len(set(hosts)) == len(hosts)
        assert all(host.startswith("https://") for host in hosts)


@pytest.mark.parametrize(
    ("name", "block"),
    [
        *((name, Answer("Service unavailable", status=451)) for name in MIRRORED),
        ("bybit", Answer({"retCode": 10009, "retMsg": "The IP has been banned", "result": {}})),
    ],
    ids=[*MIRRORED, "bybit inside 200"],
)
def test_a_blocked_host_is_left_for_its_mirror(
    name: str,
    block: Answer,
    server: SandboxServer,
    dataset: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the live profile: the mirror gives what the sandbox would have given."""
    settings, clock = settings_for(server, dataset, tmp_path), FixedClock(dataset.now)
    day = Window.of_day(dataset.end)
    source = sources.source(name)
    expected = landing.land(name, day, settings, clock, "sandbox")
    with local_api(lambda _: block) as blocked:
        here = replace(
            source,
            base_url=blocked.url,
            mirrors=(f"{server.url}/{name}",),
            files_url=None,
            budget=Budget(1_000.0, 1_000),
        )
        monkeypatch.setattr(sources, "source", lambda _name: here)
        live = settings.model_copy(update={"profile": "live", "data_dir": tmp_path / "live"})
        report = landing.land(name, day, live, clock, "live")
    assert report.failures == ()
    assert report.rows == expected.rows
    assert len(blocked.asked) == 1, "a host that was left is not asked again"


def test_a_missing_key_silences_its_source_alone(
    server: SandboxServer, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked nothing, says which variable is missing, and the next source is landed."""
    clock, day = FixedClock(dataset.now), Window.of_day(dataset.end)
    here = {
        name: replace(
            sources.source(name),
            base_url=f"{server.url}/{name}",
            needs_key=name == "coingecko",
            budget=Budget(1_000.0, 1_000),
        )
        for name in ("coingecko", "gold")
    }
    monkeypatch.setattr(sources, "source", here.__getitem__)
    live = settings_for(server, dataset, tmp_path).model_copy(update={"profile": "live"})
    landed = dict(land_side_by_side(tuple(here), day, live, clock, "run"))
    keyless, other = landed["coingecko"].result(), landed["gold"].result()
    assert (keyless.is_enabled, keyless.requests, keyless.failures) == (False, 0, ())
    assert keyless.disabled_reason == "no key: set TOKENMART_SOURCES__COINGECKO__API_KEY"
    assert other.failures == ()
    assert other.rows["prices"] > 0
    with_key = live.model_copy(
        update={"sources": {"coingecko": SourceOverrides(api_key="free", entities=("bitcoin",))}}
    )
    assert landing.land("coingecko", day, with_key, clock, "next").rows["market_chart"] > 0
