"""Every recipe of the page about clients, by the client itself, with nothing of this project.

`make test-clients` makes the environment; without it there is nothing to run them in.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import publishing
from pipelines.core import warehouse
from pipelines.core.settings import REPO_DIR, Settings
from pipelines.core.windows import FixedClock
from pipelines.validation.contracts import Column, Contract
from tests.described import describe
from tests.unit.serving.conftest import _MARTS as MARTS
from tests.unit.serving.conftest import KEYS, NOW

CLIENTS = REPO_DIR / ".venv" / "clients"
PAGE = (REPO_DIR / "docs" / "connect.md").read_text(encoding="utf-8")
RECIPES = {
    name: (language, code)
    for language, name, code in re.findall(r"^```(\w+) (\w+)\n(.*?)^```$", PAGE, re.M | re.S)
}
Ask = Callable[[str], str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with `data/published` in it, as the recipes have it."""
    _publish(tmp_path, base=100.0)
    return tmp_path


def _publish(folder: Path, base: float) -> None:
    settings = Settings(data_dir=folder / "data", keep_publications=3)
    settings.warehouse_path.unlink(missing_ok=True)
    with warehouse.write(settings.warehouse_path) as connection:
        connection.execute(MARTS.format(base=base, events=5))
        connection.execute(
            "insert into marts.price_daily (asset_id, day, close_usd) "
            f"values ('bitcoin', date '2024-03-01', {base})"
        )
        describe(connection)
    contracts = [
        Contract(mart, key, {name: Column(kind="varchar") for name in key})
        for mart, key in KEYS.items()
    ]
    publishing.publish(settings, FixedClock(NOW), "run", (), tuple(contracts))


@pytest.fixture
def ask(folder: Path) -> Ask:
    """Return a function that runs a recipe and gives what it answers."""
    if not (CLIENTS / ".installed").exists():
        pytest.skip("the clients are not here: `make test-clients` installs them")

    def run(name: str) -> str:
        language, code = RECIPES[name]
        if language == "js":
            if not (CLIENTS / "node_modules").exists():
                pytest.skip("npm is not here")
            # modules are looked for from the file on
            script = CLIENTS / "recipe.mjs"
            script.write_text(code)
            command = ["node", str(script)]
        else:
            command = [str(CLIENTS / "bin" / "python"), "-c", f"{code}\nprint(answer)"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def test_every_recipe_is_run() -> None:
    assert {"duckdb", "polars", "pandas", "sqlalchemy", "ibis", "adbc", "node"} == set(RECIPES)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_a_client_reads_the_newest_price_and_then_the_next_publication(
    name: str, ask: Ask, folder: Path
) -> None:
    assert float(ask(name)) == 100
    _publish(folder, base=200.0)
    assert float(ask(name)) == 200
