"""How a page becomes text: one set of templates, one way to link, everything escaped.

A room of the site (the pages of the market, the dictionary) yields `Page`s; it names a template
that extends `base.html` and gives it data. Paths are relative to the site's folder, and so are
links: `{{ link("token/bitcoin.html") }}` leads there from wherever the page lies.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jinja2
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup, escape

from pipelines.site import palette
from pipelines.site.publication import Publication

_FOLDER: Final = Path(__file__).parent

# what stands in the head of each page, in the order of a trader's morning
NAVIGATION: Final = (
    ("index.html", "Market"),
    ("screener.html", "Screener"),
    ("narratives.html", "Narratives"),
    ("stablecoins.html", "Stablecoins"),
    ("protocols.html", "Protocols"),
    ("chains.html", "Chains"),
    ("exchanges.html", "Exchanges"),
    ("track-record.html", "Track record"),
    ("health.html", "Data health"),
    ("dictionary/index.html", "Dictionary"),
)


@dataclass(frozen=True)
class Page:
    """A page before it is text.

    Attributes:
        path: where it lies in the site's folder: `token/bitcoin.html`.
        title: of the browser's tab, and of what is shown.
        template: the file in `templates/` that it is made by.
        data: what the template is given.
        section: the path in `NAVIGATION` that the page belongs to.
    """

    path: str
    title: str
    template: str
    data: Mapping[str, Any] = field(default_factory=dict)
    section: str = ""


class Renderer:
    """Makes text of pages.

    Args:
        publication: what the foot of each page names.
        navigation: the entries of `NAVIGATION` that this site has.
    """

    def __init__(
        self,
        publication: Publication,
        navigation: tuple[tuple[str, str], ...] = NAVIGATION,
    ) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        manifest = publication.manifest
        self._environment.globals.update(
            version=manifest.version,
            profile=manifest.profile,
            published_at=f"{manifest.published_at:%Y-%m-%d %H:%M} UTC",
            newest_day=publication.newest_day,
            navigation=navigation,
        )
        self._environment.filters["json"] = _json
        self._environment.filters["words"] = _words

    def text(self, page: Page) -> str:
        """Return a page's HTML."""
        here = posixpath.dirname(page.path)

        def link(path: str) -> str:
            return posixpath.relpath(path, here or ".")

        template = self._environment.get_template(page.template)
        return template.render(**page.data, page=page, link=link)

    def style(self) -> str:
        """Return the site's one style sheet."""
        template = self._environment.get_template("site.css")
        return template.render(colours=palette.COLOURS)


def _json(value: Any) -> Markup:
    """Return JSON that may stand inside a script of a page."""
    return htmlsafe_json_dumps(value, separators=(",", ":"), ensure_ascii=False)


def _words(text: str) -> Markup:
    """Return a text of the dictionary, what stands in `backticks` as code."""
    pieces = enumerate(re.split("`([^`]+)`", text))
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if place % 2 else escape(piece)
        for place, piece in pieces
    )
