"""Run time and peak memory of one full build, and the share of each model in it.

    python -m benchmarks.full_build --assets 300 --years 8 [--folder DIR]

Generates a market of that size, lands all of its sources and builds the warehouse from nothing with
one `dbt build`, tests included, as a run does it. What is in the folder already is used again: a
second call measures the build alone.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Measured, environment_of, run_stage
from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import load
from pipelines.sandbox.generate import GeneratorSettings, generate


@dataclass
class Model:
    """What one model took, and its tests."""

    layer: str
    relation: str = ""
    seconds: float = 0.0
    test_seconds: float = 0.0
    rows: int | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=300)
    parser.add_argument("--years", type=int, default=8)
    parser.add_argument("--folder", type=Path, help="keep the market and its lake here")
    parser.add_argument("--top", type=int, default=40, help="models to name")
    options = parser.parse_args()
    if options.folder:
        _measure(options.folder, options.assets, options.years, options.top)
        return
    with TemporaryDirectory() as folder:
        _measure(Path(folder), options.assets, options.years, options.top)


def _measure(folder: Path, assets: int, years: int, top: int) -> None:
    console = Console(width=110)
    dataset, data_dir = folder / "dataset", folder / "data"
    if not (dataset / "dataset.json").exists():
        end = GeneratorSettings().end
        start = end - timedelta(days=round(365.25 * years) - 1)
        generate(
            GeneratorSettings(name="full", assets=assets, venues=6, start=start, end=end), dataset
        )
    steps = {}
    if not (data_dir / "lake/catalog.parquet").exists():
        with SandboxServer(dataset) as server:
            market = load(dataset)
            first, last = market.start.isoformat(), market.end.isoformat()
            steps["landing of all sources"] = run_stage(
                "extract",
                first,
                last,
                environment=environment_of(load(dataset), data_dir, server.url),
            )
    for file in data_dir.glob("warehouse.duckdb*"):
        file.unlink()
    steps["dbt build"] = run_stage(
        "transform", environment=environment_of(load(dataset), data_dir, "")
    )
    settings = Settings(data_dir=data_dir)
    models = _models(data_dir / "dbt-benchmark", settings.warehouse_path)
    # of the data that are there, whatever was asked for
    market = load(dataset)
    count = market.table("assets").collect().height
    days = (market.end - market.start).days + 1
    _print(console, steps, models, top, f"{count} assets x {days:,} days")


def _models(target: Path, database: Path) -> dict[str, Model]:
    """Read dbt's own account of the build; a test's time goes to the model that it looks at."""
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    results = json.loads((target / "run_results.json").read_text())["results"]
    models: dict[str, Model] = defaultdict(lambda: Model("other"))
    for result in results:
        node = nodes[result["unique_id"]]
        if node["resource_type"] == "test":
            read = node.get("attached_node") or next(iter(node["depends_on"]["nodes"]), None)
            name = nodes[read]["name"] if read in nodes else "tests of the whole"
            models[name].test_seconds += result["execution_time"]
            continue
        model = models[node["name"]]
        model.seconds = result["execution_time"]
        if node["resource_type"] == "model":
            model.layer = node["fqn"][1]
            model.relation = f"{node['schema']}.{node['alias']}"
        else:
            model.layer = node["resource_type"]
    with warehouse.read(database) as connection:
        tables = {
            f"{schema}.{name}"
            for schema, name in connection.execute(
                "select schema_name, table_name from duckdb_tables()"
            ).fetchall()
        }
        for model in models.values():
            if model.relation in tables:
                counted = connection.execute(f"select count(*) from {model.relation}").fetchone()
                model.rows = counted[0] if counted else None
    return models


def _print(
    console: Console, steps: dict[str, Measured], models: dict[str, Model], top: int, title: str
) -> None:
    table = Table("step", "seconds", "CPU s", "peak MiB", title=title)
    for name, measured in steps.items():
        table.add_row(
            name,
            f"{measured.seconds:,.1f}",
            f"{measured.cpu_seconds:,.1f}",
            f"{measured.peak_mib:,.0f}",
        )
    console.print(table)

    total = sum(model.seconds + model.test_seconds for model in models.values())
    layers = Table("layer", "nodes", "seconds", "tests, s", "share", title="By layer")
    for layer in sorted({model.layer for model in models.values()}):
        of_layer = [model for model in models.values() if model.layer == layer]
        seconds = sum(model.seconds for model in of_layer)
        test_seconds = sum(model.test_seconds for model in of_layer)
        layers.add_row(
            layer,
            str(len(of_layer)),
            f"{seconds:.1f}",
            f"{test_seconds:.1f}",
            f"{(seconds + test_seconds) / total:.1%}",
        )
    layers.add_row("all", str(len(models)), f"{total:.1f}", "", "100.0%")
    console.print(layers)

    ranked = sorted(models.items(), key=lambda item: -(item[1].seconds + item[1].test_seconds))
    each = Table("model", "rows", "seconds", "tests, s", "share", title=f"The {top} longest")
    for name, model in ranked[:top]:
        each.add_row(
            name,
            "" if model.rows is None else f"{model.rows:,}",
            f"{model.seconds:.2f}",
            f"{model.test_seconds:.2f}",
            f"{(model.seconds + model.test_seconds) / total:.1%}",
        )
    rest = ranked[top:]
    seconds = sum(model.seconds for _, model in rest)
    test_seconds = sum(model.test_seconds for _, model in rest)
    each.add_row(
        f"{len(rest)} others",
        "",
        f"{seconds:.2f}",
        f"{test_seconds:.2f}",
        f"{(seconds + test_seconds) / total:.1%}",
    )
    console.print(each)


if __name__ == "__main__":
    main()
