"""The files of the page: texts in six languages, and nothing that the content security policy forbids."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import codisearch
from codisearch.chapters import CHAPTERS
from codisearch.codes import QUALIFIERS
from codisearch.languages import LANGUAGES
from codisearch.retrieval.aliases import SOURCES
from codisearch.retrieval.queries import MAX_CHARACTERS

PAGE = Path(codisearch.__file__).parent / "service" / "page"
SCRIPTS = sorted(PAGE.glob("*.js"))
HTML = (PAGE / "index.html").read_text(encoding="utf-8")
TEXTS: dict[str, dict[str, str]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (PAGE / "locales").glob("*.json")
}
ENGLISH = TEXTS["en"]
SPACES = {key.partition(".")[0] for key in ENGLISH}
KINDS = ("offline", "timeout", "unauthorized", "tooLarge", "invalid", "notFound", "busy", "server")
VOCABULARIES = {"source": SOURCES, "qualifier": QUALIFIERS, "chapter": tuple(CHAPTERS), "problem": KINDS}


class Elements(HTMLParser):
    """All elements of a page with their attributes and their text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.found:
            tag, attributes, text = self.found[-1]
            self.found[-1] = (tag, attributes, text + data)


def elements() -> list[tuple[str, dict[str, str | None], str]]:
    """Return the elements of the page."""
    parser = Elements()
    parser.feed(HTML)
    return parser.found


def literals() -> Iterator[str]:
    """Go through the keys that scripts and HTML name: texts in quotes that begin like one."""
    for text in (*(path.read_text(encoding="utf-8") for path in SCRIPTS), HTML):
        for literal in re.findall(r'"(\w+\.[\w. ]+)"', text):
            if literal.partition(".")[0] in SPACES:
                yield literal


def templates() -> set[str]:
    """Return what stands before the variable part of keys that scripts put together."""
    return {
        prefix for path in SCRIPTS for prefix in re.findall(r"`(\w+)\.\$\{", path.read_text(encoding="utf-8"))
    }


def test_languages() -> None:
    """There is a file for each language."""
    assert set(TEXTS) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_same_keys(language: str) -> None:
    """Every language has the English keys, in their order."""
    assert list(TEXTS[language]) == list(ENGLISH)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty(language: str) -> None:
    """No text is empty."""
    assert [key for key, text in TEXTS[language].items() if not text.strip()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_same_values(language: str) -> None:
    """Each translation has the holes of the English text, so that no value is lost."""
    holes = re.compile(r"\{\w+\}")
    for key, text in TEXTS[language].items():
        assert sorted(holes.findall(text)) == sorted(holes.findall(ENGLISH[key])), key


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_sentences_are_translated(language: str) -> None:
    """No text of several words was left in English."""
    words = {key: re.sub(r"\{\w+\}", "", text).strip() for key, text in ENGLISH.items()}
    same = {key for key, text in ENGLISH.items() if " " in words[key] and TEXTS[language][key] == text}
    assert same == set()


def test_keys_that_are_used_exist() -> None:
    """What scripts and HTML name has a text."""
    unknown = {key for key in literals() if key not in ENGLISH and f"{key}.one" not in ENGLISH}
    assert unknown == set()


def test_keys_that_exist_are_used() -> None:
    """No text is left over."""
    used = set(literals())
    spaces = templates()
    unused = {
        key
        for key in ENGLISH
        if key not in used
        and key.removesuffix(".one").removesuffix(".other") not in used
        and key.partition(".")[0] not in spaces
    }
    assert unused == set()


def test_vocabularies_have_texts() -> None:
    """Whatever the service names by a word of a closed vocabulary has a text."""
    assert templates() == {*VOCABULARIES, "value"}
    for space, words in VOCABULARIES.items():
        assert {f"{space}.{word}" for word in words} <= set(ENGLISH)


def test_plurals_are_whole() -> None:
    """A text for one has a text for several."""
    ones = {key.removesuffix(".one") for key in ENGLISH if key.endswith(".one")}
    others = {key.removesuffix(".other") for key in ENGLISH if key.endswith(".other")}
    assert ones == others != set()


def test_chapters_are_those_of_the_code_set() -> None:
    """The English titles are the official ones, and the list offers all chapters."""
    assert {number: ENGLISH[f"chapter.{number}"] for number in CHAPTERS} == CHAPTERS
    listed = re.findall(r'\["(\d\d)", "', (PAGE / "chapters.js").read_text(encoding="utf-8"))
    assert listed == list(CHAPTERS)


def test_html_is_in_english() -> None:
    """What is shown before a language is loaded is the English text."""
    for _tag, attributes, text in elements():
        if key := attributes.get("data-i18n"):
            assert text.strip() == ENGLISH[key]
        for name in ("aria-label", "placeholder"):
            if key := attributes.get(f"data-i18n-{name}"):
                assert attributes[name] == ENGLISH[key]


def test_ids_that_scripts_use_exist() -> None:
    """Each element that a script asks for is in the page, once."""
    ids = [attributes["id"] for _tag, attributes, _text in elements() if "id" in attributes]
    assert len(ids) == len(set(ids))
    made = set(re.findall(r'id: "([\w-]+)"', "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)))
    for path in SCRIPTS:
        used = set(re.findall(r'byId\("([\w-]+)"\)', path.read_text(encoding="utf-8")))
        assert used <= made.union(str(name) for name in ids), path.name


def test_longest_phrase_is_that_of_the_service() -> None:
    """The page refuses what the service would refuse, and no field cuts what is pasted into it."""
    longest = re.findall(r"const LONGEST = (\d+);", (PAGE / "finder.js").read_text(encoding="utf-8"))
    assert longest == [str(MAX_CHARACTERS)]
    fields = [names for _tag, names, _text in elements() if names.get("id") == "query"]
    assert ["maxlength" in names for names in fields] == [False]


def test_nothing_is_inline() -> None:
    """No script, style or handler stands in the HTML."""
    for tag, attributes, text in elements():
        assert tag != "style"
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert tag != "script" or (attributes["src"] and not text.strip())


@pytest.mark.parametrize("path", [*SCRIPTS, PAGE / "style.css"], ids=lambda path: path.name)
def test_no_file_from_elsewhere(path: Path) -> None:
    """Scripts and style name no other origin, and import what is there."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"https?://|@import|url\(", text)
    for name in re.findall(r'from "\./([\w.-]+)"', text):
        assert (PAGE / name).is_file()


def test_html_names_own_files() -> None:
    """What the HTML loads is in the folder."""
    links: list[Any] = [
        attributes.get("src") or attributes.get("href")
        for tag, attributes, _text in elements()
        if tag in {"script", "link", "img"}
    ]
    assert links
    for link in links:
        assert (PAGE / str(link).removeprefix("assets/")).is_file()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_data_never_becomes_html(path: Path) -> None:
    """No script can turn text into elements or code."""
    forbidden = r"(inner|outer|Adjacent|set)HTML|document\.write|DOMParser|\beval\(|new Function"
    assert not re.search(forbidden, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_only_preferences_and_key_are_stored(path: Path) -> None:
    """Queries can be patient data, so one module alone may store anything, and it knows no query."""
    text = path.read_text(encoding="utf-8")
    stores = re.search(r"localStorage|sessionStorage|indexedDB|document\.cookie|caches\.", text)
    assert not stores or path.name == "state.js"
