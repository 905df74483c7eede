"""`/v1/search`, `/v1/batch` and `/v1/suggest`."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from codisearch.retrieval.answers import Answer
from codisearch.retrieval.retriever import Retriever

PROBLEM = "application/problem+json"


def codes_of(answer: dict[str, Any]) -> list[str]:
    return [hit["code"] for hit in answer["hits"]]


def test_search_answers_what_the_retriever_answers(client: TestClient, retriever: Retriever) -> None:
    response = client.post("/v1/search", json={"query": "high  blood\tpressure", "language": "en", "top": 3})
    answer = response.json()
    assert (response.status_code, answer["query"], answer["language"]) == (200, "high blood pressure", "en")
    assert codes_of(answer)[0] == "I10"
    assert answer["hits"][0]["alias"] == "High blood pressure"
    expected = retriever.search("high blood pressure", "en", 3)
    assert codes_of(answer) == [hit.code for hit in expected]
    assert TypeAdapter(Answer).validate_python(answer).hits[0] == expected[0]


@pytest.mark.parametrize("name", ["q", "query"])
def test_get_and_post_are_the_same(client: TestClient, name: str) -> None:
    options = {"top": 4, "billable_only": True, "grouped": True, "precision": 0.9, "rerank": False}
    got = client.get("/v1/search", params={name: "asma", **options})
    posted = client.post("/v1/search", json={name: "asma", **options})
    assert got.status_code == posted.status_code == 200
    assert got.json() == posted.json()


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ({"under": "e10"}, {"E10", "E10.9"}),
        ({"under": "E11.2", "billable_only": True}, {"E11.21", "E11.22"}),
        ({"top": 1}, {"I10"}),
    ],
)
def test_options_reach_the_retriever(client: TestClient, options: dict[str, Any], codes: set[str]) -> None:
    answer = client.post("/v1/search", json={"query": "high blood pressure", **options}).json()
    assert set(codes_of(answer)) == codes


def test_titles_in_another_language(client: TestClient) -> None:
    """The query may be in one language and titles in another."""
    asked = {"query": "high blood pressure", "language": "en", "display_language": "es", "top": 1}
    (hit,) = client.post("/v1/search", json=asked).json()["hits"]
    assert (hit["title"], hit["title_language"]) == ("Hipertensión esencial (primaria)", "es")


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({}, ["`query`: field required"]),
        ({"query": ""}, ["Query 1 is empty"]),
        ({"query": 5}, ["`query`: input should be a valid string, came 5"]),
        ({"query": "a", "top": 101}, ["`top`", "less than or equal to 100, came 101"]),
        ({"query": "a", "top": 0}, ["`top`", "greater than or equal to 1, came 0"]),
        ({"query": "a", "language": "de"}, ["`language`", "'en', 'es', 'ca', 'it', 'pt' or 'fr', came 'de'"]),
        ({"query": "a", "precision": 0.4}, ["`precision`", "0.5, came 0.4"]),
        ({"query": "a", "chapter": "23"}, ["23"]),
        ({"query": "a", "under": "hello!"}, ["Not an ICD-10-CM code: 'hello!'"]),
        ({"query": "a", "limit": 3}, ["`limit`: no such parameter"]),
        ({"query": "a", "q": "b"}, ["`q`: no such parameter"]),
        ({"query": "a", "language": "cat"}, ["`language`", "came 'cat'"]),
        ({"query": "a", "language": "ca-"}, ["`language`", "came 'ca-'"]),
        ({"query": "asma\x00"}, ["Query 1 holds a control character, '\\x00'"]),
        ({"query": "as\x1bma"}, ["control character"]),
        ({"query": "a" * 2001}, ["2001 characters; at most 2000"]),
        ([1], ["`body`"]),
    ],
)
def test_what_is_wrong_is_said(client: TestClient, body: Any, details: list[str]) -> None:
    response = client.post("/v1/search", json=body)
    problem = response.json()
    assert (response.status_code, response.headers["content-type"]) == (422, PROBLEM)
    assert (problem["type"], problem["title"], problem["status"]) == (
        "about:blank",
        "Unprocessable Entity",
        422,
    )
    assert all(detail in problem["detail"] for detail in details)
    assert "\n" not in problem["detail"]


def test_unknown_code_of_a_filter_has_suggestions(client: TestClient) -> None:
    response = client.post("/v1/search", json={"query": "asma", "under": "E11.99"})
    assert response.status_code == 422
    assert "E11.9" in [name["code"] for name in response.json()["suggestions"]]


def test_batch_answers_in_order(client: TestClient) -> None:
    queries = ["high blood pressure", {"query": "asma bronquial", "language": "es"}, "Late onset asthma"]
    response = client.post("/v1/batch", json={"queries": queries, "top": 2, "language": "en"})
    answers = response.json()["answers"]
    assert [answer["language"] for answer in answers] == ["en", "es", "en"]
    assert [codes_of(answer)[0] for answer in answers] == ["I10", "J45.9", "J45.9"]
    assert all(len(answer["hits"]) == 2 for answer in answers)


def test_a_bad_item_harms_no_other(client: TestClient) -> None:
    queries = ["asma", "", 7, None, {"language": "es"}, {"query": "a", "language": "xx"}, "x" * 2001, "asma"]
    response = client.post("/v1/batch", json={"queries": queries})
    answers = response.json()["answers"]
    assert response.status_code == 200
    assert [sorted(answer) == ["error"] for answer in answers] == [False, *[True] * 6, False]
    details = [answer["error"]["detail"] for answer in answers[1:-1]]
    assert details[0].startswith("Query 2 is empty")
    assert details[1] == "Query 3 must be a text or an object with `query`, came int."
    assert details[2] == "Query 4 must be a text or an object with `query`, came NoneType."
    assert details[3] == "`5.query`: field required."
    assert details[4].startswith("`6.language`: input should be 'en'")
    assert details[5].startswith("Query 7 has 2001 characters")
    assert answers[0] == answers[7]


def test_batch_that_is_too_large(client: TestClient) -> None:
    response = client.post("/v1/batch", json={"queries": ["asma"] * 257})
    assert response.status_code == 422
    assert response.json()["detail"] == "`queries`: at most 256 in one request, came 257."


def test_largest_and_smallest_batch(client: TestClient) -> None:
    """A batch is done in parts; nothing is lost between them."""
    queries = [f"asma {number}" for number in range(256)]
    answers = client.post("/v1/batch", json={"queries": queries, "top": 1}).json()["answers"]
    assert [answer["query"] for answer in answers] == queries
    assert client.post("/v1/batch", json={"queries": []}).json() == {"answers": []}


def test_wrong_options_of_a_batch_refuse_it(client: TestClient) -> None:
    assert client.post("/v1/batch", json={"queries": ["asma"], "chapter": "99"}).status_code == 422


def test_suggest(client: TestClient) -> None:
    expected = {"text": "E11.9", "code": "E11.9", "billable": True, "language": ""}
    for response in (
        client.get("/v1/suggest", params={"q": "e11.9"}),
        client.post("/v1/suggest", json={"q": "e11.9"}),
    ):
        (suggestion,) = response.json()["suggestions"]
        assert suggestion == {**expected, "title": "Type 2 diabetes mellitus without complications"}
    texts = client.post("/v1/suggest", json={"q": "late on", "top": 1}).json()["suggestions"]
    assert [found["code"] for found in texts] == ["J45.9"]
    assert client.post("/v1/suggest", json={"q": ""}).json() == {"suggestions": []}
    assert client.post("/v1/suggest", json={}).status_code == 422


@pytest.mark.parametrize(
    ("tag", "language"), [("ca-ES", "ca"), ("CA", "ca"), ("es_MX", "es"), ("pt-BR", "pt")]
)
def test_language_tags(client: TestClient, tag: str, language: str) -> None:
    """A tag stands for its language, wherever there is one."""
    options = {"query": "asma", "language": tag, "display_language": tag}
    assert client.post("/v1/search", json=options).json()["language"] == language
    assert client.get("/v1/search", params=options).json()["language"] == language
    item = {"query": "asma", "language": tag}
    (answer,) = client.post("/v1/batch", json={"queries": [item]}).json()["answers"]
    assert answer["language"] == language
    assert client.get("/v1/suggest", params={"q": "asm", "language": tag}).status_code == 200


def test_control_characters_elsewhere(client: TestClient) -> None:
    """An item of a batch is refused in its place; what is typed as well; white space is no such character."""
    (answer, other) = client.post("/v1/batch", json={"queries": ["a\x00", "a\tb\r\n"]}).json()["answers"]
    assert answer["error"]["status"] == 422
    assert answer["error"]["detail"].startswith("Query 1 holds a control character")
    assert other["query"] == "a b"
    assert client.get("/v1/suggest?q=as%00").status_code == 422


def test_threshold_of_an_answer(client: TestClient, retriever: Retriever) -> None:
    """It is what the first hit must reach; to be known means that it does."""
    asked = {"query": "high blood pressure", "language": "en", "precision": 0.9, "top": 1}
    answer = client.post("/v1/search", json=asked).json()
    assert answer["threshold"] == retriever.search("high blood pressure", "en", 1, precision=0.9).threshold
    assert answer["known"] is (answer["hits"][0]["probability"] >= answer["threshold"])
