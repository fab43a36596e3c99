"""Each notebook on small publications whose answers are known, on empty ones, and as a script."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import date
from importlib import util
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.core.settings import REPO_DIR
from tests.e2e.conftest import Project
from tests.unit.site.conftest import published

FOLDER = REPO_DIR / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "publication")
# what a notebook needs before it says anything
NEEDED = {
    "depeg_day_by_day": "stablecoin_peg_daily",
    "event_study": "alert",
    "first_steps": "price_daily",
    "grade_taken_apart": "grade_components",
    "pair_of_protocols": "price_daily",
    "point_in_time": "price_daily",
}
Run = Callable[..., tuple[str, Mapping[str, Any]]]

GRADES = """
insert into marts.grade_components by name
from (values
    ('bitcoin', 'calm', 80.0, 0.75, null), ('bitcoin', 'age', 40.0, 0.25, null),
    ('bitcoin', 'fees', null, null, 'no_value'), ('evil', 'calm', 10.0, 0.5, null),
    ('evil', 'age', 20.0, 0.5, null)
) as part (asset_id, factor, score, weight_frac, no_share_reason)
select
    *, factor || '_grade' as factor_group, date '2024-02-29' as day, 'trader_grade' as grade,
    score as xs_pctile, weight_frac * score as contribution;
insert into marts.trader_grade_daily by name
select asset_id, any_value(symbol) as symbol, day, sum(contribution) as trader_grade
from marts.grade_components group by asset_id, day;
"""
DEPEG = """
insert into marts.stablecoin_peg_daily by name
select
    'coin' as stablecoin_id, date '2024-01-01' + i::integer as day,
    case when i between 20 and 24 then -300.0 - i else 1.0 end as dev_bps, 'ok' as price_quality
from range(60) as days (i);
insert into marts.depeg_event_log by name
from (values
    (date '2024-01-22', 'open', -321.0, date '2024-01-22', null),
    (date '2024-01-24', 'worst', -324.0, date '2024-01-25', null),
    (date '2024-01-27', 'close', -324.0, date '2024-01-25', date '2024-01-27')
) as line (known_from_day, change, worst_bps, last_day_off, closed_day)
select
    *, 'event' as event_id, 'coin' as stablecoin_id, known_from_day + interval 26 hour as known_at,
    date '2024-01-21' as start_day, date '2024-01-22' as detected_day, 'fast' as detection_rule,
    'minor' as severity;
insert into marts.depeg_event by name
select * exclude (change), 'closed' as event_state
from marts.depeg_event_log where change = 'close';
insert into marts.stablecoin_supply_daily by name
select
    stablecoin_id, day,
    case when day < date '2024-01-23' then 1000.0 else 600.0 end as supply_par_usd
from marts.stablecoin_peg_daily;
"""
PAIR = """
insert into marts.price_daily by name
select asset_id, date '2023-01-01' + i::integer as day, exp(wave) as close_usd
from (
    select i, asset_id, case asset_id when 'dear' then 0.2 * sin(i / 25.0) else 0 end as wave
    from range(500) as days (i), (values ('dear'), ('cheap')) as asset (asset_id)
);
insert into marts.peer_pair by name
select
    'dear' as asset_id, 'cheap' as peer_asset_id, own.day, 'dex' as sector, 20.0 as fees_7d_usd,
    5.0 as peer_fees_7d_usd, 4.0 as fees_ratio_7d, own.close_usd as pf_fdv_x, 1.0 as peer_pf_fdv_x
from marts.price_daily as own where own.asset_id = 'dear';
"""
# each of 40 alerts is followed by 4 % beyond the market on the second day, and by nothing else
EVENTS = """
insert into marts.market_regime_daily by name
select date '2022-01-01' + i::integer as day, 0.01 * sin(i) as market_ret_1d
from range(700) as days (i);
insert into marts.alert by name
select
    'alert-' || i as alert_id, i as event_seq, 'price_move' as kind, 'asset' as entity_kind,
    'asset-' || i as entity_id, date '2022-07-01' + (i * 11)::integer as day, 'up' as direction
from range(40) as alerts (i);
insert into marts.returns_risk_daily by name
select
    alert.entity_id as asset_id, market.day,
    1.5 * market.market_ret_1d
        + case
            when market.day = alert.day + 2 then 0.04 + 0.001 * (alert.event_seq % 3 - 1) else 0
        end
    as ret_1d
from marts.alert as alert, marts.market_regime_daily as market;
insert into marts.alert by name
select
    'late' as alert_id, 99 as event_seq, 'price_move' as kind, 'asset' as entity_kind,
    'asset-0' as entity_id, max(day) as day, 'up' as direction
