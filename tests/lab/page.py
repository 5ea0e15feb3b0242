# SPDX-License-Identifier: MIT
"""One tab with t3's page in it, as the measured client of each version behaves: a Ping every 5 s, a patience of
10 or 20 s after the last answer, close 1000 and back with growing pauses; upgrades that hang are abandoned; an
Ack after every chunk; close 1001 when the page goes away, which over HTTP/2 nobody sees.  For lab/loop.py.

What the page went through is in `events`: the truth that a verdict is compared with.
"""
import asyncio
import json
import time
from dataclasses import dataclass

from lab import ws
from lab.stub import ALL, LATEST, NEW, NEXT, OLD

PING_EVERY = 5.0
BACK_OFF = (1, 2, 4, 8, 16, 30)
CLOSING_HANDSHAKE = 2.0  # Chrome waits so long for the answer to a close frame
HUMAN_PATIENCE = 8.0  # then somebody reloads an error page
LOADING_PATIENCE = 30.0  # or one that does not come
MAX_REDIRECTS = 10
DOCUMENT = [("Accept", "text/html"), ("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Site", "none"), ("Sec-Fetch-User", "?1"), ("Upgrade-Insecure-Requests", "1")]
FETCH = [("Accept", "*/*"), ("Sec-Fetch-Dest", "empty"), ("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Site", "same-origin")]


@dataclass(frozen=True)
class Client:
    """What differs between the pages of the versions."""
    patience: float
    upgrade_patience: float
    number_ids: bool
    reports_activity: bool  # and asks for the shell when it cannot connect
    waits_for_online: bool = False  # opens no WebSocket while the browser calls itself offline


CLIENTS = {OLD: Client(10, 10, False, False), NEW: Client(10, 15, False, False), LATEST: Client(20, 15, True, True)}
CLIENTS.update({version: Client(20, 15, True, True, True) for version in ALL if version.startswith(NEXT)})


@dataclass
class Event:
    """what: loaded, error_page, connected, refused, unreachable, abandoned, gave_up, lost, left, moved."""
    when: float  # time.time()
    what: str
    detail: object = ""


class Messages:
    """The frames of one tunnel, put together."""

    def __init__(self, tunnel):
        self.tunnel = tunnel
        self.buffer = b""
        self.parts = []
        self.packed = False
        offered = tunnel.response.header("sec-websocket-extensions", "")
        self.deflate = ws.Deflate() if "permessage-deflate" in offered else None

    def send(self, message):
        data = json.dumps(message, separators=(",", ":")).encode()
        if self.deflate:
            data = self.deflate.pack(data)
        self.tunnel.send(ws.frame_bytes(ws.TEXT, data, rsv1=bool(self.deflate)))

    def send_close(self, code):
        self.tunnel.send(ws.frame_bytes(ws.CLOSE, code.to_bytes(2, "big")))

    def take(self, data):
        """The messages that are whole now.  Raises ws.Closed."""
        self.buffer += data
        found = []
        while frame := ws.frame_parse(self.buffer):
            op, payload, fin, rsv1, taken = frame
            self.buffer = self.buffer[taken:]
            if op == ws.CLOSE:
                raise ws.Closed(*ws.close_parse(payload))
            if op == ws.PING:
                self.tunnel.send(ws.frame_bytes(ws.PONG, payload))
            if op in (ws.PING, ws.PONG):
                continue
            if op != ws.CONTINUATION:
                self.parts, self.packed = [], rsv1
            self.parts.append(payload)
            if fin:
                whole = b"".join(self.parts)
                found.append(json.loads(self.deflate.unpack(whole) if self.packed else whole))
        return found


