"""One load by dlt: rows appended to the lake as Parquet, never changed afterwards."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipelines.core.files import replace_file
from pipelines.core.settings import Settings
from pipelines.core.tables import EXTRACTION
from pipelines.core.windows import Clock
from pipelines.extraction.run import Extraction, Item
from pipelines.lake import storage

LAYOUT = "{table_name}/load_date={YYYY}-{MM}-{DD}/{load_id}.{file_id}.{ext}"


def append(
    source_name: str,
    items: Iterable[Item],
    run: Extraction,
    settings: Settings,
    clock: Clock,
) -> str:
    """Write the items, and then the log that the run has kept of them, as one load; return its id.

    Whoever calls holds the source's lock.

    Args:
        source_name: whose; also the folder below the lake's `raw`.
        items: pairs of raw table name and rows; they are asked for while they are written.
        run: keeps the log.
        settings: the lake.
        clock: dates the folders that the files lie in.
    """
    import dlt
    from dlt.common.pendulum import pendulum
    from dlt.destinations import filesystem

    dlt.config["normalize.parquet_normalizer.add_dlt_load_id"] = True
    dlt.config["data_writer.buffer_max_items"] = 100_000
    dlt.config["runtime.dlthub_telemetry"] = False

    def marked() -> Iterator[Any]:
        for table_name, rows in items:
            yield dlt.mark.with_table_name(rows, table_name)
        yield dlt.mark.with_table_name(run.log(), EXTRACTION.name)

    @dlt.source(name=source_name, max_table_nesting=0)  # type: ignore[untyped-decorator]
    def tables() -> Any:
        return dlt.resource(marked(), name=source_name)

    # dlt's folder holds nothing that the lake does not: windows come from the caller, so there is
    # no cursor, and a folder of its own lets any number of runs go on at the same time
    for left in settings.dlt_dir.glob(f"{source_name}-*"):
        shutil.rmtree(left, ignore_errors=True)  # by a load that was killed: this one is alone
    folder = settings.dlt_dir / f"{source_name}-{uuid.uuid4().hex}"
    _prepare(settings, source_name)
    try:
        pipeline = dlt.pipeline(
            source_name,
            destination=filesystem(
                bucket_url=f"{settings.lake_dir}/raw",
                layout=LAYOUT,
                current_datetime=lambda: pendulum.instance(clock.now()),
            ),
            dataset_name=source_name,
            pipelines_dir=str(folder),
        )
        info = pipeline.run(
            tables(),
            loader_file_format="parquet",
            schema_contract={"tables": "evolve", "columns": "evolve", "data_type": "freeze"},
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    info.raise_on_failed_jobs()
    return str(info.loads_ids[0])


def _prepare(settings: Settings, source_name: str) -> None:
    """Make the source's folder of a lake on disk before dlt looks for it.

    dlt makes the folder and then writes its version file there. Of two first loads at the same time
    one would fail, and so would every later one after a load that was killed between the two steps.
    """
    try:
        from dlt.destinations.impl.filesystem.filesystem import CURRENT_VERSION, INIT_FILE_NAME
    except ImportError:
        return  # a release that has them elsewhere does it itself

    file_system, root = storage.bucket(settings)
    if "file" not in file_system.protocol:
        return
    folder = Path(root) / "raw" / source_name
    _forget_torn_notes(folder)
    target = folder / INIT_FILE_NAME
    if not target.exists():
        versions = {"initial_version": CURRENT_VERSION, "current_version": CURRENT_VERSION}
        replace_file(target, json.dumps(versions).encode())


def _forget_torn_notes(folder: Path) -> None:
    """Delete what dlt was noting about a load when it was killed, or when the disk was full.

    It reads its newest notes before each load, and would stop at those for good. The load that they
    were about is one that was not completed.
    """
    for path in folder.glob("_dlt_*/*.jsonl"):
        try:
            json.loads(path.read_bytes())
        except ValueError:
            path.unlink()
