"""`python -m pipelines.site.vendor`: fetch the scripts of others that the pages use, by their hash.

What is in `vendored/` is what the pages get: no page asks another machine for a script. To move to
another release, change its version in `vendored.json`, empty its hash, and run this.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, Final

from pipelines.core.files import replace_file
from pipelines.site.build import VENDORED

LIST: Final = VENDORED / "vendored.json"
# what the pages call of the bundle
_SNIPPET: Final = "window.vegaEmbed=vegaEmbed;"


class WrongHash(Exception):
    """What was fetched is not what was reviewed."""


def vendored() -> dict[str, dict[str, str]]:
    """Return the vendored scripts: by file, where each is from, its release, licence and hash."""
    listed: dict[str, dict[str, str]] = json.loads(LIST.read_text(encoding="utf-8"))
    return listed


def sha512(content: bytes) -> str:
    """Return the hash that the list names a script's content by."""
    return hashlib.sha512(content).hexdigest()


def main() -> None:
    """Write each script with its licence beside it, and the list with their hashes.

    Raises:
        WrongHash: a release that the list has a hash of has another content now.
    """
    listed = vendored()
    for file, entry in listed.items():
        content, licence = _of_wheel(entry) if "wheel" in entry else _of_package(entry)
        found = sha512(content)
        if entry["sha512"] not in {"", found}:
            raise WrongHash(f"{file} {entry['version']} is {found}, and the list has another hash")
        entry["sha512"] = found
        replace_file(VENDORED / file, content)
        replace_file(VENDORED / f"{file}.LICENSE", licence)
        sys.stdout.write(f"{file} {entry['version']}: {len(content):,} bytes\n")
    replace_file(LIST, (json.dumps(listed, indent=2) + "\n").encode())


def _of_wheel(entry: dict[str, str]) -> tuple[bytes, bytes]:
    """Return Vega, Vega-Lite and Vega-Embed as the installed wheel bundles them."""
    import vl_convert

    installed = importlib.metadata.version(entry["wheel"])
    if installed != entry["version"]:
        raise WrongHash(f"{entry['wheel']} {installed} is installed, not {entry['version']}")
    licence = _packed(entry["licence_of"], "", ("package/LICENSE",))[0]
    return vl_convert.javascript_bundle(_SNIPPET).encode(), licence


def _of_package(entry: dict[str, str]) -> tuple[bytes, bytes]:
    script, licence = _packed(
        entry["package"], f"@{entry['version']}", (entry["member"], "package/LICENSE")
    )
    return script, licence


def _packed(package: str, version: str, members: tuple[str, ...]) -> list[bytes]:
    """Return files of a package as npm fetches and verifies it."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["npm", "pack", "--json", f"{package}{version}"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        packed: list[dict[str, Any]] = json.loads(done.stdout)
        with tarfile.open(Path(folder) / packed[0]["filename"]) as archive:
            return [_member(archive, name) for name in members]


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise FileNotFoundError(name)
    return file.read()


if __name__ == "__main__":
    main()