class Page:
    def __init__(self, network, cookies, awake, client=CLIENTS[NEW], factor=1.0, target="/", log=None):
        """cookies: the jar, shared by the tabs of a profile.  awake: asyncio.Event of the device.  factor: of every
        time of the page.  log(event) is called for each event."""
        self.network = network
        self.cookies = cookies
        self.awake = awake
        self.client = client
        self.factor = factor
        self.target = target
        self.log = log
        self.events = []
        self.connected = False
        self.pongs = 0
        self.ping_due = 0.0  # time.monotonic() of its next Ping
        self.failure = None  # why it is not connected
        self.messages = None
        self.task = None
        self.last_id = 0
        self.wanted = {}  # request ids that are not answered, and their futures
        self.closing = set()

    def note(self, what, detail=""):
        event = Event(time.time(), what, detail)
        self.events.append(event)
        if self.log:
            self.log(event)

    def count(self, *whats):
        return sum(e.what in whats for e in self.events)

    # ---- cookies and documents

    def headers(self, kind):
        jar = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        priority = [("Priority", "u=0, i")] if kind is DOCUMENT and self.network.http2 else []
        return ([("Cookie", jar)] if jar else []) + kind + priority

    def keep_cookies(self, response):
        for cookie in response.all("set-cookie"):
            name, _, value = cookie.split(";")[0].partition("=")
            if "max-age=0" in cookie.lower():
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value

    async def navigate(self):
        target = self.target
        for _ in range(MAX_REDIRECTS):
            response = await self.network.fetch("GET", target, self.headers(DOCUMENT))
            self.keep_cookies(response)
            if response.status not in (301, 302, 303, 307):
                return response
            location = response.header("location")
            for site in ("https://" + self.network.host, "http://" + self.network.host):
                location = location.removeprefix(site)
            target = location if location.startswith("/") else "/" + location.partition("/")[2]
        raise AssertionError("too many redirects")

    async def load(self):
        """The document and the first questions of its script.  Whether there is a page now."""
        try:
            async with asyncio.timeout(LOADING_PATIENCE * self.factor):
                response = await self.navigate()
                if response.status != 200:
                    self.note("error_page", response.status)
                    self.failure = f"the page answered {response!r}"
                    return False
                self.note("loaded")
                self.keep_cookies(await self.network.fetch("GET", "/api/auth/session", self.headers(FETCH)))
                return True
        except (OSError, AssertionError, TimeoutError) as e:
            self.note("error_page", type(e).__name__)
            self.failure = f"{type(e).__name__}: {e}"
            return False

    # ---- connecting

    async def connect(self):
        """A tunnel, or None."""
        origin = [("Origin", "https://" + self.network.host)]
        try:
            async with asyncio.timeout(self.client.upgrade_patience * self.factor):
                tunnel = await self.network.upgrade("/ws", self.headers(origin + [
                    ("Sec-Fetch-Dest", "websocket"), ("Sec-Fetch-Mode", "websocket"), ("Sec-Fetch-Site", "same-origin")]))
        except TimeoutError:
            self.failure = "the upgrade hung"
            self.note("abandoned")
        except ws.Refused as e:
            self.failure = str(e)
            self.keep_cookies(e.response)
            self.note("refused", e.status)
        except OSError as e:
            self.failure = f"{type(e).__name__}: {e}"
            self.note("unreachable", type(e).__name__)
        else:
            self.keep_cookies(tunnel.response)
            return tunnel
        return None

    async def ask_shell(self):
        try:
            async with asyncio.timeout(self.client.upgrade_patience * self.factor):
                await self.network.fetch("GET", "/api/orchestration/shell", self.headers(FETCH))
        except (OSError, TimeoutError):
            pass

    # ---- connected

    def request(self, tag, payload=None):
        """Sends a request of the RPC; returns a future of its answer."""
        self.last_id += 1
        number = self.last_id if self.client.number_ids else str(self.last_id)
        self.messages.send({"_tag": "Request", "id": number, "tag": tag, "payload": payload or {}, "headers": []})
        self.wanted[number] = asyncio.get_running_loop().create_future()
        return self.wanted[number]

    def take(self, message):
        if message["_tag"] == "Pong":
            self.pongs += 1
            return True
        if message["_tag"] == "Chunk":
            self.messages.send({"_tag": "Ack", "requestId": message["requestId"]})
        elif message["_tag"] == "Exit":
            future = self.wanted.pop(message["requestId"], None)
            if future and not future.done():
                future.set_result(message["exit"].get("value"))
        return False

    async def hold(self, tunnel):
        """Until the tunnel is over; says so in the events."""
        self.messages = Messages(tunnel)
        self.connected = True
        self.note("connected")
        try:
            await self._beat(tunnel)
            self.give_up(tunnel)
        except ws.Closed as e:
            if e.code is not None:
                self.messages.send_close(1000)
            self.lost(tunnel, e.code)
        except OSError as e:
            self.lost(tunnel, type(e).__name__)
        finally:
            self.connected = False
            self.wanted.clear()

    async def _beat(self, tunnel):
        """The heartbeat; returns when the page's patience is over."""
        if self.client.reports_activity:
            self.request("server.reportClientActivity")
        self.request("subscribeServerLifecycle")
        every, patience = PING_EVERY * self.factor, self.client.patience * self.factor
        answered = tick = time.monotonic()
        self.ping_due = tick + every
        reading = asyncio.ensure_future(tunnel.read())
        try:
            while True:
                await asyncio.wait({reading}, timeout=max(0, min(tick + every, answered + patience) - time.monotonic()))
                await self.awake.wait()
                if reading.done():
                    if self.take_all(reading.result()):
                        answered = time.monotonic()
                    reading = asyncio.ensure_future(tunnel.read())
                # Two timers, as a browser has them: of both that are due the earlier one is first.
                now, end = time.monotonic(), answered + patience
                if now >= end and end <= tick + every:
                    return
                if now >= tick + every:
                    tick = max(tick + every, now - every)
                    self.ping_due = tick + every
                    self.messages.send({"_tag": "Ping"})
                if now >= end:
                    return
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    def take_all(self, data):
        """Whether there was a Pong in it."""
        if not data:
            raise ws.Closed(None)
        return any([self.take(m) for m in self.messages.take(data)])

    def lost(self, tunnel, how):
        self.failure = f"lost: {how}"
        self.note("lost", how)
        tunnel.close()

    def give_up(self, tunnel):
        self.failure = "gave up"
        self.note("gave_up")
        self.messages.send_close(1000)
        task = asyncio.ensure_future(self._close_after(tunnel))
        self.closing.add(task)
        task.add_done_callback(self.closing.discard)

    async def _close_after(self, tunnel):
        """The other side may answer the close frame; whatever still arrives is nobody's."""
        try:
            async with asyncio.timeout(CLOSING_HANDSHAKE * self.factor):
                while await tunnel.read():
                    pass
        except (OSError, TimeoutError):
            pass
        tunnel.close()

    # ---- life

    async def _live(self, loaded=False):
        if loaded:
            await self._pause(BACK_OFF[0])
        else:
            while not await self.load():
                await self._pause(HUMAN_PATIENCE)
        failures = 0
        while True:
            self.tunnel = await self.connect()
            if self.tunnel:
                failures = 0
                await self.hold(self.tunnel)
            elif self.client.reports_activity:
                await self.ask_shell()
            await self._pause(BACK_OFF[min(failures, len(BACK_OFF) - 1)])
            failures += 1

    async def _pause(self, seconds):
        await asyncio.sleep(seconds * self.factor)
        await self.awake.wait()

    def start(self):
        self.tunnel = None
        self.task = asyncio.ensure_future(self._live())

    async def _end(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        if not self.task.cancelled() and self.task.exception():
            raise self.task.exception()
        self.connected = False

    async def leave(self):
        """The page goes away: reload, navigation, closed tab."""
        connected = self.connected
        await self._end()
        if connected:
            if self.tunnel.tells_leaving:
                self.messages.send_close(1001)
            self.tunnel.close()
            self.note("left")

    async def reload(self):
        await self.leave()
        self.start()

    async def replace(self):
        """The page closes its connection by itself, with everything well, and makes another one at once."""
        connected = self.connected
        await self._end()
        if connected:
            self.messages.send_close(1000)
            self.tunnel.close()
            self.note("left")
        self.task = asyncio.ensure_future(self._live(loaded=True))

    async def crash(self):
        """The browser is gone: the system ends its sockets."""
        connected = self.connected
        await self._end()
        if connected:
            self.tunnel.abort()
            self.note("left")

    async def network_changed(self):
        """The browser drops what it had; the page comes back by itself.  The caller has made the old way silent."""
        connected = self.connected
        await self._end()
        if connected:
            self.tunnel.close()
            self.note("moved")
        self.task = asyncio.ensure_future(self._live(loaded=True))
