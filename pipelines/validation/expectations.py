"""Makes Great Expectations suites of publication contracts and runs them on the built marts.

Great Expectations takes pandas frames: each suite gets one of the columns it looks at, and a second
small one that lists the mart's columns and types. The context is ephemeral: nothing is written, and
nothing is sent. Its import takes seconds, so it is inside the functions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.core import warehouse
from pipelines.core.excerpt import MAX_ROWS, Excerpt
from pipelines.core.settings import Settings
from pipelines.core.windows import Clock
from pipelines.validation.contracts import Contract
from pipelines.validation.report import MAX_EXAMPLES, CheckResult, Severity

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

SCHEMA = "marts"
_COLUMNS_CHECK = "columns"
_TYPES_CHECK = "types"
_NOT_NULL = " NOT NULL"
# shares and middles of fewer days say nothing: first days lack returns, a crash is no other unit
HISTORY_DAYS = 60


def check_contracts(
    settings: Settings, clock: Clock, run_id: str, contracts: Iterable[Contract]
) -> tuple[CheckResult, ...]:
    """Check every contract against the warehouse.

    Args:
        settings: where the warehouse is.
        clock: stamps the results.
        run_id: the run that checks.
        contracts: what to check.

    Returns:
        One result per mart and expectation; a missing mart is one failed result.
    """
    runner = _Runner(clock, run_id)
    results: list[CheckResult] = []
    with warehouse.read(settings.warehouse_path) as connection:
        for contract in contracts:
            promised = _promised_types(connection, contract)
            found = _found_types(connection, contract)
            frame = _frame(connection, contract, found)
            results += runner.check(contract, promised, found, frame)
    return tuple(results)


class _Runner:
    """One ephemeral context for all suites of a run."""

    def __init__(self, clock: Clock, run_id: str) -> None:
        import great_expectations as gx
        from great_expectations.data_context.types.base import (
            DataContextConfig,
            InMemoryStoreBackendDefaults,
            ProgressBarsConfig,
        )

        self._clock = clock
        self._run_id = run_id
        self._gx = gx
        context = gx.get_context(
            mode="ephemeral",
            project_config=DataContextConfig(
                store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
                analytics_enabled=False,
                progress_bars=ProgressBarsConfig(globally=False),
            ),
        )
        self._source = context.data_sources.add_pandas("marts")

    def check(
        self,
        contract: Contract,
        promised: dict[str, str],
        found: dict[str, str],
        frame: pd.DataFrame,
    ) -> Iterator[CheckResult]:
        import pandas as pd

        known = [(name, kind) for name, kind in found.items() if name in promised]
        catalogue = pd.DataFrame(known, columns=["column_name", "data_type"], dtype="object")
        yield from self._validate(
            contract, f"{contract.mart}__columns", catalogue, ["column_name"], self._shape(promised)
        )
        if not set(contract.needed) <= set(found):
            return  # said above; expectations about columns that are not there say it worse
        yield from self._validate(
            contract, contract.mart, frame, list(contract.key), self._values(contract, frame)
        )

    def _shape(self, promised: dict[str, str]) -> Iterator[Any]:
        expect = self._gx.expectations
        yield expect.ExpectColumnDistinctValuesToContainSet(
            column="column_name", value_set=list(promised), meta=_meta(_COLUMNS_CHECK, "block")
        )
        yield expect.ExpectColumnPairValuesToBeInSet(
            column_A="column_name",
            column_B="data_type",
            value_pairs_set=list(promised.items()),
            meta=_meta(_TYPES_CHECK, "block"),
        )

    def _values(self, contract: Contract, frame: pd.DataFrame) -> Iterator[Any]:
        expect = self._gx.expectations
        if contract.min_rows:
            yield expect.ExpectTableRowCountToBeBetween(
                min_value=contract.min_rows, meta=_meta("min_rows", "block")
            )
        if len(contract.key) == 1:
            yield expect.ExpectColumnValuesToBeUnique(
                column=contract.key[0], meta=_meta("unique_key", "block")
            )
        else:
            yield expect.ExpectCompoundColumnsToBeUnique(
                column_list=list(contract.key), meta=_meta("unique_key", "block")
            )
        for name in contract.key:
            yield expect.ExpectColumnValuesToNotBeNull(
                column=name, meta=_meta(f"not_null__{name}", "block")
            )
        for name, column in contract.columns.items():
            # of an empty column nothing is promised but that it is filled
            filled = frame[frame[name].notna()] if name in frame else frame.head(0)
            has_values = len(filled) > 0
            if column.filled_frac is not None and not _is_of_few_days(frame):
                yield expect.ExpectColumnValuesToNotBeNull(
                    column=name,
                    mostly=column.filled_frac,
                    meta=_meta(f"filled__{name}", column.severity),
                )
            if column.median is not None and has_values and not _is_of_few_days(filled):
                lower, upper = column.median
                yield expect.ExpectColumnMedianToBeBetween(
                    column=name,
                    min_value=lower,
                    max_value=upper,
                    meta=_meta(f"median__{name}", column.severity),
                )
            if column.contains and has_values:
                yield expect.ExpectColumnDistinctValuesToContainSet(
                    column=name,
                    value_set=list(column.contains),
                    meta=_meta(f"contains__{name}", column.severity),
                )

    def _validate(
        self,
        contract: Contract,
        name: str,
        frame: pd.DataFrame,
        key: list[str],
        expectations: Iterable[Any],
    ) -> Iterator[CheckResult]:
        suite = self._gx.ExpectationSuite(name=name, expectations=list(expectations))
        asset = self._source.add_dataframe_asset(name)
        batch = asset.add_batch_definition_whole_dataframe(name).get_batch({"dataframe": frame})
        outcome = batch.validate(
            suite,
            result_format={
                "result_format": "SUMMARY",
                "unexpected_index_column_names": key,
                "partial_unexpected_count": MAX_ROWS,
            },
        )
        for result in outcome.results:
            meta = result.expectation_config.meta
            yield CheckResult(
                run_id=self._run_id,
                checked_at=self._clock.now(),
                check_kind="expectation",
                check_name=meta["check_name"],
                mart=contract.mart,
                severity=meta["severity"],
                is_passed=bool(result.success),
                failed_row_count=0 if result.success else _failed_rows(result),
                detail="" if result.success else _detail(contract, result, key),
                examples=None if result.success else _examples(result),
            )


def _meta(check_name: str, severity: Severity) -> dict[str, str]:
    return {"check_name": check_name, "severity": severity}


def _promised_types(connection: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, str]:
    """Return each promised column's type as DuckDB spells it, with its NOT NULL."""
    kinds = sorted({column.kind for column in contract.columns.values()})
    query = "select " + ", ".join(f"typeof(cast(null as {kind}))" for kind in kinds)
    spelled = dict(zip(kinds, connection.execute(query).fetchone() or (), strict=True))
    return {
        name: spelled[column.kind] + ("" if column.is_nullable else _NOT_NULL)
        for name, column in contract.columns.items()
    }


