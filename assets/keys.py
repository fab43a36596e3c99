"""Names that more than one module needs: asset keys, groups, owners, pools, resource keys."""

from __future__ import annotations

import dagster as dg

OWNERS = ["team:market-data"]

# limit 1 across all runs (the shipped instance config): one process writes the warehouse
WRITER_POOL = "warehouse_writer"
# the same: two runs do not ask one host at the same time
EXTRACTION_POOL = "extraction"

# a tag of the runs of the command line, which reports them itself: its host and process
PROCESS = "tokenmart/process"

RAW = "raw"
MARTS = "marts"
PUBLISHED = "published"
CURATED = "curated"


def layer(name: str) -> dict[str, str]:
    """Return the tag by which the catalogue finds the assets of a layer."""
    return {"layer": name}


def source_group(source: str) -> str:
    """Return the group of what belongs to one source: its raw tables, their versions, staging."""
    return group("sources", source)


def group(layer: str, part: str) -> str:
    """Return the group of a part of a layer: the graph opens with a box for each layer."""
    return f"{layer}/{part}"


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
