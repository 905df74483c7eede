"""The static files: the page at `/` with its `/assets`, and Swagger UI at `/docs`."""

from importlib.resources import files
from os import PathLike, stat_result
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from codisearch.service.security import PAGE_POLICY

PAGE_FOLDER: Final = Path(__file__).parent / "page"
DOCS_FOLDER: Final = Path(__file__).parent / "swagger"
DOCS_POLICY: Final = PAGE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""Swagger UI writes styles into its elements."""
_CACHE: Final = "no-cache"  # kept by browsers, but asked for again each time; the ETag makes that cheap


class GuardedFiles(StaticFiles):
    """Files of one folder, each with a content security policy."""

    def __init__(self, folder: Path, policy: str) -> None:
        super().__init__(directory=folder)
        self._policy = policy

    def file_response(
        self, full_path: "PathLike[str] | str", stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return a file, or that it has not changed."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Content-Security-Policy"] = self._policy
        response.headers["Cache-Control"] = _CACHE
        return response


def add_pages(app: FastAPI) -> None:
    """Give an app its page and the view of its API."""
    page = GuardedFiles(PAGE_FOLDER, PAGE_POLICY)
    own = GuardedFiles(DOCS_FOLDER, DOCS_POLICY)

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def show_page(request: Request) -> Response:
        return await page.get_response("index.html", request.scope)

    @app.api_route("/docs", methods=["GET", "HEAD"], include_in_schema=False)
    async def show_docs(request: Request) -> Response:
        return await own.get_response("index.html", request.scope)

    @app.get("/openapi.json", include_in_schema=False)
    async def describe(_: Request) -> Response:
        return JSONResponse(app.openapi())

    @app.get("/docs/openapi.json", include_in_schema=False)
    async def show_description(_: Request) -> Response:
        return JSONResponse(lowered(app.openapi()))

    app.mount("/assets", page)
    app.mount("/docs/own", own)
    app.mount("/docs/assets", GuardedFiles(_swagger_folder(), DOCS_POLICY))


def _swagger_folder() -> Path:
    """Return where the package has Swagger UI; the name of the folder holds its version."""
    vendor = Path(str(files("swagger_ui_bundle"))) / "vendor"
    return next(path for path in sorted(vendor.iterdir()) if (path / "swagger-ui-bundle.js").is_file())


def lowered(description: dict[str, Any]) -> dict[str, Any]:
    """Return an OpenAPI 3.1 description as 3.0, which is what this Swagger UI can show."""
    return {**_lower(description), "openapi": "3.0.3"}


def _lower(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    if isinstance(value, list):
        return [_lower(item) for item in value]
    if not isinstance(value, dict):
        return value
    fields = {name: _lower(item) for name, item in value.items()}
    choices = fields.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [choice for choice in choices if choice != {"type": "null"}]
        del fields["anyOf"]
        fields |= {"nullable": True, **(rest[0] if len(rest) == 1 else {"anyOf": rest})}
    examples = fields.pop("examples", None) if isinstance(fields.get("examples"), list) else None
    return {**fields, "example": examples[0]} if examples else fields
