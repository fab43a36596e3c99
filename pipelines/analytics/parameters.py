"""Parameters from seed rows: the values are data, the names and types are code."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import polars as pl

from pipelines.analytics.calendar import AnalyticsError

Parameters = TypeVar("Parameters")


def from_seed(kind: type[Parameters], values: Mapping[str, object], **nested: object) -> Parameters:
    """Build a parameter class from the rows of a seed, and refuse a seed that does not fit.

    Args:
        kind: a parameter dataclass of this package.
        values: parameter name to value, as numbers or text. A field that is a tuple of numbers
            is text with commas ('20,50,200'); an optional one may be None or ''.
        **nested: fields that are classes of their own (factors, labels), passed through.

    Returns:
        The parameters.

    Raises:
        AnalyticsError: a parameter is missing, unknown, or not of its type.
    """
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    given = set(values) | set(nested)
    wrong = sorted(given.symmetric_difference(names))
    if wrong:
        missing, unknown = sorted(set(names) - given), sorted(given - set(names))
        msg = f"{kind.__name__}: missing {missing}, unknown {unknown}"
        raise AnalyticsError(msg)
    try:
        parsed = {name: _parse(hints[name], value) for name, value in values.items()}
    except ValueError as error:
        msg = f"{kind.__name__}: {error}"
        raise AnalyticsError(msg) from error
    return kind(**parsed, **nested)


def newest_version(seed: pl.DataFrame) -> dict[str, object]:
    """Return the values of the newest row of a seed of one row per version, without the version.

    Args:
        seed: a ``cfg_*`` seed with the column ``version``.

    Returns:
        Column to value, to be handed to ``from_seed``.

    Raises:
        AnalyticsError: the seed has no row, or two of its newest version.
    """
    newest = seed.filter(pl.col("version") == pl.col("version").max())
    if newest.height != 1:
        msg = f"a seed needs one row of its newest version, not {newest.height}"
        raise AnalyticsError(msg)
    return newest.drop("version").row(0, named=True)


def fingerprint(*parameters: object) -> str:
    """Hash of parameter classes, equal for equal values on any machine (``weights_hash``).

    Returns:
        The first 16 hexadecimal digits of the SHA-256 of their names and values.
    """
    content = [
        [type(item).__name__, _plain(dataclasses.asdict(item))]  # type: ignore[call-overload]
        for item in parameters
    ]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def combined(*fingerprints: str) -> str:
    """One fingerprint of several, in their order: of a decision and of what it rests on."""
    return hashlib.sha256("|".join(fingerprints).encode()).hexdigest()[:16]


def _plain(value: object) -> object:
    """A value in which equal numbers look alike: 65 and 65.0 are one threshold."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _parse(hint: Any, value: object) -> object:
    """A seed's value in the type of the field."""
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        element = arguments[0]
        numbers = tuple(_parse(element, part) for part in str(value).split(","))
        if Ellipsis not in arguments and len(numbers) != len(arguments):
            msg = f"{value!r} should have {len(arguments)} numbers"
            raise ValueError(msg)
        return numbers
    if typing.get_origin(hint) is types.UnionType:
        if value is None or value == "":
            return None
        return _parse(next(kind for kind in arguments if kind is not type(None)), value)
    if hint is str:
        return str(value)
    if hint is bool:
        return _truth(value)
    number = float(str(value))
    if hint is float:
        return number
    if hint is int and number.is_integer():
        return int(number)
    msg = f"{value!r} is not a {getattr(hint, '__name__', hint)}"
    raise ValueError(msg)


def _truth(value: object) -> bool:
    known = {"true": True, "false": False}
    if str(value).lower() not in known:
        msg = f"{value!r} is neither true nor false"
        raise ValueError(msg)
    return known[str(value).lower()]
