"""The bundle as an MLflow model: a script that MLflow copies beside the bundle and runs to serve it.

It imports no Kedro, and nothing at load that `registered_bundle.REQUIREMENTS` does not bring.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from codisearch.errors import InputError
from codisearch.retrieval.answers import Answer, Hit
from codisearch.retrieval.retriever import Retriever

ARTIFACT: Final = "bundle"
DEFAULT_TOP: Final = 10
_OF_HITS: Final = tuple(field.name for field in fields(Hit))
COLUMNS: Final = ("query", *_OF_HITS, "known", "release")
"""Of an answer: `query` is its query's place in the request, from 0; `path` is one text, `E11 > E11.2`."""
_NULL_OF_INPUTS: Final = "None"
_PATH_SEPARATOR: Final = " > "


class ServedBundle(PythonModel):
    """Answers a table of queries with a table of codes."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the bundle."""
        self._retriever = Retriever.load(Path(context.artifacts[ARTIFACT]))

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: Mapping[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return the best codes of each query, best first.

        Args:
            context: Not used.
            model_input: Column `query`, never null, and perhaps `language`, which may be empty.
            params: `top`, how many codes for each query.

        Raises:
            MlflowException: If a query, a language or `top` is not allowed; a server answers 400.
        """
        try:
            return find_codes(self._retriever, model_input, int((params or {}).get("top", DEFAULT_TOP)))
        except InputError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error


def find_codes(retriever: Retriever, queries: pd.DataFrame, top: int) -> pd.DataFrame:
    """Return the first `top` codes of each query in the columns `COLUMNS`, in the order of the queries.

    Raises:
        InputError: If a query, a language or `top` is not allowed.
    """
    texts = _without_nulls(queries["query"])
    tags = _without_nulls(queries["language"]) if "language" in queries else pd.Series([""] * len(queries))
    answers: dict[int, Answer] = {}
    for tag, places in tags.groupby(tags, sort=False).groups.items():
        batch = [str(texts.iloc[place]) for place in places]
        try:
            found = retriever.search_many(batch, language=str(tag) or None, top=top)
        except InputError as error:
            if len(batch) == len(queries):
                raise
            raise InputError(f"Among the queries of language {str(tag)!r}: {error}") from error
        answers.update(zip(places, found, strict=True))
    rows = [
        {
            "query": place,
            **asdict(hit),
            "path": _PATH_SEPARATOR.join(hit.path),
            "known": answers[place].known,
            "release": answers[place].release,
        }
        for place in sorted(answers)
        for hit in answers[place]
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype({"first_rank": "Int64", "second_rank": "Int64"})


def _without_nulls(column: pd.Series) -> pd.Series:
    """Return a column with an empty text for each null."""
    values = column.astype(object).reset_index(drop=True)
    # Of a null among `inputs`, MLflow's server makes the text "None" before it comes here.
    return values.where(values.notna() & values.ne(_NULL_OF_INPUTS), "")


mlflow.models.set_model(ServedBundle())
