"""The colours of pages and charts: each has a name, a light and a dark value.

Charts are drawn in the light values. In the dark, the style sheet takes the dark ones for what is
drawn already, and the script for what it draws. Blue and orange can be told apart by everybody;
where they mean up and down, a sign stands beside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour in both themes."""

    name: str
    light: str
    dark: str


COLOURS: Final = (
    Colour("paper", "#ffffff", "#12161c"),
    Colour("panel", "#f6f7f9", "#1a2028"),
    Colour("line", "#dde1e7", "#2f3843"),
    Colour("grid", "#e8ebef", "#262e38"),
    Colour("quiet", "#59636f", "#a3afbd"),
    Colour("ink", "#17202b", "#e8edf3"),
    Colour("blue", "#1560bd", "#6cb2ff"),
    Colour("orange", "#b35309", "#ffa75c"),
    Colour("teal", "#0b7a75", "#4fd0c7"),
    Colour("purple", "#7a3fb0", "#c79bff"),
    Colour("grey", "#737d89", "#8d98a6"),
    Colour("rose", "#b02a5b", "#ff8fb5"),
    Colour("olive", "#6b6a00", "#cfcb5a"),
    Colour("sky", "#3f8fc4", "#9fd3f5"),
)
LIGHT: Final = {colour.name: colour.light for colour in COLOURS}
# of several series in one chart, in this order
SERIES: Final = tuple(
    LIGHT[name] for name in ("blue", "orange", "teal", "purple", "rose", "olive", "sky", "grey")
)
