"""What the SQL linter renders in place of dbt's `adapter`; no database is asked."""

from collections.abc import Callable


def quote(name: str) -> str:
    """Return the name as an identifier."""
    return f'"{name}"'


def dispatch(name: str) -> Callable[..., str]:
    """Return a stand-in for a macro that differs by database: a call of its name."""

    def call(*arguments: object, **_: object) -> str:
        return f"{name}({', '.join(map(str, arguments))})"

    return call
