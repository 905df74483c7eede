"""Gemini through the google-genai SDK: requests one by one, and batch jobs of files."""

import io
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr

from codisearch.errors import ConfigurationError
from codisearch.generators.contract import (
    UNREADABLE,
    Answer,
    BatchGenerator,
    ExhaustedFault,
    FatalFault,
    Fault,
    FaultKind,
    Finish,
    Job,
    JobState,
    Request,
    RequestFault,
    TransientFault,
    Usage,
)
from codisearch.generators.settings import ModelSettings

if TYPE_CHECKING:
    import aiohttp
    from google import genai
    from google.genai import types
    from google.genai.errors import APIError

_CATEGORIES: Final = (
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
)
_BLOCKED: Final = {
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "LANGUAGE",
    "ESCALATION",
}
_STATES: Final[dict[str, JobState]] = {
    "JOB_STATE_SUCCEEDED": "done",
    "JOB_STATE_PARTIALLY_SUCCEEDED": "done",
    "JOB_STATE_FAILED": "failed",
    "JOB_STATE_CANCELLED": "failed",
    "JOB_STATE_EXPIRED": "failed",
}
_REFUSED: Final = {401, 403, 404}
_NOT_FOUND, _CLIENT, _NO_CREDIT, _SERVER = 404, 400, 402, 500
_PASSING: Final[dict[int, FaultKind]] = {
    408: "timeout", 429: "rate_limited", 409: "server_error", 425: "server_error", 499: "server_error",
}  # fmt: skip
_SDK_ONLY: Final = {"automatic_continuation", "automatic_function_calling", "should_return_http_response"}
_INVALID: Final = {3, 400}  # invalid argument, as a gRPC and as an HTTP status
_LONGEST_WAIT: Final = 3600.0  # seconds
_CONNECTIONS: Final = 1_000  # what limits requests is the pace, not the pool


