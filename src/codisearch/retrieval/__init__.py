"""What ranks codes for a query: encoders, lexical systems, index, reranker, bundle. Knows no Kedro."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codisearch.retrieval.answers import Answer, Hit
    from codisearch.retrieval.retriever import Retriever

__all__ = ["Answer", "Hit", "Retriever"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import what is asked for when it is: torch and faiss take seconds to load."""
    if name in __all__:
        from codisearch.retrieval import answers, retriever

        return getattr(retriever if name == "Retriever" else answers, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
