"""Dagster's SQLite event log with batches; `event_batches` says why, and when it is used.

Nothing here may change what is stored: `tests/definitions/test_instance.py` compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as db
from dagster import DagsterInstance
from dagster._core.events import ASSET_EVENTS, DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    SqliteEventLogStorage,
)
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage, _event_logs_directory
from dagster._serdes import ConfigurableClassData, serialize_value

# a killed run loses at most the last, unwritten batch: events only, never data
BATCH_SIZE = 500
OPEN_DATABASES = 4
_STORED_TOGETHER = ASSET_EVENTS | {DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED}


class BatchingSqliteEventLogStorage(SqliteEventLogStorage):
    """Dagster's SQLite event log, with one transaction for a batch of asset events.

    Attributes:
        plans_ranges_whole: a run of a range says once for each asset what it intends to make, and
            not once more for each day. The UI then shows no day of it as begun or failed, only as
            done: for runs that end before anybody looks, it is half of the events.
    """

    plans_ranges_whole = False

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, db.Engine] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        """Connect to the index or to a run's own database.

        Dagster opens and closes the file for every event, and closing the last connection writes
        the whole log back: 16 ms an event, half a minute of a run. Here the connections that were
        last used stay open: a run's own, the index, the log of what belongs to no run. A
        transaction is then in the operating system's hands and not on the disk: what a dead machine
        loses is the newest events.
        """
        with self._db_lock:
            engine = self._engines.pop(shard, None) or _open(self.conn_string_for_shard(shard))
            self._engines[shard] = engine  # the last is the one that was used last
            while len(self._engines) > OPEN_DATABASES:
                self._engines.pop(next(iter(self._engines))).dispose()
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def has_table(self, table_name: str) -> bool:
        """Whether the index has the table; asked for each event, of tables that stay."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        """Close what is open."""
        super().dispose()
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()

    @property
    def supports_partition_subset_in_asset_materialization_planned_events(self) -> bool:
        """What Dagster asks before it plans a range."""
        own = super().supports_partition_subset_in_asset_materialization_planned_events
        return self.plans_ranges_whole or own

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events of one batch: those about assets and planned checks of a run together.

        Others of its events are stored one by one.
        """
        together = [event for event in events if _type_of(event) in _STORED_TOGETHER]
        if len({event.run_id for event in together}) != 1:
            super().store_event_batch(events)
            return
        super().store_event_batch([e for e in events if _type_of(e) not in _STORED_TOGETHER])
        rows = [self._event_to_row(event) for event in together]
        with self.run_connection(together[0].run_id) as connection:
            connection.execute(SqlEventLogStorageTable.insert(), rows)
        with self.index_transaction() as connection:
            insert = SqlEventLogStorageTable.insert().returning(
                SqlEventLogStorageTable.c.id, sort_by_parameter_order=True
            )
            ids = [row[0] for row in connection.execute(insert, rows)]
            stored = list(zip(together, ids, strict=True))
            self._store_asset_events(
                connection, [pair for pair in stored if _type_of(pair[0]) in ASSET_EVENTS]
            )
            self._store_planned_checks(
                connection, [pair for pair in stored if _type_of(pair[0]) not in ASSET_EVENTS]
            )

    def _store_asset_events(
        self, connection: db.Connection, stored: Sequence[tuple[EventLogEntry, int]]
    ) -> None:
        self._store_asset_event_tags(
            connection, [event for event, _ in stored], [event_id for _, event_id in stored]
        )
        # the asset's own row keeps its newest event only
        newest = {event.get_dagster_event().asset_key: (event, number) for event, number in stored}
        for event, event_id in newest.values():
            self._store_asset_event(connection, event, event_id)

    def _store_planned_checks(
        self, connection: db.Connection, stored: Sequence[tuple[EventLogEntry, int]]
    ) -> None:
        rows = []
        for event, event_id in stored:
            planned: Any = event.get_dagster_event().event_specific_data
            row = {
                "asset_key": planned.asset_key.to_string(),
                "check_name": planned.check_name,
                "run_id": event.run_id,
                "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
                "evaluation_event": serialize_value(event),
                "evaluation_event_timestamp": self._event_to_row(event)["timestamp"],
                "evaluation_event_storage_id": event_id,
            }
            subset = planned.partitions_subset
            days = subset.get_partition_keys() if subset else [None]
            rows += [{**row, "partition": day} for day in days]
        if rows:
            connection.execute(AssetCheckExecutionsTable.insert(), rows)


def _type_of(event: EventLogEntry) -> DagsterEventType | None:
    return event.dagster_event_type if event.is_dagster_event else None


def _open(address: str) -> db.Engine:
    engine = db.create_engine(
        address,
        poolclass=db.pool.QueuePool,
        pool_size=1,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )

    @db.event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        connection.execute("pragma synchronous = normal")

    return engine


class BatchingSqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage with that event log."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = BatchingSqliteEventLogStorage(_event_logs_directory(base_dir))

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Any
    ) -> BatchingSqliteStorage:
        """Make the storage from the instance's config."""
        return cls.from_local(inst_data=inst_data, **config_value)


class BatchingInstance(DagsterInstance):
    """An instance that hands events of one batch to that storage together."""

    @classmethod
    def config_schema(cls) -> Mapping[str, Any]:
        """Return the extra configuration that this class takes: none."""
        return {}

    @classmethod
    def config_defaults(cls, base_dir: str) -> Mapping[str, ConfigurableClassData | None]:
        """Return Dagster's own defaults, with the storage that writes batches."""
        storage = ConfigurableClassData(
            BatchingSqliteStorage.__module__,
            BatchingSqliteStorage.__name__,
            json.dumps({"base_dir": base_dir}),
        )
        return {**InstanceRef.config_defaults(base_dir), "storage": storage}

    def _get_event_batch_size(self) -> int:
        chosen = super()._get_event_batch_size()
        is_ours = isinstance(self.event_log_storage, BatchingSqliteEventLogStorage)
        return chosen or (BATCH_SIZE if is_ours else 0)
