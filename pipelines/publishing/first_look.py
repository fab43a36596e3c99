"""A first query on the published file, for a reader who has just got it."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.publishing.manifest import DATABASE_NAME

FIRST_QUERY = """\
select asset_id, day, round(close_usd, 4) as close_usd, round(volume_usd) as volume_usd, n_venues
from marts.price_daily
where day = (select max(day) from marts.price_daily)
order by volume_usd desc nulls last
limit 5"""


@dataclass(frozen=True)
class Answer:
    """A query's answer: column names and rows, in the query's order."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


def first_look(settings: Settings) -> Answer:
    """Return the answer to `FIRST_QUERY` on the current publication.

    Raises:
        FileNotFoundError: nothing is published yet.
    """
    with warehouse.read(settings.published_dir / DATABASE_NAME) as connection:
        answer = connection.execute(FIRST_QUERY)
        columns = tuple(column[0] for column in answer.description or ())
        return Answer(columns, tuple(answer.fetchall()))
