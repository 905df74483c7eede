"""What ranks codes for a query: encoders, lexical systems, index, reranker, bundle. Knows no Kedro."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codisearch.retrieval.retriever import Hit, Retriever

__all__ = ["Hit", "Retriever"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import `Retriever` and `Hit` when they are asked for: torch and faiss take seconds to load."""
    if name in __all__:
        from codisearch.retrieval import retriever

        return getattr(retriever, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
