"""What people do in the pages of `tokenmart dev`: clicks, cancelled backfills, jobs of no day."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from assets import automation
from pipelines.publishing import publications
from tests.e2e.conftest import Project
from tests.e2e.test_ui_backfill import (
    DAYS,
    LOCATION,
    STATUS,
    Ui,
    dev_log,
    ended,
    holds_all,
    launched,
    opened,
    ui,
    until,
)

__all__ = ["dev_log", "opened", "ui"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

_RUN_DONE = {"SUCCESS", "FAILURE", "CANCELED"}
_BACKFILLS = """
query Backfills {
  partitionBackfillsOrError(limit: 5) {
    __typename
    ... on PartitionBackfills { results { id partitionSetName } }
  }
}
"""
_CANCEL = """
mutation Cancel($id: String!) { cancelPartitionBackfill(backfillId: $id) { __typename } }
"""
_RUN = """
mutation Run($wanted: ExecutionParams!) {
  launchRun(executionParams: $wanted) {
    __typename
    ... on LaunchRunSuccess { run { id } }
    ... on PythonError { message }
  }
}
"""
_RUN_STATUS = """
query Run($id: ID!) { runOrError(runId: $id) { __typename ... on Run { status } } }
"""


@pytest.fixture
def page() -> Iterator[Page]:
    """An empty page of a browser, patient as a busy machine asks for."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--no-proxy-server"]
        )
        opened = browser.new_page(viewport={"width": 1600, "height": 1000})
        opened.set_default_timeout(120_000)
        yield opened
        browser.close()


def test_a_range_is_backfilled_from_the_browser(
    ui: Ui, opened: Project, dev_log: Path, page: Page
) -> None:
    first = opened.current
    (landing,) = re.findall(r"http://127\.0\.0\.1:\d+/assets\S+", dev_log.read_text())
    page.goto(landing)
    for seen in ("chain_daily", "marts/peg", "Materialized"):
        page.get_by_text(seen).first.wait_for()
    page.goto(f"{ui.address}/asset-groups")
    for layer in ("sources", "curated", "intermediate", "marts", "published"):
        page.get_by_text(layer, exact=True).first.wait_for()

    # a range of days beside the run of one of them
    daily = launched(ui, automation.DAILY_JOB, DAYS[-1:])
    page.goto(f"{ui.address}/locations/tokenmart/jobs/{automation.BACKFILL_JOB}")
    page.get_by_role("button", name="Materialize all").click()
    days = page.get_by_placeholder("ex: ")
    days.fill(f"[{DAYS[0]}...{DAYS[-1]}]")
    days.press("Enter")
    page.get_by_role("button", name="Launch backfill").click()
    backfill = until(lambda: _backfill_of(ui, automation.BACKFILL_JOB), bool)
    assert backfill is not None
    for name, found in (("daily", ended(ui, daily)), ("backfill", ended(ui, backfill))):
        log = dev_log.read_text(errors="replace")[-4000:]
        assert found["status"] == "COMPLETED_SUCCESS", f"{name}: {found}\n{log}"
        assert [run["status"] for run in found["runs"]] == ["SUCCESS"], f"{name} is to be one run"
    holds_all(opened, found["runs"][0]["id"], ui)
    assert opened.current.content_hash == first.content_hash


def test_a_backfill_is_cancelled_and_launched_again(ui: Ui, opened: Project) -> None:
    first, kept = opened.current, len(publications(opened.settings))
    repair = launched(ui, automation.REPAIR_JOB, DAYS)
    until(
        lambda: ui.ask(STATUS, id=repair)["partitionBackfillOrError"]["runs"],
        lambda found: [run["status"] for run in found] == ["STARTED"],
    )
    ui.ask(_CANCEL, id=repair)
    assert ended(ui, repair)["status"] == "CANCELED"
    assert len(publications(opened.settings)) == kept
    assert ended(ui, launched(ui, automation.REPAIR_JOB, DAYS))["status"] == "COMPLETED_SUCCESS"
    assert len(publications(opened.settings)) == kept + 1
    assert opened.current.content_hash == first.content_hash


def test_jobs_of_no_day_arelaunched(ui: Ui, opened: Project) -> None:
    first, kept = opened.current, len(publications(opened.settings))
    assert _executed(ui, automation.REBUILD_JOB) == "SUCCESS"
    assert len(publications(opened.settings)) == kept, "a rebuild publishes nothing"
    assert _executed(ui, automation.PUBLISH_JOB) == "SUCCESS"
    assert len(publications(opened.settings)) == kept + 1
    assert opened.current.content_hash == first.content_hash


def _backfill_of(ui: Ui, job: str) -> str | None:
    found = ui.ask(_BACKFILLS)["partitionBackfillsOrError"]["results"]
    return next(
        (one["id"] for one in found if one["partitionSetName"] == f"{job}_partition_set"), None
    )


def _executed(ui: Ui, job: str) -> str:
    """Launch a job that is of no days, and return how its run ended."""
    wanted = {"selector": {**LOCATION, "jobName": job}, "runConfigData": {}}
    launched = ui.ask(_RUN, wanted=wanted)["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run = launched["run"]["id"]
    return until(
        lambda: str(ui.ask(_RUN_STATUS, id=run)["runOrError"]["status"]),
        lambda status: status in _RUN_DONE,
    )
