# SPDX-License-Identifier: MIT
"""A TCP relay that can be told, while it runs, to be a bad line: the last mile of a user, or any
other place where bytes go through.

    with Relay(target) as line:
        line.cut()              # resets what is open, refuses what comes
        line.stall()            # holds every byte, FINs included; new connections are accepted and held, or with
                                # Relay(..., distant=True) never made, as over a line that carries no SYN
        line.up.stall()         # the same for one direction: up is towards the target
        line.down.delay = 0.3   # seconds
        line.up.jitter = 0.1    # up to so much more, bytes stay in order
        line.down.loss = 0.1    # part of the pieces that arrive after a retransmission only (line.down.rto later)
        line.down.bandwidth = 64000  # bytes a second and connection
        line.up.largest = 8000  # a larger piece never arrives, nor does anything behind it: a broken path MTU
        line.refuse()           # what is open lives, new connections are reset
        line.hang()             # what is open lives, new connections get nowhere
        line.vanish()           # what is open is silent for ever; new connections work
        line.heal()
"""
import asyncio
import random
import socket

from lab import loop, wire

_CHUNK = 16384
_QUEUE_BYTES = 65536  # what a direction holds at most before it takes no more
_FILL_S = 0.02  # a handshake that took longer than that was dropped
_SOCKET_BYTES = 65536  # buffers of the sockets, so that a slow line is felt at the other end


class Direction:
    """What happens to bytes that go one way."""

    def __init__(self, changed):
        """changed(): called in the loop when it stalls or flows."""
        self.flowing = asyncio.Event()
        self.changed = changed
        self.reset()

    def reset(self):
        self.delay = self.jitter = 0.0
        self.loss, self.rto = 0.0, 0.3
        self.bandwidth = self.largest = None
        self.resume()

    def stall(self):
        self.flowing.clear()
        loop.shared().call(self.changed())

    def resume(self):
        loop.shared().run(self.flowing.set)
        loop.shared().call(self.changed())

    def lateness(self):
        """Of the piece that arrives now."""
        late = self.delay + random.uniform(0, self.jitter)
        while self.loss and random.random() < self.loss:
            late += self.rto
        return late


class _Pump:
    """One direction of one connection: a queue of (when it is due, bytes)."""

    def __init__(self, relay, direction, reader, writer):
        self.relay = relay
        self.direction = direction
        self.reader = reader
        self.writer = writer
        self.queue = asyncio.Queue()
        self.held = 0
        self.room = asyncio.Event()
        self.room.set()
        self.alive = asyncio.Event()  # whether anything still arrives
        self.alive.set()
        self.vanished = False
        self.last_due = 0.0

    async def run(self):
        filling = asyncio.ensure_future(self._fill())
        try:
            await self._drain()
        finally:
            filling.cancel()
            await asyncio.gather(filling, return_exceptions=True)

    async def _fill(self):
        now = asyncio.get_running_loop().time
        try:
            while True:
                await self.room.wait()
                data = await self.reader.read(_CHUNK)
                self.last_due = max(self.last_due, now() + (self.direction.lateness() if data else 0))
                self.queue.put_nowait((self.last_due, data))
                self.held += len(data)
                if self.held >= _QUEUE_BYTES:
                    self.room.clear()
                if not data:
                    return
        except ConnectionError:
            self.queue.put_nowait((0, None))

    async def _pass(self, data):
        """Whether it may go on."""
        if self.direction.largest and len(data) > self.direction.largest:
            self.alive.clear()
        await self.alive.wait()
        await self.direction.flowing.wait()
        if self.direction.bandwidth:
            await asyncio.sleep(len(data) / self.direction.bandwidth)

    async def _drain(self):
        now = asyncio.get_running_loop().time
        while True:
            due, data = await self.queue.get()
            if data is None:
                raise ConnectionResetError
            if due > now():
                await asyncio.sleep(due - now())
            await self._pass(data)
            if not data:
                self.writer.write_eof()
                return
            self.relay.bytes += len(data)  # before they arrive: whoever gets them may ask
            self.writer.write(data)
            await self.writer.drain()
            self.held -= len(data)
            if self.held < _QUEUE_BYTES:
                self.room.set()