from marts.market_regime_daily;
"""
UNIVERSE = """
insert into marts.price_daily by name
from (values
    ('rose', date '2024-01-01', 1.0), ('rose', date '2024-01-31', 2.0),
    ('rose', date '2024-03-01', 3.0), ('died', date '2024-01-01', 10.0),
    ('died', date '2024-01-31', 1.0), ('died', date '2024-03-01', null)
) as price (asset_id, day, close_usd);
insert into marts.dim_universe_membership by name
from (values
    ('rose', date '2024-01-31', true), ('died', date '2024-01-31', true),
    ('rose', date '2024-03-01', true)
) as member (asset_id, day, is_member);
insert into marts.dim_token_event by name
select 'rose' as asset_id, 'halving' as event_kind, timestamp '2024-02-20' as effective_at,
    timestamp '2024-01-05' as event_known_at, 'announced' as known_basis;
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that publishes rows, runs a notebook on them, and gives text and values."""

    def notebook(name: str, rows: str, **how: Any) -> tuple[str, Mapping[str, Any]]:
        data = tmp_path / "data"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        published(data / "published", rows, **how)
        monkeypatch.setenv("TOKENMART_DATA_DIR", str(data))
        return run_notebook(name, capsys)

    return notebook


def run_notebook(name: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, Mapping[str, Any]]:
    spec = util.spec_from_file_location(f"notebook_{name}", FOLDER / f"{name}.py")
    assert spec
    assert spec.loader
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    capsys.readouterr()
    _, values = module.app.run()
    return capsys.readouterr().out, values


def script(name: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py")],
        env={**os.environ, "TOKENMART_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_marimo_finds_nothing_to_say() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "marimo",
            "check",
            "--strict",
            *(str(FOLDER / f"{name}.py") for name in NOTEBOOKS),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_notebook_is_tested() -> None:
    assert sorted(NEEDED) == NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_an_empty_publication_is_said_to_be_empty(name: str, tmp_path: Path) -> None:
    published(tmp_path / "published", "select 1")
    done = script(name, tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "Nothing to show" in done.stdout
    assert f"`{NEEDED[name]}`" in done.stdout


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_publication_without_the_mart_is_said_to_lack_it(name: str, run: Run) -> None:
    said, _ = run(name, "select 1", without=[NEEDED[name]])
    assert f"`{NEEDED[name]}`" in said


def test_where_nothing_is_published_the_way_to_publish_is_said(tmp_path: Path) -> None:
    done = script("first_steps", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "`make daily` publishes" in done.stdout


def test_first_steps_tell_what_there_is(run: Run) -> None:
    said, values = run(
        "first_steps",
        """
        insert into marts.price_daily by name
        select 'bitcoin' as asset_id, date '2024-02-01' + i::integer as day,
            case when i <> 3 then 100.0 end as close_usd,
            case when i <> 3 then 'ok' else 'missing' end as price_quality,
            timestamp '2024-03-02 06:00:00' as as_of_ts
        from range(10) as days (i);
        insert into marts.meta_metric_catalog by name
        select 'price_daily' as mart, 'close_usd' as column_name, 1 as column_position,
            'USD' as unit;
        """,
    )
    assert "2024-02-10" in said
    assert "**1 of them have no price.**" in said
    assert values["missing_days"] == 1
    assert values["dictionary"]["unit"].to_list() == ["USD"]


def test_the_parts_of_a_grade_are_the_grade(run: Run) -> None:
    said, values = run("grade_taken_apart", GRADES)
    assert values["published_grade"] == 70
    assert values["summed"] == pytest.approx(70, abs=1e-12)
    assert values["pulls"]["pull"].sum() == pytest.approx(20)
    assert "**The parts are the grade.**" in said
    assert "no_value: fees" in said


def test_parts_that_are_not_the_grade_are_said_not_to_be(run: Run) -> None:
    said, values = run(
        "grade_taken_apart", f"{GRADES} update marts.trader_grade_daily set trader_grade = 71"
    )
    assert not values["adds_up"]
    assert "**The parts are not the grade.**" in said


def test_factors_without_a_grade_are_said_to_be_without(run: Run) -> None:
    said, _ = run("grade_taken_apart", f"{GRADES} delete from marts.trader_grade_daily")
    assert "no asset has a grade" in said


def test_each_day_of_a_depeg_knows_what_the_log_said_by_then(run: Run) -> None:
    said, values = run("depeg_day_by_day", DEPEG)
    known = dict(values["knowledge"].select("day", "known").iter_rows())
    assert known[date(2024, 1, 21)] == "nothing", "off its peg, and not yet detected"
    assert known[date(2024, 1, 22)] == known[date(2024, 1, 26)] == "open"
    assert known[date(2024, 1, 27)] == "closed"
    worst = dict(values["knowledge"].select("day", "known_worst_bps").iter_rows())
    assert (worst[date(2024, 1, 23)], worst[date(2024, 1, 24)]) == (-321, -324)
    assert values["left_frac"] == pytest.approx(0.4)
    assert "1 days later" in said
    assert "**40.0% was redeemed**" in said


def test_a_publication_without_a_depeg_says_how_calm_it_was(run: Run) -> None:
    said, _ = run(
        "depeg_day_by_day",
        f"{DEPEG} delete from marts.depeg_event; delete from marts.depeg_event_log",
    )
    assert "**No depeg**" in said
    assert "pegs of 1 stablecoins were" in said
    assert "324 bps" in said


def test_a_pair_that_reverts_is_seen_to_revert(run: Run) -> None:
    said, values = run("pair_of_protocols", PAIR)
    assert "4.00x" in said
    # a sine is high, and then falls
    assert values["correlation"] < -0.3
    # nothing of the days ahead is in a deviation
    late = values["scored"].filter(pl.col("z").is_not_null())["day"].min()
    assert (late - date(2023, 1, 1)).days == 89


def test_one_protocol_alone_is_no_pair(run: Run) -> None:
    said, _ = run(
        "pair_of_protocols",
        f"""{PAIR} delete from marts.peer_pair;
        insert into marts.valuation_daily by name
        select 'dear' as asset_id, date '2024-01-01' as day, 3.0 as fees_30d_usd""",
    )
    assert "**No pair**" in said
    assert "known of 1 tokens: dear" in " ".join(said.split())


def test_an_event_study_finds_what_was_planted(run: Run) -> None:
    said, values = run("event_study", EVENTS)
    curve = dict(values["curve"].select("tau", "mean").iter_rows())
    assert curve[0] == 0
    assert curve[-5] == pytest.approx(0, abs=1e-3)
    assert curve[1] == pytest.approx(0, abs=1e-3)
    assert curve[2] == pytest.approx(0.04, abs=2e-3)
    assert curve[20] == pytest.approx(0.04, abs=2e-3)
    end = values["end"]
    assert end["low"] > 0, "the planted return is outside of chance"
    assert "Zero is outside." in said
    assert "40 of 41 events" in said
    assert values["fates"] == {"too recent": 1, "whole": 40}


def test_the_band_of_an_event_study_is_that_of_its_blocks(run: Run) -> None:
    _, values = run("event_study", EVENTS)
    paths = values["paths"].filter(pl.col("tau") == 20)
    # the usual estimator for clusters, by hand
    mean = paths["car"].mean()
    sums = [
        sum(car - mean for car in cars)
        for (cars,) in paths.group_by("block").agg("car").select("car").iter_rows()
    ]
    blocks = len(sums)
    variance = sum(part**2 for part in sums) / len(paths) ** 2 * blocks / (blocks - 1)
    assert values["end"]["standard_error"] == pytest.approx(variance**0.5)
    # a table's 97.5 % quantile of Student's distribution with 14 degrees of freedom
    assert (blocks, values["quantile"]) == (15, pytest.approx(2.145, abs=1e-3))


def test_few_events_have_no_band(run: Run) -> None:
    said, values = run("event_study", f"{EVENTS} delete from marts.alert where event_seq > 4")
    assert values["end"]["low"] is None
    assert "no band can be given" in said


def test_alerts_of_other_things_are_no_events_of_assets(run: Run) -> None:
    said, _ = run("event_study", f"{EVENTS} update marts.alert set entity_kind = 'chain'")
    assert "**No events**" in said


def test_what_was_known_of_a_depeg_stands_beside_what_is_known(run: Run) -> None:
    said, values = run("point_in_time", f"{DEPEG} {UNIVERSE}")
    # the day after it was detected
    assert values["day"].value == date(2024, 1, 23)
    row = values["pegs"].row(0, named=True)
    assert (row["state_then"], row["state_now"]) == ("open", "closed")
    assert (row["worst_bps_then"], row["worst_bps_now"]) == (-321, -324)
    assert "**1 of them looked otherwise**" in said


def test_members_of_then_are_held_to_their_end(run: Run) -> None:
    said, values = run("point_in_time", UNIVERSE)
    assert values["day"].value == date(2024, 1, 31)
    assert values["mean_then"] == pytest.approx(0.25), "one rose by half, the other stayed dead"
    assert values["mean_now"] == pytest.approx(0.5)
    assert "**+25.0%** away from what could be had" in " ".join(said.split())
    assert "1 were known beforehand and had yet to happen; 0" in said


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_run_on_the_generated_market(name: str, project: Project) -> None:
    done = script(name, project.data_dir)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout.strip(), "it says nothing"


@pytest.mark.slow
def test_every_grade_of_the_generated_market_adds_up(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOKENMART_DATA_DIR", str(project.data_dir))
    said, values = run_notebook("grade_taken_apart", capsys)
    assert values["adds_up"], values["difference"]
    assert "**The parts are the grade.**" in said
