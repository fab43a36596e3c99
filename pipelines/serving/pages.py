"""The pages of the current publication, as they lie in its folder, at `/`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.routing import Match, Mount
from starlette.staticfiles import StaticFiles

from pipelines.publishing.manifest import SITE_DIR
from pipelines.serving.problems import Problem
from pipelines.serving.shelf import Shelf

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


_INTERFACES: Final = ("/v1/", "/v2/", "/mcp")


class Pages:
    """An application that answers with files; the folder is looked up with each request.

    Args:
        shelf: knows which publication is current.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file.

        Raises:
            Problem: the current publication has no pages.
        """
        folder = self._shelf.current_folder() / SITE_DIR
        if not folder.is_dir():
            raise Problem(
                "no-pages", 404, "nothing is here; `tokenmart site` makes this publication's pages"
            )
        await _files_of(folder)(scope, receive, send)


@lru_cache(maxsize=2)
def _files_of(folder: Path) -> StaticFiles:
    return StaticFiles(directory=folder, html=True)


class _Left(Mount):
    """What is left when no route of the interfaces is meant: these say themselves what is wrong."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match what no interface has."""
        if scope["type"] == "http" and scope["path"].startswith(_INTERFACES):
            return Match.NONE, {}
        return super().matches(scope)


def mount_of(shelf: Shelf) -> Mount:
    """Return the route of the pages: the last one, for it takes every address that is left."""
    return _Left("/", Pages(shelf), name="pages")
