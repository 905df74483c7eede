"""The errors that are raised on purpose."""

import pytest

from codisearch import errors


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.InputError, ValueError),
        (errors.ConfigurationError, ValueError),
        (errors.ModelError, Exception),
        (errors.BundleError, Exception),
        (errors.StorageError, OSError),
    ],
)
def test_errors_have_one_base(error: type[Exception], builtin: type[Exception]) -> None:
    """One `except CodisearchError` catches each, and so does the built-in error that it is a kind of."""
    assert issubclass(error, errors.CodisearchError)
    assert issubclass(error, builtin)
    assert str(error("what came")) == "what came"
