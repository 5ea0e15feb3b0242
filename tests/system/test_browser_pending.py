#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a real Chromium sees and t3ops does not do yet: each case says what is right.  One that holds moves to
test_browser.py.  `make check-pending` plays these."""
from lab import browser
from lab.browser import of_version
from lab.stub import LATEST, NEW, OLD


class Cases:
    """What does not hold in five of five runs on a busy machine."""

    def test_closed_laptop(self):
        """Nothing runs and nothing arrives for minutes; the edge ends it."""
        tab = self.connected()
        with self.costs():
            tab.freeze()
            self.line.vanish()
            self.world.pause(130)
            tab.freeze(False)
            tab.wait("t3.connects >= 2 && t3.state == 'connected'", limit=20)

    @of_version(OLD)
    def test_gives_up_on_an_old_server(self):
        self.gives_up()

    @of_version(LATEST)
    def test_gives_up_on_a_new_server(self):
        self.gives_up()

    def gives_up(self):
        """Its WebSocket loop is dead while its HTTP answers."""
        tab = self.connected()
        with self.costs(drops=1, verdicts=[{f"serve({self.name})"}]):
            self.stub.mute()
            tab.wait("t3.gaveUp == 1", limit=20)
            self.stub.mute(False)
            tab.wait("t3.connects >= 2 && t3.state == 'connected'", limit=20)

    @of_version(NEW)
    def test_a_dead_cookie_kills_no_server(self):
        """Old servers end when clients leave refused upgrades; a page would retry for ever."""
        tab = self.connected()
        self.stub.wipe()
        with self.costs(pairings=1):
            for _ in range(12):
                tab.js("for (let i = 0; i < 5; i++) { const w = new WebSocket(`wss://${location.host}/ws`); w.onerror = () => 0;"
                       " setTimeout(() => w.close(), 5 * i); }")
                self.world.pause(1)
            self.assertTrue(self.stub.process.alive())
            tab.js("t3.replace()")
            tab.wait("t3.state == 'connected'")


class Http1(Cases, browser.Case):
    http2 = False


class Http2(Cases, browser.Case):
    http2 = True


if __name__ == "__main__":
    browser.main()
