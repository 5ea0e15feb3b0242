# SPDX-License-Identifier: MIT
"""A TCP relay that can be told, while it runs, to be a bad line: the last mile of a user, or any
other place where bytes go through.

    with Relay(target) as line:
        line.cut()          # resets what is open, refuses what comes
        line.stall()        # holds every byte, FINs included; new connections are accepted and held
        line.delay = 0.3    # seconds each way
        line.bandwidth = 64000  # bytes a second each way and connection; None: no limit
        line.heal()
"""
import asyncio
import socket
import threading

_CHUNK = 16384


class Relay:
    def __init__(self, target, name="relay"):
        self.target = target
        self.name = name
        self.delay = 0.0
        self.bandwidth = None
        self.accepted = 0
        self.bytes = 0
        self._tasks = set()
        self._open = set()  # writers, both sides
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        self.address = self._call(self._listen(("127.0.0.1", 0)))

    # ---- the thread of the loop

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _listen(self, address):
        self._server = await asyncio.start_server(self._accepted, *address)
        return self._server.sockets[0].getsockname()[:2]

    def _accepted(self, reader, writer):
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader, writer):
        self.accepted += 1
        self._open.add(writer)
        await self._flowing.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            self._reset(writer)
            return
        self._open.add(far_writer)
        both = [asyncio.ensure_future(self._pump(reader, far_writer)), asyncio.ensure_future(self._pump(far_reader, writer))]
        await asyncio.gather(*both, return_exceptions=True)
        for w in (writer, far_writer):
            self._open.discard(w)
            w.close()

    async def _pump(self, reader, writer):
        try:
            while data := await reader.read(_CHUNK):
                await self._flowing.wait()
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.bandwidth:
                    await asyncio.sleep(len(data) / self.bandwidth)
                self.bytes += len(data)  # before they arrive: whoever gets them may ask
                writer.write(data)
                await writer.drain()
            await self._flowing.wait()
            writer.write_eof()
        except ConnectionError:
            self._reset(writer)

    def _reset(self, writer):
        """Closes with RST instead of FIN."""
        sock = writer.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()
        self._open.discard(writer)

    async def _cut(self, refuse):
        if refuse and self._server:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            self._reset(writer)

    async def _end(self):
        await self._cut(True)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _set_flowing(self, flowing):
        if flowing:
            self._flowing.set()
        else:
            self._flowing.clear()

    async def _heal(self):
        self._flowing.set()
        if not self._server:
            await self._listen(self.address)

    # ---- what a test calls

    def reset(self):
        """Resets what is open; new connections go through."""
        self._call(self._cut(False))

    def cut(self):
        """Resets what is open and refuses what comes."""
        self._call(self._cut(True))

    def stall(self):
        self._call(self._set_flowing(False))

    def heal(self):
        self.delay, self.bandwidth = 0.0, None
        self._call(self._heal())

    def close(self):
        if self._loop.is_running():
            self._call(self._end())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
