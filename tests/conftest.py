"""What holds for every test: no generated example is timed, for the machine may be busy.

The profile `quick` tries fewer of them.
"""

import os
import signal
import threading
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=15, stateful_step_count=20)
settings.load_profile("untimed")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as it is in what a script has begun in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

SENDERS = {"mads-export", "OtelBatchSpanRecordProcessor"}
"""Threads that try a collector again after pauses by chance, which hypothesis would take for chance of its own."""


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what a machine is known by with the tests, and out of the home of whoever runs them."""
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def no_sender_outlives_its_test() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name in SENDERS:
            thread.join(20)
