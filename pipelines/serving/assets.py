"""Which asset is meant: an id, or a symbol that only one asset has."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.serving.problems import Problem, unknown
from pipelines.serving.shelf import Edition


def asset_ids(edition: Edition, named: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of assets that are named by id or by symbol.

    Raises:
        Problem: nobody is called so, or more than one asset is.
    """
    by_id, by_symbol = _directory(edition)
    found = []
    for name in named:
        if name.lower() in by_id:
            found.append(name.lower())
            continue
        candidates = by_symbol.get(name.upper(), ())
        if len(candidates) > 1:
            raise Problem(
                "ambiguous-symbol",
                409,
                f"{name[:50]!r} is the symbol of {len(candidates)} assets: ask for an id instead, "
                f"{' or '.join(candidates)}",
                candidates=list(candidates),
            )
        if not candidates:
            raise unknown(
                "asset",
                name,
                [*by_id, *by_symbol],
                hint="/v1/assets lists them with id and symbol",
            )
        found.append(candidates[0])
    return tuple(dict.fromkeys(found))


def _directory(edition: Edition) -> tuple[frozenset[str], dict[str, tuple[str, ...]]]:
    if edition.directory is None:
        cursor = edition.cursor()
        try:
            rows = cursor.execute(
                'select asset_id, symbol from marts."dim_asset" order by asset_id'
            ).fetchall()
        finally:
            cursor.close()
        by_symbol: dict[str, tuple[str, ...]] = {}
        for asset, symbol in rows:
            if symbol:
                by_symbol[symbol.upper()] = (*by_symbol.get(symbol.upper(), ()), asset)
        edition.directory = frozenset(row[0] for row in rows), by_symbol
    return edition.directory
