"""The pages of the market: the front page, lists, and a page for each thing that is published."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

from pipelines.site import content, exports
from pipelines.site.content import Layout
from pipelines.site.parts import Links, Maker, Table
from pipelines.site.publication import Publication
from pipelines.site.queries import Answers
from pipelines.site.rendering import Page

_SAFE: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
# a thing whose newest day is so much older than the market's is one of the past
_PAST_D: Final = 3
# what the front page draws must stay small: the reader's browser draws nothing on it
_DRAWN: Final = frozenset({content.FRONT.path})


class Market:
    """The room of the market's pages.

    Args:
        publication: what they are made of.
        answers: the answers to their queries.
        definition: where a column is defined; None: nowhere.
    """

    def __init__(
        self,
        publication: Publication,
        answers: Answers,
        definition: Callable[[str, str], str | None],
    ) -> None:
        self._publication = publication
        self._answers = answers
        self._paths = {
            kind: {
                str(row[0]): f"{layout.path}/{file_name(str(row[0]))}.html"
                for row in answers[layout.entities].rows.rows()
                if row[0] is not None
            }
            for kind, layout in content.OF_THINGS.items()
        }
        self._maker = Maker(publication, answers, Links(self._paths, definition))

    def paths(self) -> tuple[str, ...]:
        """Return the paths of all its pages."""
        single = [layout.path for layout in content.SINGLE]
        return (*single, *(path for paths in self._paths.values() for path in paths.values()))

    def pages(self) -> Iterator[Page]:
        """Make the pages, one by one."""
        for layout in content.SINGLE:
            yield self._page(layout, layout.path, layout.title, None, {})
        for kind, layout in content.OF_THINGS.items():
            rows = self._answers[layout.entities].rows
            for row in rows.iter_rows(named=True):
                whose = next(iter(row.values()))
                if whose is not None:
                    title = str(row.get("name") or row.get("symbol") or _words(str(whose)))
                    yield self._page(layout, self._paths[kind][str(whose)], title, str(whose), row)

    def _page(
        self, layout: Layout, path: str, title: str, whose: str | None, row: Mapping[str, Any]
    ) -> Page:
        drawn = path in _DRAWN
        sections: list[dict[str, Any]] = []
        number = 0
        for section in layout.sections:
            parts = []
            for part in section.parts:
                number += 1
                parts.append({"id": f"part-{number}", **self._maker.made(part, whose, drawn=drawn)})
            sections.append({"title": section.title, "parts": parts})
        made = [part for section in sections for part in section["parts"]]
        return Page(
            path=path,
            title=title,
            template="page.html",
            section=layout.part_of or layout.path,
            data={
                "ticker": row.get("symbol"),
                "lead": layout.lead,
                "warning": self._warning(row),
                "head": self._maker.made(layout.head, whose) if layout.head else None,
                "sections": sections,
                "downloads": exports.of_page(path) if whose is None else (),
                "has_charts": any("data" in part for part in made),
                "is_sortable": any(
                    isinstance(part["part"], Table) and part["part"].sortable for part in made
                ),
            },
        )

    def _warning(self, row: Mapping[str, Any]) -> str | None:
        """Return what a reader must know of a thing before he reads its numbers."""
        last = row.get("last_day") or row.get("day")
        newest = self._publication.newest_day
        if row.get("dead_from"):
            return f"Dead since {row['dead_from']}."
        if last and newest and (newest - last).days > _PAST_D:
            return f"Its last day is {last}: what is shown as now is of that day."
        if row.get("first_day") and row["first_day"] == row.get("last_day"):
            return "One day of it is known: most measures need more."
        return None


def file_name(id_: str) -> str:
    """Return the name of a thing's page: its id, or where that is no name for a file, a safe one.

    Two ids never share one, not even on a disk that does not tell capitals.
    """
    if _SAFE.fullmatch(id_):
        return id_
    plain = re.sub(r"[^a-z0-9]+", "-", id_.lower()).strip("-")[:60]
    return f"{plain or 'x'}~{sha256(id_.encode()).hexdigest()[:8]}"


def _words(id_: str) -> str:
    text = id_.replace("_", " ")
    return text[:1].upper() + text[1:]