class Relay:
    def __init__(self, target, name="relay", source=None, distant=False):
        """source: local address of the connections to the target, as the address a user comes from.  distant: whoever
        connects does so to the far end: nothing answers a SYN while the line is silent."""
        self.target = target
        self.name = name
        self.source = source
        self.distant = distant
        self.address = None
        self._plug = []  # sockets that keep the kernel from answering
        self.accepted = 0
        self.bytes = 0
        self._tasks = set()
        self._open = set()  # writers, both sides
        self._pumps = set()
        self._mode = "pass"  # what happens to new connections: pass, refuse, hang
        self._server = None
        self.up, self.down = Direction(self._changed), Direction(self._changed)
        self.address = loop.shared().call(self._listen(("127.0.0.1", 0)))

    # ---- in the loop

    async def _listen(self, address):
        self._server = await asyncio.start_server(self._accepted, *address)
        return self._server.sockets[0].getsockname()[:2]

    async def _changed(self):
        """A direction stalls or flows."""
        if not self.distant or not self.address:
            return
        silent = not (self.up.flowing.is_set() and self.down.flowing.is_set())
        if silent and self._server:
            self._server.close()
            self._server = None
            self._plug_in()
        elif not silent and self._plug:
            self._plug_out()
            await self._listen(self.address)

    def _plug_in(self):
        """A listener whose queue is full: the kernel drops what comes."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(self.address)
        listener.listen(0)
        self._plug = [listener]
        for _ in range(8):
            filler = socket.socket()
            filler.settimeout(_FILL_S)
            self._plug.append(filler)
            if filler.connect_ex(self.address):
                return

    def _plug_out(self):
        for each in self._plug:
            each.close()
        self._plug = []

    def _accepted(self, reader, writer):
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    def _narrow(writer):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BYTES)
        writer.transport.set_write_buffer_limits(high=_CHUNK)

    async def _serve(self, reader, writer):
        self.accepted += 1
        self._open.add(writer)
        self._narrow(writer)
        far = None
        try:
            await self._admit(writer)
            await self.up.flowing.wait()
            far_reader, far = await asyncio.open_connection(
                *self.target, local_addr=(self.source, 0) if self.source else None)
            self._open.add(far)
            self._narrow(far)
            await self._both(_Pump(self, self.up, reader, far), _Pump(self, self.down, far_reader, writer))
        except OSError:
            for w in (writer, far):
                if w:
                    wire.reset(w)
        finally:
            for w in (writer, far):
                self._open.discard(w)
                if w:
                    w.close()

    async def _admit(self, writer):
        if self._mode == "refuse":
            raise ConnectionResetError
        while self._mode == "hang":
            await asyncio.sleep(0.05)

    async def _both(self, *pumps):
        self._pumps.update(pumps)
        tasks = [asyncio.ensure_future(p.run()) for p in pumps]
        try:
            await asyncio.gather(*tasks)
        finally:
            self._pumps.difference_update(pumps)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _cut(self, refuse):
        if refuse:
            self._plug_out()
        if refuse and self._server:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            wire.reset(writer)
            self._open.discard(writer)

    async def _end(self):
        await self._cut(True)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _heal(self):
        self._mode = "pass"
        for pump in self._pumps:
            if not pump.vanished:
                pump.alive.set()
        if not self._server:
            self._plug_out()
            await self._listen(self.address)

    async def _vanish(self):
        for pump in self._pumps:
            pump.vanished = True
            pump.alive.clear()

    # ---- what a test calls

    def reset(self):
        """Resets what is open; new connections go through."""
        loop.shared().call(self._cut(False))

    def cut(self):
        """Resets what is open and refuses what comes."""
        loop.shared().call(self._cut(True))

    def stall(self):
        self.up.stall()
        self.down.stall()

    def refuse(self):
        self._mode = "refuse"

    def hang(self):
        self._mode = "hang"

    def vanish(self):
        loop.shared().call(self._vanish())

    def slow(self, delay=0.0, bandwidth=None, jitter=0.0, loss=0.0, rto=0.3):
        """Both directions alike."""
        for direction in (self.up, self.down):
            direction.delay, direction.bandwidth, direction.jitter, direction.loss = delay, bandwidth, jitter, loss
            direction.rto = rto

    def heal(self):
        self.up.reset()
        self.down.reset()
        loop.shared().call(self._heal())

    def close(self):
        loop.shared().call(self._end())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
