"""The gate as one call: contracts and invariants of all marts, and what sources changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from threading import Thread

from pipelines.core.settings import Settings
from pipelines.core.windows import Clock, Window, last_complete_day
from pipelines.validation.contracts import Contract
from pipelines.validation.expectations import check_contracts
from pipelines.validation.invariants import check_invariants
from pipelines.validation.measures import newest_day
from pipelines.validation.report import CheckResult
from pipelines.validation.schema_changes import check_schemas


def load_library() -> None:
    """Begin to import Great Expectations beside other work: it takes seconds."""
    Thread(target=import_module, args=("great_expectations",), daemon=True).start()


def check_all(
    settings: Settings,
    clock: Clock,
    run_id: str,
    window: Window | None,
    contracts: Iterable[Contract],
    published_rows: Mapping[str, int],
) -> tuple[CheckResult, ...]:
    """Check the built marts and return every result; dbt's tests have their own way.

    Args:
        settings: where the warehouse is.
        clock: stamps the results.
        run_id: the run that checks.
        window: the days of the run: the newest of them must be in the marts. None: it is of no
            days, and the newest that is built is judged.
        contracts: what is promised of the marts.
        published_rows: rows of each mart in the current publication, to see what got lost.
    """
    if window is None:
        window = Window.of_day(newest_day(settings) or last_complete_day(clock))
    # contracts are Python's work, invariants the database's: each leaves a core to the other
    with ThreadPoolExecutor(max_workers=1) as beside:
        invariants = beside.submit(
            check_invariants, settings, clock, run_id, window, published_rows
        )
        kept = check_contracts(settings, clock, run_id, contracts)
        return (*kept, *invariants.result(), *check_schemas(settings, clock, run_id))
