# SPDX-License-Identifier: MIT
"""A simulated user: a device with a browser, some tabs with t3's page (lab/page.py), somewhere on the network."""
import asyncio

from lab import http, loop, page, wait, wire, ws
from lab.stub import NEW

MAX_REDIRECTS = 5


class Browser:
    """Cookies and redirects, one request at a time: for tests that look at each answer."""

    def __init__(self, address, host, tls=None, cookies=None):
        self.address = address
        self.host = host
        self.tls = tls
        self.cookies = dict(cookies or {})

    def cookie_header(self):
        return "; ".join(f"{k}={v}" for k, v in self.cookies.items())

    def navigate(self, target="/"):
        """A document navigation; follows redirects on the same host and keeps cookies."""
        for _ in range(MAX_REDIRECTS):
            r = http.get(self.address, target, {"Cookie": self.cookie_header(), "Accept": "text/html",
                                                "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"},
                         host=self.host, tls=self.tls)
            for cookie in r.all("set-cookie"):
                name, _, value = cookie.split(";")[0].partition("=")
                self.cookies[name] = value
            if r.status not in (301, 302, 303, 307):
                return r
            target = r.header("location").replace("https://" + self.host, "", 1) or "/"
        raise AssertionError(f"more than {MAX_REDIRECTS} redirects from {target}")

    def websocket(self, target="/ws", **more):
        return ws.WebSocket(self.address, target, {"Cookie": self.cookie_header(), "Origin": "https://" + self.host},
                            host=self.host, tls=self.tls, **more)


class User:
    """One device.  What is called here runs in lab/loop.py; the calls return when it is done.

        user = User("alice", line.address, path.host, path.tls, version=LATEST, factor=0.1).start()
        user.wait_connected()
        user.reload(); user.open(); user.close(); user.sleep(); user.wake(); user.move(other_line.address)
    """

    def __init__(self, name, address, host, tls=None, version=NEW, factor=1.0, http2=False, log=None):
        """factor: of every time of the page, from its Ping on.  log(user, event): called for each event of a page."""
        self.user = name
        self.client = page.CLIENTS[version]
        self.factor = factor
        self.network = wire.Network(address, host, tls, http2)
        self.cookies = {"authentik_session": name}
        self.log = log
        self.pages = []
        self.closed = []
        self.awake = None

    # ---- from outside

    def start(self):
        loop.shared().call(self._start())
        return self

    def open(self, target="/", private=False):
        """Another tab; in a private window it has cookies of its own.  Returns it."""
        cookies = {"authentik_session": self.user} if private else self.cookies
        return loop.shared().run(self._open, target, cookies)

    def reload(self, tab=None):
        loop.shared().call((tab or self.pages[0]).reload())

    def replace(self, tab=None):
        """A tab replaces its connection by itself."""
        loop.shared().call((tab or self.pages[0]).replace())

    def close(self, tab=None):
        loop.shared().call(self._close(tab or self.pages[0]))

    def crash(self):
        """The browser is gone at once, with all its tabs."""
        loop.shared().call(self._crash())

    def sleep(self):
        """The lid is closed: nothing runs.  That nothing arrives either is the line's part."""
        loop.shared().run(self.awake.clear)

    def wake(self):
        loop.shared().run(self._wake)

    def move(self, address):
        """Another network: what was open is lost on this side.  Make the old line silent before."""
        loop.shared().call(self._move(address))

    def reroute(self, address):
        """New connections go another way from now on."""
        loop.shared().run(self.network.move, address)

    def request(self, tag, payload=None, tab=None):
        """Asks the server something; does not wait for the answer."""
        loop.shared().run((tab or self.pages[0]).request, tag, payload)

    def ask(self, tag, payload=None, tab=None, limit=30):
        """The same, and returns the answer's value."""
        async def asked():
            return await (tab or self.pages[0]).request(tag, payload)

        return loop.shared().call(asked(), limit)

    def stop(self):
        loop.shared().call(self._stop())

    # ---- in the loop

    async def _start(self):
        self.awake = asyncio.Event()
        self.awake.set()
        self._open("/", self.cookies)

    def _open(self, target, cookies):
        log = (lambda event: self.log(self, event)) if self.log else None
        tab = page.Page(self.network, cookies, self.awake, self.client, self.factor, target, log)
        self.pages.append(tab)
        tab.start()
        return tab

    def _wake(self):
        self.network.move(self.network.address)  # a browser uses no connection of before its sleep for new requests
        self.awake.set()

    async def _close(self, tab):
        await tab.leave()
        self.pages.remove(tab)
        self.closed.append(tab)

    async def _crash(self):
        for tab in list(self.pages):
            await tab.crash()
            self.pages.remove(tab)
            self.closed.append(tab)
        await self.network.close()

    async def _move(self, address):
        self.network.move(address)
        for tab in self.pages:
            await tab.network_changed()

    async def _stop(self):
        self.awake.set()
        for tab in list(self.pages):
            await self._close(tab)
        await self.network.close()

    # ---- what it went through

    def count(self, *whats):
        """Events of its pages, closed ones included; see page.Event."""
        return sum(p.count(*whats) for p in self.pages + self.closed)

    @property
    def drops(self):
        """How often a page lost a connection that it had, or gave up on it."""
        return self.count("gave_up", "lost")

    @property
    def connects(self):
        return self.count("connected")

    @property
    def pongs(self):
        return sum(p.pongs for p in self.pages + self.closed)

    @property
    def connected(self):
        return bool(self.pages) and all(p.connected for p in self.pages)

    @property
    def last_error(self):
        return next((p.failure for p in self.pages if not p.connected), None)

    def wait_connected(self, limit=30):
        wait.until(lambda: self.connected, limit, f"{self.user} is connected (last error: {self.last_error})")

    def wait_pong(self, limit=30):
        """The next heartbeat that is answered from now on."""
        before = self.pongs
        wait.until(lambda: self.pongs > before, limit, f"a Pong for {self.user}")
