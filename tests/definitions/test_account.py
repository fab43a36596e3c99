"""Where the time of a run went: as lines in a terminal, and as metrics."""

import base64
import re
import xml.etree.ElementTree as ET
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from assets import automation
from assets.account import RunAccount, SourceLoad, Stage, account_of, newest_run
from assets.command import runs
from assets.resources import SilentProgress
from assets.timeline import WIDTH, draw, picture
from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.windows import Window
from pipelines.lake import landing
from pipelines.lake.landing import LoadReport

DAYS = Window.between(date(2024, 2, 28), date(2024, 3, 1))
OFF = "bitstamp"


@pytest.fixture
def run(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[RunAccount, dict[str, float]]:
    """An extraction of a range with made-up costs: its account and its metrics."""

    def land(name: str, window: Window, *_: object, **__: object) -> LoadReport:
        if name == OFF:
            return LoadReport(name, window, is_enabled=False, disabled_reason="switched off")
        rows = {table.name: 5 for table in sources.tables(name)}
        return LoadReport(
            name, window, load_id="1.2", rows=rows, requests=3, retries=2, throttled=1,
            throttled_s=1.5, bytes=700, duration_s=0.25,
        )  # fmt: skip

    monkeypatch.setattr(landing, "land", land)
    path = tmp_path / "textfile" / "tokenmart.prom"
    wanted = settings.model_copy(update={"metrics_file": path})
    with runs.open_instance(wanted) as instance:
        done = runs.execute(instance, automation.HISTORY_JOB, DAYS, wanted, SilentProgress())
        assert newest_run(instance) == newest_run(instance, done.run_id[:6]) == done.run_id
        assert newest_run(instance, "none") is None
        account = account_of(instance, done.run_id)
        notes = [
            entry.dagster_event.event_specific_data.metadata["time line"].value
            for entry in instance.all_logs(done.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
            if "time line" in getattr(entry.dagster_event.event_specific_data, "metadata", {})
        ]
    assert account is not None
    (shown,) = notes
    assert base64.b64decode(shown.partition("base64,")[2].rstrip(")")) == picture(account)
    samples = {
        f"{sample.name} {next(iter(sample.labels.values()))}": sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }
    return account, samples


def test_a_run_accounts_for_stages_and_sources(
    run: tuple[RunAccount, dict[str, float]],
) -> None:
    account, samples = run
    assert account.state == "success"
    assert account.stages[0].name == "extraction"
    assert {load.name for load in account.sources} == set(sources.SOURCES) - {OFF}
    assert {round(load.seconds, 3) for load in account.sources} == {0.25}
    (kraken,) = (load for load in account.sources if load.name == "kraken")
    assert (kraken.requests, kraken.retries, kraken.throttled, kraken.bytes) == (3, 2, 1, 700)
    assert kraken.throttled_s == 1.5
    assert kraken.rows == 5 * len(sources.tables("kraken"))

    assert samples[f"tokenmart_run_success {automation.HISTORY_JOB}"] == 1
    assert samples["tokenmart_stage_duration_seconds extraction"] > 0
    assert samples["tokenmart_source_retries kraken"] == 2
    assert samples["tokenmart_source_received_bytes kraken"] == 700
    assert samples["tokenmart_source_throttled_seconds kraken"] == 1.5
    assert f"tokenmart_source_requests {OFF}" not in samples
    assert samples["tokenmart_failed_checks block"] == 0


@pytest.fixture
def account() -> RunAccount:
    return RunAccount(
        run_id="0" * 36, job="daily", days="2024-03-01", state="success", start=100.0, end=300.0,
        stages=(Stage("extraction", 110.0, 150.0), Stage("building the warehouse", 150.0, 290.0)),
        sources=(SourceLoad("binance", 110.0, 149.0), SourceLoad("long_name" * 5, 110.0, 110.1)),
    )  # fmt: skip


def test_a_time_line_fits_the_terminal(account: RunAccount) -> None:
    lines = draw(account)

    assert max(map(len, lines)) <= WIDTH
    bars = {line[:32].strip(): line[32:70] for line in lines[3:]}
    assert re.fullmatch(r" █{8} +", bars["extraction"])
    assert re.fullmatch(r" ░{7} +", bars["binance"])
    assert re.fullmatch(r" {9}█{27} +", bars["building the warehouse"])
    assert lines[-1].split() == ["between", "the", "stages", "20.0", "s"]


def test_a_picture_has_the_same_lines(account: RunAccount) -> None:
    image = ET.fromstring(picture(account))  # noqa: S314  # our own
    texts = [text.text for text in image.findall("{*}text")]
    rects = image.findall("{*}rect")[1:]
    bars = [(float(bar.get("x", 0)), float(bar.get("width", 0))) for bar in rects]
    assert texts[::2] == [
        "extraction", "binance", "long_name" * 3 + "long", "building the warehouse",
    ]  # fmt: skip
    assert texts[1] == "40.0 s"
    full = (WIDTH - 42) * 8
    assert bars[0] == pytest.approx((32 * 8 + full * 10 / 200, full * 40 / 200), abs=0.1)
    assert all(x + width <= (32 + 38) * 8 + 1 for x, width in bars)


def test_a_run_without_an_end_or_length_is_drawn() -> None:
    account = RunAccount("r", "daily", "", "started", 5.0, 5.0, (Stage("gate", 5.0, 5.0),), ())
    assert ET.fromstring(picture(account)).find("{*}text") is not None  # noqa: S314  # our own picture
    assert max(map(len, draw(account))) <= WIDTH
