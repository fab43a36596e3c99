"""Who may import and do what: the rules that hold the layers apart."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from pipelines import sources
from pipelines.core.settings import child_environment

REPO = Path(__file__).resolve().parents[2]
SOURCE_PACKAGES = sorted(
    path.parent.name for path in (REPO / "pipelines" / "sources").glob("*/__init__.py")
)
HTTP = {"requests", "httpx", "aiohttp", "urllib3", "http", "websockets", "urllib.request"}


def files(*folders: str) -> Iterator[Path]:
    """Yield our own Python files, not what dbt writes."""
    for folder in folders:
        for path in sorted((REPO / folder).rglob("*.py")):
            if not {"target", "logs", "dbt_packages", "__pycache__"} & set(path.parts):
                yield path


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> set[str]:
    """Return the modules that the file imports, at the top or inside functions."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for a chain of names; '' for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


@cache
def names(path: Path) -> set[str]:
    """Return every dotted name that the file uses, with what its imports call it."""
    called = {}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            called |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            called |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    used = {
        dotted(node) for node in ast.walk(tree(path)) if isinstance(node, (ast.Attribute, ast.Name))
    }
    full = set()
    for name in used:
        first, dot, rest = name.partition(".")
        full.add(f"{called.get(first, first)}{dot}{rest}")
    return full


def under(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def breaking(paths: Iterator[Path], pattern: str, *, but: str = "") -> list[str]:
    """Return where a name that matches the pattern is used."""
    return [
        f"{path.relative_to(REPO)}: {name}"
        for path in paths
        if str(path.relative_to(REPO)) != but
        for name in sorted(names(path))
        if re.fullmatch(pattern, name)
    ]


# --- what the import linter keeps -----------------------------------------------------------------


def test_the_import_contracts_are_kept() -> None:
    linter = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert linter.returncode == 0, linter.stdout + linter.stderr
    assert "0 broken" in linter.stdout


# --- sources --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOURCE_PACKAGES)
def test_a_source_asks_through_the_one_client(name: str) -> None:
    for path in files(f"pipelines/sources/{name}"):
        wrong = sorted(module for module in imported(path) if under(module, HTTP | {"dlt"}))
        assert wrong == [], f"{path.relative_to(REPO)} imports {wrong}"


@pytest.mark.parametrize("name", SOURCE_PACKAGES)
def test_a_parser_is_pure(name: str) -> None:
    path = REPO / "pipelines" / "sources" / name / "parse.py"
    banned = {"pipelines.http", "pipelines.extraction.run", "pipelines.core.settings"}
    banned |= {"os", "pathlib"}
    allowed = {"pipelines.http.client.Budget"}
    wrong = {module for module in imported(path) if under(module, banned)} - allowed
    assert wrong == set(), f"{path.relative_to(REPO)} imports {sorted(wrong)}"
    assert breaking(iter([path]), r"open|print|input|.*\.(read_text|write_text)") == []


@pytest.mark.parametrize("name", SOURCE_PACKAGES)
def test_a_source_has_its_parts(name: str) -> None:
    folder = REPO / "pipelines" / "sources" / name
    for part in ("__init__", "parse", "tables"):
        assert (folder / f"{part}.py").is_file(), f"{name} has no {part}.py"
    declared = sources.source(name)
    assert declared.name == name
    assert declared.base_url.startswith("https://"), "a live host is asked over TLS"
    assert declared.licence, f"{name} must say what its data may be used for"
    assert sources.tables(name), f"{name} lands nothing"


@pytest.mark.parametrize("name", SOURCE_PACKAGES)
def test_raw_tables_are_well_declared(name: str) -> None:
    tables = sources.tables(name)
    assert len({table.name for table in tables}) == len(tables)
    for table in tables:
        columns = [column.name for column in table.columns]
        assert len(set(columns)) == len(columns), f"{table.name} declares a column twice"
        assert set(table.key) <= set(columns), f"the key of {table.name} is not among its columns"
        for part in table.key:
            assert table.fields[part].required, f"{table.name}.{part}: a key is never null"
        assert not {"fetched_at", "_dlt_load_id"} & set(columns)
        for column in table.columns:
            assert column.description, f"{table.name}.{column.name} says nothing"


# --- assets ---------------------------------------------------------------------------------------


def test_assets_hold_no_http_and_open_no_database() -> None:
    for path in files("assets"):
        banned = HTTP | {"duckdb", "dlt"}
        wrong = sorted(module for module in imported(path) if under(module, banned))
        assert wrong == [], f"{path.relative_to(REPO)} imports {wrong}: that belongs in pipelines/"


SQL = re.compile(r"\b(select\b.+\bfrom|insert\s+into|delete\s+from|create\s+(or\s+replace\s+)?"
                 r"(table|view|schema)|update\b.+\bset)\b", re.IGNORECASE | re.DOTALL)  # fmt: skip


def test_assets_hold_no_sql() -> None:
    found = []
    for path in files("assets"):
        documentation = {
            id(node.body[0].value)
            for node in ast.walk(tree(path))
            if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef))
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree(path)):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if is_text and id(node) not in documentation and SQL.search(node.value):
                found.append(f"{path.relative_to(REPO)}:{node.lineno}: {node.value[:60]!r}")
    assert found == []


