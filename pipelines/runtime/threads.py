"""Blocking calls beside the event loop, in threads that never keep a process from ending."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def run_in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a blocking function in a daemon thread of its own and give its result or raise its error.

    A StopIteration comes as the cause of a RuntimeError, as out of any coroutine (PEP 479).

    asyncio's own threads are joined when Python exits: a name look-up that hangs or a broker that is away would
    hold up the end of the process for as long. A thread costs some 50 us, little beside what is called here.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        try:
            result = function(*args, **kwargs)
        except StopIteration as error:  # no future takes it, and the awaiting side would wait for ever
            raised = RuntimeError(f"{getattr(function, '__name__', 'the call')} raised StopIteration")
            raised.__cause__ = error
            _hand_over(loop, future, error=raised)
        except BaseException as error:  # noqa: BLE001 - handed to the awaiting side, whatever it is
            _hand_over(loop, future, error=error)
        else:
            _hand_over(loop, future, result=result)

    threading.Thread(target=work, name=getattr(function, "__name__", "run_in_thread"), daemon=True).start()
    return await future


def _hand_over(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[T],
    *,
    result: T | None = None,
    error: BaseException | None = None,
) -> None:
    def settle() -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # None only where T allows it

    with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
        loop.call_soon_threadsafe(settle)
