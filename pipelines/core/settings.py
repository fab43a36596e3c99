"""Every setting of the product, and the only reader of the environment.

A name is `TOKENMART_` and the field's name, nested fields joined by two underscores:
`TOKENMART_SOURCES__BINANCE__BASE_URL`. Profiles never fall back to one another: `sandbox` talks to
a sandbox server and to nothing else, `live` to the real hosts and to nothing else.

A relative path is relative to the project's folder, where `.env` is, in whatever folder a command
is run.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSettings

from pipelines.core.bounds import Bounds
from pipelines.core.complaints import sentences
from pipelines.core.logs import LogFormat
from pipelines.core.source_names import SOURCES

REPO_DIR = Path(__file__).resolve().parents[2]
# by Standard Webhooks
WEBHOOK_SECRET_PREFIX = "whsec_"  # noqa: S105  # the mark of a secret in base64
_PREFIX = "TOKENMART_"
_NESTED = "__"
Bulk = Literal["auto", "always", "never"]


class SettingsError(Exception):
    """A setting is missing or contradicts another; the message says which."""


class SourceOverrides(BaseModel):
    """What a user may change about one source; None keeps what the source declares itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    off_because: str = Field(
        default="switched off", description="what is said of it where it is not enabled"
    )
    base_url: str | None = None
    requests_per_second: float | None = Field(default=None, gt=0)
    max_requests: int | None = Field(
        default=None, ge=1, description="no run sends more; what is left out is a failure"
    )
    look_back_d: int | None = Field(default=None, ge=0)
    entities: tuple[str, ...] | None = Field(
        default=None, description="only these ids of the source, instead of the curated ones"
    )
    files_url: str | None = Field(
        default=None, description="of sources with a second host for files in bulk: where it is"
    )
    intervals: tuple[str, ...] = Field(
        default=(), description="candles of these lengths too: 1h, 15m, …"
    )
    bulk: Bulk = Field(
        default="auto",
        description="files in place of pages: where that takes fewer requests, always, never",
    )
    api_key: SecretStr | None = Field(default=None, description="for sources that know free keys")
    timeout_s: float = Field(default=30.0, gt=0)
    max_attempts: int = Field(default=5, ge=1)
    max_retry_delay_s: float = Field(default=120.0, ge=0)
    bounds: Bounds = Field(default=Bounds(), description="how much an answer may be")


class Serving(BaseModel):
    """How the marts are served (`tokenmart serve`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, description="processes")
    require_keys: bool = Field(
        default=False, description="refuse who has no key; needed to listen beyond this machine"
    )
    requests_per_minute: int = Field(default=600, ge=1, description="of one key, or of one address")
    max_concurrent_requests: int = Field(
        default=64, ge=1, description="that one key, or one address, may have running at a time"
    )
    max_body_bytes: int = Field(default=64_000, ge=0, description="of a request")
    memory: str = Field(default="256MB", description="that the queries of a process may take")
    threads: int = Field(default=2, ge=1, description="that the queries of a process share")
    cors_origins: tuple[str, ...] = Field(
        default=(), description="web pages of these origins may ask: https://example.org"
    )
    webhooks: tuple[SecretStr, ...] = Field(
        default=(), description="URLs that get each alert and signal event of a publication, signed"
    )
    webhook_secret: SecretStr | None = Field(
        default=None, description="what these messages are signed with"
    )
    sql: bool = Field(default=False, description="answer queries in SQL, too")
    sql_concurrency: int = Field(default=2, ge=1, description="queries in SQL at a time")
    sql_seconds: int = Field(default=10, ge=1, description="that a query in SQL may take")
    sql_memory_mb: int = Field(default=512, ge=64, description="that a query in SQL may take")
    sql_rows: int = Field(default=1_000_000, ge=1, description="that a query in SQL may return")

    @model_validator(mode="after")
    def _guarded(self) -> Serving:
        if not self.require_keys and self.host not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError(
                f"{self.host} can be reached from other machines: set "
                "TOKENMART_SERVING__REQUIRE_KEYS=true, too"
            )
        if self.webhooks and self.webhook_secret is None:
            raise ValueError("webhooks are signed: set TOKENMART_SERVING__WEBHOOK_SECRET, too")
        if self.webhook_secret is not None:
            webhook_key(self.webhook_secret)
        return self


class Settings(BaseSettings):
    """The settings of one process. Build it with `get_settings()`."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_nested_delimiter=_NESTED,
        env_file=REPO_DIR / ".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        # an address or a key with a mistake in it is a secret all the same
        hide_input_in_errors=True,
    )

    profile: Literal["sandbox", "live"] = "sandbox"
    data_dir: Path = REPO_DIR / "data"
    lake_url: str | None = Field(
        default=None, description="bucket of the lake, such as s3://…; default: data_dir/lake"
    )
    now: datetime | None = Field(
        default=None, description="the clock's instant; default: the wall's (live only)"
    )
    dataset: Path | None = Field(default=None, description="dataset folder that the sandbox serves")
    sandbox_url: str | None = Field(default=None, description="where the sandbox server listens")
    curation_dir: Path | None = Field(
        default=None, description="folder with assets and markets beside the curated seeds"
    )
    keep_publications: int = Field(default=10, ge=1)
    pages: bool = Field(default=True, description="make the pages of each publication")
    keep_runs_d: int = Field(
        default=30, ge=1, description="days for which a run's events, output and dbt files stay"
    )
    sweep_period_d: int = Field(
        default=90, ge=0, description="days in which daily runs read all of the past again; 0: off"
    )
    postgres_url: SecretStr | None = Field(
        default=None,
        description="database of Dagster's runs, events and schedules; default: SQLite in data_dir",
    )
    mirror_url: SecretStr | None = Field(
        default=None, description="PostgreSQL database that each publication is copied to"
    )
    log_format: LogFormat = Field(
        default="plain", description="of logs: lines for people, or one JSON object a line"
    )
    metrics_file: Path | None = Field(
        default=None, description="Prometheus text file that each run of the command line writes"
    )
    notify: tuple[SecretStr, ...] = Field(
        default=(), description="who hears of incidents: URLs that Apprise knows"
    )
    notify_webhook_secret: SecretStr | None = Field(
        default=None, description="what the webhook's messages are signed with"
    )
    notify_webhook_url: SecretStr | None = Field(
        default=None, description="gets a signed message about each incident"
    )
    serving: Serving = Field(default=Serving(), description="the service of the marts")
    sources: dict[str, SourceOverrides] = Field(default_factory=dict)

    @field_validator("notify_webhook_secret")
    @classmethod
    def _decodable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            webhook_key(value)
        return value

    @field_validator("notify_webhook_url")
    @classmethod
    def _signed(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None and info.data.get("notify_webhook_secret") is None:
            raise ValueError(
                "set TOKENMART_NOTIFY_WEBHOOK_SECRET, too; "
                "a webhook without a signature is one of TOKENMART_NOTIFY"
            )
        return value

    @field_validator("sources")
    @classmethod
    def _known_sources(cls, value: dict[str, SourceOverrides]) -> dict[str, SourceOverrides]:
        unknown = sorted(set(value) - set(SOURCES))
        if unknown:
            raise ValueError(
                f"no such source: {', '.join(unknown)}; there are {', '.join(SOURCES)}"
            )
        return value

    @field_validator("now")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"TOKENMART_NOW needs a time zone, such as {value.isoformat()}Z")
        return value

    @field_validator("data_dir", "dataset", "curation_dir", "metrics_file")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        # by the project's folder and not by the caller's, so that a command works from any folder
        return (REPO_DIR / value.expanduser()).resolve() if value is not None else None

    @property
    def repo_dir(self) -> Path:
        """The project's folder."""
        return REPO_DIR

    @property
    def dbt_dir(self) -> Path:
        """The dbt project's folder."""
        return REPO_DIR / "dbt"

    @property
    def lake_dir(self) -> str:
        """The lake's bucket: a folder's path or a URL, without a trailing slash."""
        return (self.lake_url or str(self.data_dir / "lake")).rstrip("/")

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file that only the pipeline opens."""
        return self.data_dir / "warehouse.duckdb"

    @property
    def published_dir(self) -> Path:
        """Where publications are."""
        return self.data_dir / "published"

    @property
    def keys_path(self) -> Path:
        """The hashes of the service's keys."""
        return self.data_dir / "serving" / "keys.json"

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance: runs, events, schedules."""
        return self.data_dir / "dagster"

    @property
    def incidents_path(self) -> Path:
        """What is not well, and which messages about it were not delivered yet."""
        return self.data_dir / "incidents.json"

    @property
    def dlt_dir(self) -> Path:
        """Dlt's working folders, one for each load."""
        return self.data_dir / "dlt"

    def overrides(self, source: str) -> SourceOverrides:
        """Return what the user changed about `source`."""
        return self.sources.get(source, SourceOverrides())


