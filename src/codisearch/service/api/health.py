"""`/healthz`, `/readyz` and `/metrics`."""

from fastapi import APIRouter
from starlette.responses import Response

from codisearch.service.api.responses import problems
from codisearch.service.metrics import CONTENT_TYPE
from codisearch.service.schemas import Health
from codisearch.service.state import State

router = APIRouter(tags=["health"])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
async def is_alive() -> Health:
    """Tell that the process answers."""
    return Health(status="ok")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses=problems(503))
async def is_ready(state: State) -> Health:
    """Tell that the bundle is loaded; 503 until then, with the reason."""
    _ = state.retriever
    return Health(status="ready")


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def read_metrics(state: State) -> Response:
    """Tell the counters, in the text format of Prometheus."""
    return Response(state.metrics.text(), media_type=CONTENT_TYPE)
