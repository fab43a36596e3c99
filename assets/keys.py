"""Names that more than one module needs: asset keys, groups, owners, pools, resource keys."""

from __future__ import annotations

import dagster as dg

OWNERS = ["team:market-data"]

# limit 1 across all runs (the shipped instance config): one process writes the warehouse
WRITER_POOL = "warehouse_writer"
# the same: two runs do not ask one host at the same time
EXTRACTION_POOL = "extraction"

RAW = "raw"
MARTS = "marts"
PUBLISHED = "published"


def layer(name: str) -> dict[str, str]:
    """Return the tag by which the catalogue finds the assets of a layer."""
    return {"layer": name}


def raw(source: str, table: str) -> dg.AssetKey:
    """Return the key of a raw table in the lake."""
    return dg.AssetKey([RAW, source, table])


def model(layer: str, name: str) -> dg.AssetKey:
    """Return the key of a dbt model or seed."""
    return dg.AssetKey([layer, name])


def mart(name: str) -> dg.AssetKey:
    """Return the key of a mart in the warehouse."""
    return model(MARTS, name)


def published(name: str) -> dg.AssetKey:
    """Return the key of a published mart."""
    return dg.AssetKey([PUBLISHED, name])
