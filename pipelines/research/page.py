"""Pages for people: one HTML file with its tables and pictures in it, which asks nobody."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    import altair as alt

_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1250px;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;display:block;overflow-x:auto;
margin:.5rem 0 1.5rem}
td,th{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ddd;white-space:nowrap}
.text{text-align:left}
svg{max-width:100%;height:auto}
"""


def page(title: str, parts: Iterable[str]) -> str:
    """The whole page; the parts are HTML."""
    name = escape(title)
    head = f'<meta charset="utf-8"><title>{name}</title><style>{_STYLE}</style>'
    lines = [f"<h1>{name}</h1>", *parts]
    return f"<!doctype html>\n<html lang=en><head>{head}</head><body>\n" + "\n".join(
        [*lines, "</body></html>\n"]
    )


def heading(text: str) -> str:
    """A section's heading."""
    return f"<h2>{escape(text)}</h2>"


def sentence(text: str) -> str:
    """A paragraph."""
    return f"<p>{escape(text)}</p>"


def table(frame: pl.DataFrame) -> str:
    """A frame as an HTML table."""
    kinds = [" class=text" if dtype == pl.String else "" for dtype in frame.dtypes]
    head = "".join(
        f"<th{kind}>{escape(name)}</th>" for name, kind in zip(frame.columns, kinds, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td{kind}>{escape(cell(value))}</td>" for value, kind in zip(row, kinds, strict=True)
        )
        + "</tr>"
        for row in frame.iter_rows()
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def cell(value: object) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if not isinstance(value, float):
        return str(value)
    digits = 4 if abs(value) < 10 else 2 if abs(value) < 1000 else 0
    # what is rounded to nothing has no sign
    return f"{round(value, digits) + 0.0:,.{digits}f}"


def picture(chart: alt.TopLevelMixin) -> str:
    """A chart as a drawing within the page: no script, no fonts and no data from elsewhere."""
    # only here: it brings a JavaScript engine along
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(chart.to_dict())
    return svg


def legend() -> alt.Legend:
    """Above the chart: beside it, names are cut where a browser's letters are wider."""
    import altair as alt

    return alt.Legend(orient="top", labelLimit=300)
