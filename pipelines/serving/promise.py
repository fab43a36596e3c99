"""What `/v1` has promised: `python -m pipelines.serving.promise MANIFEST` writes it anew.

Addresses, and the columns of the marts behind them with their types. A client that was written for
`/v1` reads them for ever: they may become more, and none may go or change its type.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.core.files import replace_file
from pipelines.serving.resources import RESOURCES
from pipelines.validation.contracts import Contract, read_contracts

PROMISE = Path(__file__).with_name("promise.json")


def offered(contracts: Sequence[Contract]) -> dict[str, dict[str, str]]:
    """Return what is offered now: address to the columns of its rows and their types."""
    columns = {contract.mart: contract.columns for contract in contracts}
    return {
        f"/v1{resource.path}": {
            name: column.kind for name, column in sorted(columns[resource.mart].items())
        }
        for resource in sorted(RESOURCES, key=lambda each: each.path)
    }


def broken(
    promised: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """Return a sentence for each promise that does not hold any more."""
    said = []
    for path, columns in promised.items():
        if path not in now:
            said.append(f"{path} is gone")
            continue
        for name, kind in columns.items():
            found = now[path].get(name)
            if found != kind:
                said.append(f"{path}: {name} was {kind} and is {found or 'gone'}")
    return said


def main(manifest: str) -> int:
    """Write the promise by a manifest of dbt, unless one that was given would be broken."""
    contents: dict[str, Any] = json.loads(Path(manifest).read_text(encoding="utf-8"))
    now = offered(read_contracts(contents))
    problems = broken(json.loads(PROMISE.read_bytes()), now) if PROMISE.exists() else []
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    replace_file(PROMISE, (json.dumps(now, indent=1) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
