"""What the SQL linter renders in place of dbt's `adapter`; no database is asked."""

from collections.abc import Callable


def quote(name: str) -> str:
    """Return the name as an identifier."""
    return f'"{name}"'


def dispatch(name: str) -> Callable[..., str]:
    """Return a stand-in for a macro that differs by database.

    A spine is a query on the relation that it is given first; the others are functions.
    """

    def call(subject: object, *_: object, **__: object) -> str:
        if name.endswith("_spine"):
            return f"select * from {subject}"
        return f"{name}({subject})"

    return call
