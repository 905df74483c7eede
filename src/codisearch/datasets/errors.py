"""The error of a data file, in a form that Kedro hands on as it is."""

from kedro.io import DatasetError

from codisearch.errors import InputError


class DataFileError(InputError, DatasetError):
    """An input file that cannot be used; to a `DatasetError` Kedro adds the dataset's name only."""
