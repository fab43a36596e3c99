"""The service as processes: uvicorn, one worker or several."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from pipelines.core import logs
from pipelines.core.complaints import sentences
from pipelines.core.settings import (
    Serving,
    Settings,
    SettingsError,
    child_environment,
    get_settings,
    lent_environment,
)
from pipelines.core.windows import clock_at
from pipelines.publishing.pointer import current_version
from pipelines.serving.app import make_app

# requests that are being answered when it is stopped
_SECONDS_TO_FINISH = 10


def app_of_process() -> FastAPI:
    """Return the service of a worker process, by its environment."""
    settings = get_settings()
    logs.configure(settings.log_format)
    return make_app(settings, clock_at(settings.now))


def prepare(settings: Settings, given: Mapping[str, Any]) -> str:
    """Return the address of the service that will be run.

    Args:
        settings: the settings.
        given: fields of `settings.serving` to be used instead.

    Raises:
        SettingsError: nothing is published, or the address may not be listened on.
    """
    serving = _serving(settings, given)
    if current_version(settings.published_dir) is None:
        raise SettingsError("nothing is published yet: run `tokenmart daily` first")
    host = f"[{serving.host}]" if ":" in serving.host else serving.host
    return f"http://{host}:{serving.port}"


def run(settings: Settings, given: Mapping[str, Any]) -> None:
    """Serve until the process is stopped; requests that are being answered may end.

    Args:
        settings: the settings.
        given: fields of `settings.serving` to be used instead.
    """
    serving = _serving(settings, given)
    # a worker reads its settings from its environment
    changes = {f"serving__{name}": str(value) for name, value in given.items()}
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    with lent_environment(child_environment(**changes)):
        uvicorn.run(
            f"{__name__}:{app_of_process.__name__}",
            factory=True,
            host=serving.host,
            port=serving.port,
            workers=serving.workers,
            # one line a request is written by the guard, without addresses' queries
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=_SECONDS_TO_FINISH,
            h11_max_incomplete_event_size=64 * 1024,
        )


def _serving(settings: Settings, given: Mapping[str, Any]) -> Serving:
    try:
        return Serving.model_validate({**settings.serving.model_dump(), **given})
    except ValidationError as problem:
        said = sentences(problem, Serving, lambda path: f"TOKENMART_SERVING__{path[-1].upper()}")
        raise SettingsError("\n".join(said)) from None
