"""Nothing that looks ahead is written down, outside of a list with reasons.

The proofs by building see what leaks; this one sees what could, in a second.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]

# (file, finding): why it is right there
ALLOWED = {
    ("dbt/models/intermediate/identity/int_asset_class_interval.sql", "lead"): (
        "the end of a validity interval is the start of the next one; both are dated facts, and "
        "readers join by day"
    ),
    ("dbt/macros/history/dated.sql", "lead"): (
        "a convention ends where the next one of its series begins; both are dated facts"
    ),
    ("dbt/models/intermediate/protocol/int_protocol_interval.sql", "lead"): (
        "a version of a listing ends where the next one begins; readers join by day"
    ),
    ("dbt/models/intermediate/identity/int_market_code.sql", "lead"): (
        "a spelling ends where the next one begins; readers join by day"
    ),
    ("dbt/models/intermediate/return/int_asset_return_daily.sql", "lead"): (
        "whether a close was refuted later: read by the days after it alone"
    ),
    ("dbt/models/intermediate/valuation/int_asset_supply_schedule.sql", "lead"): (
        "the next point ends the one before it, on its own day: no day before it changes"
    ),
    ("dbt/models/marts/peg/depeg_event.sql", "backwards"): (
        "a summary of the log: the newest row of each event, compared as a log with history cut off"
    ),
    ("dbt/models/intermediate/identity/int_market_identity.sql", "backwards"): (
        "the newest version of a market's line in a list, not a measure"
    ),
    ("dbt/models/marts/stablecoin/stablecoin_risk_card.sql", "backwards"): (
        "a card of the newest day; nothing reads it"
    ),
    ("dbt/models/marts/stablecoin/stablecoin_market_daily.sql", "whole"): (
        "a coin's first day: no later row makes it another one"
    ),
    ("dbt/models/intermediate/chain/int_chain_alias.sql", "whole"): (
        "over the spellings of a name, not over days"
    ),
    ("dbt/models/intermediate/chain/int_chain_registry.sql", "whole"): (
        "over the spellings of a name, not over days"
    ),
    ("dbt/models/intermediate/protocol/int_protocol_alias.sql", "whole"): (
        "over the slugs of a protocol, not over days"
    ),
    ("dbt/models/intermediate/protocol/int_protocol_interval.sql", "whole"): (
        "over the versions of a listing, not over days"
    ),
    ("dbt/models/intermediate/peg/int_stablecoin_peg_daily.sql", "whole"): (
        "a coin's first day: no later row makes it another one"
    ),
    ("dbt/models/marts/plan/peers.sql", "whole"): "its relation is one day: that of the screener",
    ("dbt/models/marts/plan/screener_latest.sql", "whole"): "finds the newest day, and keeps it",
    ("dbt/models/marts/plan/what_if_token.sql", "whole"): "finds the newest day, and keeps it",
    ("dbt/macros/dialect/aggregates.sql", "whole"): "the window is the caller's",
    ("dbt/macros/history/latest_version.sql", "whole"): "over versions of a key, not over days",
    ("dbt/macros/price/volume_weighted_median.sql", "whole"): "the caller groups by asset and day",
    ("pipelines/analytics/regime.py", "backwards"): "over the members of one day, by weight",
}

_SQL = {
    "clock": re.compile(
        r"\b(now\(\)|current_date\b|current_timestamp\b|today\(\)|getdate\(\))", re.I
    ),
    "lead": re.compile(r"\blead\s*\(", re.I),
    "following": re.compile(r"\b(unbounded\s+following|\w+\s+(day\s+)?following)\b", re.I),
}
_BACK = "partition by asset_id order by day"
_OVER = re.compile(
    r"\b(?:over\s*\(|as\s*\(\s*(?=partition by))((?:[^()]|\([^()]*\))*)\)", re.I | re.S
)


def sql_findings(text: str) -> set[str]:
    """Name what looks ahead in a model or macro."""
    text = re.sub(r"\{#.*?#\}", "", text, flags=re.S)
    text = re.sub(r"--[^\n]*", "", text)
    found = {"following"} if re.search(r"\bdays_back\((?:[^)]*,)?\s*-\s*\d", text) else set()
    # frames of days back are in order, by their macro
    text = re.sub(r"\{% set (\w+) = days_back\([^}]*\) %\}", rf"{{% set \1 = '{_BACK}' %}}", text)
    text = re.sub(r"\{\{ (last_days|days_back)\([^}]*\) \}\}", _BACK, text)
    # windows that have a name are read as what they stand for
    named = dict(re.findall(r"\{%-?\s*set (\w+) = '([^']*)'\s*-?%\}", text))
    windows = [value for value in named.values() if value.startswith("partition by")]
    for name, value in named.items():
        text = text.replace("{{ " + name + " }}", value).replace(f"' ~ {name} ~ '", value)
    found |= {name for name, pattern in _SQL.items() if pattern.search(text)}
    for window in _OVER.finditer(text):
        body = " ".join(window.group(1).split())
        parted = re.search(r"partition by (.*?)(?: order by|$)", body)
        looped = re.fullmatch(r"\{\{ (\w+) \}\}", body)
        if looped and windows and re.search(rf"\{{% for [^%]*\b{looped[1]}\b[^%]* in ", text):
            # one after another of the windows named above: each must be in order
            body = next((value for value in windows if "order by" not in value), windows[0])
            parted = re.search(r"partition by (.*?)(?: order by|$)", body)
        by_day = parted is not None and re.search(
            r"\b\w*(day|_ts|known_at|week|month)\b", parted[1]
        )
        if "order by" not in body and not by_day:
            found.add("whole")
        # the newest of what one day could know is an as-of read; the newest of all days is not
        if re.search(r"order by [\w.]*day desc", body) and not by_day:
            found.add("backwards")
    return found


def python_findings(text: str) -> set[str]:
    """Name what looks ahead in a module."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and node.attr in {
            "backward_fill",
            "bfill",
            "interpolate",
        }:
            found.add("backward fill")
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        steps = [
            *node.args,
            *(word.value for word in node.keywords if word.arg in {"n", "periods"}),
        ]
        if name in {"shift", "pct_change", "diff"} and any(
            isinstance(step, ast.UnaryOp) and isinstance(step.op, ast.USub) for step in steps
        ):
            found.add("shift")
        for word in node.keywords:
            value = word.value.value if isinstance(word.value, ast.Constant) else None
            if word.arg == "center" and value is True:
                found.add("centred window")
            if word.arg == "strategy" and value in {"forward", "nearest"} and name == "join_asof":
                found.add("as-of join forwards")
            if word.arg == "strategy" and value == "backward" and name == "fill_null":
                found.add("backward fill")
            if word.arg == "reverse" and value is True and name.startswith("cum_"):
                found.add("backwards")
    return found


