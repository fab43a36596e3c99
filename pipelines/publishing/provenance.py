"""Which code makes a mart: one checksum of everything whose change can change what the mart says.

That is the mart's own query, the models, seeds and macros below it, by dbt's manifest, and the
modules of this package that its Python models import, with all that those import. The same code
has the same version on any machine and on any day; a comment may change it. What is no code of the
project is left out: observations, files of a curation folder, libraries.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parents[1]
_LENGTH = 12


class NoChecksum(Exception):
    """dbt has no checksum of a file's content; the message names the file."""


def model_versions(manifest: Mapping[str, Any], package: Path = _PACKAGE) -> dict[str, str]:
    """Return the version of the code of each mart: 12 hexadecimal digits.

    Args:
        manifest: the content of dbt's `manifest.json`.
        package: the folder of the package whose modules Python models import.

    Raises:
        NoChecksum: a seed is so large that dbt knows no more than its path.
    """
    nodes, macros = manifest["nodes"], manifest["macros"]

    def below(name: str) -> list[str]:
        # sources are not among the nodes: what they hold is data
        return [parent for parent in nodes[name]["depends_on"].get("nodes", ()) if parent in nodes]

    @cache
    def of_model(name: str) -> frozenset[str]:
        is_python = nodes[name].get("language") == "python"
        return _imports(nodes[name]["raw_code"], package) if is_python else frozenset()

    @cache
    def of_module(path: str) -> frozenset[str]:
        return _imports(_text(package, path), package)

    def version(mart: str) -> str:
        models = _reach([mart], below)
        called = {macro for name in models for macro in nodes[name]["depends_on"]["macros"]}
        imported = {module for name in models for module in of_model(name)}
        parts = [
            *(f"{name} {_checksum(nodes[name])}" for name in models),
            *(
                f"{name} {_digest(macros[name]['macro_sql'])}"
                for name in _reach(called, lambda name: macros[name]["depends_on"]["macros"])
            ),
            *(f"{path} {_digest(_text(package, path))}" for path in _reach(imported, of_module)),
        ]
        return _digest("\n".join(sorted(parts)))[:_LENGTH]

    return {
        str(node["name"]): version(name)
        for name, node in nodes.items()
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    }


def _reach(starts: Iterable[str], following: Callable[[str], Iterable[str]]) -> set[str]:
    """Return the starts and everything that follows from them."""
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += following(name)
    return found


def _imports(source: str, package: Path) -> frozenset[str]:
    """Return the files of the package that a Python text imports, by their paths inside it."""
    names = set()
    for statement in ast.walk(ast.parse(source)):
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            names |= {f"{statement.module}.{alias.name}" for alias in statement.names}
    files = set()
    for name in names:
        root, *parts = name.split(".")
        if root == package.name:
            # whoever imports a module runs the packages around it first
            for count in range(len(parts) + 1):
                inner = "/".join(parts[:count])
                files |= {f"{inner}/__init__.py".lstrip("/"), f"{inner}.py"}
    return frozenset(path for path in files if (package / path).is_file())


def _text(package: Path, path: str) -> str:
    return (package / path).read_text(encoding="utf-8")


def _checksum(node: Mapping[str, Any]) -> str:
    if node["checksum"]["name"] != "sha256":
        raise NoChecksum(f"dbt knows no checksum of {node['original_file_path']}: it is too large")
    return str(node["checksum"]["checksum"])


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
