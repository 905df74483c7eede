"""The app: routes, limits, records and pages put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.cors import CORSMiddleware

import codisearch
from codisearch.retrieval import Retriever
from codisearch.service.api import codes, health, search
from codisearch.service.fhir import routes as fhir
from codisearch.service.limits import Deadline, Guard, check_content_type, check_encoding, length_check
from codisearch.service.metrics import Metrics
from codisearch.service.openapi import add_description
from codisearch.service.pages import add_pages
from codisearch.service.problems import add_handlers
from codisearch.service.records import Recorder
from codisearch.service.security import key_check
from codisearch.service.settings import ServiceSettings
from codisearch.service.state import ServiceState

_CLIENT_HEADERS = ["Content-Type", "X-API-Key", "Authorization", "X-Request-ID", "Prefer"]


def create_app(source: Retriever | str | Path, settings: ServiceSettings | None = None) -> FastAPI:
    """Return the app that serves a retriever, or a bundle that it loads when it starts.

    While the bundle is loaded the app answers already: `/healthz` with 200, everything that needs the bundle
    with 503.

    Args:
        source: A retriever, or the path of a bundle.
        settings: Limits and switches; the defaults if there are none.
    """
    settings = settings or ServiceSettings()
    bundle = Path(source) if isinstance(source, str | Path) else source
    state = ServiceState(bundle, settings, Metrics())

    @asynccontextmanager
    async def lifespan(started: FastAPI) -> AsyncIterator[None]:
        # The description is made now, since that is slow and later someone would wait.
        describing = asyncio.create_task(asyncio.to_thread(started.openapi))
        async with state.running():
            yield
        await describing

    app = FastAPI(
        title="codisearch",
        version=codisearch.__version__,
        description="Find the ICD-10-CM code of a clinical phrase in six languages. "
        "The answers are suggestions for a coder to check.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        middleware=_middleware(settings, state.metrics),
        openapi_url=None,
    )
    app.state.service = state
    routers = (search.router, codes.router, health.router, fhir.router)
    for router in routers:
        app.include_router(router)
    add_handlers(app, settings.max_body, [route for router in routers for route in router.routes])
    add_pages(app)
    add_description(app, needs_key=settings.api_key is not None)
    return app


def _middleware(settings: ServiceSettings, metrics: Metrics) -> list[Middleware]:
    """Return the middleware, the outermost first."""
    checks = [check_encoding, length_check(settings.max_body), check_content_type]
    if settings.api_key is not None:
        checks.insert(0, key_check(settings.api_key))
    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST"],
        allow_headers=_CLIENT_HEADERS,
        expose_headers=["X-Request-ID", "Retry-After"],
    )
    return [
        Middleware(Recorder, metrics=metrics, log_queries=settings.log_queries),
        *([cors] if settings.cors_origins else []),
        Middleware(Guard, checks=checks),
        Middleware(Deadline, seconds=settings.timeout),
        Middleware(RequestBodyLimitMiddleware, max_body_size=settings.max_body),
    ]
