"""Tables for spreadsheets: the screener and the front page's tables as CSV, Parquet and Excel."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

import polars as pl

from pipelines.site import content
from pipelines.site.parts import Table
from pipelines.site.queries import Answers

FOLDER: Final = "downloads"
_WORKBOOK: Final = f"{FOLDER}/market.xlsx"
_SCREENER: Final = "screener"
# the names of sheets are short, and unique
_SHEETS: Final = {
    "screener": "Screener",
    "top_grades": "Highest grades",
    "bottom_grades": "Lowest grades",
    "signals_lately": "Signals",
    "alerts_today": "Alerts",
    "narratives": "Narratives",
    "pegs_off": "Pegs",
    "stablecoins": "Stablecoins",
    "tvl_moves": "Value locked",
    "fee_moves": "Fees",
    "protocols": "Protocols",
    "chains": "Chains",
    "exchanges": "Exchanges",
}
# what a spreadsheet would take for a formula
_FORMULA: Final = r"^([=+\-@\t\r])"


def of_page(path: str) -> tuple[tuple[str, str], ...]:
    """Return the downloads of a page: path and name."""
    if path == content.FRONT.path:
        return (
            (_WORKBOOK, "Excel: screener and tables"),
            (f"{FOLDER}/screener.csv", "CSV: screener"),
        )
    if path == content.SCREENER.path:
        return (
            (f"{FOLDER}/screener.csv", "CSV"),
            (f"{FOLDER}/screener.parquet", "Parquet"),
            (_WORKBOOK, "Excel, with the front page's tables"),
        )
    layout = next(layout for layout in content.SINGLE if layout.path == path)
    return tuple(
        (f"{FOLDER}/{part.query}.csv", f"CSV: {part.title.lower()}")
        for section in layout.sections
        for part in section.parts
        if isinstance(part, Table) and part.query in _SHEETS
    )


def files(answers: Answers) -> Iterator[tuple[str, bytes]]:
    """Return the files for spreadsheets, by their paths."""
    for query in _SHEETS:
        yield f"{FOLDER}/{query}.csv", csv(answers[query].rows)
    screener = io.BytesIO()
    answers[_SCREENER].rows.write_parquet(screener, compression="zstd")
    yield f"{FOLDER}/{_SCREENER}.parquet", screener.getvalue()
    yield _WORKBOOK, _workbook(answers)


def csv(rows: pl.DataFrame) -> bytes:
    """Return rows as CSV in which no text is a formula."""
    harmless = _finite(rows).with_columns(
        pl.col(name).str.replace(_FORMULA, "'$1") for name in _texts(rows)
    )
    return harmless.write_csv().encode()


def _finite(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows in which what is no number is unknown."""
    floats = pl.col(pl.Float64)
    return rows.with_columns(pl.when(floats.is_finite()).then(floats).name.keep())


def _texts(rows: pl.DataFrame) -> list[str]:
    return [name for name, kind in rows.schema.items() if kind == pl.String]


def _workbook(answers: Answers) -> bytes:
    # only here: nobody else writes one
    import xlsxwriter

    written = io.BytesIO()
    # a name is a name, whatever it begins with
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    with xlsxwriter.Workbook(written, options) as book:
        for query, title in _SHEETS.items():
            rows = _finite(answers[query].rows)
            if rows.width:
                rows.write_excel(
                    book,
                    worksheet=title,
                    autofit=True,
                    freeze_panes=(1, 0),
                    table_style="Table Style Light 1",
                )
            else:
                book.add_worksheet(title).write(0, 0, answers[query].why_empty or "")
    return written.getvalue()
