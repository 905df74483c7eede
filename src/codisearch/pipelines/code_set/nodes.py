"""Nodes of the `code_set` pipeline."""

import logging

import numpy as np
import pandas as pd

from codisearch.codes import normalise_code
from codisearch.errors import ConfigurationError, InputError
from codisearch.languages import LANGUAGES
from codisearch.pipelines.code_set.params import CodeSetParams, TitlesParams
from codisearch.pipelines.code_set.release import Release, frame_of, notes_of, squeeze

logger = logging.getLogger(__name__)

_SHOWN = 5


def load_code_set(params: CodeSetParams) -> pd.DataFrame:
    """Return every code of the configured release, or of a sample of its categories (`schemas.CODE_SET`).

    Raises:
        InputError: If the files of an official release are missing or malformed.
        ConfigurationError: If a category to keep is not in the release.
    """
    release = _read_release(params)
    code_set = sample_categories(frame_of(release), params)
    logger.info("%s: %d codes, %d billable.", release.label, len(code_set), code_set["billable"].sum())
    return code_set


def load_code_notes(code_set: pd.DataFrame, params: CodeSetParams) -> pd.DataFrame:
    """Return what the codes of the code set exclude, as the tabular list says (`schemas.CODE_NOTES`).

    Raises:
        InputError: If the files of an official release are missing or malformed.
    """
    notes = notes_of(_read_release(params))
    return notes[notes["code"].isin(code_set["code"])].reset_index(drop=True)


def _read_release(params: CodeSetParams) -> Release:
    if params.source == "cms":
        from codisearch.pipelines.code_set.cms import read_cms

        return read_cms(params.cms)
    from codisearch.pipelines.code_set.package import read_package

    return read_package()


def sample_categories(code_set: pd.DataFrame, params: CodeSetParams) -> pd.DataFrame:
    """Return the rows of `params.sample` categories, evenly spread in code order, and of those to keep.

    A category comes with all its codes, so the tree stays whole. Without a sample, everything is returned.

    Raises:
        ConfigurationError: If a category to keep is not in the code set.
    """
    if params.sample is None:
        return code_set
    categories = np.sort(code_set["category"].unique().astype(object))
    unknown = sorted(set(params.keep) - set(categories))
    if unknown:
        raise ConfigurationError(
            f"code_set.keep: {', '.join(unknown)} not in the release; allowed are its categories, "
            "three characters like I10."
        )
    places = np.linspace(0, len(categories) - 1, min(params.sample, len(categories))).round().astype(int)
    chosen = {*categories[places], *params.keep}
    return code_set[code_set["category"].isin(chosen)].reset_index(drop=True)


def load_index_aliases(code_set: pd.DataFrame, params: CodeSetParams) -> pd.DataFrame:
    """Return the Alphabetic Index's terms as English aliases (`schemas.ALIASES`).

    Without an index file, and with the package's release, there are no rows. Terms whose code is not in the
    code set are left out and counted in a warning.

    Raises:
        InputError: If the index file is malformed.
    """
    rows: list[tuple[str, str]] = []
    if params.source == "cms":
        from codisearch.pipelines.code_set.alphabetic_index import read_index
        from codisearch.pipelines.code_set.cms import find_file

        path = find_file(params.cms, params.cms.index)
        rows = read_index(path) if path else []
    aliases = pd.DataFrame(rows, columns=["alias", "code"], dtype="str").drop_duplicates()
    aliases = _known(aliases, code_set, "Alphabetic Index")
    return aliases.assign(language="en", source="alphabetic_index").astype("str")


def collect_national_titles(
    code_set: pd.DataFrame, params: TitlesParams, *tables: pd.DataFrame
) -> pd.DataFrame:
    """Return the titles of the chosen languages in one table (`schemas.TITLES`).

    Codes are brought to their dotted form. Rows with an empty title or a code that is not in the code set are
    left out and counted in a warning, as is a language that has a file but was not chosen.

    Args:
        code_set: The code set.
        params: The chosen languages.
        tables: For each of `LANGUAGES`, in that order, its titles (`code`, `title`, `language`), or no rows.

    Raises:
        InputError: If a chosen language has no titles.
    """
    chosen = [code_set.loc[[], ["code", "title"]].assign(language="").astype("str")]
    for language, table in zip(LANGUAGES, tables, strict=True):
        if language in params.languages:
            chosen.append(_clean_titles(table, code_set, language))
        elif len(table):
            logger.warning(
                "The %d titles for %r stay unused: it is not in titles.languages.", len(table), language
            )
    return pd.concat(chosen, ignore_index=True)


def _clean_titles(table: pd.DataFrame, code_set: pd.DataFrame, language: str) -> pd.DataFrame:
    if table.empty:
        raise InputError(
            f"titles.languages asks for {language!r}, but there are no titles: expected data/01_raw/titles/"
            f"{language}.csv with the columns code,title."
        )
    clean = table.assign(code=table["code"].map(_dotted), title=table["title"].map(squeeze))
    titled = clean[clean["title"] != ""]
    if len(titled) < len(clean):
        logger.warning(
            "Titles for %r: %d rows without a title are left out.", language, len(clean) - len(titled)
        )
    return _known(titled.drop_duplicates(), code_set, f"Titles for {language!r}")


def _dotted(code: str) -> str:
    try:
        return normalise_code(code)
    except InputError:
        return code


def _known(rows: pd.DataFrame, code_set: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return the rows whose code is in the code set; the others are counted in a warning."""
    known = rows["code"].isin(code_set["code"])
    if not known.all():
        examples = rows.loc[~known, "code"].unique()[:_SHOWN]
        logger.warning(
            "%s: %d rows left out, their codes are not in the code set, such as %s.",
            what,
            (~known).sum(),
            ", ".join(map(repr, examples)),
        )
    return rows[known].reset_index(drop=True)