def _found_types(connection: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, str]:
    """Return each column's type; with its NOT NULL where that is promised."""
    rows = connection.execute(
        """
        select column_name, data_type, is_nullable from duckdb_columns()
        where database_name = current_catalog() and schema_name = ? and table_name = ?
        order by column_index
        """,
        [SCHEMA, contract.mart],
    ).fetchall()
    required = {name for name, column in contract.columns.items() if not column.is_nullable}
    return {
        name: kind + (_NOT_NULL if name in required and not is_nullable else "")
        for name, kind, is_nullable in rows
    }


def _frame(
    connection: duckdb.DuckDBPyConnection, contract: Contract, there: Collection[str]
) -> pd.DataFrame:
    names = [name for name in contract.needed if name in there]
    if not names:
        return connection.execute("select null where false").df()
    listed = ", ".join(f'"{name}"' for name in names)
    return connection.execute(f'select {listed} from {SCHEMA}."{contract.mart}"').df()  # noqa: S608  # names from the manifest, quoted


def _is_of_few_days(frame: pd.DataFrame) -> bool:
    return "day" in frame and frame["day"].nunique() < HISTORY_DAYS


def _failed_rows(result: Any) -> int:
    return int(result.result.get("unexpected_count", 0))


def _detail(contract: Contract, result: Any, key: Sequence[str]) -> str:
    """Say which rows break what, with at most five examples."""
    check_name, found = result.expectation_config.meta["check_name"], result.result
    kind, _, name = check_name.partition("__")
    if not found and result.exception_info:
        return f"the expectation could not be evaluated: {_first_message(result.exception_info)}"
    if kind in {_COLUMNS_CHECK, "contains"}:
        listed = ", ".join(sorted(map(str, found["partial_missing_list"])))
        if kind == "contains":
            return f"{name} lacks {listed}"
        return f"{found['missing_count']} promised columns are missing, such as {listed}"
    if kind == "min_rows":
        return f"{found['observed_value']} rows, at least {contract.min_rows} expected"
    if kind == "median":
        interval = " to ".join(f"{end:g}" for end in contract.columns[name].median or ())
        return f"the median of {name} is {found['observed_value']}, not in {interval}"
    examples = []
    for example in (found.get("partial_unexpected_index_list") or [])[:MAX_EXAMPLES]:
        of_key = ", ".join(f"{column}={_show(example.get(column))}" for column in key)
        rest = ", ".join(
            f"{column}={_show(value)}" for column, value in example.items() if column not in key
        )
        examples.append(f"{of_key}: {rest}" if rest else of_key)
    rule = _rule(contract, kind, name)
    return f"{_failed_rows(result)} rows break '{rule}', such as {' | '.join(examples)}"


def _examples(result: Any) -> Excerpt | None:
    """Return the rows that break an expectation about rows: their key, and what is wrong."""
    broken = result.result.get("partial_unexpected_index_list")
    if not broken:
        return None
    return Excerpt.of_records(
        [{name: _show(value) for name, value in row.items()} for row in broken]
    )


def _rule(contract: Contract, kind: str, name: str) -> str:
    if kind == "unique_key":
        return f"{', '.join(contract.key)} unique"
    if kind == _TYPES_CHECK:
        return "types as promised"
    if kind == "filled":
        return f"{name} filled in {contract.columns[name].filled_frac:.0%} of rows"
    return f"{name} not null"


def _show(value: Any) -> str:
    text = str(value)
    # pandas has no dates of its own: a day comes back as its first instant
    return text.removesuffix(" 00:00:00")


def _first_message(exception_info: Any) -> str:
    for info in exception_info.values():
        if isinstance(info, dict) and info.get("exception_message"):
            return str(info["exception_message"])
    return str(exception_info.get("exception_message", exception_info))
