"""A bare async test runs wherever mads is installed, with no configuration at all."""

import pytest

pytest_plugins = ["pytester"]

COVERS = ("R-148",)


def run(pytester: pytest.Pytester, text: str, *, limit: float = 30) -> pytest.RunResult:
    """Run the tests in `text` in a process of their own, where every warning is an error."""
    pytester.makeconftest(f"from mads.testing import plugin\nplugin.LIMIT = {limit}")
    pytester.makepyfile(text)
    return pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider")


def test_a_bare_async_test_runs_with_its_fixtures_and_parameters(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import asyncio
        import pytest
        from hypothesis import given, settings, strategies

        loops = set()

        @pytest.fixture
        def five():
            return 5

        @pytest.mark.parametrize("number", [1, 2])
        async def test_numbers(number, five, tmp_path):
            await asyncio.sleep(0)
            loops.add(asyncio.get_running_loop())
            assert number < five and tmp_path.exists()

        class TestOfAClass:
            async def test_method(self, five):
                loops.add(asyncio.get_running_loop())
                assert five == 5

        @settings(max_examples=3)
        @given(number=strategies.integers())
        async def test_property(number):
            await asyncio.sleep(0)
            assert isinstance(number, int)

        def test_each_had_its_own_loop():
            assert len(loops) == 3 and all(loop.is_closed() for loop in loops)
        """,
    )

    result.assert_outcomes(passed=5)


@pytest.mark.slow
def test_a_failure_is_the_failure_of_the_test(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import asyncio
        from hypothesis import given, strategies

        async def test_false():
            assert 1 == 2

        async def test_its_own_timeout():
            async with asyncio.timeout(0):
                await asyncio.sleep(1)

        @given(number=strategies.integers())
        async def test_property(number):
            assert number < 100
        """,
    )

    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*assert 1 == 2", "*TimeoutError*", "*number=100*"])


@pytest.mark.slow
def test_a_test_that_hangs_fails_at_its_limit_and_is_cleaned_up(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import asyncio
        import pytest

        cleaned = []

        async def test_hangs():
            try:
                await asyncio.Event().wait()
            finally:
                cleaned.append(True)

        async def test_leaves_a_task():
            asyncio.get_running_loop().left = asyncio.create_task(asyncio.Event().wait())

        def test_cleaned():
            assert cleaned == [True]
        """,
        limit=0.05,
    )

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*the test was still running after 0.05 s*"])


@pytest.mark.slow
def test_a_test_that_another_plugin_claims_is_left_to_it(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        async def test_for_anyio():
            pass

        @pytest.mark.anyio
        async def test_not_ours(monkeypatch):
            import inspect
            assert not any(frame.filename.endswith("mads/testing/plugin.py") for frame in inspect.stack())
        """,
    )

    result.assert_outcomes(passed=2)
