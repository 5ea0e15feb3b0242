# SPDX-License-Identifier: MIT
"""A simulated user: a browser that opens the page, is paired on the way, keeps t3's WebSocket
open with t3's heartbeat, gives up after one missed Pong as the real client does, and comes back."""
import threading
import time

from lab import http, wait, ws

MAX_REDIRECTS = 5


class Browser:
    """Cookies and redirects; one connection a request."""

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


class User(threading.Thread):
    """The browser as a thread.  `connected` is true while heartbeats are answered."""

    def __init__(self, name, address, host, tls=None, heartbeat=5.0, timeout=None, pause=0.3):
        """timeout: how long a Pong may take; default: until the next heartbeat."""
        super().__init__(name="user " + name, daemon=True)
        self.user = name
        self.browser = Browser(address, host, tls, {"authentik_session": name})
        self.beat = heartbeat
        self.timeout = timeout or heartbeat
        self.pause = pause
        self.connected = False
        self.pongs = 0
        self.connects = 0
        self.last_error = None
        self._ended = threading.Event()

    def run(self):
        while not self._ended.is_set():
            try:
                self._session()
            except (OSError, EOFError, ws.Closed, ws.Refused, AssertionError, ValueError) as e:
                self.last_error = f"{type(e).__name__}: {e}"
            self.connected = False
            self._ended.wait(self.pause)

    def _session(self):
        page = self.browser.navigate("/")
        if page.status != 200:
            raise AssertionError(f"the page answered {page!r}")
        w = self.browser.websocket(timeout=10)
        w.conn.sock.settimeout(self.timeout * wait.SLOW)
        try:
            while not self._ended.is_set():
                begun = time.monotonic()
                w.heartbeat(self.timeout)
                self.pongs += 1
                self.connects += not self.connected
                self.connected = True
                if w.readable(max(0.0, self.beat - (time.monotonic() - begun))):
                    w.frame()  # raises when it is the end
            w.close()
        except TimeoutError:
            # The real page closes what does not answer; a dead line may not even take that.
            self.connected = False
            try:
                w.send_frame(ws.CLOSE, b"\x03\xe8")
            except OSError:
                pass
            raise
        finally:
            w.conn.close()

    def wait_connected(self, limit=30):
        wait.until(lambda: self.connected, limit, f"{self.user} is connected (last error: {self.last_error})")

    def wait_pong(self, limit=30):
        """The next heartbeat that is answered from now on."""
        before = self.pongs
        wait.until(lambda: self.pongs > before, limit, f"a Pong for {self.user}")

    def stop(self):
        self._ended.set()
        self.join(15 * wait.SLOW)
