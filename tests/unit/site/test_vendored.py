"""The scripts of others are those that were reviewed, and each has its licence beside it."""

from __future__ import annotations

import importlib.metadata

import pytest

from pipelines.site.build import VENDORED
from pipelines.site.vendor import sha512, vendored


@pytest.mark.parametrize(("file", "entry"), vendored().items())
def test_a_script_is_the_one_that_was_reviewed(file: str, entry: dict[str, str]) -> None:
    assert sha512((VENDORED / file).read_bytes()) == entry["sha512"]
    assert (VENDORED / f"{file}.LICENSE").stat().st_size > 100


def test_vega_is_the_release_that_the_locked_wheel_bundles() -> None:
    entry = vendored()["vega.js"]
    assert importlib.metadata.version(entry["wheel"]) == entry["version"], (
        "run `python -m pipelines.site.vendor` with the version raised and the hash emptied"
    )
