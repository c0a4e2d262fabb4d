"""The queue, with pictures that take as long as the test wants."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable

import httpx
import pytest

from stages.deploy.app import make_app
from stages.deploy.bundle import Bundle
from stages.deploy.inference import Inference, Result
from stages.deploy.wishes import Wishes
from tests.deploy.conftest import LIMITS, picture

THREADS = 2
PLACES = THREADS * (1 + LIMITS.queue)


class Held(Inference):
    """Works on a picture until it is told to finish."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle, THREADS)
        self.finish = threading.Event()

    def _detect(self, data: bytes, wishes: Wishes) -> Result:
        assert self.finish.wait(30)
        return super()._detect(data, wishes)


@pytest.fixture
def held(bundle: Bundle) -> Held:
    return Held(bundle)


def ask(held: Held, bundle: Bundle, talk: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    async def run() -> None:
        transport = httpx.ASGITransport(make_app(held, bundle.settings.serving, client_timeout=20))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            try:
                await talk(client)
            finally:
                held.finish.set()

    asyncio.run(run())


def post(client: httpx.AsyncClient) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(client.post("/invocations", content=picture(), headers={"Content-Type": "image/jpeg"}))


def test_who_would_wait_too_long_is_refused_at_once(held: Held, bundle: Bundle) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        waiting = [post(client) for _ in range(PLACES)]
        while not held.full:
            await asyncio.sleep(0)
        refused = await post(client)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert not any(task.done() for task in waiting)
        held.finish.set()
        assert {response.status_code for response in await asyncio.gather(*waiting)} == {200}
        assert (await post(client)).status_code == 200

    ask(held, bundle, talk)


def test_of_many_at_once_as_many_as_there_are_places_are_answered(held: Held, bundle: Bundle) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        # all have been let in before the first body is there, so the places are counted once more behind it
        tasks = [post(client) for _ in range(3 * PLACES)]
        while sum(task.done() for task in tasks) < 2 * PLACES:
            await asyncio.sleep(0)
        held.finish.set()
        codes = Counter(response.status_code for response in await asyncio.gather(*tasks))
        assert codes == {200: PLACES, 503: 2 * PLACES}

    ask(held, bundle, talk)


def test_a_picture_that_is_none_frees_its_place(held: Held, bundle: Bundle) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        held.finish.set()
        for _ in range(2 * PLACES):
            response = await client.post("/invocations", content=b"none", headers={"Content-Type": "image/jpeg"})
            assert response.status_code == 400
        assert not held.full

    ask(held, bundle, talk)
