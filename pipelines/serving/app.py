"""The service: `make_app(shelf)` is an ASGI application over the publications of one folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette_compress import CompressMiddleware

from pipelines.core.settings import Settings
from pipelines.core.windows import Clock
from pipelines.serving import (
    catalog_routes,
    events,
    explain_routes,
    marts,
    mcp_server,
    pages,
    problems,
    sql,
    tokenmetrics,
)
from pipelines.serving.guard import Guard, Meters
from pipelines.serving.keys import KeyRing
from pipelines.serving.shelf import Shelf
from pipelines.serving.sql import Desk
from pipelines.serving.webhooks import delivering

API_VERSION = "1.0.0"
_DESCRIPTION = """
Crypto marts that can be checked: each number has its formula, each answer names the publication
that it is from (`Tokenmart-Version`), and every kept publication can be asked again (`?version=`,
`?known_at=`). Days are UTC, money is in US dollars, shares are fractions (0.05 is 5 %). Null means
unknown; zero was measured.
"""


class Ready(BaseModel):
    """Whether there is something to serve, and how old it is."""

    version: str = Field(description="the current publication")
    newest_day: str | None = Field(description="its newest day")
    publication_age_s: float = Field(description="seconds since it was published")


def make_app(settings: Settings, clock: Clock) -> FastAPI:
    """Return the service over the publications of a data folder.

    Args:
        settings: where they are, and how they are served.
        clock: tells how old they are.

    Raises:
        Problem: nothing is published.
    """
    serving = settings.serving
    shelf = Shelf(settings.published_dir, memory=serving.memory, threads=serving.threads)
    meters = Meters()
    desk = Desk(serving)
    tools = mcp_server.server_of(shelf)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with delivering(settings, shelf), tools.session_manager.run():
            yield
        await desk.close()
        shelf.close()

    # the documentation's page loads nothing from elsewhere
    app = FastAPIOffline(
        title="Tokenmart",
        version=API_VERSION,
        summary="Validated crypto marts, read-only",
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url="/docs",
        redoc_url=None,
        lifespan=lifespan,
        swagger_ui_parameters={"docExpansion": "none", "defaultModelsExpandDepth": -1},
    )
    problems.install(app)
    with shelf.edition() as edition:
        app.include_router(catalog_routes.router_of(shelf))
        app.include_router(explain_routes.router_of(shelf, settings))
        app.include_router(marts.router_of(shelf, edition.catalog))
        app.include_router(events.router_of(shelf, edition.catalog))
        app.include_router(sql.router_of(shelf, serving, desk))
    app.router.routes.extend(mcp_server.http_app(tools, serving).routes)
    app.include_router(tokenmetrics.router_of(shelf))

    @app.get("/healthz", tags=["service"])
    def healthz() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["service"])
    def readyz() -> Ready:
        """Say that there is a publication, and how old it is."""
        with shelf.edition() as edition:
            manifest = edition.manifest
            return Ready(
                version=manifest.version,
                newest_day=str(manifest.newest_day) if manifest.newest_day else None,
                publication_age_s=(clock.now() - manifest.published_at).total_seconds(),
            )

    @app.get("/metrics", tags=["service"], response_class=PlainTextResponse)
    def metrics() -> Response:
        """Say to Prometheus what was asked, and how old the data are."""
        with shelf.edition() as edition:
            meters.tell(edition.manifest, clock.now())
        return Response(generate_latest(meters.registry), media_type=CONTENT_TYPE_LATEST)

    app.router.routes.append(pages.mount_of(shelf))
    app.add_middleware(CompressMiddleware, minimum_size=1_000, brotli=False)
    if serving.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=serving.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "If-None-Match"],
            expose_headers=["Tokenmart-Version", "ETag", "RateLimit", "Retry-After"],
        )
    app.add_middleware(
        Guard, serving=serving, keys=KeyRing(settings.keys_path), clock=clock, meters=meters
    )
    return app
