"""Publication contracts: what users of each mart are promised, read from dbt's manifest.

dbt says of a mart which columns it has, of which types, which of them are never NULL, and in
`meta.key` what identifies a row; the gate holds the built table to that. What no single row can
show stands beside it, as `meta` too:

    min_rows    of a mart: fewer rows mean that something upstream is gone; 1 unless it says 0,
                where empty is right
    expect      of a column:
      filled_frac   at least this share of the rows has a value
      median        the interval in which the middle value lies, set wide: it is to catch another
                    unit, not a calm or a wild market; `bounds`: the column's documented ones
      contains      values that must be there
      severity      what a breach of the three does to the publication: `block` (so if it is not
                    said) or `warn`: what is empty or absent is seen to be so, and is not wrong

Shares and middle values are held of 60 days or more: a first day has no returns, and a crash moves
the middle of a week.

Whether each single row is right (ranges, accepted values, references) is said in dbt's tests. The
key is the one rule that dbt tests as well: `tokenmart publish` checks a warehouse without dbt, and
no publication may go out with a doubtful key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.validation.report import Severity

_BOUNDS = "bounds"


class ContractError(ValueError):
    """A mart's declaration promises what cannot be read; the message names mart and column."""


class Column(BaseModel):
    """One promised column.

    Attributes:
        kind: its type, as dbt writes it.
        is_nullable: whether it may be NULL.
        filled_frac: see the module; so are the following.
        median: the interval, both ends in it.
        contains: values.
        severity: of a breach of the three.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    is_nullable: bool = True
    filled_frac: float | None = None
    median: tuple[float, float] | None = None
    contains: tuple[str, ...] = ()
    severity: Severity = "block"

    @property
    def is_looked_at(self) -> bool:
        """Whether its values are of interest, and not only its type."""
        return self.filled_frac is not None or self.median is not None or bool(self.contains)


@dataclass(frozen=True, slots=True)
class Contract:
    """What is promised about one mart.

    Attributes:
        mart: the table or view in the schema `marts`.
        key: the columns that identify a row; unique together, none NULL.
        columns: the promised columns by name.
        min_rows: the fewest rows.
    """

    mart: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    min_rows: int = 1

    def __post_init__(self) -> None:
        unknown = sorted(set(self.key) - set(self.columns))
        if unknown:
            raise ContractError(f"{self.mart}: the key names columns that it lacks: {unknown}")

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns whose values are looked at: the key, and all with a promise of their own."""
        watched = [name for name, column in self.columns.items() if column.is_looked_at]
        return tuple(dict.fromkeys((*self.key, *watched)))


def read_contracts(manifest: Mapping[str, Any]) -> tuple[Contract, ...]:
    """Return the contract of each mart, by name.

    Args:
        manifest: the content of dbt's `manifest.json`.

    Raises:
        ContractError: a mart has no key, or a promise is not one of those above.
    """
    marts = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    ]
    return tuple(_contract(node) for node in sorted(marts, key=lambda node: str(node["name"])))


def _contract(node: Mapping[str, Any]) -> Contract:
    mart, meta = str(node["name"]), node["config"]["meta"]
    if "key" not in meta:
        raise ContractError(f"{mart} does not say what identifies a row: it lacks `meta.key`")
    return Contract(
        mart=mart,
        key=tuple(meta["key"]),
        columns={name: _column(mart, column) for name, column in node["columns"].items()},
        min_rows=meta.get("min_rows", 1),
    )


def _column(mart: str, declared: Mapping[str, Any]) -> Column:
    expected = dict(declared["config"]["meta"].get("expect", {}))
    if expected.get("median") == _BOUNDS:
        facts = documented_facts(declared["description"])
        expected["median"] = (facts.get("min"), facts.get("max"))
    promised = {
        "kind": declared["data_type"],
        "is_nullable": all(rule["type"] != "not_null" for rule in declared["constraints"]),
        **expected,
    }
    try:
        return Column(**promised)
    except ValidationError as problem:
        reported = "; ".join(
            f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in problem.errors()
        )
        raise ContractError(f"{mart}.{declared['name']}: {reported}") from None


def documented_facts(description: str) -> dict[str, str]:
    """Return the lines `- fact: value` of a column's description (see dbt/models/_docs)."""
    lines = (line[2:].partition(": ") for line in description.splitlines() if line[:2] == "- ")
    return {fact: value.strip() for fact, _, value in lines}