class GeminiGenerator(BatchGenerator):
    """A Gemini model at the Gemini API, or at a gateway that speaks its protocol (`base_url`)."""

    def __init__(self, name: str, settings: ModelSettings, key: SecretStr | None = None) -> None:
        """Keep the settings; `open` connects."""
        super().__init__(name, settings, key)
        self._opened: genai.Client | None = None
        self._session: aiohttp.ClientSession | None = None
        self._configs: dict[tuple[str, str], types.GenerateContentConfig] = {}

    async def open(self) -> None:
        """Open a pool of connections."""
        import aiohttp
        from google import genai
        from google.genai import types

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS), trust_env=True
        )
        # Without retry_options the SDK sends a request again by itself when a connection breaks.
        options = types.HttpOptions(
            base_url=self.settings.base_url,
            timeout=round(self.settings.timeout_seconds * 1000),
            retry_options=types.HttpRetryOptions(attempts=1),
            aiohttp_client=self._session,
        )
        self._opened = genai.Client(vertexai=False, api_key=self.secret, http_options=options)

    async def close(self) -> None:
        """Close the pool."""
        if self._opened:
            await self._opened.aio.aclose()
            self._opened = None
        if self._session:
            await self._session.close()  # the SDK leaves it open, since it did not make it
            self._session = None

    @property
    def _client(self) -> "genai.client.AsyncClient":
        if self._opened is None:
            raise ConfigurationError(f"{self.name} is not open: use it in `async with`.")
        return self._opened.aio

    async def ask(self, request: Request) -> Answer:
        """Send a request once; see `Generator.ask`."""
        started = time.monotonic()
        with _Faults():
            response = await self._client.models.generate_content(
                model=self.settings.model, contents=request.user, config=self._config(request)
            )
            return answer_of(_body_of(response), time.monotonic() - started)

    def _config(self, request: Request) -> "types.GenerateContentConfig":
        """Return everything but the question, as the SDK takes it; the SDK copies it before it is used."""
        shared = (request.task, request.system)
        known = self._configs.get(shared)
        if known is None or known.response_json_schema != request.schema:
            known = self._configs[shared] = self._new_config(request)
        return known

    def _new_config(self, request: Request) -> "types.GenerateContentConfig":
        from google.genai import types

        settings = self.settings
        thinking = None
        if settings.thinking_budget is not None or settings.thinking_level is not None:
            level = types.ThinkingLevel(settings.thinking_level.upper()) if settings.thinking_level else None
            thinking = types.ThinkingConfig(thinking_budget=settings.thinking_budget, thinking_level=level)
        return types.GenerateContentConfig(
            system_instruction=request.system,
            temperature=settings.temperature,
            seed=settings.seed,
            max_output_tokens=settings.max_output_tokens,
            response_mime_type="application/json",
            response_json_schema=dict(request.schema),
            thinking_config=thinking,
            safety_settings=[
                types.SafetySetting.model_validate({"category": name, "threshold": settings.safety_threshold})
                for name in _CATEGORIES
                if settings.safety_threshold
            ]
            or None,
            # One call is one request: by itself the SDK sends more, to continue an answer or call functions.
            automatic_continuation=False,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            should_return_http_response=True,
        )

    def batch_line(self, request: Request) -> dict[str, Any]:
        """Return a request as a line of a batch file: the body of generateContent in the REST form."""
        config = self._config(request)
        fields = config.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=_SDK_ONLY)
        body: dict[str, Any] = {
            "contents": [{"parts": [{"text": request.user}], "role": "user"}],
            "systemInstruction": {"parts": [{"text": fields.pop("systemInstruction")}], "role": "user"},
        }
        if "safetySettings" in fields:
            body["safetySettings"] = fields.pop("safetySettings")
        return {"key": request.key, "request": body | {"generationConfig": fields}}

    async def submit(self, label: str, requests: Sequence[Request]) -> str:
        """Upload the requests as a file and start a job on it; see `BatchGenerator.submit`."""
        lines = (json.dumps(self.batch_line(request), ensure_ascii=False) for request in requests)
        content = io.BytesIO("\n".join(lines).encode())
        with _Faults():
            file = await self._client.files.upload(
                file=content, config={"display_name": label, "mime_type": "application/jsonl"}
            )
            job = await self._client.batches.create(
                model=self.settings.model, src=str(file.name), config={"display_name": label}
            )
        return str(job.name)

    async def find(self, label: str) -> str | None:
        """Look through the service's jobs for one with a label; see `BatchGenerator.find`."""
        with _Faults():
            async for job in await self._client.batches.list(config={"page_size": 100}):
                if job.display_name == label:
                    return str(job.name)
        return None

    async def look(self, name: str) -> Job:
        """Return how a job stands; see `BatchGenerator.look`."""
        from google.genai import errors

        try:
            with _Faults():
                job = await self._client.batches.get(name=name)
        except FatalFault as fault:
            if isinstance(fault.__context__, errors.APIError) and fault.__context__.code == _NOT_FOUND:
                return Job(name, "failed", "the service does not have it any more")
            raise
        state = job.state.name if job.state else "JOB_STATE_UNSPECIFIED"
        return Job(name, _STATES.get(state, "running"), state)

    async def results(self, name: str) -> AsyncIterator[tuple[str, Answer | Fault]]:
        """Yield what a finished job's result file says; see `BatchGenerator.results`."""
        with _Faults():
            job = await self._client.batches.get(name=name)
            if job.dest is None or job.dest.file_name is None:
                return
            content = await self._client.files.download(file=job.dest.file_name)
        for line in content.decode("utf-8", errors="replace").split("\n"):  # other line ends may be in texts
            if line.strip() and (read := _result(line)):
                yield read


def answer_of(response: Mapping[str, Any], seconds: float) -> Answer:
    """Return the body of a response as an answer; a blocked prompt is an answer without text."""
    usage = _dig(response, "usageMetadata", default={})
    counted = Usage(
        input=int(usage.get("promptTokenCount") or 0),
        cached=int(usage.get("cachedContentTokenCount") or 0),
        output=int(usage.get("candidatesTokenCount") or 0),
        thinking=int(usage.get("thoughtsTokenCount") or 0),
    )
    finish, detail, text = _said(response)
    return Answer(text, finish, detail, counted, str(response.get("modelVersion", "")), seconds)


