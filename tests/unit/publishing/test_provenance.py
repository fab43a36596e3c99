"""The version of a mart's code moves with everything that makes the mart, and with nothing else."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from pipelines.publishing.provenance import NoChecksum, model_versions

PYTHON = """
def model(dbt, session):
    from pipelines.analytics.risk import drawdown

    return drawdown(dbt.ref("int_return"))
"""


def node(
    kind: str,
    folder: str,
    parents: tuple[str, ...] = (),
    macros: tuple[str, ...] = (),
    text: str = "",
) -> dict[str, Any]:
    return {
        "name": folder.rpartition("/")[2],
        "resource_type": kind,
        "fqn": ["tokenmart", *folder.split("/")],
        "original_file_path": folder,
        "checksum": {"name": "sha256", "checksum": f"sum of {folder}"},
        "depends_on": {"nodes": list(parents), "macros": list(macros)},
        "language": "python" if text else "sql",
        "raw_code": text,
        "created_at": 1.0,
    }


MANIFEST = {
    "nodes": {
        "model.risk": node("model", "marts/risk_daily", ("model.path", "model.return")),
        "model.price": node("model", "marts/price_daily", ("model.return",), ("macro.scale",)),
        "model.path": node("model", "intermediate/int_path", ("model.return",), text=PYTHON),
        "model.return": node("model", "intermediate/int_return", ("seed.risk", "source.raw")),
        "seed.risk": node("seed", "cfg_risk"),
        "seed.other": node("seed", "cfg_other"),
    },
    "macros": {
        "macro.scale": {"macro_sql": "scale", "depends_on": {"macros": ["macro.deep"]}},
        # two that call each other
        "macro.deep": {"macro_sql": "deep", "depends_on": {"macros": ["macro.scale"]}},
        "macro.other": {"macro_sql": "other", "depends_on": {"macros": []}},
    },
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package whose modules import each other, in functions too."""
    modules = {
        "__init__": "",
        "analytics/__init__": "from pipelines.settings import ENGINE",
        "settings": "ENGINE = 1",
        "analytics/risk": "def drawdown(x):\n    import pipelines.analytics.calendar\n",
        "analytics/calendar": "from math import pi",
        "analytics/other": "x = 1",
    }
    for name, text in modules.items():
        path = tmp_path / "pipelines" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "pipelines"


def test_each_mart_has_a_version_of_its_own(package: Path) -> None:
    versions = model_versions(MANIFEST, package)

    assert set(versions) == {"risk_daily", "price_daily"}
    assert len(set(versions.values())) == 2
    assert all(len(version) == 12 for version in versions.values())


def test_the_same_code_has_the_same_version(package: Path) -> None:
    again = deepcopy(MANIFEST)
    again["nodes"] = dict(reversed(again["nodes"].items()))
    for found in again["nodes"].values():
        found["created_at"] = 2.0
        found["depends_on"]["nodes"].reverse()

    assert model_versions(again, package) == model_versions(MANIFEST, package)


@pytest.mark.parametrize(
    ("changed", "moved"),
    [
        ("model.risk", {"risk_daily"}),
        ("model.path", {"risk_daily"}),
        ("model.return", {"risk_daily", "price_daily"}),
        ("seed.risk", {"risk_daily", "price_daily"}),
        ("seed.other", set()),
        ("macro.scale", {"price_daily"}),
        ("macro.deep", {"price_daily"}),
        ("macro.other", set()),
        ("analytics/risk.py", {"risk_daily"}),
        ("analytics/calendar.py", {"risk_daily"}),
        ("analytics/__init__.py", {"risk_daily"}),
        ("settings.py", {"risk_daily"}),
        ("analytics/other.py", set()),
    ],
)
def test_a_change_moves_the_marts_that_it_is_below_of(
    package: Path, changed: str, moved: set[str]
) -> None:
    before, manifest = model_versions(MANIFEST, package), deepcopy(MANIFEST)
    if changed in manifest["nodes"]:
        manifest["nodes"][changed]["checksum"]["checksum"] += " and more"
    elif changed in manifest["macros"]:
        manifest["macros"][changed]["macro_sql"] += " and more"
    else:
        with (package / changed).open("a") as file:
            file.write("\ny = 2\n")

    after = model_versions(manifest, package)

    assert {mart for mart in before if before[mart] != after[mart]} == moved


def test_a_seed_whose_content_dbt_does_not_know_is_an_error(package: Path) -> None:
    manifest = deepcopy(MANIFEST)
    manifest["nodes"]["seed.risk"]["checksum"] = {"name": "path", "checksum": "cfg_risk"}

    with pytest.raises(NoChecksum, match="cfg_risk"):
        model_versions(manifest, package)
