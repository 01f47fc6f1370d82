"""A pytest plugin: a bare `async def test_…` runs, in its own event loop, for at most `LIMIT` seconds."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

LIMIT = 30
"""How long a test may take, in seconds."""

CLAIMED = ("anyio", "asyncio", "trio")
"""The markers by which another plugin says that it runs a test."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Turn an async test into a plain one, which pytest then calls as any other."""
    if any(pyfuncitem.get_closest_marker(name) for name in CLAIMED):
        return
    given = getattr(pyfuncitem.obj, "hypothesis", None)
    if given is not None:
        given.inner_test = _in_a_loop(given.inner_test)
    pyfuncitem.obj = _in_a_loop(pyfuncitem.obj)


def _in_a_loop(test: Callable[..., Any]) -> Callable[..., Any]:
    if not inspect.iscoroutinefunction(test):
        return test

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner() as runner:
            runner.run(_limited(test(*args, **kwargs)))

    return run


async def _limited(test: Awaitable[None]) -> None:
    limit = asyncio.timeout(LIMIT)
    try:
        async with limit:
            await test
    except TimeoutError:
        if limit.expired():
            pytest.fail(f"the test was still running after {LIMIT} s")
        raise
