"""The description of the API: what FastAPI cannot know is added to it."""

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from codisearch.service.schemas import ProblemBody


def add_description(app: FastAPI, needs_key: bool) -> None:
    """Add the form of problems and the API key to an app's description."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            description = original()  # which keeps it as app.openapi_schema
            components = description.setdefault("components", {})
            _, definitions = models_json_schema(
                [(ProblemBody, "serialization")], ref_template="#/components/schemas/{model}"
            )
            schemas = components.setdefault("schemas", {})
            schemas |= definitions["$defs"]
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            if needs_key:
                components["securitySchemes"] = {
                    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                    "bearer": {"type": "http", "scheme": "bearer"},
                }
                description["security"] = [{"key": []}, {"bearer": []}]
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]
