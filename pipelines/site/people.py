"""Values as people read them: by the unit that the dictionary of the publication gives."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

UNKNOWN: Final = "\N{EN DASH}"
_MINUS: Final = "\N{MINUS SIGN}"
_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_SIGMA: Final = "\N{GREEK SMALL LETTER SIGMA}"
_NOTHING: Final = re.compile(r"-?\D*0[.0]*\D*")
_LARGE: Final = ((1e12, "tn"), (1e9, "bn"), (1e6, "M"))
# a number that says how much something moved has its sign, and a colour
_MOVE: Final = re.compile(
    r"(?:^|_)(?:ret|change|chg|growth|mint|inflow|effect|premium|divergence|alpha|cagr|pnl|carry"
    r"|funding|dev(?!_vol)|r|ic|spread|excess|stat)(?:_|$)"
)
# dollars for one unit are never shortened to millions
_PRICE: Final = re.compile(
    r"^(?:peer_)?(?:open|high|low|close|vwap|price|entry|level|ref_price|peg_value|network_price"
    r"|hypothetical_close|position_(?:entry|stop))_usd$|^stop_price|^take_profit|_(?:support|resistance)_usd$"
)
# where a publication has no dictionary, a name says the unit
_BY_NAME: Final = (
    (re.compile(r"_usd(?:_ffill)?$"), "USD"),
    (re.compile(r"_frac$|_frac_|^ret_|_ret(?:_se)?$"), "fraction"),
    (re.compile(r"_bps$"), "bps"),
    (re.compile(r"_x$"), "multiple"),
    (re.compile(r"_pctile$|_grade$"), "0-100"),
    (re.compile(r"_z(?:_\d+d)?$"), "standard deviations"),
    (re.compile(r"_rank$"), "rank"),
    (re.compile(r"_count$"), "count"),
    (re.compile(r"_d$"), "days"),
    (re.compile(r"_h$"), "hours"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A value for people.

    Attributes:
        text: what is read.
        sort: what a table sorts by: a bare number, an ISO day, or the text; empty: unknown.
        tone: "up", "down" or "" of a number that moved; never the only sign of it.
    """

    text: str
    sort: str
    tone: str = ""

    @property
    def is_known(self) -> bool:
        """Whether there is a value."""
        return self.text != UNKNOWN


def unit_of(column: str, units: dict[str, str]) -> str:
    """Return a column's unit, by the dictionary or else by its name."""
    if column in units:
        return units[column]
    return next((unit for pattern, unit in _BY_NAME if pattern.search(column)), "none")


def show(value: Any, column: str, unit: str) -> Shown:
    """Return a value for people.

    Args:
        value: as the database gives it.
        column: its name, which says whether it is a price, and whether it is a move.
        unit: its unit in the dictionary's words.
    """
    if isinstance(value, Decimal):
        value = float(value)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return Shown(UNKNOWN, "")
    if isinstance(value, bool):
        return Shown("yes" if value else "no", str(int(value)))
    if isinstance(value, datetime):
        # at midnight it is a day that somebody dated, and no instant
        form = "%Y-%m-%d %H:%M UTC" if value.time() != time.min else "%Y-%m-%d"
        return Shown(f"{value:{form}}", value.isoformat())
    if isinstance(value, date):
        return Shown(value.isoformat(), value.isoformat())
    if isinstance(value, int | float):
        return _number(value, column, unit)
    text = str(value)
    return Shown(text, text) if text.strip() else Shown(UNKNOWN, "")


def _number(value: float, column: str, unit: str) -> Shown:
    text = _price(value) if _PRICE.search(column) else _FORMS.get(unit, _plain)(value)
    if _NOTHING.fullmatch(text):  # nothing but zeros: neither up nor down
        text = text.removeprefix("-")
        return Shown(text, _bare(value))
    moves = bool(_MOVE.search(column)) and not column.endswith(("_rank", "_count", "_se", "_d"))
    sign = "+" if moves and value > 0 else ""
    tone = ("up" if value > 0 else "down") if moves else ""
    return Shown(sign + text.replace("-", _MINUS), _bare(value), tone)


def _bare(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.8g}"


def _dollars(value: float) -> str:
    sign, size = ("-" if value < 0 else ""), abs(value)
    for least, word in _LARGE:
        # what would be rounded up to a thousand of a word is one of the next
        if size >= least * 0.9995:
            return f"{sign}${_three(size / least)} {word}"
    if size >= 1_000:
        return f"{sign}${size:,.0f}"
    if size >= 1 or size == 0:
        return f"{sign}${size:,.2f}"
    return f"{sign}${_small(size, 3)}"


def _three(size: float) -> str:
    return f"{size:,.0f}" if size >= 99.95 else f"{size:.1f}" if size >= 9.995 else f"{size:.2f}"


def _small(size: float, digits: int) -> str:
    """Return a number below one with so many digits that count, and never as a power of ten."""
    places = digits - 1 - math.floor(math.log10(size))
    return f"{size:.{min(places, 18)}f}"


def _price(value: float) -> str:
    sign, size = ("-" if value < 0 else ""), abs(value)
    if size >= 10_000:
        return f"{sign}${size:,.0f}"
    if size >= 1:
        return f"{sign}${size:,.{4 if size < 10 else 3 if size < 100 else 2}f}"
    return f"{sign}${_small(size, 4)}" if size else "$0.00"


def _percent(value: float) -> str:
    size = abs(value) * 100
    if not size:
        return "0 %"
    return f"{value * 100:,.{0 if size >= 1_000 else 1 if size >= 1 else 2}f} %"


def _multiple(value: float) -> str:
    size = abs(value)
    return f"{value:,.{0 if size >= 100 else 1 if size >= 10 else 2}f}{_TIMES}"


def _whole(value: float) -> str:
    size = abs(value)
    for least, word in _LARGE:
        if size >= least:
            return f"{'-' if value < 0 else ''}{_three(size / least)} {word}"
    return f"{value:,.0f}"


def _plain(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,d}" if abs(value) < 1_000_000 else _whole(value)
    size = abs(value)
    if size >= 1_000:
        return _whole(value)
    if size and size < 0.01:
        return ("-" if value < 0 else "") + (_small(size, 2) if size >= 1e-6 else "0.00")
    return f"{value:,.{1 if size >= 100 else 2 if size >= 1 else 3}f}"


_FORMS: Final[dict[str, Callable[[float], str]]] = {
    "USD": _dollars,
    "USD per unit": _price,
    "fraction": _percent,
    "fraction per year": _percent,
    "bps": lambda value: f"{value:,.{1 if abs(value) < 10 else 0}f} bps",
    "multiple": _multiple,
    "0-100": lambda value: f"{value:,.1f}",
    "points": lambda value: f"{value:,.1f}",
    "standard deviations": lambda value: f"{value:,.1f} {_SIGMA}",
    "days": lambda value: f"{value:,.0f} d",
    "hours": lambda value: f"{value:,.0f} h" if abs(value) < 100 else f"{value / 24:,.0f} d",
    "rank": lambda value: f"{value:,.0f}",
    "count": _whole,
    "rows": _whole,
    "native units": _whole,
    "units": _whole,
    "R": lambda value: f"{value:,.2f} R",
}
