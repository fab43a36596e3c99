"""A small publication, and the service over it."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from pipelines import publishing
from pipelines.core import warehouse
from pipelines.core.settings import Serving, Settings
from pipelines.core.windows import FixedClock
from pipelines.serving.app import make_app
from pipelines.validation.contracts import Column, Contract
from tests.described import describe

NOW = datetime(2024, 3, 2, 6, tzinfo=UTC)
KEYS = {
    "price_daily": ("asset_id", "day"),
    "dim_asset": ("asset_id",),
    "alert": ("alert_id",),
    "meta_metric_catalog": ("mart", "column_name"),
}
_MARTS = """
create schema marts;
create table marts.dim_asset (
    asset_id varchar not null, symbol varchar, name varchar, sector varchar, narratives varchar
);
insert into marts.dim_asset (asset_id, symbol, name) values
    ('bitcoin', 'BTC', 'Bitcoin'), ('ethereum', 'ETH', 'Ethereum'),
    ('old-terra', 'LUNA', 'Terra Classic'), ('terra', 'LUNA', 'Terra');
create table marts.price_daily (
    asset_id varchar not null, day date not null, close_usd double, n_venues bigint,
    is_stale boolean, note varchar, as_of_ts timestamp
);
insert into marts.price_daily
select
    asset_id, date '2024-01-01' + cast(i as integer),
    case when i % 7 = 3 then null else round({base} + i / 3.0, 3) end, i % 4, i % 5 = 0,
    case when i % 3 = 0 then 'a "quoted", line' || chr(10) || 'and another' end,
    timestamp '2024-03-02 06:00:00'
from (values ('ethereum'), ('bitcoin')) as assets (asset_id), range(60) as days (i);
create table marts.alert (
    alert_id varchar not null, event_seq bigint not null, day date not null, message varchar
);
insert into marts.alert
select 'a' || i, i, date '2024-02-29', 'event ' || i from range(1, {events} + 1) as seqs (i);
create table marts.meta_metric_catalog as
select
    'price_daily' as mart, 'close_usd' as column_name, 1::bigint as column_position,
    'double' as data_type, 'canonical price' as column_source, 1::bigint as schema_version,
    'USD' as unit,
    'median of venues' as formula, 'docs/formulas.md#canonical-close' as formula_anchor,
    'no venue' as null_rule, 0.0 as min_value, cast(null as double) as max_value,
    cast(null as bigint) as window_d, cast(null as bigint) as min_obs,
    'Price at the end of the day.' as description;
"""


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """Serve an application on this machine and give its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", keep_publications=3)


@pytest.fixture(scope="session")
def first_publications(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that gives the data folder of a first publication, made once a session."""
    folders: dict[str, Path] = {}

    def made(publish: Callable[[Settings], object], *what: object) -> Path:
        key = repr(what)
        if key not in folders:
            folder = tmp_path_factory.mktemp("first")
            publish(Settings(data_dir=folder, keep_publications=3))
            folders[key] = folder
        return folders[key]

    return made


@pytest.fixture
def publish(
    settings: Settings, first_publications: Callable[..., Path]
) -> Callable[..., publishing.Manifest]:
    """Return a function that publishes: the prices begin at `base`, `events` alerts are known.

    `more` is SQL that makes more marts, `keys` are theirs.
    """
    minutes = iter(range(1000))

    def run(
        base: float = 100.0,
        events: int = 5,
        more: str = "",
        keys: Mapping[str, tuple[str, ...]] | None = None,
    ) -> publishing.Manifest:
        contracts = tuple(
            Contract(mart, key, {name: Column(kind="varchar") for name in key})
            for mart, key in {**KEYS, **(keys or {})}.items()
        )
        clock = FixedClock(NOW + timedelta(minutes=next(minutes)))

        def into(place: Settings) -> publishing.Manifest:
            place.warehouse_path.unlink(missing_ok=True)
            with warehouse.write(place.warehouse_path) as connection:
                connection.execute(_MARTS.format(base=base, events=events))
                if more:
                    connection.execute(more)
                describe(connection)
            return publishing.publish(place, clock, "run", (), contracts)

        if settings.published_dir.exists():
            return into(settings)
        # the first of a test is the same for many
        made = first_publications(into, base, events, more, keys)
        shutil.copytree(made, settings.data_dir, symlinks=True, dirs_exist_ok=True)
        manifest = publishing.current(settings)
        assert manifest is not None
        return manifest

    return run


@pytest.fixture
def client_of(settings: Settings) -> Iterator[Callable[..., TestClient]]:
    """Return a function that starts the service with the given settings of it."""
    started: list[TestClient] = []

    def start(**serving: object) -> TestClient:
        chosen = settings.model_copy(update={"serving": Serving.model_validate(serving)})
        # what nobody foresaw would be a 500 and a test that passes over it
        client = TestClient(make_app(chosen, FixedClock(NOW + timedelta(hours=1))))
        client.__enter__()
        started.append(client)
        return client

    yield start
    for client in started:
        client.__exit__(None, None, None)


@pytest.fixture
def client(
    publish: Callable[..., publishing.Manifest], client_of: Callable[..., TestClient]
) -> TestClient:
    publish()
    return client_of()
