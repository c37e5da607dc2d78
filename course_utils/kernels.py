"""Notebooks run in a kernel of their own, so that Ctrl-C ends them with one line and leaves no kernel behind."""

import asyncio
import signal
import threading
from typing import Any

from nbclient import NotebookClient


def execute(client: NotebookClient, **options: Any) -> None:
    """Run a client's notebook, as ``client.execute`` does; stopped, it ends the kernel first.

    nbclient's own answer to Ctrl-C takes the kernel's sockets away from the cell that waits for them, which ends in
    pages of tracebacks.

    Raises
    ------
    KeyboardInterrupt
        If it was stopped by Ctrl-C or by SIGTERM.
    Exception
        What ``client.execute`` raises.
    """
    stopped = False

    async def run() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        assert task is not None  # asyncio.run made it

        def stop() -> None:
            nonlocal stopped
            stopped = True
            client.shutdown_kernel = "immediate"
            task.cancel()

        for number in handlers:
            loop.add_signal_handler(number, stop)
        loop.add_signal_handler = _no_others  # type: ignore[assignment]  # whatever it is called with
        await client.async_execute(**options)

    in_main_thread = threading.current_thread() is threading.main_thread()  # no other one hears signals
    heard = (signal.SIGINT, signal.SIGTERM) if in_main_thread else ()
    handlers = {number: signal.getsignal(number) for number in heard}
    try:
        asyncio.run(run())
    except BaseException:
        if stopped:  # whatever the cell that waited made of it
            raise KeyboardInterrupt from None
        raise
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _no_others(*_signal_and_callback: Any) -> None:
    """Refuse nbclient's handlers, which it takes for a system without signals."""
    raise RuntimeError
