"""`python -m pipelines.sandbox`: generate a market, check a folder, serve it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from pipelines.core.garbage import collect_rarely
from pipelines.sandbox.advice import advise
from pipelines.sandbox.dataset import DatasetError, describe_layout, load
from pipelines.sandbox.generate import GenerateError, GeneratorSettings, generate
from pipelines.sandbox.generator.effects import Effects


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} needs a time zone, such as {text}Z")
    return moment


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipelines.sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    make = commands.add_parser("generate", help="make a market up and write it as a dataset folder")
    make.add_argument("out", type=Path)
    readers: dict[Any, Callable[[str], Any]] = {
        date: date.fromisoformat,
        float: float,
        int: int,
        str: str,
    }
    for kind in (GeneratorSettings, Effects):
        for name, field in kind.model_fields.items():
            if name == "effects":
                continue
            make.add_argument(
                f"--{name.replace('_', '-')}",
                type=readers[field.annotation],
                default=field.default,
                help=f"{f'{field.description}; ' if field.description else ''}"
                f"default {field.default}",
            )

    check = commands.add_parser(
        "validate", help="check a folder against the layout, and say what comes of it"
    )
    check.add_argument("dataset", type=Path)

    run = commands.add_parser("serve", help="serve a dataset folder on loopback")
    run.add_argument("--dataset", type=Path, required=True)
    run.add_argument("--port", type=int, default=0, help="0: a free one")
    run.add_argument("--now", type=_instant, help="the clock's instant; default: the dataset's")
    run.add_argument(
        "--enforce-limits", action="store_true", help="refuse requests over the sources' limits"
    )
    run.add_argument("--until-stdin-closes", action="store_true", help=argparse.SUPPRESS)

    commands.add_parser("layout", help="print the layout's tables as Markdown")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        match options.command:
            case "generate":
                effects = {name: getattr(options, name) for name in Effects.model_fields}
                chosen = vars(options) | {"effects": effects}
                fields = {name: chosen[name] for name in GeneratorSettings.model_fields}
                generate(GeneratorSettings(**fields), options.out)
                print(_summary(options.out))
            case "validate":
                print(_summary(options.dataset))
                for sentence in advise(load(options.dataset)):
                    print(f"  {sentence}")
            case "layout":
                print(describe_layout(), end="")
            case "serve":
                # only here: a web server takes half a second to import
                from pipelines.sandbox.server.run import SandboxError, serve

                collect_rarely()
                try:
                    serve(
                        options.dataset,
                        options.port,
                        options.now,
                        enforce_limits=options.enforce_limits,
                        until_stdin_closes=options.until_stdin_closes,
                    )
                except SandboxError as error:
                    return _fail(error)
    except (DatasetError, GenerateError, ValidationError) as error:
        return _fail(error)
    return 0


def _fail(error: Exception) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 1


def _summary(path: Path) -> str:
    dataset = load(path)
    rows = {name: dataset.table(name).select(pl.len()).collect().item() for name in dataset.files}
    lines = [
        f"{dataset.name}: {dataset.start} to {dataset.end} ({dataset.path})",
        f"  clock {dataset.now.isoformat()}",
        *(f"  {name:<18}{count:>12,} rows" for name, count in rows.items()),
        *(f"  warning: {warning}" for warning in dataset.warnings),
    ]
    if dataset.scenarios:
        lines.append(f"  {len(dataset.scenarios)} planted defects:")
        lines += [
            f"    {one.id:<5}{one.from_} to {one.to}  {one.entity}: {one.what}"
            for one in dataset.scenarios
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
