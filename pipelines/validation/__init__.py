"""Checks of the built marts: what must hold before users may see them.

    check_all(settings, clock, run_id, window, contracts, published) -> results

Three kinds of check, and no rule in two of them. dbt tests say what is true of one model; they live
with the models, and `dbt_results.py` only reports them. Publication contracts (`contracts.py`, read
from dbt's manifest; `expectations.py` runs them with Great Expectations) say what users of a mart
are promised. Invariants (`invariants.py`, in Polars) compare marts with each other, or with earlier
days.
"""

from pipelines.validation.contracts import Contract, read_contracts
from pipelines.validation.gate import check_all
from pipelines.validation.invariants import INVARIANTS

__all__ = ["INVARIANTS", "Contract", "check_all", "read_contracts"]