def webhook_key(secret: SecretStr) -> bytes:
    """Return the bytes that a webhook's secret stands for: base64 after `whsec_`, or its own.

    Raises:
        ValueError: it says that it is base64, and is not.
    """
    text = secret.get_secret_value()
    if not text.startswith(WEBHOOK_SECRET_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(WEBHOOK_SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"what follows {WEBHOOK_SECRET_PREFIX} is not base64") from None


def get_settings() -> Settings:
    """Read the environment (and `.env`) now and return the settings.

    Raises:
        SettingsError: a value is not of its type, or names an unknown source; a line for each.
    """
    try:
        return Settings()
    except ValidationError as problem:
        said = sentences(problem, Settings, _variable)
    except UnreadableSettings as problem:
        name = _variable(re.findall(r'field "(\w+)"', str(problem)))
        said = [f'{name} is not readable: a list is written as JSON, such as ["one","another"]']
    raise SettingsError("\n".join(said))


def _variable(path: Sequence[str]) -> str:
    return _PREFIX + _NESTED.join(part.upper() for part in path)


def traces_are_wanted() -> bool:
    """Whether OpenTelemetry's own variables name somebody who gets this process's traces."""
    given = os.environ  # noqa: TID251  # this module is the one that may
    if given.get("OTEL_SDK_DISABLED") == "true" or given.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return any(given.get(f"OTEL_EXPORTER_OTLP_{name}") for name in ("ENDPOINT", "TRACES_ENDPOINT"))


def child_environment(**changes: str | Path | datetime | None) -> dict[str, str]:
    """Return this process's environment with `TOKENMART_<NAME>` set for each given change.

    For the programs that the product starts itself (dbt, the UI): they read the same names.
    """
    environment = dict(os.environ)  # noqa: TID251  # this module is the one that may
    for name, value in changes.items():
        if value is not None:
            text = value.isoformat() if isinstance(value, datetime) else str(value)
            environment[f"TOKENMART_{name.upper()}"] = text
    return environment


@contextmanager
def lent_environment(environment: Mapping[str, str]) -> Iterator[None]:
    """Give this process that environment while the block runs, and its own one back.

    For libraries that hand their own process's environment on to what they start.
    """
    own = dict(os.environ)  # noqa: TID251  # this module is the one that may
    os.environ.update(environment)  # noqa: TID251
    try:
        yield
    finally:
        for name in environment:
            if name in own:
                os.environ[name] = own[name]  # noqa: TID251
            else:
                del os.environ[name]  # noqa: TID251
