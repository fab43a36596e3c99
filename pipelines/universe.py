"""Which of a source's codes belong to curated assets: what the product asks a source for.

Curated identity is written once, in the dbt seed `dim_asset_alias`; a curation folder (such as a
sandbox dataset) may add to it.
"""

from __future__ import annotations

import polars as pl

from pipelines.settings import Settings

ALIAS_SEED = "dim_asset_alias.csv"


class UniverseError(Exception):
    """The curated identities cannot be read."""


def codes(settings: Settings, source: str) -> frozenset[str]:
    """Return the source's codes (of a venue: of its currencies) that map to a curated asset.

    Raises:
        UniverseError: the seed or the curation folder is missing or has another layout.
    """
    found = _seed(settings, source)
    if settings.curation_dir is not None:
        found |= _overlay(settings, source)
    return frozenset(found)


def _seed(settings: Settings, source: str) -> set[str]:
    paths = sorted((settings.dbt_dir / "seeds").rglob(ALIAS_SEED))
    if len(paths) != 1:
        raise UniverseError(
            f"expected one {ALIAS_SEED} below {settings.dbt_dir}/seeds, found {paths}"
        )
    aliases = pl.read_csv(paths[0], infer_schema=False)
    missing = {"source", "source_id"} - set(aliases.columns)
    if missing:
        raise UniverseError(f"{paths[0]} lacks the columns {sorted(missing)}")
    return set(aliases.filter(pl.col("source") == source)["source_id"].drop_nulls())


def _overlay(settings: Settings, source: str) -> set[str]:
    assert settings.curation_dir is not None  # noqa: S101  # the caller's branch
    found: set[str] = set()
    markets_path = settings.curation_dir / "markets.parquet"
    if markets_path.exists():
        markets = pl.read_parquet(markets_path).filter(pl.col("venue") == source)
        for side in ("base", "quote"):
            mapped = markets.filter(pl.col(f"{side}_asset_id").is_not_null())
            found |= set(mapped[f"{side}_code"].drop_nulls())
    assets_path = settings.curation_dir / "assets.parquet"
    if assets_path.exists() and f"{source}_id" in pl.read_parquet_schema(assets_path):
        found |= set(pl.read_parquet(assets_path)[f"{source}_id"].drop_nulls())
    return found
