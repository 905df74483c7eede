"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Final

import typer

DEFAULT_BUNDLE: Final = Path("data/06_models/bundle")
BundleOption = Annotated[Path, typer.Option(envvar="CODISEARCH_BUNDLE", help="The bundle to search with.")]
