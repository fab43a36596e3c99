"""A publication in PostgreSQL, for tools that speak its protocol and read no file.

The new version is loaded beside the one that is read, into a schema of its own, with its keys and
comments. One transaction then gives it the name `marts`, and the one of before the name of its
version: readers see the old marts or the new ones, and a query that runs goes on with what it began
with. Renaming a schema waits for no reader, and none waits for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.publishing.build import SCHEMA, PublishError
from pipelines.publishing.fingerprint import quoted
from pipelines.publishing.manifest import Manifest
from pipelines.publishing.presentation import LATEST, latest_query

if TYPE_CHECKING:
    import duckdb

READERS: Final = "tokenmart_reader"
"""The role that may read the marts and nothing else; a user becomes one of them by a grant."""

_EXTENSION: Final = "postgres_scanner"
_SOURCE: Final = "published"
_TARGET: Final = "mirror"
_LOCK_WAIT: Final = "5s"
"""How long the removal of an old version waits for who still reads it."""


def mirror(settings: Settings, manifest: Manifest) -> bool:
    """Make a publication the schema `marts` of the database of `mirror_url`.

    Args:
        settings: where the publication and the database are.
        manifest: the publication.

    Returns:
        Whether there was anything to do: False where the database has it already.

    Raises:
        PublishError: the database cannot be used, or what is in it is not what was published. What
            was read before is read as before.
    """
    if settings.mirror_url is None:
        raise PublishError("TOKENMART_MIRROR_URL does not say which database to publish to")
    url = settings.mirror_url.get_secret_value()
    file = settings.published_dir / manifest.version / manifest.database
    with warehouse.memory() as connection, _without_secrets(url):
        connection.execute(f"load '{_extension()}'")
        connection.execute(f"attach {_text(str(file))} as {_SOURCE} (read_only)")
        connection.execute(f"attach {_text(url)} as {_TARGET} (type postgres)")
        here = _version_here(connection)
        if here == manifest.version:
            return False
        schema = _schema_of(manifest.version)
        _load(connection, schema, manifest)
        _verify(connection, schema, manifest)
        _swap(connection, schema, here)
        _remove_others(connection, keep=here)
    return True


def _load(connection: duckdb.DuckDBPyConnection, schema: str, manifest: Manifest) -> None:
    """Copy the tables, then make their keys, views and comments."""
    _run(
        connection,
        [
            # what a killed publication left has the same name
            f"drop schema if exists {schema} cascade",
            f"create schema {schema}",
            f"comment on schema {schema} is {_text(manifest.version)}",
        ],
    )
    connection.execute("call pg_clear_cache()")
    tables = [entry for entry in manifest.marts if entry.kind == "table"]
    views = [entry.name for entry in manifest.marts if entry.kind == "view"]
    for entry in tables:
        name = quoted(entry.name)
        connection.execute(
            f"create table {_TARGET}.{schema}.{name} as from {_SOURCE}.{SCHEMA}.{name}"
        )
    keys = [
        f"alter table {schema}.{quoted(entry.name)} "
        f"add primary key ({', '.join(quoted(column) for column in entry.key)})"
        for entry in tables
        if entry.key
    ]
    latest = [
        f"create view {schema}.{quoted(view)} as "
        f"{latest_query(f'{schema}.{quoted(view.removesuffix(LATEST))}')}"
        for view in views
    ]
    _run(connection, [*keys, *latest, *_comments(connection, schema)])
    _run(connection, [f"analyze {schema}.{quoted(entry.name)}" for entry in tables])


def _comments(connection: duckdb.DuckDBPyConnection, schema: str) -> list[str]:
    described = connection.execute(
        """
        select 'table' as kind, table_name, null as column_name, comment from duckdb_tables()
        where database_name = $catalog
        union all
        select 'view', view_name, null, comment from duckdb_views()
        where database_name = $catalog and not internal
        union all
        select 'column', table_name, column_name, comment from duckdb_columns()
        where database_name = $catalog and not internal
        """,
        {"catalog": _SOURCE},
    ).fetchall()
    return [
        f"comment on {kind} {schema}.{quoted(table)}"
        f"{'.' + quoted(column) if column else ''} is {_text(comment)}"
        for kind, table, column, comment in described
        if comment
    ]


def _verify(connection: duckdb.DuckDBPyConnection, schema: str, manifest: Manifest) -> None:
    counts = " union all ".join(
        f"select {_text(entry.name)}, count(*) from {schema}.{quoted(entry.name)}"  # noqa: S608  # names from the manifest, quoted
        for entry in manifest.marts
    )
    found: dict[str, int] = dict(_rows(connection, counts))
    wrong = [
        f"{entry.name} has {found.get(entry.name)} rows, {entry.rows} were published"
        for entry in manifest.marts
        if found.get(entry.name) != entry.rows
    ]
    if wrong:
        raise PublishError(f"the copy in PostgreSQL is not whole: {'; '.join(wrong)}")


def _swap(connection: duckdb.DuckDBPyConnection, schema: str, before: str | None) -> None:
    """Give the new version the name that is read; all of it, or nothing."""
    known = _rows(connection, f"select 1 from pg_roles where rolname = {_text(READERS)}")  # noqa: S608  # our own name
    _run(
        connection,
        [
            *([] if known else [f"create role {READERS} nologin"]),
            f"grant usage on schema {schema} to {READERS}",
            f"grant select on all tables in schema {schema} to {READERS}",
            *([f"alter schema {SCHEMA} rename to {_schema_of(before)}"] if before else []),
            f"alter schema {schema} rename to {SCHEMA}",
        ],
    )


def _version_here(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Return the version that is read now; None where nothing was published yet.

    Raises:
        PublishError: somebody else's schema has the name.
    """
    found = [version for name, version in _schemas(connection) if name == SCHEMA]
    if found and not found[0]:
        raise PublishError(
            f"the database has a schema {SCHEMA} that no publication made: rename it, or publish "
            "to another database"
        )
    return found[0] if found else None


