"""`codisearch serve`: the HTTP API, FHIR terminology and the page, in one process."""

import os
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from codisearch.command_options import DEFAULT_BUNDLE, BundleOption
from codisearch.errors import ConfigurationError

if TYPE_CHECKING:
    from codisearch.service.settings import ServiceSettings

API_KEY_VARIABLE: Final = "CODISEARCH_API_KEY"
_STOP_SECONDS: Final = 10


def serve(
    host: Annotated[
        str, typer.Option(envvar="CODISEARCH_HOST", help="The address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="CODISEARCH_PORT", min=0, max=65_535, help="The port; 0 takes a free one.")
    ] = 8080,
    bundle: BundleOption = DEFAULT_BUNDLE,
    api_key_file: Annotated[
        Path | None,
        typer.Option(
            envvar="CODISEARCH_API_KEY_FILE",
            help=f"A file with the key that requests must carry; or set {API_KEY_VARIABLE}.",
        ),
    ] = None,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(
            envvar="CODISEARCH_CORS_ORIGIN", help="An origin whose pages may call the service; repeatable."
        ),
    ] = None,
    log_queries: Annotated[
        bool, typer.Option("--log-queries", envvar="CODISEARCH_LOG_QUERIES", help="Log the text of queries.")
    ] = False,
    limit_body: Annotated[
        int, typer.Option(envvar="CODISEARCH_LIMIT_BODY", min=1_024, help="Bytes of a request's body.")
    ] = 1_048_576,
    limit_batch: Annotated[
        int, typer.Option(envvar="CODISEARCH_LIMIT_BATCH", min=1, help="Queries in a batch.")
    ] = 256,
    limit_seconds: Annotated[
        float, typer.Option(envvar="CODISEARCH_LIMIT_SECONDS", min=0.1, max=600, help="Time of a request.")
    ] = 10.0,
    limit_queue: Annotated[
        int, typer.Option(envvar="CODISEARCH_LIMIT_QUEUE", min=0, help="Searches that may wait.")
    ] = 64,
    limit_merge: Annotated[
        int,
        typer.Option(
            envvar="CODISEARCH_LIMIT_MERGE", min=1, help="Waiting queries that are searched together."
        ),
    ] = 16,
    limit_workers: Annotated[
        int | None,
        typer.Option(
            envvar="CODISEARCH_LIMIT_WORKERS", min=1, help="Searches at once; default: the processors."
        ),
    ] = None,
) -> None:
    """Serve search over HTTP, with FHIR terminology and a page, until it is interrupted."""
    given: dict[str, Any] = {"workers": limit_workers} if limit_workers else {}
    settings = _settings(
        api_key_file,
        cors_origins=tuple(cors_origin or ()),
        log_queries=log_queries,
        max_body=limit_body,
        max_batch=limit_batch,
        timeout=limit_seconds,
        queue=limit_queue,
        merge=limit_merge,
        **given,
    )
    with _bind(host, port) as listener:
        _serve(listener, bundle, settings)


def _settings(api_key_file: Path | None, **values: Any) -> "ServiceSettings":  # noqa: ANN401
    from pydantic import ValidationError

    from codisearch.service.settings import ServiceSettings, check_api_key, read_api_key

    key = None
    if api_key_file is not None:
        key = read_api_key(api_key_file)
    elif API_KEY_VARIABLE in os.environ:
        key = check_api_key(os.environ[API_KEY_VARIABLE], API_KEY_VARIABLE)
    try:
        return ServiceSettings(api_key=key, **values)
    except ValidationError as error:
        reasons = "; ".join(f"{found['loc'][0]}: {found['msg']}" for found in error.errors())
        raise ConfigurationError(f"The service cannot be set up like this: {reasons}.") from error


def _bind(host: str, port: int) -> socket.socket:
    """Return a socket that has its address; what connects meanwhile waits.

    Raises:
        ConfigurationError: If the address cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()  # or another service could have the same address while this one loads its bundle
    except OSError as error:
        raise ConfigurationError(
            f"Cannot listen on {host} port {port}: {error.strerror or error}. Give another --host or --port."
        ) from error
    return listener


def _serve(listener: socket.socket, bundle: Path, settings: "ServiceSettings") -> None:
    import logging
    import sys

    import uvicorn

    from codisearch.retrieval import Retriever
    from codisearch.service.app import create_app
    from codisearch.service.records import log_to

    retriever = Retriever.load(bundle)
    retriever.warm_up()
    log_to(logging.StreamHandler(sys.stdout))
    config = uvicorn.Config(
        create_app(retriever, settings),
        log_config=None,
        access_log=False,  # its lines would hold addresses, and so queries
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    _announce(listener, settings)
    uvicorn.Server(config).run(sockets=[listener])


def _announce(listener: socket.socket, settings: "ServiceSettings") -> None:
    host, port = listener.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    for what, path in {"page": "/", "API": "/docs", "FHIR": "/fhir/metadata", "health": "/readyz"}.items():
        typer.echo(f"{what + ':':8}{address}{path}", err=True)
    if settings.log_queries:
        typer.echo("Warning: the log holds the text of queries, which can be patient data.", err=True)
    if settings.api_key is None and not ip_address(host.partition("%")[0]).is_loopback:
        typer.echo(
            f"Warning: {host} is a public address and no API key is set: anyone who reaches it can search.",
            err=True,
        )
