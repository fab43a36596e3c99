"""Descriptions for the tables of a small warehouse, as the publication wants them."""

import duckdb


def describe(connection: duckdb.DuckDBPyConnection) -> None:
    """Say something of every table, view and column of the schema `marts`."""
    kinds = {"table": "duckdb_tables", "view": "duckdb_views"}
    for kind, function in kinds.items():
        for (name,) in connection.execute(
            f"select {kind}_name from {function}() where schema_name = 'marts'"
        ).fetchall():
            said = f"one row per key of {name}" if kind == "table" else f"the view {name}"
            connection.execute(f"comment on {kind} marts.{name} is '{said}'")
    for table, column in connection.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts'"
    ).fetchall():
        connection.execute(
            f"comment on column marts.{table}.{column} is 'what {column}''s value says'"
        )
