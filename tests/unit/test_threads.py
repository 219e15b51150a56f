"""Blocking calls beside the loop: their results and errors come back, and none keeps the process alive."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from pipelines.runtime.threads import run_in_thread


def test_results_and_errors_come_back() -> None:
    def fail(text: str) -> None:
        raise ValueError(text)

    async def main() -> None:
        assert await run_in_thread(divmod, 7, 2) == (3, 1)
        assert await run_in_thread(sorted, [1, 2], reverse=True) == [2, 1]
        with pytest.raises(ValueError, match="broken"):
            await run_in_thread(fail, "broken")
        assert await run_in_thread(threading.current_thread) is not threading.current_thread()

    asyncio.run(main())


def test_a_stop_iteration_comes_back_too() -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="next raised StopIteration") as caught:
            await asyncio.wait_for(run_in_thread(next, iter(())), 30)
        assert isinstance(caught.value.__cause__, StopIteration)

    asyncio.run(main())


def test_a_caller_that_gives_up_is_free_at_once() -> None:
    done = threading.Event()

    async def main() -> float:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run_in_thread(done.wait, 30), 0.05)
        return time.monotonic() - began

    assert asyncio.run(main()) < 5
    done.set()


def test_a_call_that_hangs_does_not_hold_up_the_end_of_the_process() -> None:
    program = (
        "import asyncio, threading\n"
        "from pipelines.runtime.threads import run_in_thread\n"
        "async def main():\n"
        "    task = asyncio.create_task(run_in_thread(threading.Event().wait))\n"
        "    await asyncio.wait([task], timeout=0.05)\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
