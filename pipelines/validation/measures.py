"""How big the marts are and how new: figures for people, not checks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipelines.core import warehouse
from pipelines.core.settings import Settings

SCHEMA = "marts"


@dataclass(frozen=True)
class MartSize:
    """One mart's size.

    Attributes:
        rows: how many rows it has.
        newest_day: its greatest `day`; None where it has no such column or no row.
    """

    rows: int
    newest_day: date | None


def mart_sizes(settings: Settings) -> dict[str, MartSize]:
    """Return the size of every mart in the warehouse; empty where there is no warehouse."""
    if not settings.warehouse_path.exists():
        return {}
    sizes = {}
    with warehouse.read(settings.warehouse_path) as connection:
        marts = connection.execute(
            """
            select table_name, coalesce(bool_or(column_name = 'day' and data_type = 'DATE'), false)
            from duckdb_columns()
            where database_name = current_catalog() and schema_name = ?
            group by table_name
            order by table_name
            """,
            [SCHEMA],
        ).fetchall()
        for mart, has_day in marts:
            newest = "max(day)" if has_day else "null"
            row = connection.execute(
                f'select count(*), {newest} from {SCHEMA}."{mart}"'  # noqa: S608  # names from the catalogue, quoted
            ).fetchone()
            if row is not None:
                sizes[mart] = MartSize(rows=row[0], newest_day=row[1])
    return sizes


def newest_day(settings: Settings) -> date | None:
    """Return the newest day that was built; None where there is none.

    That of the prices, which have a row for every day: a mart of events may have news of the day on
    which the build was judged.
    """
    sizes = mart_sizes(settings)
    priced = sizes.get("price_daily")
    if priced is not None and priced.newest_day is not None:
        return priced.newest_day
    return max((size.newest_day for size in sizes.values() if size.newest_day), default=None)
