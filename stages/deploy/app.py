"""SageMaker's contract over HTTP: ``/ping``, ``/invocations``, ``/execution-parameters``; and ``/metrics``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stages.deploy.bundle import Serving
from stages.deploy.inference import Inference
from stages.deploy.metrics import Metrics
from stages.deploy.picture import PictureError
from stages.deploy.wishes import WishError, Wishes, read_wishes

TYPES = {
    "",
    "application/octet-stream",
    "application/x-image",
    "image/bmp",
    "image/jpeg",
    "image/jpg",
    "image/png",
    "image/webp",
}
"""Content types that are taken for a picture; which kind it is, its own first bytes say."""

RETRY_SECONDS = 1
"""What 503 asks a client to wait."""

BATCH_MB = 100
"""What the requests of a batch transform may hold together in MiB (API reference, CreateTransformJob)."""

READING = 32
"""Requests whose bodies may be on their way at a time, beside those that wait or are worked on: so many slow clients
take no thread, and their bodies fit into memory."""

CLIENT_CLOSED = 499
"""Status in the metrics of a request whose client left before the answer (nginx's)."""


def make_app(inference: Inference, serving: Serving, client_timeout: float) -> Starlette:
    """The application.

    ``/ping`` is answered on the event loop, so it is quick however much work waits.

    Args:
        inference: the model.
        serving: limits.
        client_timeout: seconds that a client may take to send its body.
    """
    service = _Service(inference, serving, client_timeout)
    return Starlette(
        routes=[
            Route("/ping", _ping, methods=["GET"]),
            Route("/invocations", service.invocations, methods=["POST"]),
            Route("/metrics", service.expose, methods=["GET"]),
            Route("/execution-parameters", service.execution_parameters, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _refusal, Exception: _failure},
    )


class _Service:
    def __init__(self, inference: Inference, serving: Serving, client_timeout: float) -> None:
        self.inference = inference
        self.client_timeout = client_timeout
        self.max_body = int(serving.max_body_mb * 2**20)
        self.places = inference.places + READING
        self.metrics = Metrics(inference.settings)
        self.under_way = 0

    async def invocations(self, request: Request) -> Response:
        """Answer a picture with its detections."""
        return await self._counted(request, self._detect)

    async def expose(self, request: Request) -> Response:
        """The metrics page."""
        page, content_type = self.metrics.expose(request.headers.get("accept", ""))
        return Response(page, headers={"Content-Type": content_type})

    async def execution_parameters(self, _request: Request) -> Response:
        """What batch transform should send (developer guide, "Use Your Own Inference Code with Batch Transform")."""
        payload = max(int(self.max_body / 2**20), 1)
        parallel = min(self.inference.threads, max(BATCH_MB // payload, 1))
        return JSONResponse(
            {"MaxConcurrentTransforms": parallel, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": payload}
        )

    async def _counted(self, request: Request, work: Callable[[Request], Awaitable[Response]]) -> Response:
        started = time.perf_counter()
        code = 500
        try:
            response = await work(request)
            code = response.status_code
            return response
        except HTTPException as error:
            code = error.status_code
            raise
        except ClientDisconnect:
            code = CLIENT_CLOSED
            return Response(status_code=code)
        finally:
            self.metrics.requests.labels(str(code)).inc()
            self.metrics.seconds.observe(time.perf_counter() - started)

    async def _detect(self, request: Request) -> Response:
        wishes = _wishes(request)
        if self.inference.full or self.under_way >= self.places:
            raise _busy()
        self._count(1)
        try:
            body = await self._body(request)
            if self.inference.full:  # others were faster
                raise _busy()
            result = await self.inference.detect(body, wishes)
        except PictureError as error:
            raise HTTPException(error.status, str(error)) from None
        finally:
            self._count(-1)
        self.metrics.work.observe(result.seconds)
        for category in result.categories:
            self.metrics.detections.labels(category).inc()
        return Response(result.body, media_type=wishes.content_type)

    def _count(self, change: int) -> None:
        self.under_way += change
        self.metrics.under_way.set(self.under_way)

    async def _body(self, request: Request) -> bytes:
        """The request's body, given up as soon as it is too long or too slow."""
        if int(request.headers.get("content-length", 0)) > self.max_body:
            raise self._too_long()
        body = bytearray()
        try:
            async with asyncio.timeout(self.client_timeout):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > self.max_body:
                        raise self._too_long()
        except TimeoutError:
            raise HTTPException(
                408,
                f"the body did not arrive within {self.client_timeout:g} s: send it faster",
                {"Connection": "close"},
            ) from None
        return bytes(body)

    def _too_long(self) -> HTTPException:
        return HTTPException(413, f"the body is longer than {self.max_body} bytes: send a smaller picture")


def _busy() -> HTTPException:
    return HTTPException(503, "all places in the queue are taken: try again soon", {"Retry-After": str(RETRY_SECONDS)})


async def _ping(_request: Request) -> Response:
    return Response(status_code=200)


def _wishes(request: Request) -> Wishes:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in TYPES:
        raise HTTPException(
            415, f"Content-Type '{content_type}' is not taken: send a picture as image/jpeg, image/png, or another"
        )
    try:
        return read_wishes(request.headers)
    except WishError as error:
        raise HTTPException(error.status, str(error)) from None


async def _refusal(request: Request, error: Exception) -> Response:
    """An answer in JSON to a request that cannot be met."""
    assert isinstance(error, HTTPException)
    known = {
        404: f"there is no {request.url.path}: use /ping, /invocations, /execution-parameters or /metrics",
        405: f"{request.method} is not for {request.url.path}: use POST for /invocations and GET for all others",
    }
    sentence = known.get(error.status_code, error.detail)
    return JSONResponse({"error": sentence}, error.status_code, error.headers)


async def _failure(_request: Request, _error: Exception) -> Response:
    """An answer to a request that met a bug; Starlette hands the error on to uvicorn, which logs it."""
    return JSONResponse({"error": "the service failed on this picture: look into its log"}, 500)
