"""What may not be in `assets/`: it says when and in what order, and nothing else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ASSETS = Path(__file__).resolve().parents[2] / "assets"
FILES = sorted(ASSETS.glob("*.py"))
_SQL = re.compile(
    r"\b(select\s.+\sfrom|insert\s+into|create\s+(or\s+replace\s+)?(table|view)|delete\s+from"
    r"|update\s+\w+\s+set|attach\s+')",
    re.IGNORECASE | re.DOTALL,
)
_FORBIDDEN_MODULES = {
    "duckdb",
    "requests",
    "httpx",
    "urllib",
    "http",
    "aiohttp",
    "dlt",
    "sqlalchemy",
}


def _docstrings(tree: ast.Module) -> set[int]:
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_sql(path: Path) -> None:
    tree = ast.parse(path.read_text())
    prose = _docstrings(tree)
    found = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in prose
        and _SQL.search(node.value)
    ]
    assert found == [], "SQL belongs in dbt or pipelines"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_http_and_no_database(path: Path) -> None:
    found = {name.split(".")[0] for name in _imports(ast.parse(path.read_text()))}
    # Dagster's own event log is no data of ours, and is where `instance.py` says how it is opened
    allowed = {"sqlalchemy"} if path.name == "instance.py" else set()
    assert found & _FORBIDDEN_MODULES <= allowed


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_environment_and_no_wall_clock(path: Path) -> None:
    found = [
        ast.unparse(node)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node)
        in {"os.environ", "os.getenv", "datetime.now", "datetime.utcnow", "date.today"}
    ]
    assert found == []


def test_pool_and_partition_words_stay_in_assets() -> None:
    library = ASSETS.parent / "pipelines"
    guilty = [
        str(path.relative_to(library))
        for path in library.rglob("*.py")
        if any(
            name.split(".")[0] in {"dagster", "dagster_dbt", "assets"}
            for name in _imports(ast.parse(path.read_text()))
        )
    ]
    assert guilty == []
