#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a real Chromium sees and t3ops does not do yet: each case says what is right.  One that holds moves to
test_browser.py.  `make check-pending` plays these."""
from lab import browser
from lab.browser import of_version
from lab.stub import LATEST, NEW, NEXT, OLD, RENAMED


class Healing:
    """Open pages come back by themselves."""

    def test_open_page_heals_after_its_server_came_back_without_sessions(self):
        tab = self.connected()
        with self.costs(pairings=1, most_pairings=2, drops=1, verdicts=[{f"serve({self.name})"}]):
            self.stub.stop()
            self.stub.start()
            self.stub.wipe()
            tab.wait("t3.connects >= 2 && t3.state == 'connected'", limit=20)
            self.assertEqual(len(tab.documents), 1)

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

    @of_version(NEXT)
    def test_session_under_the_name_of_before(self):
        """The server was upgraded to one that renames its cookie: the old session is taken over, nothing is minted."""
        self.upgraded_after(20)

    @of_version(NEXT)
    def test_session_of_a_moment_ago_under_the_name_of_before(self):
        """The same while the session is still fresh."""
        self.upgraded_after(0)

    def upgraded_after(self, seconds):
        self.connected().close()
        self.world.pause(seconds)
        self.stub.stop()
        self.stub.switch(RENAMED)
        self.stub.start()
        with self.costs(may=[{f"serve({self.name})"}]):  # whose leg saw it restart
            self.connected()
            self.assertRegex(" ".join(self.profile.cookies()), r"\bt3_session_[0-9a-f]{12}\b")


class Http1Healing(Healing, browser.Case):
    http2 = False


class Http2Healing(Healing, browser.Case):
    http2 = True


class Drops:
    """What is a drop, and what is none."""

    def test_reload_while_busy(self):
        """An Ack is never answered: that it is pending for longer than anything else means nothing."""
        tab = self.connected()
        with self.costs():
            for _ in range(3):
                pongs = tab.js("t3.pongs")
                tab.wait(f"t3.pongs > {pongs}")
                tab.js("t3.request('stub.chunks', {every_ms: 1, bytes: 100, count: 1})")
                self.world.pause(4.4)
                tab.reload()
                tab.wait_connected()

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

    @of_version(OLD)
    def test_hole_in_the_wifi(self):
        """The page was awake all the time: its late Pings say so."""
        tab = self.connected()
        with self.costs(drops=1, verdicts=[{f"last_mile({self.name})"}]):
            self.line.stall()
            tab.wait("t3.gaveUp == 1", limit=20)
            self.line.heal()
            tab.wait("t3.connects >= 2 && t3.state == 'connected'", limit=20)

    def test_closed_laptop(self):
        """Nothing runs and nothing arrives for minutes; the edge ends it."""
        tab = self.connected()
        with self.costs():
            tab.freeze()
            self.line.vanish()
            self.world.pause(130)
            tab.freeze(False)
            tab.wait("t3.connects >= 2 && t3.state == 'connected'", limit=20)


class Http1Drops(Drops, browser.Case):
    http2 = False


class Http2Drops(Drops, browser.Case):
    """No close frame of a page that goes away comes through HTTP/2."""

    http2 = True

    def test_browser_is_back_from_the_cache(self):
        """A page that was left is kept for a while, its socket with it or not."""
        tab = self.connected()
        with self.costs():
            tab.navigate("about:blank")
            self.world.pause(6)
            tab.back()
            tab.wait_connected()

    @of_version(OLD)
    def test_long_frozen_page(self):
        """It slept beyond its patience: it closes and comes back, and nobody is guilty."""
        tab = self.connected()
        with self.costs():
            tab.freeze()
            self.world.pause(40)
            tab.freeze(False)
            tab.wait("t3.connects >= 2 && t3.state == 'connected'", limit=20)

    @of_version(RENAMED)
    def test_renamed_cookie(self):
        with self.costs(pairings=1):
            tab = self.connected()
            tab.reload()
            tab.wait_connected()

    def test_briefly_frozen_page(self):
        """Chrome ends the stream of a frozen page, though it is back within its patience."""
        tab = self.connected()
        with self.costs():
            tab.freeze()
            self.world.pause(4)
            tab.freeze(False)
            tab.wait("t3.state == 'connected' && t3.pongs > 1", limit=20)

    def test_next_visit(self):
        self.connected().close()
        with self.costs():
            self.connected()

    def test_closed_tab(self):
        tab = self.connected()
        with self.costs():
            tab.close()

    def test_reload(self):
        tab = self.connected()
        with self.costs():
            for _ in range(3):
                tab.reload()
                tab.wait_connected()

    def test_pages_over_one_session(self):
        tab = self.connected()
        with self.costs():
            self.connected(target="/some/thread")
            tab.navigate("/another")
            tab.wait_connected()
            tab.back()
            tab.wait_connected()

    def test_a_dead_session_heals_with_a_navigation(self):
        tab = self.connected()
        self.stub.wipe()
        with self.costs(pairings=1):
            tab.navigate("/")
            tab.wait_connected()


if __name__ == "__main__":
    browser.main()
