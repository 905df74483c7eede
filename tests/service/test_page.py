"""The page in a real browser, against the real service over a tiny bundle."""

import json
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from bundles import make_bundle, static_encoder_of

import codisearch
from codisearch.languages import LANGUAGES
from codisearch.retrieval.reranker import Fusion
from codisearch.retrieval.retriever import Retriever
from codisearch.retrieval.trained import open_cross_encoder

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request, Route
    from transformers import PreTrainedTokenizerFast

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LOCALES = Path(codisearch.__file__).parent / "service" / "page" / "locales"
TEXTS: dict[str, dict[str, str]] = {
    language: json.loads((LOCALES / f"{language}.json").read_text(encoding="utf-8")) for language in LANGUAGES
}
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 320, "height": 640}
KEY = "page-test-key"

CODES = [
    ("E10", "", "04", "Type 1 diabetes mellitus", False),
    ("E10.9", "E10", "04", "Type 1 diabetes mellitus without complications", True),
    ("E11", "", "04", "Type 2 diabetes mellitus", False),
    ("E11.2", "E11", "04", "Type 2 diabetes mellitus with kidney complications", False),
    ("E11.21", "E11.2", "04", "Type 2 diabetes mellitus with diabetic nephropathy", True),
    ("E11.9", "E11", "04", "Type 2 diabetes mellitus without complications", True),
    ("I10", "", "09", "Essential (primary) hypertension", True),
    ("R07", "", "18", "Pain in throat and chest", False),
    ("R07.0", "R07", "18", "Pain in throat", True),
    ("R07.9", "R07", "18", "Chest pain, unspecified", True),
    ("S52", "", "19", "Fracture of forearm", False),
    ("S52.501", "S52", "19", "Unspecified fracture of the lower end of right radius", True),
    ("S52.502", "S52", "19", "Unspecified fracture of the lower end of left radius", True),
]
TITLES = [
    ("E11.9", "es", "Diabetes mellitus tipo 2 sin complicaciones"),
    ("E11.9", "fr", "Diabète sucré de type 2 sans complication"),
    ("R07.9", "es", "Dolor torácico, no especificado"),
]
ALIASES = [
    ("diabetes tipo 2", "E11.9", "es"),
    ("dolor torácico", "R07.9", "es"),
    ("pressió arterial alta", "I10", "ca"),
    ("mal di gola", "R07.0", "it"),
    ("dor no peito", "R07.9", "pt"),
    ("hypertension artérielle", "I10", "fr"),
    ("high blood pressure", "I10", "en"),
]
SEARCHES = {
    "en": ("high blood pressure", "I10"),
    "es": ("dolor torácico", "R07.9"),
    "ca": ("pressió arterial alta", "I10"),
    "it": ("mal di gola", "R07.0"),
    "pt": ("dor no peito", "R07.9"),
    "fr": ("hypertension artérielle", "I10"),
}
NEIGHBOUR = "Type 2 diabetes mellitus with diabetic nephropathy"


@pytest.fixture(scope="module")
def retriever(
    tiny_tokenizer: "PreTrainedTokenizerFast",
    tiny_cross_encoder: Path,
) -> Retriever:
    """Return search over 13 codes, with titles in two more languages and a pair that is easily confused."""
    from tokenizers import Tokenizer

    codes = pd.DataFrame(CODES, columns=["code", "parent", "chapter", "title", "billable"]).assign(
        inclusion_terms=pd.Series([["High blood pressure"] if code[0] == "I10" else [] for code in CODES]),
        excludes=pd.Series([["type 1 diabetes (E10.-)"] if code[0] == "E11" else [] for code in CODES]),
    )
    official = codes.assign(alias=codes["title"], language="en", source="official_title")
    phrases = pd.DataFrame(ALIASES, columns=["alias", "code", "language"], dtype="str").assign(source="query")
    return Retriever(
        make_bundle(
            static_encoder_of(Tokenizer.from_str(tiny_tokenizer.backend_tokenizer.to_str())),
            open_cross_encoder(str(tiny_cross_encoder), max_length=32),
            codes,
            pd.concat([official[phrases.columns], phrases], ignore_index=True),
            titles=TITLES,
            confusables=[("E11.9", "E11.21", "complication", "nephropathy is documented")],
            fusion=Fusion(depth=5, weight=0.0),
            release="ICD-10-CM tiny",
        )
    )