def _remove_others(connection: duckdb.DuckDBPyConnection, keep: str | None) -> None:
    """Remove older versions and what never became one, but what somebody still reads."""
    kept = {SCHEMA, _schema_of(keep)} if keep else {SCHEMA}
    for name, version in _schemas(connection):
        if name in kept or not version or name != _schema_of(version):
            continue
        try:
            _run(
                connection,
                [f"set local lock_timeout = '{_LOCK_WAIT}'", f"drop schema {name} cascade"],
            )
        except Exception as problem:
            if "lock timeout" not in str(problem):
                raise


def _schemas(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str | None]]:
    """Return the schemas that may be ours, and the version that each says it is."""
    query = (
        "select nspname::text, obj_description(oid, 'pg_namespace') from pg_namespace "  # noqa: S608  # our own name
        f"where nspname = '{SCHEMA}' or starts_with(nspname, '{SCHEMA}_') order by 1"
    )
    return _rows(connection, query)


def _schema_of(version: str) -> str:
    return f"{SCHEMA}_{re.sub('[^0-9a-z]', '_', version.lower())}"


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"from postgres_query('{_TARGET}', {_text(query)})").fetchall()


def _run(connection: duckdb.DuckDBPyConnection, statements: Sequence[str]) -> None:
    """Run statements of PostgreSQL in one transaction."""
    connection.begin()
    try:
        script = ";\n".join(statements)
        connection.execute(f"call postgres_execute('{_TARGET}', {_text(script)})")
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _extension() -> Path:
    """Return the file of DuckDB's extension, from its package: nothing is downloaded."""
    import duckdb

    try:
        package = resources.files(f"duckdb_extension_{_EXTENSION}")
    except ModuleNotFoundError:
        raise PublishError(
            "publishing to PostgreSQL needs the extra `postgres`: `make extras`"
        ) from None
    folder = Path(str(package)) / "extensions" / f"v{duckdb.__version__}"
    return folder / f"{_EXTENSION}.duckdb_extension"


@contextmanager
def _without_secrets(url: str) -> Iterator[None]:
    """Let what goes wrong say so without the address, which has a password in it."""
    import duckdb

    try:
        yield
    except duckdb.Error as problem:
        said = str(problem).replace(url, "TOKENMART_MIRROR_URL")
        raise PublishError(f"PostgreSQL cannot be published to: {said}") from None
