"""Which of a source's codes belong to curated assets: what the product asks a source for.

Curated identity is written once, in the dbt seed `dim_asset_alias_curated`; a curation folder (such
as a sandbox dataset) may add to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from pipelines.core.settings import Settings

ALIAS_SEED = "dim_asset_alias_curated.csv"
# what is read of a curation folder, here and in dbt's `staging/curation`
CURATION_TABLES = (
    "assets",
    "markets",
    "perpetuals",
    "stablecoins",
    "protocols",
    "tokens",
    "token_events",
    "narratives",
    "equity_daily",
    "supply_points",
)
# sources whose ids are not those of assets: the folder's table and column that has them
OWN_IDS: Mapping[str, tuple[str, str]] = {
    "defillama_stablecoins": ("stablecoins", "stablecoin_id"),
    "defillama": ("protocols", "protocol"),
    "ethereum": ("tokens", "address"),
}


class UniverseError(Exception):
    """The curated identities cannot be read."""


def codes(settings: Settings, source: str) -> frozenset[str]:
    """Return the source's codes (of a venue: of its currencies) that map to a curated asset.

    Raises:
        UniverseError: the seed or the curation folder is missing or has another layout.
    """
    found = _seed(settings, source)
    if settings.curation_dir is not None:
        found |= _overlay(settings.curation_dir, source)
    return frozenset(found)


def _seed(settings: Settings, source: str) -> set[str]:
    paths = sorted((settings.dbt_dir / "seeds").rglob(ALIAS_SEED))
    if len(paths) != 1:
        raise UniverseError(
            f"expected one {ALIAS_SEED} below {settings.dbt_dir}/seeds, found {paths}"
        )
    aliases = pl.read_csv(paths[0], infer_schema=False)
    _require(aliases, paths[0], "source", "source_id")
    return set(aliases.filter(pl.col("source") == source)["source_id"].drop_nulls())


def _overlay(folder: Path, source: str) -> set[str]:
    if not folder.is_dir():
        raise UniverseError(f"the curation folder {folder} does not exist")
    found: set[str] = set()
    for table in ("markets", "perpetuals"):
        if (markets := _read(folder, table, "venue")) is not None:
            found |= _venue_codes(markets.filter(pl.col("venue") == source), folder / table)
    if (assets := _read(folder, "assets")) is not None and f"{source}_id" in assets.columns:
        found |= set(assets[f"{source}_id"].drop_nulls())
    if source in OWN_IDS:
        table, column = OWN_IDS[source]
        listed = _read(folder, table, column)
        found |= set(listed[column].drop_nulls()) if listed is not None else set()
    return found


def _venue_codes(listed: pl.DataFrame, path: Path) -> set[str]:
    found: set[str] = set()
    for side in ("base", "quote"):
        if f"{side}_asset_id" in listed.columns:
            _require(listed, path, f"{side}_code")
            mapped = listed.filter(pl.col(f"{side}_asset_id").is_not_null())
            found |= set(mapped[f"{side}_code"].drop_nulls())
    return found


def _read(folder: Path, table: str, *columns: str) -> pl.DataFrame | None:
    """Return a table of the folder, kept as one file or as a folder of files; None if absent."""
    if (file := folder / f"{table}.parquet").is_file():
        paths = [file]
    else:
        paths = sorted((folder / table).glob("*.parquet"))
    if not paths:
        return None
    try:
        frame = pl.concat([pl.read_parquet(path) for path in paths], how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        raise UniverseError(f"{folder / table} cannot be read: {error}") from error
    _require(frame, folder / table, *columns)
    return frame


def _require(frame: pl.DataFrame, path: Path, *columns: str) -> None:
    missing = sorted(set(columns) - set(frame.columns))
    if missing:
        raise UniverseError(f"{path} lacks the columns {missing}")