def serve(retriever: Retriever, **settings: Any) -> Iterator[str]:
    """Serve in a thread on a free port; yield the address."""
    import uvicorn

    from codisearch.service.app import create_app
    from codisearch.service.settings import ServiceSettings

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(create_app(retriever, ServiceSettings(**settings)), log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture(scope="module")
def address(retriever: Retriever) -> Iterator[str]:
    """Return the address of a service that lets everyone in."""
    yield from serve(retriever)


@pytest.fixture(scope="module")
def locked_address(retriever: Retriever) -> Iterator[str]:
    """Return the address of a service that needs a key."""
    yield from serve(retriever, api_key=KEY)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Return the system's Chromium, or skip where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@dataclass
class Desk:
    """Opens pages and notes whatever goes wrong in them.

    Attributes:
        browser: Where pages open.
        address: Of the service.
        faults: Errors on the console, violations of the policy, requests to other origins.
        allowed: What a console error may hold without being a fault.
    """

    browser: "Browser"
    address: str
    faults: list[str] = field(default_factory=list)
    allowed: str = "nothing"
    contexts: list["BrowserContext"] = field(default_factory=list)

    def open(
        self, path: str = "", locale: str = "en-US", size: dict[str, int] = WIDE, **options: Any
    ) -> "Page":
        """Return the page, loaded, in a browser that has never seen it."""
        context = self.browser.new_context(locale=locale, viewport=size, **options)  # type: ignore[arg-type]
        context.set_default_timeout(8_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self._note(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self._note(str(error)))
        page.on("request", self._check_origin)
        page.goto(self.address + path)
        page.wait_for_selector("html[data-ready]")
        return page

    def _note(self, text: str) -> None:
        if self.allowed not in text:
            self.faults.append(text)

    def _check_origin(self, request: "Request") -> None:
        if not request.url.startswith(self.address):
            self.faults.append(f"request to {request.url}")


@pytest.fixture
def desk(browser: "Browser", address: str) -> Iterator[Desk]:
    """Return what opens pages; the test fails where a page had a fault."""
    made = Desk(browser, address)
    yield made
    for context in made.contexts:
        context.close()
    assert made.faults == []


def search(page: "Page", phrase: str, code: str) -> None:
    """Type a phrase and wait until a code is the first result."""
    page.fill("#query", phrase)
    page.wait_for_selector(f'.hit:first-child[data-code="{code}"]')


def focused(page: "Page") -> str:
    """Return id or link of what has the focus."""
    return str(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('href')"))


def change_answers(page: "Page", change: Callable[[dict[str, Any]], None]) -> None:
    """Let every answer to a search be changed on its way."""

    def answer(route: "Route") -> None:
        response = route.fetch()
        body = response.json()
        change(body)
        route.fulfill(response=response, json=body)

    page.route("**/v1/search", answer)


@pytest.mark.parametrize("language", LANGUAGES)
def test_search_in_each_language(desk: Desk, language: str) -> None:
    """The page speaks the browser's language, and finds what is written in it."""
    phrase, code = SEARCHES[language]
    page = desk.open(locale=language)
    texts = TEXTS[language]
    assert page.get_attribute("html", "lang") == language
    page.select_option("#query-language", language)
    search(page, phrase, code)
    hit = page.locator(".hit").first
    assert hit.locator("q").inner_text().lower() == phrase
    assert texts["source.query"] in hit.inner_text()
    assert texts["mark.billable"] in hit.inner_text()
    assert texts["footer.check"] in page.inner_text("footer")
    assert "ICD-10-CM tiny" in page.inner_text("footer")


def test_titles(desk: Desk) -> None:
    """A title in the asked language stands above the official one, and both say their language."""
    page = desk.open()
    page.select_option("#query-language", "es")
    search(page, "diabetes tipo 2", "E11.9")
    title, official = page.locator(".hit .title").first, page.locator(".hit .official").first
    assert title.inner_text() == "Diabetes mellitus tipo 2 sin complicaciones"
    assert title.get_attribute("lang") == "es"
    assert official.inner_text() == "Type 2 diabetes mellitus without complications"
    assert official.get_attribute("lang") == "en"


def test_detected_language(desk: Desk) -> None:
    """The choice of a language shows which one was detected."""
    page = desk.open()
    search(page, "hypertension artérielle", "I10")
    assert page.inner_text("#query-language option:checked") == "Detected: French"


@pytest.mark.parametrize("typed", ["e119", "E11.9"])
def test_typed_code(desk: Desk, typed: str) -> None:
    """A code that is typed comes first, and says so."""
    page = desk.open()
    search(page, typed, "E11.9")
    assert "matched: the code itself" in page.inner_text(".hit:first-child")
    assert page.inner_text(".hit:first-child .share") == "100%"


def test_codes_near_a_typed_one(desk: Desk) -> None:
    """What stands below a typed code, or is like one that is not there, says so and claims no probability."""
    page = desk.open()
    search(page, "E11", "E11")
    below = page.locator('.hit[data-code="E11.9"]')
    assert "below E11, which was typed" in below.inner_text()
    assert below.locator(".share").count() == 0
    assert page.inner_text("#query-language option:checked") == "Detect"
    search(page, "E11.99", "E11.9")
    assert "E11.99 is not in this code set." in page.inner_text("#unsure")
    assert "similar to the code that was typed" in page.inner_text(".hit:first-child")


def test_language_that_is_not_detected(desk: Desk) -> None:
    """A text in which no language was detected is said to be such; a code is of no language."""
    page = desk.open()
    change_answers(page, lambda answer: answer.update(language=None, detected=False))
    search(page, "mal di gola", "R07.0")
    assert page.inner_text("#query-language option:checked") == "Not detected"
    search(page, "E11.9", "E11.9")
    assert page.inner_text("#query-language option:checked") == "Detect"


def test_completions_in_the_likely_language(desk: Desk) -> None:
    """Completions are asked for in the detected language, and in that of the page where there is none yet."""
    page = desk.open(locale="ca")
    asked: list[str] = []

    def note(request: "Request") -> None:
        if request.url.endswith("/suggest"):
            asked.append(json.loads(request.post_data or "")["language"])

    page.on("request", note)
    change_answers(page, lambda answer: answer.update(language="fr", detected=True))
    search(page, "dolor torácico", "R07.9")
    search(page, "hypertension artérielle", "I10")
    page.select_option("#query-language", "it")
    search(page, "mal di gola", "R07.0")
    assert [*dict.fromkeys(asked)] == ["ca", "fr", "it"]


def test_completions_by_keyboard(desk: Desk) -> None:
    """Tab goes from the field to the completions, arrows go through them, and Tab goes on to the language."""
    page = desk.open()
    page.keyboard.type("type")
    page.wait_for_selector("#completions button:nth-child(2)")
    page.wait_for_selector(".hit")
    page.keyboard.press("Tab")
    page.wait_for_selector("#completions button:nth-child(1):focus")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#completions button:nth-child(2):focus")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")
    assert focused(page) == "query-language"
    page.keyboard.press("Shift+Tab")
    chosen = page.inner_text("#completions button:focus")
    page.keyboard.press("Enter")
    assert page.input_value("#query") == chosen
    assert focused(page) == "query"


def test_completions_keep_the_focus(desk: Desk) -> None:
    """New completions that come while an old one has the focus do not lose it."""
    page = desk.open()
    page.keyboard.type("type")
    page.wait_for_selector("#completions button:nth-child(2)")
    page.focus("#completions button")
    page.evaluate("document.getElementById('query').value = 'chest'")
    page.evaluate("document.getElementById('query').dispatchEvent(new Event('input'))")
    page.wait_for_selector("#completions button:focus:has-text('Chest')")


def test_places_in_the_stages(desk: Desk) -> None:
    """The place after each stage is there for who wants to know."""
    page = desk.open()
    search(page, "dolor torácico", "R07.9")
    page.click(".hit:first-child .stages summary")
    assert re.search(r"Place after the first stage\s+1", page.inner_text(".hit:first-child .stages"))


def test_keyboard_alone(desk: Desk) -> None:
    """Field, results, code and back again, without a mouse."""
    page = desk.open()
    page.keyboard.press("Tab")
    page.locator("#help-button").focus()
    page.keyboard.press("/")
    assert focused(page) == "query"
    page.keyboard.type("diabetes tipo 2")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hit-link:focus")
    assert focused(page) == "#E11.9"
    page.keyboard.press("ArrowDown")
    second = focused(page)
    assert second != "#E11.9"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_selector("#card-title:focus")
    assert page.url.endswith("#E11.9")
    page.keyboard.press("Escape")
    assert not page.is_visible("#card")
    assert focused(page) == "#E11.9"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowUp")
    assert focused(page) == "query"
    page.keyboard.press("Escape")
    assert page.input_value("#query") == ""
    assert page.locator(".hit").count() == 0


def test_copying(desk: Desk) -> None:
    """`c` copies the code, `t` code and title, and both are confirmed for those who do not see it."""
    page = desk.open(permissions=["clipboard-read", "clipboard-write"])
    search(page, "diabetes tipo 2", "E11.9")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("c")
    sync_api.expect(page.locator("#live")).to_have_text("Copied: E11.9")
    assert page.evaluate("navigator.clipboard.readText()") == "E11.9"
    page.keyboard.press("t")
    title = "E11.9 Type 2 diabetes mellitus without complications"
    sync_api.expect(page.locator("#live")).to_have_text(f"Copied: {title}")
    assert page.evaluate("navigator.clipboard.readText()") == title
    assert page.inner_text("#toast") == f"Copied: {title}"


def test_copying_without_clipboard(desk: Desk) -> None:
    """Over plain HTTP a browser has no clipboard; copying works all the same."""
    page = desk.open(permissions=["clipboard-read"])
    page.evaluate("delete Navigator.prototype.clipboard")
    search(page, "mal di gola", "R07.0")
    page.click(".hit:first-child .copy-buttons button")
    sync_api.expect(page.locator("#live")).to_have_text("Copied: R07.0")


def test_list_of_keys(desk: Desk) -> None:
    """`?` shows the keys and Escape closes them; single keys can be switched off, and stay off."""
    page = desk.open()
    page.locator("#help-button").focus()
    page.keyboard.press("?")
    assert "Copy the selected code" in page.inner_text("#help")
    assert "From the field to the completions" in page.inner_text("#help")
    page.uncheck("#single-keys")
    page.keyboard.press("Escape")
    assert not page.is_visible("#help")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    page.locator("#help-button").focus()
    page.keyboard.press("?")
    assert not page.is_visible("#help")


def test_code_in_the_address(desk: Desk) -> None:
    """An address opens a code; links go through the tree, and Back goes back."""
    page = desk.open("#E11.21")
    page.wait_for_selector("#card h2:has-text('E11.21')")
    page.click(".path a:has-text('E11.2')")
    page.wait_for_selector("#card h2 .code:text-is('E11.2')")
    page.click(".codes a:has-text('E11.21')")
    page.wait_for_selector("#card h2:has-text('E11.21')")
    page.go_back()
    page.wait_for_selector("#card h2 .code:text-is('E11.2')")


def test_card(desk: Desk) -> None:
    """A card has the place in the tree, neighbours with what differs, and titles in other languages."""
    page = desk.open("#e119")
    page.wait_for_selector("#card h2:has-text('E11.9')")
    card = page.inner_text("#card")
    assert "Chapter 4: Endocrine, nutritional and metabolic diseases" in card
    assert "Diabète sucré de type 2 sans complication" in card
    assert "Differs by: complication. nephropathy is documented" in card
    assert {text.strip("+") for text in page.locator(".comparison ins").all_inner_texts()} == {
        "without",
        "complications",
    }
    assert {text.strip("−") for text in page.locator(".comparison del").all_inner_texts()} == {
        "with",
        "diabetic",
        "nephropathy",
    }
    assert NEIGHBOUR in page.inner_text(".side.there")


def test_codes_in_notes_are_links(desk: Desk) -> None:
    """What a note of the tabular list names can be opened."""
    page = desk.open("#E11")
    page.click(".notes a:text-is('E10')")
    page.wait_for_selector("#card h2:has-text('Type 1 diabetes mellitus')")


def test_unknown_code(desk: Desk) -> None:
    """A code that is not there is said to be so, with codes that are like it."""
    desk.allowed = "404"
    page = desk.open("#E11.99")
    page.wait_for_selector("#card .notice")
    assert page.inner_text("#card .notice") == "E11.99 is not in this code set."
    assert "E11.9" in page.locator("#card .codes .code").all_inner_texts()


def test_groups(desk: Desk) -> None:
    """Codes that differ by side alone are one result, with the other side to choose."""
    page = desk.open()
    page.check("#grouped")
    search(page, "Unspecified fracture of the lower end of left radius", "S52.502")
    choices = page.locator(".hit:first-child .choices")
    assert re.sub(r"\s+", " ", choices.inner_text()) == "side S52.501 right"
    assert page.locator('.hit[data-code="S52.501"]').count() == 0


def test_many_choices(desk: Desk) -> None:
    """Only the first three choices of a group are unfolded, so that it takes little of a phone."""
    page = desk.open(size=PHONE, has_touch=True, is_mobile=True)
    page.click("#filter-toggle")
    page.check("#grouped")

    def add(answer: dict[str, Any]) -> None:
        choice = answer["groups"][0]["choices"][0]
        more = [
            {**choice, "code": f"S52.{number}", "qualifier": ("laterality", "encounter")[number % 2]}
            for number in range(600, 620)
        ]
        answer["groups"][0]["choices"] += more

    change_answers(page, add)
    search(page, "Unspecified fracture of the lower end of left radius", "S52.502")
    choices = page.locator(".hit:first-child .choices")
    assert choices.locator("a:visible").count() == 3
    assert choices.locator("summary").inner_text() == "18 more"
    assert page.evaluate("document.querySelector('.hit').offsetHeight") < 520
    choices.locator("summary").click()
    assert choices.locator("a:visible").count() == 21


def test_filters(desk: Desk) -> None:
    """Chapter, code above and billable leave codes out; a filter that is no code is said to be none."""
    page = desk.open()
    search(page, "diabetes tipo 2", "E11.9")
    page.select_option("#chapter", "18")
    sync_api.expect(page.locator(".hit")).to_have_count(3)
    page.check("#billable")
    sync_api.expect(page.locator(".hit")).to_have_count(2)
    page.click("#clear-filters")
    page.fill("#under", "e11")
    sync_api.expect(page.locator(".hit")).to_have_count(4)
    page.fill("#under", "e")
    wrong = TEXTS["en"]["filters.underInvalid"]
    assert page.inner_text("#under-error") == wrong
    assert page.locator(".hit").count() == 0
    page.fill("#query", "diabetes")
    page.wait_for_timeout(400)
    assert page.locator(".hit").count() == 0
    assert page.inner_text("#count") == wrong
    page.fill("#under", "e11")
    sync_api.expect(page.locator(".hit")).to_have_count(4)


def test_too_long_a_text(desk: Desk) -> None:
    """A pasted text is never cut: one of 2,000 characters is searched, one more is said to be too long."""
    page = desk.open()
    search(page, "dolor torácico", "R07.9")
    page.fill("#query", "d" * 2_001)
    page.wait_for_selector("#problem")
    assert TEXTS["en"]["problem.tooLarge"] in page.inner_text("#problem")
    assert page.locator(".hit").count() == 0
    assert len(page.input_value("#query")) == 2_001
    page.fill("#query", "d" * 1_999 + "   d")  # white space counts once
    page.wait_for_selector("#problem")
    page.fill("#query", "d" * 1_998 + "   d")
    page.wait_for_selector("#problem", state="hidden")


def test_preferences_are_remembered_and_queries_are_not(desk: Desk) -> None:
    """Language and filters come back after a reload; what was searched for is stored nowhere."""
    page = desk.open()
    page.select_option("#ui-language", "fr")
    page.wait_for_selector("html[lang=fr]")
    page.check("#billable")
    search(page, "dolor torácico", "R07.9")
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert '\\"ui\\":\\"fr\\"' in stored
    assert "dolor" not in stored
    assert "dolor" not in page.url
    page.reload()
    page.wait_for_selector("html[lang=fr][data-ready]")
    assert page.is_checked("#billable")
    assert page.input_value("#query") == ""


@pytest.mark.parametrize(
    ("probability", "threshold", "said"),
    [
        (0.61, 0.65, "80% needs a probability of at least 65%; that of the first code is 61%."),
        (0.651, 0.654, "80% needs a probability of at least 65.4%; that of the first code is 65.1%."),
        (0.61, 0.997, "80% needs a probability of at least 99.7%; that of the first code is 61.0%."),
        (0.61, 1.1, "80% is out of reach. Choose a lower one."),
    ],
)
def test_not_sure(desk: Desk, probability: float, threshold: float, said: str) -> None:
    """Where the first code is not sure enough the page says what the precision needs, and what there is."""
    page = desk.open()

    def doubt(answer: dict[str, Any]) -> None:
        answer.update(known=False, threshold=threshold)
        answer["hits"][0]["probability"] = probability

    change_answers(page, doubt)
    search(page, "dolor torácico", "R07.9")
    assert f"Not sure: a precision of {said}" in page.inner_text("#unsure")
    page.unroute_all()
    page.select_option("#precision", "0.7")
    page.wait_for_selector("#unsure", state="hidden")


def test_answers_are_text(desk: Desk) -> None:
    """Markup in an answer is shown, not made."""
    page = desk.open()
    change_answers(page, lambda answer: answer["hits"][0].update(alias="<img src=x onerror=alert(1)>"))
    search(page, "dolor torácico", "R07.9")
    assert page.inner_text(".hit:first-child q") == "<img src=x onerror=alert(1)>"
    assert page.locator(".hit img").count() == 0


def test_stale_answers_are_dropped(desk: Desk) -> None:
    """A slow answer to an earlier phrase never replaces that to a later one."""
    page = desk.open()
    held: list[Route] = []

    def hold(route: "Route") -> None:
        if "blood" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/v1/search", hold)
    with page.expect_request("**/v1/search"):
        page.fill("#query", "high blood pressure")
    search(page, "mal di gola", "R07.0")
    assert held[0].request.failure is not None
    page.wait_for_timeout(200)
    assert page.get_attribute(".hit:first-child", "data-code") == "R07.0"


@pytest.mark.parametrize(
    ("status", "kind", "language"),
    [(413, "tooLarge", "en"), (422, "invalid", "ca"), (500, "server", "pt"), (504, "timeout", "it")],
)
def test_errors(desk: Desk, status: int, kind: str, language: str) -> None:
    """An error is said in the language of the page, codes of earlier phrases go, and trying again helps."""
    desk.allowed = "Failed to load resource"
    page = desk.open(locale=language)
    search(page, "dolor torácico", "R07.9")
    problem = {"type": "about:blank", "title": "No", "status": status, "detail": "`query` is wrong."}
    page.route(
        "**/v1/search",
        lambda route: route.fulfill(status=status, json=problem, content_type="application/problem+json"),
    )
    page.fill("#query", "mal di gola")
    page.wait_for_selector("#problem")
    assert TEXTS[language][f"problem.{kind}"] in page.inner_text("#problem")
    assert ("`query` is wrong." in page.inner_text("#problem")) == (kind == "invalid")
    assert page.locator(".hit").count() == 0
    page.unroute_all()
    page.click("#problem button")
    page.wait_for_selector('.hit:first-child[data-code="R07.0"]')
    assert not page.is_visible("#problem")


def test_offline(desk: Desk) -> None:
    """Without a network the page says to check it."""
    desk.allowed = "Failed to load resource"
    page = desk.open()
    page.route("**/v1/**", lambda route: route.abort("internetdisconnected"))
    page.fill("#query", "dolor torácico")
    page.wait_for_selector("#problem")
    assert TEXTS["en"]["problem.offline"] in page.inner_text("#problem")


def test_no_answer(desk: Desk) -> None:
    """After 12 seconds without an answer the page gives up."""
    page = desk.open()
    page.clock.install()
    page.route("**/v1/search", lambda _route: None)
    with page.expect_request("**/v1/search"):
        page.fill("#query", "dolor torácico")
        page.clock.run_for(200)
    page.clock.run_for(11_000)
    assert not page.is_visible("#problem")
    page.clock.run_for(1_000)
    page.wait_for_selector("#problem")
    assert TEXTS["en"]["problem.timeout"] in page.inner_text("#problem")


@pytest.mark.parametrize(("refusals", "shown"), [(1, ""), (2, "problem.busy")])
def test_busy(desk: Desk, refusals: int, shown: str) -> None:
    """A busy service is asked once more after the time that it names, and no more."""
    desk.allowed = "Failed to load resource"
    page = desk.open()
    asked = 0

    def refuse(route: "Route") -> None:
        nonlocal asked
        asked += 1
        if asked <= refusals:
            route.fulfill(status=503, headers={"Retry-After": "1"}, body="{}")
        else:
            route.continue_()

    page.route("**/v1/search", refuse)
    page.fill("#query", "dolor torácico")
    page.wait_for_selector(f"text={TEXTS['en']['problem.waiting.one'].replace('{count}', '1')}")
    page.wait_for_selector(f"text={TEXTS['en'][shown]}" if shown else '.hit[data-code="R07.9"]')
    page.wait_for_timeout(300)
    assert asked == 2


def test_api_key(desk: Desk, locked_address: str) -> None:
    """A service that needs a key is asked with it; the key is kept for this tab alone."""
    desk.address, desk.allowed = locked_address, "401"
    page = desk.open()
    assert page.is_visible("#key-dialog")
    page.fill("#key", KEY)
    page.keyboard.press("Enter")
    page.wait_for_selector("#query:focus")
    sync_api.expect(page.locator("#release")).to_contain_text("ICD-10-CM tiny")
    assert not page.is_visible("#problem")
    search(page, "dolor torácico", "R07.9")
    assert KEY in page.evaluate("JSON.stringify({...sessionStorage})")
    assert KEY not in page.evaluate("JSON.stringify({...localStorage}) + document.cookie + location.href")


@pytest.mark.parametrize("language", LANGUAGES)
def test_wrong_api_key(desk: Desk, locked_address: str, language: str) -> None:
    """A key that the service refuses is called wrong where it was entered, and is not kept."""
    desk.address, desk.allowed = locked_address, "401"
    page = desk.open(locale=language)
    assert page.inner_text("#key-error") == ""
    for wrong in ("wrong", "not possible in a header"):
        page.fill("#key", wrong)
        page.keyboard.press("Enter")
        sync_api.expect(page.locator("#key-error")).to_have_text(TEXTS[language]["apiKey.wrong"])
        assert page.is_visible("#key-dialog")
        assert wrong not in page.evaluate("JSON.stringify({...sessionStorage})")


def test_stored_api_key_that_is_no_longer_right(desk: Desk, locked_address: str) -> None:
    """A key that was right once is called wrong when the page is loaded again."""
    desk.address, desk.allowed = locked_address, "401"
    page = desk.open()
    page.evaluate("sessionStorage.setItem('codisearch.key', 'old')")
    page.reload()
    page.wait_for_selector("#key-dialog[open]")
    assert page.inner_text("#key-error") == TEXTS["en"]["apiKey.wrong"]


def test_phrase_never_gets_into_the_api_key(desk: Desk) -> None:
    """Once somebody writes, no dialog opens by itself: a message with a button asks for the key."""
    desk.allowed = "401"
    page = desk.open()
    refusal = {"title": "Unauthorized", "status": 401, "detail": "No key."}
    page.route("**/v1/**", lambda route: route.fulfill(status=401, json=refusal))
    page.keyboard.type("dolor ", delay=60)
    page.wait_for_selector("#problem")
    page.keyboard.type("torácico")
    assert page.input_value("#query") == "dolor torácico"
    assert not page.is_visible("#key-dialog")
    assert page.input_value("#key") == ""
    page.click("#problem button:text-is('Enter the key')")
    assert page.is_visible("#key-dialog")
    page.unroute_all()
    page.fill("#key", KEY)
    page.keyboard.press("Enter")
    page.wait_for_selector('.hit:first-child[data-code="R07.9"]')


def test_writing_before_the_service_asks_for_a_key(desk: Desk) -> None:
    """A phrase that is begun while the page loads stays where it is, though the refusal comes late."""
    desk.allowed = "401"
    page = desk.open()
    held: list[Route] = []

    def hold(route: "Route") -> None:
        held.append(route)

    page.route("**/v1/**", hold)
    with page.expect_request("**/v1/info"):
        page.reload(wait_until="domcontentloaded")
    page.focus("#query")
    page.keyboard.type("do")
    held[0].fulfill(status=401, json={"status": 401})
    page.wait_for_selector("#problem")
    page.keyboard.type("lor")
    assert page.input_value("#query") == "dolor"
    assert not page.is_visible("#key-dialog")


def test_code_in_the_address_of_a_locked_service(desk: Desk, locked_address: str) -> None:
    """A linked code is shown as soon as the key is there."""
    desk.address, desk.allowed = locked_address, "401"
    page = desk.open("#E11.9")
    page.click("#key-dialog [data-close]")
    page.click("#card button:text-is('Enter the key')")
    page.fill("#key", KEY)
    page.keyboard.press("Enter")
    page.wait_for_selector("#card .card-tools")
    page.wait_for_selector("#card-title:focus")


@pytest.mark.parametrize("language", LANGUAGES)
def test_phone(desk: Desk, language: str) -> None:
    """At 320 pixels nothing has to be scrolled sideways, and a code takes the place of the list."""
    page = desk.open(locale=language, size=PHONE, has_touch=True, is_mobile=True)
    wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(wider)
    page.click("#filter-toggle")
    search(page, "diabetes tipo 2", "E11.9")
    assert not page.evaluate(wider)
    assert page.evaluate("getComputedStyle(document.querySelector('footer')).position") == "static"
    page.tap(".hit-link")
    page.wait_for_selector("#card h2:has-text('E11.9')")
    assert not page.evaluate(wider)
    assert not page.is_visible("#query")
    page.tap(".close")
    assert page.is_visible("#query")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_accessibility(desk: Desk, scheme: str, size: dict[str, int]) -> None:
    """Axe finds nothing on the empty page, with results, with a code, and in a dialog."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = desk.open(size=size, color_scheme=scheme, reduced_motion="reduce")
    change_answers(page, lambda answer: answer.update(known=False))

    def findings() -> list[str]:
        response = axe.run(page).response
        return [
            f"{found['impact']} {found['id']} {[node['target'] for node in found['nodes']]}"
            for found in response["violations"]
        ]

    assert findings() == []
    search(page, "diabetes tipo 2", "E11.9")
    page.click(".hit:first-child .stages summary")
    assert findings() == []
    page.click(".hit-link")
    page.wait_for_selector("#card .card-tools")
    assert findings() == []
    page.evaluate("document.getElementById('help-button').click()")
    assert findings() == []


def test_opening_what_is_open(desk: Desk) -> None:
    """Enter on the result whose code is open goes to the panel."""
    page = desk.open("#E11.9")
    search(page, "diabetes tipo 2", "E11.9")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("#card-title:focus")


def test_filters_leave_the_open_code_alone(desk: Desk) -> None:
    """A filter does not ask for the open code again; another language does."""
    page = desk.open("#E11.9")
    page.wait_for_selector("#card .card-tools")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/codes/" in request.url else None)
    page.check("#billable")
    page.select_option("#query-language", "fr")
    page.wait_for_selector("#card h2:has-text('Diabète sucré de type 2 sans complication')")
    assert [url.rpartition("/")[2] for url in asked] == ["E11.9?language=fr"]