def findings() -> set[tuple[str, str]]:
    sql = [
        path for folder in ("dbt/models", "dbt/macros") for path in (REPO / folder).rglob("*.sql")
    ]
    python = [
        path
        for folder in ("dbt/models", "pipelines/analytics")
        for path in (REPO / folder).rglob("*.py")
    ]
    assert len(sql) > 50, "the models are somewhere else now"
    assert len(python) > 10, "the analytics are somewhere else now"
    return {
        (str(path.relative_to(REPO)), finding)
        for paths, find in ((sql, sql_findings), (python, python_findings))
        for path in paths
        for finding in find(path.read_text(encoding="utf-8"))
    }


def test_nothing_looks_ahead_without_a_reason() -> None:
    assert findings() - set(ALLOWED) == set(), "take it out, or say in ALLOWED why it is right"


def test_every_reason_is_still_needed() -> None:
    assert set(ALLOWED) - findings() == set()


@pytest.mark.parametrize(
    ("leak", "finding"),
    [
        ("select lead(close_usd) over (partition by asset_id order by day) from price", "lead"),
        ("select * from price where day < current_date", "clock"),
        (
            "select avg(x) over (order by day rows between 3 preceding and 3 following) from p",
            "following",
        ),
        (
            "select sum(x) over (order by day rows between 1 preceding and unbounded following)",
            "following",
        ),
        ("select max(x) over ({{ days_back(7, -1, 'asset_id') }}) from p", "following"),
        ("select stddev_samp(mvrv) over (partition by asset_id) from p", "whole"),
        ("select percent_rank() over () from p", "whole"),
        ("select avg(x) over w from p window w as (partition by asset_id)", "whole"),
        ("select last_value(x) over (partition by asset_id order by day desc) from p", "backwards"),
        ("{% set w = 'partition by asset_id' %} select max(x) over ({{ w }}) from p", "whole"),
    ],
)
def test_a_leak_in_sql_is_seen(leak: str, finding: str) -> None:
    assert finding in sql_findings(leak)


@pytest.mark.parametrize(
    "honest",
    [
        "select lag(close_usd) over (partition by asset_id order by day) from price",
        "select avg(x) over ({{ last_days(30, 'asset_id') }}) from p -- lead(x) is banned",
        "{% set w = days_back(29, 1, 'asset_id') %} select max(x) over ({{ w }}) from p",
        "select rank() over (partition by day order by mcap_usd desc) from p",
        "select count(*) over (partition by day, sector) from p",
    ],
)
def test_honest_sql_is_not(honest: str) -> None:
    assert sql_findings(honest) == set()


@pytest.mark.parametrize(
    ("leak", "finding"),
    [
        ("pl.col('x').shift(-1)", "shift"),
        ("frame.shift(n=-days)", "shift"),
        ("pl.col('x').rolling_mean(5, center=True)", "centred window"),
        ("pl.col('x').backward_fill()", "backward fill"),
        ("pl.col('x').fill_null(strategy='backward')", "backward fill"),
        ("a.join_asof(b, on='day', strategy='nearest')", "as-of join forwards"),
        ("pl.col('x').cum_max(reverse=True)", "backwards"),
    ],
)
def test_a_leak_in_python_is_seen(leak: str, finding: str) -> None:
    assert finding in python_findings(leak)
