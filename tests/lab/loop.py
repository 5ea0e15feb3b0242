# SPDX-License-Identifier: MIT
"""The background thread that relays and simulated users share: one asyncio loop, and calls into it."""
import asyncio
import functools
import threading


class Loop:
    def __init__(self):
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="lab loop", daemon=True).start()

    def call(self, coroutine, limit=30):
        """Runs it there and returns its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(limit)

    def spawn(self, coroutine):
        """Runs it there; returns a future of this side."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def run(self, function, *words, limit=30):
        """Calls a function there and returns what it returns."""
        async def call():
            return function(*words)

        return self.call(call(), limit)


@functools.cache
def shared():
    return Loop()
