"""A local stand-in for a language model service, in the Gemini REST protocol and OpenAI's chat protocol.

Its answers are a function of the prompt, so that two runs of the same requests can be compared. A share of
the prompts meets faults; which prompts, and which faults, is a function of the prompt as well.

    python tests/support/stub_server.py --port 8765 --latency 0.3 --fault-rate 0.2
"""

import argparse
import asyncio
import hashlib
import json
import re
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

KEY = "test-key-1234567890"
TRANSIENT = ("429", "429_info", "500", "503", "timeout", "drop", "garbage")
USELESS = ("truncated", "invalid_json", "empty", "wrong_shape")
ROWS = ("wrong_language", "few", "malformed_item", "code_in_query")
LASTING = ("safety", "safety_candidate", "bad_request", "stubborn", "invented_code")
EVERY = (*TRANSIENT, *USELESS, *ROWS, *LASTING)

WORDS = {
    "English": [
        "patient with", "a woman who has", "an older man with", "seen today for", "for three days",
        "since last week", "without any fever", "after the visit to the clinic", "worse during the night",
    ],
    "Spanish": [
        "paciente con", "mujer que tiene", "varón mayor con", "acude hoy por", "desde hace tres días",
        "sin ninguna fiebre", "después de la visita al médico", "que empeora por la noche",
    ],
    "Catalan": [
        "pacient amb", "dona que té", "home gran amb", "avui ve per", "des de fa tres dies",
        "sense gens de febre", "després de la visita al metge", "que empitjora a la nit",
    ],
    "Italian": [
        "paziente con", "donna che ha", "uomo anziano con", "viene oggi per", "da circa tre giorni",
        "senza nessuna febbre", "dopo la visita dal medico", "che peggiora durante la notte",
    ],
    "Portuguese": [
        "doente com", "mulher que tem", "homem idoso com", "vem hoje por", "há cerca de três dias",
        "sem nenhuma febre", "depois da consulta com o médico", "que piora durante a noite",
    ],
    "French": [
        "patient avec", "femme qui a", "homme âgé avec", "vient aujourd'hui pour", "depuis trois jours",
        "sans aucune fièvre", "après la visite chez le médecin", "qui empire pendant la nuit",
    ],
}  # fmt: skip
FOREIGN = "le patient s'est présenté aujourd'hui aux urgences parce qu'il souffrait beaucoup depuis hier soir"
FOREIGN_TO_FRENCH = (
    "the patient came to the emergency room because she had been in a lot of pain since yesterday"
)


