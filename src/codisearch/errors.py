"""The errors that codisearch raises on purpose: each says what was wrong, what is allowed and what came."""

from collections.abc import Sequence
from typing import Any


class CodisearchError(Exception):
    """Base of every error that a user can mend; the command line prints it without a traceback."""


class InputError(CodisearchError, ValueError):
    """A query, a file or a row that cannot be used as it is."""


class ConfigurationError(CodisearchError, ValueError):
    """A setting that asks for something that does not exist or is not installed."""


class ModelError(CodisearchError):
    """A model folder or package that is missing, incomplete or fails its checksum."""


class BundleError(CodisearchError):
    """A bundle that is missing, incomplete, corrupted or of another version."""


class StorageError(CodisearchError, OSError):
    """A disk that is full or a folder that cannot be written."""


class LedgerError(CodisearchError):
    """A ledger that another run is writing to, or that cannot be read."""


class GeneratorError(CodisearchError):
    """A language model that cannot be used: its key or model is refused, or it does not answer at all."""


class UnknownCodeError(InputError):
    """A code that the code set does not have.

    Attributes:
        code: The code that was asked for.
        suggestions: The nearest codes, as `retrieval.answers.CodeName`.
    """

    def __init__(self, message: str, code: str, suggestions: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.suggestions = tuple(suggestions)
