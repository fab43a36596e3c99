"""What a source declares about itself, and how it is reached under the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from pipelines.core.settings import Settings, SettingsError
from pipelines.core.windows import Clock, Window
from pipelines.extraction.candles import SHORTER
from pipelines.extraction.planning import Share
from pipelines.extraction.run import Extraction, Item, Recall
from pipelines.extraction.sweep import Rotation
from pipelines.http.client import Allowance, Budget, HttpClient

# what a source is: several of one kind are read in one way
SourceKind = Literal["spot_venue", "derivative_venue", "chain", "aggregator", "reference"]


@dataclass(frozen=True)
class Source:
    """What a source declares about itself.

    Attributes:
        name: its package's name.
        title: its name for people.
        kind: what it is.
        base_url: the live host.
        budget: how fast the live host may be asked.
        look_back_d: days that every run asks for again before its window: late and restated rows.
        extract: asks for a window and yields (table name, rows).
        plan: counts the requests of `extract` without sending one.
        licence: what the data may be used for.
        is_busy: True for an answer 200 whose body says "ask again later".
        mirrors: hosts that answer the same, for when the first cannot be used; live only.
        key_header: header of the free key (`TOKENMART_SOURCES__<NAME>__API_KEY`).
        needs_key: the live host answers nobody without one.
        identity: the source by whose codes curated assets are asked for; None: its own.
        files_url: a second live host, with files in bulk.
        files_budget: how fast that one may be asked.
        intervals: lengths of candles that it lands beside the daily ones, where the user wants.
        quotes: of a spot venue: its codes of what markets are quoted in that are asked for.
    """

    name: str
    title: str
    kind: SourceKind
    base_url: str
    budget: Budget
    look_back_d: int
    extract: Callable[[Extraction, Window], Iterator[Item]]
    plan: Callable[[Extraction, Window], Sequence[Share]]
    licence: str
    is_busy: Callable[[Any], bool] | None = None
    mirrors: tuple[str, ...] = ()
    key_header: str | None = None
    needs_key: bool = False
    identity: str | None = None
    files_url: str | None = None
    files_budget: Budget | None = None
    intervals: frozenset[str] = frozenset()
    quotes: frozenset[str] = frozenset()


def base_url(source: Source, settings: Settings) -> str:
    """Return where to ask the source under the settings' profile.

    Raises:
        SettingsError: the sandbox profile without a sandbox server, or with the live host.
    """
    override = settings.overrides(source.name).base_url
    return _where(settings, source.name, override, source.base_url)


def _where(settings: Settings, mount: str, override: str | None, live: str) -> str:
    """Return the user's URL, or else the profile's: the live host, or a mount of the sandbox."""
    if override is not None:
        host = urlsplit(live).hostname
        if settings.profile == "sandbox" and urlsplit(override).hostname == host:
            raise SettingsError(
                f"the profile is `sandbox` and the base URL of {mount} is the live host "
                f"{host}: set TOKENMART_PROFILE=live to ask it"
            )
        return override
    if settings.profile == "live":
        return live
    if settings.sandbox_url is None:
        raise SettingsError(
            "the profile is `sandbox` and no sandbox server is set (TOKENMART_SANDBOX_URL): "
            "`tokenmart daily` starts one itself, `tokenmart sandbox serve` starts one for others"
        )
    return f"{settings.sandbox_url.rstrip('/')}/{mount}"


def disabled_reason(source: Source, settings: Settings) -> str | None:
    """Return why the source is not asked at all under these settings; None: it is."""
    overrides = settings.overrides(source.name)
    if not overrides.enabled:
        return overrides.off_because
    if source.needs_key and overrides.api_key is None and settings.profile == "live":
        return f"no key: set TOKENMART_SOURCES__{source.name.upper()}__API_KEY"
    return None


def pace_of(source: Source, settings: Settings) -> Budget | None:
    """Return how fast the source is asked; None: as fast as it answers.

    The budget protects somebody else's server: the sandbox is our own and is asked at full speed,
    unless the user sets a pace.
    """
    overrides = settings.overrides(source.name)
    if overrides.requests_per_second is not None:
        return Budget(overrides.requests_per_second, source.budget.burst)
    return None if settings.profile == "sandbox" else source.budget


def client_for(
    source: Source, settings: Settings, allowance: Allowance | None = None
) -> HttpClient:
    """Return the client that asks the source within its budget."""
    overrides = settings.overrides(source.name)
    key, first = overrides.api_key, base_url(source, settings)
    return HttpClient(
        source.name,
        first,
        budget=pace_of(source, settings),
        timeout_s=overrides.timeout_s,
        max_attempts=overrides.max_attempts,
        max_retry_delay_s=overrides.max_retry_delay_s,
        is_busy=source.is_busy,
        mirrors=source.mirrors if first == source.base_url else (),
        headers={source.key_header: key.get_secret_value()} if key and source.key_header else None,
        allowance=allowance,
        bounds=overrides.bounds,
    )


def files_client_for(
    source: Source, settings: Settings, allowance: Allowance | None = None
) -> HttpClient | None:
    """Return the client of the source's second host, or None where it has none.

    In the sandbox that is the mount `<source>_files`.
    """
    if source.files_url is None:
        return None
    overrides = settings.overrides(source.name)
    mount = f"{source.name}_files"
    return HttpClient(
        mount,
        _where(settings, mount, overrides.files_url, source.files_url),
        budget=source.files_budget if settings.profile == "live" else None,
        timeout_s=overrides.timeout_s,
        max_attempts=overrides.max_attempts,
        max_retry_delay_s=overrides.max_retry_delay_s,
        allowance=allowance,
        bounds=overrides.bounds,
    )


def begin_extraction(
    source: Source,
    settings: Settings,
    clock: Clock,
    run_id: str,
    universe: frozenset[str],
    remembered: Recall | None = None,
    list_counts: Mapping[str, int] | None = None,
    only_table: str | None = None,
    purpose: str = "run",
    rotation: Rotation | None = None,
) -> Extraction:
    """Return a new extraction of the source under the settings.

    Raises:
        SettingsError: the profile lacks what it needs, or the source has no such candles.
    """
    overrides = settings.overrides(source.name)
    only, allowance = overrides.entities, Allowance()
    # recordings have lengths that a venue itself does not, and the sandbox serves what they have
    is_recorded = source.intervals and settings.profile == "sandbox"
    if unknown := sorted(set(overrides.intervals) - (SHORTER if is_recorded else source.intervals)):
        raise SettingsError(
            f"{source.name} lands no candles of {', '.join(unknown)}; beside the daily ones it has "
            f"{', '.join(sorted(source.intervals)) or 'none'}"
        )
    return Extraction(
        client=client_for(source, settings, allowance),
        fetched_at=clock.now(),
        run_id=run_id,
        universe=universe,
        only=frozenset(only) if only is not None else None,
        files=files_client_for(source, settings, allowance),
        intervals=overrides.intervals,
        bulk=overrides.bulk,
        remembered=remembered,
        list_counts=list_counts or {},
        only_table=only_table,
        max_requests=overrides.max_requests,
        purpose=purpose,
        rotation=rotation,
    )


def extract(source: Source, run: Extraction, window: Window) -> Iterator[Item]:
    """Plan the run, then ask for the window within the plan; yield (table name, rows)."""
    run.adopt(source.plan(run, window))
    yield from source.extract(run, window)
