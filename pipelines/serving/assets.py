"""Which asset or stablecoin is meant: an id, or a symbol that only one has."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.serving.problems import Problem, unknown
from pipelines.serving.shelf import Edition


def asset_ids(edition: Edition, named: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of assets that are named by id or by symbol; see `entity_ids`."""
    return entity_ids(edition, "asset", named)


def entity_ids(edition: Edition, kind: str, named: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of what is named by id or by symbol.

    Args:
        edition: the publication.
        kind: what it is: `asset`, `stablecoin`; `dim_<kind>` lists them.
        named: ids or symbols.

    Raises:
        Problem: nobody is called so, or more than one is.
    """
    by_id, by_symbol = _directory(edition, kind)
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
                f"{name[:50]!r} is the symbol of {len(candidates)} {kind}s: ask for an id instead, "
                f"{' or '.join(candidates)}",
                candidates=list(candidates),
            )
        if not candidates:
            raise unknown(
                kind,
                name,
                [*by_id, *by_symbol],
                hint=f"/v1/{kind}s lists them with id and symbol",
            )
        found.append(candidates[0])
    return tuple(dict.fromkeys(found))


def _directory(edition: Edition, kind: str) -> tuple[frozenset[str], dict[str, tuple[str, ...]]]:
    if kind not in edition.directories:
        rows = edition.rows(
            f'select {kind}_id as id, symbol from marts."dim_{kind}" order by id'  # noqa: S608  # kinds are ours
        )
        by_symbol: dict[str, tuple[str, ...]] = {}
        for row in rows:
            if symbol := row["symbol"]:
                by_symbol[symbol.upper()] = (*by_symbol.get(symbol.upper(), ()), row["id"])
        edition.directories[kind] = frozenset(row["id"] for row in rows), by_symbol
    return edition.directories[kind]
