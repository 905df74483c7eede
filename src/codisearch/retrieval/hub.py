"""Whether the hub can be asked at all: without it, models are taken from its cache or fail at once."""

import logging
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

_TIMEOUT: Final = (2.0, 5.0, 5.0, 5.0)
"""Seconds to connect, to each of the hub's addresses, to read, to write, and to wait for a connection."""
_SERVER_ERROR: Final = 500
_NOT_REACHED: Final = "We couldn't connect to"
"""What transformers says of a file that is neither on the hub, as far as it can see, nor in the cache."""


def is_local_only(source: str) -> bool:
    """Tell whether `source` can only come from this machine: a folder, or a hub that cannot be reached.

    The hub's own client tries each file of a model six times with pauses, which adds up to more than a minute
    for each model where there is no network. One request beforehand spares that.
    """
    from huggingface_hub import constants

    return Path(source).is_dir() or constants.is_offline_mode() or not _answers(constants.ENDPOINT)


def reason_of(error: Exception) -> str:
    """Return in one line, without a full stop, why a model could not be loaded."""
    if _NOT_REACHED in str(error):
        return "no such folder, the hub cannot be reached, and its cache does not hold the model"
    return " ".join(str(error).split()).rstrip(".")


def _answers(endpoint: str) -> bool:
    """Tell whether the hub answers, asked with the client that would fetch the files."""
    from huggingface_hub import get_session

    try:
        response = get_session().head(endpoint, timeout=_TIMEOUT, follow_redirects=True)
    except Exception as error:  # its HTTP library differs between versions, and so do its errors
        logger.warning("%s cannot be reached (%s): only models in its cache can be used", endpoint, error)
        return False
    return bool(response.status_code < _SERVER_ERROR)
