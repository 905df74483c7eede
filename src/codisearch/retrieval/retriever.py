"""Search in Python: phrases in, codes out."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Unpack

from codisearch.detection import detect_language
from codisearch.languages import check_language
from codisearch.retrieval.aliases import QUERY_SOURCE
from codisearch.retrieval.answers import Answer, CodeCard, Hit, Suggestion
from codisearch.retrieval.bundle import Bundle, Manifest
from codisearch.retrieval.codebook import Codebook
from codisearch.retrieval.confident import QUERIES_AT_ONCE
from codisearch.retrieval.hits import HitBuilder
from codisearch.retrieval.queries import MAX_TOP, SearchKeywords, SearchOptions, check_query
from codisearch.retrieval.ranking import Mask
from codisearch.retrieval.siblings import Siblings
from codisearch.retrieval.suggestions import Suggester, Text


class Retriever:
    """Finds codes for clinical phrases with a bundle; threads can share it.

    Example:
        >>> retriever = Retriever.load("data/06_models/bundle")
        >>> retriever.search("dolor torácico opresivo", language="es", top=3)[0].code
    """

    def __init__(self, bundle: Bundle) -> None:
        self._manifest = bundle.manifest
        self._ranker = bundle.search()
        self._codebook = Codebook(bundle.codes, bundle.titles, bundle.confusables, bundle.manifest.release)
        self._siblings = Siblings(self._codebook)
        self._hits = HitBuilder(self._codebook, self._ranker.stages.first, bundle.aliases)
        self._titles = list(bundle.titles[["title", "code", "language"]].itertuples(index=False, name=None))
        # Tokenizers and their caches cannot be shared by threads, and one search fills the processor.
        self._models = Lock()
        self._building = Lock()

    @classmethod
    def load(cls, path: str | Path) -> "Retriever":
        """Open a bundle.

        Raises:
            BundleError: If it is missing, incomplete, corrupted or of another format.
        """
        return cls(Bundle.load(Path(path)))

    @property
    def manifest(self) -> Manifest:
        """What the bundle is made of."""
        return self._manifest

    @property
    def release(self) -> str:
        """Release of the code set."""
        return self._manifest.release

    @property
    def codebook(self) -> Codebook:
        """The codes, their titles and the tree."""
        return self._codebook

    def search(
        self,
        query: str,
        language: str | None = None,
        top: int = 10,
        *,
        billable_only: bool = False,
        chapter: str | None = None,
        under: str | None = None,
        rerank: bool = True,
        grouped: bool = False,
        precision: float | None = None,
        display_language: str | None = None,
    ) -> Answer:
        """Return the first `top` codes for a phrase, best first, or for a code that was typed.

        Args:
            query: A clinical phrase in one of the six languages, or a code.
            language: Its language tag; None: detected. One index serves all languages, and the codes and
                their order do not depend on it: it decides the calibration of probabilities, and of a code's
                aliases that match about equally well, one in the asked language is shown.
            top: How many codes, 1 to 100; the order does not depend on it.
            billable_only: Only codes that can be billed.
            chapter: Only codes of a chapter, by number, such as `9`.
            under: Only this code and those below it.
            rerank: Whether the second stage reads the first codes.
            grouped: Whether to return the hits as groups of siblings too.
            precision: Share of right first answers that is asked for; an answer that is less sure is not
                `known`. None: the bundle's own.
            display_language: Language of titles; None: the asked language, else English.

        Raises:
            InputError: If the query is empty or too long, or an option is not allowed.
            UnknownCodeError: If there is no code `under`.
        """
        return self.search_many(
            [query],
            language,
            top,
            billable_only=billable_only,
            chapter=chapter,
            under=under,
            rerank=rerank,
            grouped=grouped,
            precision=precision,
            display_language=display_language,
        )[0]

    def search_many(
        self,
        queries: Sequence[str],
        language: str | None = None,
        top: int = 10,
        **options: Unpack[SearchKeywords],
    ) -> list[Answer]:
        """Return the first `top` codes for each phrase; much faster than one by one. See `search`."""
        asked = SearchOptions(language=language, top=top, **options).checked()
        cleaned = [check_query(query, number) for number, query in enumerate(queries, start=1)]
        allowed = self._codebook.mask(
            billable_only=asked.billable_only, chapter=asked.chapter, under=asked.under
        )
        answers = []
        for start in range(0, len(cleaned), QUERIES_AT_ONCE):
            answers += self._answer(cleaned[start : start + QUERIES_AT_ONCE], asked, allowed)
        return answers

    def lookup(self, code: str, language: str | None = None, *, exact: bool = False) -> CodeCard:
        """Return all that is known of a code.

        Args:
            code: With or without its dot, in any case.
            language: Language of titles; None: English.
            exact: Whether a look-alike letter (`EI1.9`) and `E11.-` are refused; else they are understood.

        Raises:
            InputError: If it does not have the form of a code, or the language is unknown.
            UnknownCodeError: If the code set does not have it; the error holds the nearest ones.
        """
        return self._codebook.card(code, None if language is None else check_language(language), exact=exact)

    def suggest(self, typed: str, language: str | None = None, top: int = 10) -> list[Suggestion]:
        """Return completions of what is being typed: codes by their beginning, texts by their words'.

        Args:
            typed: What was typed so far; nothing and signs alone have no completion.
            language: Texts in this language come first, and titles are in it; None: any, and English.
            top: How many, 1 to 100.

        Raises:
            InputError: If it is too long, or the language or `top` is not allowed.
        """
        SearchOptions(language=language, top=top).checked()
        if not any(letter.isalpha() for letter in typed):
            return []
        return self._suggester_.suggest(check_query(typed), language, top)

    def warm_up(self) -> None:
        """Build and load what would be at the first search: completions, language models, caches."""
        self.search("dolor")
        self.suggest("dolor")

    @property
    def _suggester_(self) -> Suggester:
        with self._building:
            return self._suggester

    @cached_property
    def _suggester(self) -> Suggester:
        positions = self._ranker.stages.first.code_of_alias.tolist()
        texts = [
            Text(alias, position, language, is_example=source == QUERY_SOURCE)
            for (alias, language, source), position in zip(self._hits.aliases, positions, strict=True)
        ]
        texts += [
            Text(title, self._codebook.positions[code], language) for title, code, language in self._titles
        ]
        return Suggester(self._codebook, texts)

    def _answer(self, queries: Sequence[str], options: SearchOptions, allowed: Mask | None) -> list[Answer]:
        typed = [self._codebook.typed_code(query, allowed) for query in queries]
        languages = [
            options.language or (detect_language(query) if one is None else None)
            for query, one in zip(queries, typed, strict=True)
        ]
        phrases = [place for place, one in enumerate(typed) if one is None]
        texts = [queries[place] for place in phrases]
        threshold = self._ranker.confidence.threshold(options.precision, rerank=options.rerank)
        hits: dict[int, list[Hit]] = {}
        sure: set[int] = set()
        if phrases:
            with self._models:
                vectors = self._ranker.stages.encode(texts)
                rankings = self._ranker.answer_vectors(
                    texts,
                    vectors,
                    [languages[place] for place in phrases],
                    depth=MAX_TOP,
                    allowed=allowed,
                    rerank=options.rerank,
                )
            for row, place in enumerate(phrases):
                hits[place] = self._hits.of_ranking(rankings, row, vectors[row], options)
                if hits[place] and rankings.probabilities[row, 0] >= threshold:
                    sure.add(place)
        answers = []
        for place, query in enumerate(queries):
            one = typed[place]
            found = hits[place] if one is None else self._hits.of_typed_code(one, options)
            is_the_typed_one = one is not None and bool(found) and found[0].code == one.code
            answers.append(
                Answer(
                    query=query,
                    hits=tuple(found),
                    language=languages[place],
                    detected=options.language is None and languages[place] is not None,
                    known=is_the_typed_one or place in sure,
                    precision=options.precision or self._ranker.confidence.precision,
                    threshold=threshold,
                    release=self.release,
                    groups=(self._siblings.group(found, options.display_language) if options.grouped else ()),
                )
            )
        return answers
