"""What users are shown of grades, signals and plans, on the published file."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.core import warehouse
from pipelines.publishing.ledger import NUMBERED, recorded_numbers
from tests.e2e.conftest import END, REPO, Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

QUERIES = re.findall(r"```sql\n(.*?)```", (REPO / "docs/signals.md").read_text(), flags=re.S)


def _by_hand(file: Path, asset: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(REPO / "scripts/one_asset.py"), asset, "--file", str(file)],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_page_of_numbers_is_the_same_by_hand(project: Project, tmp_path: Path) -> None:
    file = project.settings.published_dir / "tokenmart.duckdb"
    for asset in ("bitcoin", "ethereum"):
        done = _by_hand(file, asset)
        assert done.returncode == 0, f"{asset}:\n{done.stdout}\n{done.stderr}"
        for number in ("rsi_14", "trader_grade", "trend_score", "signal", "stop_price"):
            assert re.search(rf"^{number}\s+-?\d", done.stdout, flags=re.M), (
                f"{asset} has no {number}"
            )

    # the script can disagree
    forged = tmp_path / "forged.duckdb"
    forged.write_bytes(file.resolve().read_bytes())
    for number in ("trend_score", "trader_grade"):
        with warehouse.write(forged) as connection:
            connection.execute(f"update marts.trader_grade_daily set {number} = {number} + 1e-4")
        done = _by_hand(forged, "bitcoin")
        assert done.returncode == 1
        assert number in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("query", QUERIES, ids=[query.split("\n")[0] for query in QUERIES])
def test_queries_of_the_page_answer(project: Project, query: str) -> None:
    # the page's own example is an exchange's token on recorded data, long before this market
    here = query.replace("ftx-token", "bitcoin").replace("2022-11-07", END.isoformat())
    with warehouse.read(project.settings.published_dir / "tokenmart.duckdb") as connection:
        found = connection.execute(here).fetchall()
    # fifteen assets of a hundred days are too few to judge by
    assert found or "signal_quality" in query, query


@pytest.mark.parametrize("page", ["crash", "signals", "valuations"])
def test_a_page_is_printed_whole(project: Project, page: str) -> None:
    file = project.settings.published_dir / "tokenmart.duckdb"
    done = subprocess.run(
        [sys.executable, str(REPO / "scripts/show.py"), page, "--file", str(file)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    sections = re.split(r"^## ", (REPO / f"docs/{page}.md").read_text(), flags=re.M)[1:]
    asked = {section.splitlines()[0] for section in sections if "```sql" in section}
    reported = {name for name in asked if f"\n{name}\n-" in done.stdout}
    assert reported == asked, done.stdout


def test_published_events_have_their_numbers_in_the_ledger(project: Project) -> None:
    """Polled twice, nothing comes twice; the ledger knows what was reported."""
    with warehouse.read(project.settings.published_dir / "tokenmart.duckdb") as connection:
        for mart, key in NUMBERED.items():
            poll = (
                f"select {key}, event_seq from marts.{mart} where event_seq > ? order by event_seq"
            )
            first = connection.execute(poll, [0]).fetchall()
            assert first, f"{mart}: nothing happened"
            assert connection.execute(poll, [first[-1][1]]).fetchall() == []
            ledger = {
                (row[key], row["event_seq"])
                for row in recorded_numbers(project.settings, mart).to_pylist()
            }
            assert set(first) <= ledger
