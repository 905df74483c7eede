"""Parameters of the `code_set` pipeline."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from codisearch.languages import Language

Source = Literal["package", "cms"]


class CmsParams(BaseModel):
    """Where an official release lies, as CMS and the CDC ship it.

    Attributes:
        folder: The folder with the unpacked files; a relative one counts from the working directory.
        order: Glob of the order file (addenda are passed over).
        tabular: Glob of the tabular list.
        index: Glob of the Alphabetic Index, the one file that may be absent.
        release: The label of the release; by default it comes from the version that the tabular list states.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path = Path("data/01_raw/cms")
    order: str = "icd10c*order*.txt"
    tabular: str = "icd10c*tabular*.xml"
    index: str = "icd10c*index*.xml"
    release: str | None = None


class CodeSetParams(BaseModel):
    """Which codes there are.

    Attributes:
        source: `package` is the release inside `simple-icd-10-cm`; `cms` an official one.
        cms: The files of the official release; read with source `cms` alone.
        sample: How many categories to keep, evenly spread and whole with all their codes; null keeps all.
        keep: Categories that a sample holds in any case, beside the spread ones.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Source = "package"
    cms: CmsParams = Field(default_factory=CmsParams)
    sample: PositiveInt | None = None
    keep: tuple[str, ...] = ()


class TitlesParams(BaseModel):
    """Which national titles are used.

    Attributes:
        languages: The languages whose file under `data/01_raw/titles` is read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    languages: tuple[Language, ...] = ()