def _said(response: Mapping[str, Any]) -> tuple[Finish, str, str]:
    if blocked := _dig(response, "promptFeedback", "blockReason", default=""):
        return "safety", str(blocked), ""
    candidates = response.get("candidates")
    if not candidates:
        return "other", "no candidate", ""
    detail = str(candidates[0].get("finishReason", "FINISH_REASON_UNSPECIFIED"))
    parts = _dig(candidates[0], "content", "parts", default=[])
    text = "".join(part.get("text") or "" for part in parts if not part.get("thought"))
    if detail in _BLOCKED:
        return "safety", detail, text
    finishes: dict[str, Finish] = {"STOP": "stop", "MAX_TOKENS": "length"}
    return finishes.get(detail, "other"), detail, text


def _body_of(response: "types.GenerateContentResponse") -> Mapping[str, Any]:
    """Return the JSON of a response.

    Raises:
        JSONDecodeError: If it is none.
    """
    http = response.sdk_http_response
    body = json.loads(http.body) if http and http.body else {}
    if not isinstance(body, dict):
        raise json.JSONDecodeError("not an object", str(body), 0)
    return body


def _result(line: str) -> tuple[str, Answer | Fault] | None:
    """Return the key of a line of a result file with what it says, or None if it cannot be read."""
    try:
        row = json.loads(line)
        key = str(row["key"])
        if "response" in row:
            return key, answer_of(row["response"], 0.0)
        error = row.get("error") or row.get("status") or {}
        code = int(error.get("code", 0))
        message = str(error.get("message", "no answer"))
    except UNREADABLE:
        return None  # a key without a result counts as one that the job did not answer
    if code in _INVALID:
        return key, RequestFault("bad_request", message)
    return key, TransientFault("server_error", message)


class _Faults:
    """Turns what the SDK and its connections raise into faults."""

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise the fault in the place of the error."""
        import aiohttp
        from google.genai import errors

        if isinstance(error, errors.APIError):
            raise fault_of(error) from None
        if isinstance(error, TimeoutError):
            raise TransientFault("timeout", "the service did not answer in time") from None
        if isinstance(error, aiohttp.ClientError | OSError):
            raise TransientFault("connection", _short(error)) from None
        if isinstance(error, errors.UnknownApiResponseError | json.JSONDecodeError):
            raise TransientFault("server_error", f"a response that is not JSON: {_short(error)}") from None


def fault_of(error: "APIError") -> Fault:
    """Return the fault that a status of the Gemini API means."""
    details = error.details if isinstance(error.details, Mapping) else {}
    message = str(error.message or error.status or error)
    infos = [info for info in _dig(details, "error", "details", default=[]) if isinstance(info, Mapping)]
    refused = error.code in _REFUSED or error.status == "FAILED_PRECONDITION"  # a region, or no billing
    if refused or any(info.get("reason") == "API_KEY_INVALID" for info in infos):
        return FatalFault("bad_request", message)
    quotas = [str(q.get("quotaId", "")) for info in infos for q in info.get("violations") or []]
    if error.code == _NO_CREDIT or any("PerDay" in quota for quota in quotas):
        return ExhaustedFault("rate_limited", message)
    if error.code in _PASSING or not _CLIENT <= error.code < _SERVER:
        return TransientFault(_PASSING.get(error.code, "server_error"), message, _retry_after(error, infos))
    return RequestFault("bad_request", message)


def _retry_after(error: "APIError", infos: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the seconds that a response asks to wait: its header, or Google's RetryInfo."""
    headers = getattr(error.response, "headers", None) or {}
    delays = [str(info.get("retryDelay", "")).removesuffix("s") for info in infos]
    for value in [str(headers.get("Retry-After", "")), *delays]:
        try:
            return min(max(0.0, float(value)), _LONGEST_WAIT)
        except ValueError:
            continue  # a date, or nothing: the back-off decides
    return None


def _dig(value: Any, *path: str, default: Any) -> Any:  # noqa: ANN401
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return default if value is None else value


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
