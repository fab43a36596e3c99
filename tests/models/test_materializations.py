"""How a model takes its place: in our way where it asks for that, in dbt-duckdb's own elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import duckdb
import pytest

from assets.dbt_project import dbt_command
from pipelines.core.settings import child_environment
from tests.models import lake_box as boxes

# dbt leaves it to each project in which schema a model stands
LEFT_TO_PROJECTS = {"generate_schema_name"}
PROJECT = {
    "dbt_project.yml": """
        name: small
        profile: small
        macro-paths: [macros]
        models:
          small:
            ours: {+materialized: replaced_table, +contract: {enforced: true}}
    """,
    "profiles.yml": "small: {target: local, outputs: {local: {type: duckdb, path: small.duckdb}}}",
    "models/stock_table.sql": "{{ config(materialized='table') }} select 1 as a",
    "models/stock_view.sql": "{{ config(materialized='view') }} select 2 as a",
    "models/ours/our_table.sql": "select {{ var('value', 3) }} as a",
    "models/ours/our_view.sql": "{{ config(materialized='replaced_view') }} select 4 as a",
    "models/ours/our_python.py": """
def model(dbt, session):
    return session.sql("select 5 as a")
""",
    "models/ours/ours.yml": """
        models:
          - name: our_table
            description: Ours.
            config: {persist_docs: {relation: true, columns: true}}
            columns:
              - {name: a, data_type: integer, description: A number., constraints: [type: not_null]}
          - {name: our_view, columns: [{name: a, data_type: integer}]}
          - {name: our_python, config: {contract: {enforced: false}}}
    """,
}


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = child_environment() | {
        "DBT_PROJECT_DIR": str(project),
        "DBT_PROFILES_DIR": str(project),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    return subprocess.run(
        [*dbt_command(), "--debug", "--no-use-colors", "run", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )


def statements(log: str, model: str) -> str:
    """Return what was executed for a model."""
    by = rf'node_id": "model\.small\.{model}"\}} \*/'
    return "\n".join(re.findall(by + r"(.*?)\n\d\d:", log, re.DOTALL))


Built = tuple[Path, str]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A project with our materialisations, of which some models make use, and the log of dbt."""
    folder = tmp_path_factory.mktemp("small")
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(dedent(text))
    shutil.copytree(boxes.DBT_DIR / "macros" / "materializations", folder / "macros")
    done = run(folder)
    assert done.returncode == 0, done.stdout[-3000:]
    return folder, done.stdout


@pytest.mark.slow
def test_a_model_that_does_not_ask_for_ours_is_built_by_dbt_duckdb(built: Built) -> None:
    folder, log = built
    for stock in ("stock_table", "stock_view"):
        assert f'"{stock}__dbt_tmp" rename to "{stock}"' in statements(log, stock), stock
    for ours in ("our_table", "our_view"):
        assert "create" in statements(log, ours), ours
        assert "rename" not in statements(log, ours), ours
    with duckdb.connect(str(folder / "small.duckdb"), read_only=True) as connection:
        names = ("stock_table", "stock_view", "our_table", "our_view", "our_python")
        found = [connection.sql(f"from {name}").fetchone() for name in names]
        described = connection.sql(
            "select t.comment, c.comment, is_nullable from duckdb_tables() t "
            "join duckdb_columns() c using (table_name) where table_name = 'our_table'"
        ).fetchall()
    assert found == [(1,), (2,), (3,), (4,), (5,)]
    assert described == [("Ours.", "A number.", False)], "dbt says: constraints are ignored"


@pytest.mark.slow
def test_a_model_that_fails_leaves_what_stood_there(built: Built) -> None:
    folder, _ = built
    failed = run(folder, "--select", "our_table", "--vars", "{value: \"error('no')\"}")
    assert failed.returncode == 1, failed.stdout[-3000:]
    with duckdb.connect(str(folder / "small.duckdb"), read_only=True) as connection:
        assert connection.sql("from our_table").fetchall() == [(3,)]


@pytest.mark.slow
def test_a_view_may_become_a_table_and_a_view_again(built: Built) -> None:
    folder, _ = built
    model = folder / "models" / "ours" / "our_view.sql"
    for kind in ("table", "view"):
        model.write_text(f"{{{{ config(materialized='replaced_{kind}') }}}} select 6 as a")
        assert run(folder, "--select", "our_view").returncode == 0
        with duckdb.connect(str(folder / "small.duckdb"), read_only=True) as connection:
            there = f"select count(*) from duckdb_{kind}s() where {kind}_name = 'our_view'"
            assert connection.sql(there).fetchone() == (1,)


def bare(names: Iterator[str]) -> set[str]:
    """Return what macros are called by those who do not say for which database."""
    database = r"^(duckdb|default)__|(?<=\w)_(duckdb|default)$"
    return {re.sub(database, "", name) for name in names}


def test_nothing_of_dbts_own_is_overridden(dbt_target: Path) -> None:
    macros: list[Any] = list(boxes.manifest().macros.values())
    ours = bare(macro.name for macro in macros if macro.package_name == "tokenmart")
    theirs = bare(macro.name for macro in macros if macro.package_name != "tokenmart")
    assert "materialization_table" in theirs
    assert ours & theirs == LEFT_TO_PROJECTS, "every model would be built so, also who did not ask"
