"""Which codes get queries."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from codisearch.codes import normalise_code
from codisearch.errors import ConfigurationError, InputError
from codisearch.pipelines.generation.params import CodesParams

_SHOWN = 10


def choose_targets(code_set: pd.DataFrame, listed: pd.DataFrame, params: CodesParams) -> list[str]:
    """Return the codes that get queries, in code order.

    Args:
        code_set: The code set (`schemas.CODE_SET`).
        listed: The listed codes of the corpus (`schemas.LISTED_CODES`).
        params: Which of them.

    Raises:
        ConfigurationError: If a code or a file that is named does not exist, or nothing is left.
    """
    billable = code_set.loc[code_set["billable"], "code"].tolist()
    if params.file is not None:
        chosen = _known(_read_codes(params.file), code_set, f"generation.codes.file {params.file}")
    elif params.which == "listed" and not params.under:
        known = set(code_set["code"])
        chosen = [code for code in listed["code"] if code in known]
    else:
        chosen = billable
    if params.under:
        above = tuple(_known(list(params.under), code_set, "generation.codes.under"))
        chosen = [code for code in chosen if code.startswith(above)]
    codes = np.array(sorted(set(chosen)), dtype=object)
    if not len(codes):
        raise ConfigurationError(f"generation.codes leaves no code to write queries for: {params}.")
    if params.limit is not None:
        codes = codes[np.linspace(0, len(codes) - 1, min(params.limit, len(codes))).round().astype(int)]
    return [str(code) for code in codes]


def _known(codes: list[str], code_set: pd.DataFrame, what: str) -> list[str]:
    known = set(code_set["code"])
    dotted, unknown = [], []
    for code in codes:
        try:
            dotted.append(normalise_code(code))
        except InputError:
            unknown.append(code)
    unknown += [code for code in dotted if code not in known]
    if unknown:
        shown = ", ".join(unknown[:_SHOWN]) + (
            f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        )
        raise ConfigurationError(
            f"{what}: not in {code_set['release'].iloc[0]}: {shown}. Allowed are its codes and categories."
        )
    return dotted


def _read_codes(path: Path) -> list[str]:
    """Return the codes of a file: of its column `code`, or the first field of every line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"generation.codes.file: {path} cannot be read: {error}.") from None
    rows = [row for row in csv.reader(text.splitlines()) if row and row[0].strip()]
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if "code" in header:
        place = header.index("code")
        return [row[place].strip() for row in rows[1:] if len(row) > place and row[place].strip()]
    return [row[0].strip() for row in rows]
