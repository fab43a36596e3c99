"""Making the site of a publication: all pages beside, then in the place of the ones before."""

from __future__ import annotations

import itertools
import json
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.core.files import sync_tree
from pipelines.site import charts, exports
from pipelines.site.dictionary import Dictionary
from pipelines.site.market import Market
from pipelines.site.publication import opened
from pipelines.site.queries import Answers
from pipelines.site.rendering import NAVIGATION, Renderer

_STATIC: Final = Path(__file__).parent / "static"
VENDORED: Final = Path(__file__).parent / "vendored"
# what tells that a folder is a site of ours, and may be replaced
_MARK: Final = "site.json"
# the page to begin with
INDEX: Final = "index.html"


class NotASite(Exception):
    """A folder holds something else: it is left alone."""


@dataclass(frozen=True, slots=True)
class Made:
    """A site that was made.

    Attributes:
        index: the page to open.
        pages: how many there are.
        bytes: of all files.
        seconds: that it took.
    """

    index: Path
    pages: int
    bytes: int
    seconds: float


def make(publication: Path, out: Path) -> Made:
    """Make the pages of a publication.

    Args:
        publication: its folder.
        out: the folder of the pages: absent, empty, or a site, which is replaced when the new one
            is complete.

    Raises:
        NotASite: something else is in `out`.
        FileNotFoundError: there is no publication.
        FileDamaged: it is not whole.
    """
    started = time.perf_counter()
    if out.exists() and any(out.iterdir()) and not (out / _MARK).is_file():
        raise NotASite(f"{out} holds something else than a site: choose another folder")
    beside = out.with_name(f".{out.name}.{uuid.uuid4().hex}")
    try:
        pages, size = _write_all(publication, beside)
        sync_tree(beside)
        if out.exists():
            shutil.rmtree(out)
        beside.rename(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Made(out / INDEX, pages, size, time.perf_counter() - started)


def _write_all(publication: Path, beside: Path) -> tuple[int, int]:
    """Write all files of a site; return how many pages there are, and the bytes of all files."""
    pages = size = 0
    with opened(publication) as source:
        answers = Answers(source)
        dictionary = Dictionary(source)
        market = Market(source, answers, dictionary.definition)
        here = {*market.paths(), *dictionary.paths()}
        navigation = tuple(entry for entry in NAVIGATION if entry[0] in here)
        renderer = Renderer(source, navigation)
        for page in itertools.chain(market.pages(), dictionary.pages()):
            size += _write(beside / page.path, renderer.text(page).encode())
            pages += 1
        for path, content in (*_assets(renderer), *exports.files(answers)):
            size += _write(beside / path, content)
        mark = {"version": source.manifest.version, "pages": pages}
        size += _write(beside / _MARK, json.dumps(mark).encode())
    return pages, size


def _assets(renderer: Renderer) -> Iterator[tuple[str, bytes]]:
    yield "assets/site.css", renderer.style().encode()
    yield "assets/charts.js", charts.script().encode()
    for path in (*sorted(_STATIC.glob("*.js")), *sorted(VENDORED.glob("*.js*"))):
        if path.suffix != ".json":
            yield f"assets/{path.name}", path.read_bytes()


def _write(path: Path, content: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    # the folder gets its name when all of it is there
    path.write_bytes(content)
    return len(content)