# --- one place for each of these ------------------------------------------------------------------


def test_only_windows_knows_what_time_it_is() -> None:
    wall = r"(datetime\.)?(datetime|date)\.(now|utcnow|today)|time\.(time|time_ns|localtime|gmtime)"
    found = breaking(files("pipelines", "assets", "dbt"), wall, but="pipelines/core/windows.py")
    assert found == [], "take a Clock (pipelines.core.windows)"


def test_only_settings_read_the_environment() -> None:
    reading = r"os\.(environ|environb|getenv|putenv|unsetenv)(\..*)?"
    found = breaking(files("pipelines", "assets", "dbt"), reading, but="pipelines/core/settings.py")
    assert found == [], "take Settings (pipelines.core.settings)"


def test_only_the_warehouse_opens_duckdb() -> None:
    opening, warehouse = r"duckdb\.connect", "pipelines/core/warehouse.py"
    found = breaking(files("pipelines", "assets"), opening, but=warehouse)
    assert found == [], "use pipelines.core.warehouse.read, write or memory"


def test_heavy_imports_stay_inside_functions() -> None:
    heavy = {"great_expectations", "pandas", "dlt", "dbt"}
    for path in files("pipelines", "assets"):
        for node in tree(path).body:
            modules = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import)
                else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            )  # fmt: skip
            wrong = [module for module in modules if under(module, heavy)]
            assert wrong == [], f"{path.relative_to(REPO)} imports {wrong} at its top"


def test_private_parts_of_libraries_are_leant_on_in_listed_places() -> None:
    page = (REPO / "docs" / "architecture.md").read_text(encoding="utf-8")
    private = r"(?!assets|pipelines)\w+(\.\w+)*\.(_(?!_)|impl\b).*"
    found = {
        str(path.relative_to(REPO))
        for path in files("assets", "pipelines")
        if any(re.fullmatch(private, module) for module in imported(path))
    }
    assert "assets/compat/event_log.py" in found
    assert [path for path in sorted(found) if f"`{path}`" not in page] == [], "docs/architecture.md"


def test_dbt_is_no_package() -> None:
    packages = [str(path.relative_to(REPO)) for path in (REPO / "dbt").rglob("__init__.py")]
    assert packages == [], "it would shadow the library of that name"


# --- what importing does --------------------------------------------------------------------------

LOADED = """
import sys
{statements}
print(" ".join(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""


def loaded_by(statements: str) -> set[str]:
    """Return the top-level modules that are loaded in a new process after the statements."""
    result = subprocess.run(
        [sys.executable, "-c", LOADED.format(statements=statements)],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    return set(result.stdout.split())


def test_asking_which_sources_there_are_is_free() -> None:
    heavy = {"dlt", "duckdb", "polars", "pyarrow", "pandas", "pydantic", "requests", "dagster",
             "great_expectations"}  # fmt: skip
    assert loaded_by("import pipelines.sources") & heavy == set()


def test_asking_what_sources_land_is_cheap() -> None:
    asked = "from pipelines import sources\nfor name in sources.SOURCES: sources.tables(name)"
    heavy = {"dlt", "duckdb", "pandas", "dagster", "great_expectations", "dbt", "sqlglot"}
    assert loaded_by(asked) & heavy == set()


LOAD = """
import sys

touched = []

def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        writes = set(mode) & set("wax+") if isinstance(mode, str) else flags & 3
        if writes and str(path) != "/dev/null":
            touched.append(f"{event} {path}")
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.truncate",
                   "socket.connect", "sqlite3.connect"):
        touched.append(f"{event} {arguments[0]}")

sys.addaudithook(watch)
import assets.definitions
definitions = assets.definitions.defs()
print("\\n".join(touched))
"""


def test_loading_the_code_location_needs_and_touches_nothing(tmp_path: Path) -> None:
    if not (REPO / "dbt" / "target" / "manifest.json").is_file():
        subprocess.run(
            [str(Path(sys.executable).with_name("dbt")), "--quiet", "parse"],
            cwd=REPO / "dbt",
            env=child_environment()
            | {"DBT_PROJECT_DIR": str(REPO / "dbt"), "DBT_PROFILES_DIR": str(REPO / "dbt")},
            check=True,
            timeout=120,
        )
    result = subprocess.run(
        [sys.executable, "-B", "-c", LOAD],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPO), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert result.stdout.split("\n") == ["", ""], "files or sockets were touched while loading"
    assert list(tmp_path.iterdir()) == []