@dataclass
class Stub:
    """The service.

    Attributes:
        latency: Seconds to an answer.
        fault_rate: Share of the prompts that meet a fault.
        faults: Which faults there are.
        stall: Seconds that a time-out takes.
        batch_seconds: Seconds until a batch job is done.
        echo_key: Whether error messages repeat the key that came, as a careless gateway may.
        disagree: Share of the queries that the blind reader codes otherwise.
        salt: With another one the same prompt brings other words.
    """

    latency: float = 0.0
    fault_rate: float = 0.0
    faults: tuple[str, ...] = EVERY
    stall: float = 5.0
    batch_seconds: float = 0.0
    echo_key: bool = False
    disagree: float = 0.1
    salt: str = ""
    down: bool = False
    quota: int | None = None
    arrivals: Counter[str] = field(default_factory=Counter)
    delivered: Counter[str] = field(default_factory=Counter)
    codes: dict[str, str] = field(default_factory=dict)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    job_faults: list[str] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    answered_at: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def app(self) -> web.Application:
        """Return the web application."""
        app = web.Application(client_max_size=1 << 30)
        app.router.add_post("/{version}/models/{model}:generateContent", self.generate)
        app.router.add_post("/{version}/models/{model}:batchGenerateContent", self.batch_create)
        app.router.add_get("/{version}/batches", self.batch_list)
        app.router.add_get("/{version}/batches/{name}", self.batch_get)
        app.router.add_post("/upload/{version}/files", self.upload_start)
        app.router.add_post("/upload/{upload}", self.upload_content)
        app.router.add_get("/{version}/files/{name}:download", self.download)
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_get("/stub", self.stats)
        app.router.add_post("/stub", self.configure)
        return app

    # ---- the Gemini protocol

    async def generate(self, request: web.Request) -> web.StreamResponse:
        """Answer models.generateContent."""
        body = await request.json()
        self.bodies = [*self.bodies[-4:], body]
        if refusal := self.refusal(request.headers.get("x-goog-api-key", "")):
            return refusal
        user = body["contents"][0]["parts"][0]["text"]
        system = body["systemInstruction"]["parts"][0]["text"]
        return await self.reply(request, system, user, gemini=True)

    def refusal(self, key: str) -> web.Response | None:
        """Return the error that a wrong key brings."""
        if key == KEY:
            return None
        message = f"API key not valid. Please pass a valid API key.{' Came: ' + key if self.echo_key else ''}"
        details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
        error = {"code": 400, "message": message, "status": "INVALID_ARGUMENT", "details": details}
        return web.json_response({"error": error}, status=400)

    async def reply(
        self, request: web.Request, system: str, user: str, *, gemini: bool
    ) -> web.StreamResponse:
        """Answer a prompt after the latency, with its fault if it has one."""
        mark = digest(system, user)
        self.arrivals[mark] += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self.latency)
            kind = "503" if self.down else self.fault_of(mark)
            if self.quota is not None and sum(self.delivered.values()) >= self.quota:
                kind = "quota"
            broken = await self.breakage(request, kind)
            if broken is not None:
                return broken
            content = self.content(system, user, kind)
            return await self.deliver(
                request, gemini_response(content) if gemini else chat_response(content), mark
            )
        finally:
            self.under_way -= 1

    async def deliver(self, request: web.Request, body: dict[str, Any], mark: str) -> web.StreamResponse:
        """Send a response, and count it once the last byte is out."""
        response = web.json_response(body)
        try:
            await response.prepare(request)
            await response.write_eof()
        except ConnectionError:
            return response  # who asked is gone
        if request.transport is not None and not request.transport.is_closing():
            self.delivered[mark] += 1
            self.answered_at[mark].append(time.time())
        return response

    def fault_of(self, mark: str) -> str:
        """Return the fault that this arrival of a prompt meets."""
        number = int(mark[:8], 16) / 0xFFFFFFFF
        if number >= self.fault_rate:
            return ""
        kind = self.faults[int(mark[8:16], 16) % len(self.faults)]
        times = 1 + int(mark[16], 16) % 2 if kind in TRANSIENT else 1
        return kind if kind in LASTING or self.arrivals[mark] <= times else ""

    async def breakage(self, request: web.Request, kind: str) -> web.StreamResponse | None:  # noqa: PLR0911
        """Return the response of a fault of the service, or None if the model answers."""
        said = request.headers.get("x-goog-api-key", "") if self.echo_key else ""
        if kind in {"429", "429_info", "quota"}:
            details: list[dict[str, Any]] = []
            if kind == "429_info":
                details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.1s"}]
            if kind == "quota":
                details = [{"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}]
            error = {"code": 429, "message": f"Resource exhausted {said}", "status": "RESOURCE_EXHAUSTED",
                     "details": details}  # fmt: skip
            headers = {"Retry-After": "0.1"} if kind == "429" else {}
            return web.json_response({"error": error}, status=429, headers=headers)
        if kind in {"500", "503"}:
            error = {"code": int(kind), "message": f"The model is overloaded {said}", "status": "UNAVAILABLE"}
            return web.json_response({"error": error}, status=int(kind))
        if kind == "bad_request":
            error = {
                "code": 400,
                "message": "Request contains an invalid argument.",
                "status": "INVALID_ARGUMENT",
            }
            return web.json_response({"error": error}, status=400)
        if kind == "timeout":
            await asyncio.sleep(self.stall)
            return web.Response(status=504)
        if kind == "drop":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if kind == "garbage":
            return web.Response(text="<html>upstream</html>", content_type="application/json")
        return None

    # ---- what the model says

    def content(self, system: str, user: str, kind: str) -> dict[str, Any]:
        """Return text and finish of an answer."""
        if kind == "safety":
            return {"block": "PROHIBITED_CONTENT", "text": "", "finish": "", "prompt": system + user}
        if kind == "safety_candidate":
            return {"text": "", "finish": "SAFETY", "prompt": system + user}
        answer = self.blind(user) if "Queries:" not in user else self.written(user, kind)
        text = json.dumps(answer, ensure_ascii=False)
        finish = "STOP"
        if kind == "truncated":
            text, finish = text[: len(text) // 2], "MAX_TOKENS"
        elif kind == "invalid_json":
            text = text[:-3] + "}}"
        elif kind == "empty":
            text = ""
        elif kind == "wrong_shape":
            text = json.dumps({"result": answer})
        return {"text": text, "finish": finish, "prompt": system + user}

    def written(self, user: str, kind: str) -> dict[str, Any]:
        """Return confusable codes and queries for a prompt of `queries-3`."""
        code = re.search(r"^Code: (\S+)", user, re.M)[1]  # type: ignore[index]
        language = re.search(r"^Language: (\w+)", user, re.M)[1]  # type: ignore[index]
        counts = dict(re.findall(r"(\w+) (\d+)", re.search(r"^Queries: (.*)", user, re.M)[1]))  # type: ignore[index]
        near = re.findall(r"^- (\S+) ", user, re.M)[:4]
        if kind == "invented_code":
            near = ["Z99.8888", "K00.0000"]
        queries = []
        for style, count in counts.items():
            for number in range(int(count)):
                query = phrase(language, digest(code, language, style, str(number), self.salt))
                if kind in {"wrong_language", "stubborn"} and style != "shorthand":
                    query = FOREIGN_TO_FRENCH if language == "French" else FOREIGN
                if kind == "code_in_query":
                    query = f"{query} {code}"
                self.codes[query] = code
                queries.append({"style": style, "query": query, "noise": "none"})
        if kind == "few":
            queries = queries[:1]
        if kind == "malformed_item":
            queries[0] = {"style": queries[0]["style"], "words": "no query here"}
        confusables = [
            {"code": c, "qualifier": "site", "difference": "another place of the body"} for c in near
        ]
        return {"confusables": confusables, "queries": queries}

    def blind(self, user: str) -> dict[str, Any]:
        """Return a code for each numbered query of a prompt of `audit-2`."""
        answers = []
        for number, query in re.findall(r"^(\d+)\. (.*)$", user, re.M):
            wrong = int(digest(query)[:8], 16) / 0xFFFFFFFF < self.disagree
            answers.append({"number": int(number), "code": "R69" if wrong else self.codes.get(query, "R69")})
        return {"answers": answers}

    # ---- batch jobs and files

    async def upload_start(self, request: web.Request) -> web.Response:
        """Begin a resumable upload."""
        if refusal := self.refusal(request.headers.get("x-goog-api-key", "")):
            return refusal
        name = f"up{len(self.files) + len(self.names)}"
        self.names[name] = (await request.json())["file"].get("displayName", "")
        return web.json_response({}, headers={"X-Goog-Upload-URL": f"{request.url.origin()}/upload/{name}"})

    async def upload_content(self, request: web.Request) -> web.Response:
        """Take the content of an upload."""
        name = request.match_info["upload"]
        self.files[name] = self.files.get(name, b"") + await request.read()
        final = "finalize" in request.headers["X-Goog-Upload-Command"]
        headers = {"X-Goog-Upload-Status": "final" if final else "active"}
        return web.json_response({"file": {"name": f"files/{name}"}}, headers=headers)

    async def batch_create(self, request: web.Request) -> web.Response:
        """Begin a batch job on a file."""
        if refusal := self.refusal(request.headers.get("x-goog-api-key", "")):
            return refusal
        batch = (await request.json())["batch"]
        name = f"batches/job{len(self.jobs)}"
        source = batch["inputConfig"]["fileName"].removeprefix("files/")
        self.jobs[name] = {"label": batch["displayName"], "source": source, "since": time.time()}
        self.calls["create"] += 1
        if self.job_faults and self.job_faults[0] == "lost_reply":
            self.job_faults.pop(0)
            return web.json_response({"error": {"code": 503, "message": "try again"}}, status=503)
        return web.json_response(self.job_body(name))

    async def batch_get(self, request: web.Request) -> web.Response:
        """Return how a job stands."""
        self.calls["get"] += 1
        name = f"batches/{request.match_info['name']}"
        if name not in self.jobs:
            return web.json_response({"error": {"code": 404, "message": "no such job"}}, status=404)
        return web.json_response(self.job_body(name))

    async def batch_list(self, request: web.Request) -> web.Response:
        """Return all jobs."""
        self.calls["list"] += 1
        return web.json_response({"operations": [self.job_body(name) for name in self.jobs]})

    def job_body(self, name: str) -> dict[str, Any]:
        """Return a job as the service shows it."""
        job = self.jobs[name]
        metadata: dict[str, Any] = {"displayName": job["label"], "state": "BATCH_STATE_RUNNING"}
        if time.time() - job["since"] >= self.batch_seconds:
            if "failed" not in job:
                job["failed"] = bool(self.job_faults) and self.job_faults[0] == "failed"
                if job["failed"]:
                    self.job_faults.pop(0)
            if job["failed"]:
                metadata["state"] = "BATCH_STATE_FAILED"
            else:
                metadata |= {
                    "state": "BATCH_STATE_SUCCEEDED",
                    "output": {"responsesFile": self.finish_job(job)},
                }
        return {"name": name, "metadata": metadata}

    def finish_job(self, job: dict[str, Any]) -> str:
        """Write the result file of a job once, and return its name."""
        if "result" not in job:
            lines = []
            for line in self.files[job["source"]].decode().splitlines():
                row = json.loads(line)
                body = row["request"]
                self.bodies = [*self.bodies[-4:], body]
                user = body["contents"][0]["parts"][0]["text"]
                system = body["systemInstruction"]["parts"][0]["text"]
                mark = digest(system, user)
                self.arrivals[mark] += 1
                lines.append(json.dumps(self.batch_result(row["key"], system, user, mark)))
            job["result"] = f"r{job['source']}"
            self.files[job["result"]] = "\n".join(lines).encode()
        return f"files/{job['result']}"

    def batch_result(self, key: str, system: str, user: str, mark: str) -> dict[str, Any]:
        """Return a line of a result file."""
        kind = self.fault_of(mark)
        if kind == "bad_request":
            return {"key": key, "error": {"code": 3, "message": "invalid argument"}}
        if kind in TRANSIENT:
            return {"key": key, "error": {"code": 14, "message": "unavailable"}}
        self.delivered[mark] += 1
        return {"key": key, "response": gemini_response(self.content(system, user, kind))}

    async def download(self, request: web.Request) -> web.Response:
        """Return a file."""
        return web.Response(body=self.files[request.match_info["name"]])

    # ---- the OpenAI protocol

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answer a chat completion."""
        body = await request.json()
        self.bodies = [*self.bodies[-4:], body]
        system, user = (message["content"] for message in body["messages"])
        return await self.reply(request, system, user, gemini=False)

    # ---- for tests

    async def stats(self, _: web.Request) -> web.Response:
        """Return what came and went."""
        repeated = sum(count - 1 for count in self.delivered.values())
        return web.json_response(
            {
                "arrivals": sum(self.arrivals.values()),
                "prompts": len(self.arrivals),
                "delivered": sum(self.delivered.values()),
                "delivered_again": repeated,
                "delivered_by_prompt": dict(self.delivered),
                "most_under_way": self.most_under_way,
                "bodies": self.bodies,
                "jobs": len(self.jobs),
                "calls": dict(self.calls),
            }
        )

    async def configure(self, request: web.Request) -> web.Response:
        """Change settings, and forget what came so far if `reset` is among them."""
        wanted = await request.json()
        if wanted.pop("reset", False):
            for name in ("arrivals", "delivered", "jobs", "calls", "files", "names", "codes", "bodies"):
                getattr(self, name).clear()
            self.most_under_way = 0
            fresh = Stub()
            for name in ("latency", "fault_rate", "faults", "stall", "batch_seconds", "echo_key", "disagree",
                         "salt", "down", "quota", "job_faults"):  # fmt: skip
                setattr(self, name, getattr(fresh, name))
        for name, value in wanted.items():
            setattr(self, name, tuple(value) if name == "faults" else value)
        return web.json_response({})


def digest(*texts: str) -> str:
    """Return hexadecimal digits of some texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def phrase(language: str, mark: str) -> str:
    """Return a phrase in a language that no other mark has."""
    words = WORDS[language]
    start, middle, end = (words[int(mark[i : i + 4], 16) % len(words)] for i in (0, 4, 8))
    made = "".join(
        "bdfglmnprst"[int(mark[i], 16) % 11] + "aeiou"[int(mark[i + 1], 16) % 5] for i in range(12, 24, 2)
    )
    return f"{start} {made} {middle} {end}"


def gemini_response(content: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as generateContent gives it."""
    usage = {"promptTokenCount": len(content["prompt"]) // 4, "totalTokenCount": 0}
    if "block" in content:
        return {
            "promptFeedback": {"blockReason": content["block"]},
            "usageMetadata": usage,
            "modelVersion": "stub-1",
        }
    usage |= {"candidatesTokenCount": len(content["text"]) // 4, "thoughtsTokenCount": 50}
    parts = [{"text": "thinking ...", "thought": True}, {"text": content["text"]}] if content["text"] else []
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": content["finish"], "index": 0}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "stub-1"}


def chat_response(content: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as a chat completion."""
    finish = {"MAX_TOKENS": "length", "STOP": "stop"}.get(content["finish"], "content_filter")
    usage = {
        "prompt_tokens": len(content["prompt"]) // 4,
        "completion_tokens": len(content["text"]) // 4 + 50,
        "total_tokens": 0,
        "completion_tokens_details": {"reasoning_tokens": 50},
    }
    message = {"role": "assistant", "content": content["text"]}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "stub-1",
        "choices": [choice],
        "usage": usage,
    }


def main() -> None:
    """Serve until stopped; the first line printed is the address."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--fault-rate", type=float, default=0.0)
    parser.add_argument("--stall", type=float, default=5.0)
    parser.add_argument("--address-file", type=Path, help="where the address is written once it serves")
    options = parser.parse_args()
    stub = Stub(latency=options.latency, fault_rate=options.fault_rate, stall=options.stall)

    async def serve() -> None:
        runner = web.AppRunner(stub.app(), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", options.port, backlog=1024)
        await site.start()
        address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        if options.address_file:
            options.address_file.write_text(address, encoding="utf-8")
        print(address, flush=True)  # noqa: T201
        await asyncio.Event().wait()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
