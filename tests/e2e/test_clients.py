"""What is published can be read by clients that have nothing but their own package.

Each client is installed by pip into an environment of its own, with what it demands itself and
nothing else, and fetches every mart from the file or its Parquet copies.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Project

_FILE = """
connection = duckdb.connect(file, read_only=True)
for mart in marts:
    connection.execute(f"from marts.{mart}").fetchall()
    str(connection.sql(f"from marts.{mart} limit 3"))
"""
_COPIES = """
for mart in marts:
    frame = pl.read_parquet(f"{folder}/parquet/{mart}.parquet")
    frame.rows(), str(frame)
"""
_FRAMES = """
connection = duckdb.connect(file, read_only=True)
for mart in marts:
    connection.sql(f"from marts.{mart}").df()
"""
_ENGINE = """
engine = sqlalchemy.create_engine(f"duckdb:///{file}", connect_args={"read_only": True})
inspector = sqlalchemy.inspect(engine)
with engine.connect() as connection:
    for mart in marts:
        connection.execute(sqlalchemy.text(f"select * from marts.{mart}")).fetchall()
        assert inspector.get_columns(mart, schema="marts"), mart
"""
CLIENTS = {
    "duckdb": (["duckdb"], "import duckdb", _FILE),
    "polars": (["polars"], "import polars as pl", _COPIES),
    "pandas": (["duckdb", "pandas"], "import duckdb", _FRAMES),
    "sqlalchemy": (["duckdb-sqlalchemy"], "import sqlalchemy", _ENGINE),
}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("client", CLIENTS)
def test_bare_client_fetches_every_mart(project: Project, tmp_path: Path, client: str) -> None:
    packages, imports, fetch = CLIENTS[client]
    python = tmp_path / "client/bin/python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "client"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    manifest = project.current
    folder = project.settings.published_dir / manifest.version
    names = [mart.name for mart in manifest.marts]
    assert len(names) > 50

    script = f"""
{imports}
file, folder, marts = {str(folder / manifest.database)!r}, {str(folder)!r}, {names!r}
{fetch}
print(len(marts))
"""
    done = subprocess.run([python, "-c", script], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) == len(names)
