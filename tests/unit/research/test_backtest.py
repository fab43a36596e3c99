"""A rule of one's own: what is refused, what is written, and that it trades what was published."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from pipelines.research import backtest, backtest_report
from pipelines.research.backtest import publication, read_rule
from pipelines.research.errors import ResearchError

REPO = Path(__file__).parents[3]
SEEDS = REPO / "dbt" / "seeds"
EXAMPLE = REPO / "docs" / "research" / "rule.toml"


def rule_file(folder: Path, **changes: str) -> Path:
    """The example with other fields; an empty one is left out."""
    lines = [
        line
        for line in EXAMPLE.read_text(encoding="utf-8").splitlines()
        if line.partition(" = ")[0] not in changes
    ]
    path = folder / "mine.toml"
    added = [f"{name} = {value}" for name, value in changes.items() if value]
    path.write_text("\n".join(lines + added), encoding="utf-8")
    return path


def test_a_rule_may_go_by_excursions(published: Path, tmp_path: Path) -> None:
    plan = pl.read_csv(SEEDS / "plan/cfg_plan.csv").with_columns(
        excursion_horizon_d=pl.lit(5), excursion_min_obs=pl.lit(5)
    )
    (tmp_path / "plan").mkdir()
    plan.write_csv(tmp_path / "plan/cfg_plan.csv")
    by_habit = {"stop_atr": "", "stop_excursion_x": "1", "take_profit_excursion_x": "[1]"}
    rule = read_rule(rule_file(tmp_path, **by_habit, is_resized="false"))
    found = backtest.run("mine", rule, publication(published), seeds=tmp_path)
    assert {"stop", "take_profit"} <= set(found.trades["exit_reason"])
    entry, stop = found.trades["entry_usd"], found.trades["stop_usd"]
    assert ((entry - stop) * found.trades["side"] > 0).all()


def test_the_example_trades_what_was_published(published: Path, tmp_path: Path) -> None:
    found = backtest.run("rule", read_rule(EXAMPLE), publication(published), seeds=SEEDS)
    assert found.trades.height > 10
    # a change of units of a hundred is no return
    assert found.trades["gross_pnl_frac"].abs().max() < 0.1
    page = backtest_report.write([found, replace(found, name="again")], tmp_path)
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 1
    assert "<script" not in text, "the page needs a program"
    assert "http" not in text.replace("http://www.w3.org", ""), "the page asks somebody"
    for name in ("trades", "performance"):
        written = pl.read_parquet(tmp_path / f"{name}.parquet")
        assert written.filter(strategy_id="again").drop("strategy_id").equals(getattr(found, name))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"stop_atr": "-1"}, "wrong side of the entry"),
        ({"take_profit_r": "[2, -1]"}, "wrong side"),
        ({"stop_los": "3"}, "unknown .*stop_los"),
        ({"fee_bps": ""}, "missing .*fee_bps"),
        ({"fee_bps": '"much"'}, "much"),
        ({"is_resized": "3"}, "neither true nor false"),
    ],
    ids=str,
)
def test_an_impossible_rule_is_refused(
    tmp_path: Path, changes: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ResearchError, match=sentence):
        read_rule(rule_file(tmp_path, **changes))


def test_no_rule_at_all_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rule.toml"
    with pytest.raises(ResearchError, match="cannot be read as TOML"):
        read_rule(path)
    path.write_text("measure = ", encoding="utf-8")
    with pytest.raises(ResearchError, match="cannot be read as TOML"):
        read_rule(path)


@pytest.mark.parametrize(
    ("measure", "sentence"),
    [
        ("price_daily.price_quality", "is a label"),
        ("signal_quality.statistic_value", "knows the answer"),
        ("dim_token_event.event_kind", "not of assets and days"),
        ("technical_daily.charm", "has no technical_daily.charm"),
        ("tsmom_28", "mart.column"),
        ("technical_daily.tsmom_28; drop table marts.alert", "mart.column"),
    ],
)
def test_a_measure_that_may_not_be_read_is_refused(
    published: Path, tmp_path: Path, measure: str, sentence: str
) -> None:
    rule = read_rule(rule_file(tmp_path, measure=f'"{measure}"'))
    with pytest.raises(ResearchError, match=sentence):
        backtest.run("mine", rule, publication(published), seeds=SEEDS)


def test_without_a_publication_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ResearchError, match="There is no publication at"):
        publication(tmp_path)


def test_a_rule_that_never_holds_anything_says_so(published: Path, tmp_path: Path) -> None:
    rule = read_rule(rule_file(tmp_path, asset_id='"nobody"'))
    with pytest.raises(ResearchError, match="never held anything"):
        backtest.run("mine", rule, publication(published), seeds=SEEDS)
