#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A real Chromium on the whole path, over HTTP/1.1 and HTTP/2, with a page that does what t3's does.  Each case says how
many pairings, error pages, drops and verdicts it may cost: mostly none.  What t3ops does not do yet is in
test_browser_pending.py."""
from lab import browser
from lab.browser import of_version
from lab.stub import COOKIELESS, NEXT, OLD, RENAMED


class Cases:
    """What holds over both protocols."""

    def test_first_visit(self):
        with self.costs(pairings=1):
            self.connected()

    def test_the_page_replaces_its_connection(self):
        tab = self.connected()
        with self.costs():
            tab.js("t3.replace()")
            tab.wait("t3.connects == 2 && t3.state == 'connected'")
            self.assertEqual(len(tab.documents), 1)

    def test_six_tabs_at_once(self):
        with self.costs(pairings=1):
            tabs = [self.profile.blank() for _ in range(6)]
            for tab in tabs:
                tab.navigate("/")
            for tab in tabs:
                tab.wait_connected()

    def test_offline(self):
        """The browser says so itself; a page that is open comes back when it is online again."""
        tab = self.connected()
        with self.costs():
            tab.offline()
            self.world.pause(5)  # no more than one Ping is late: with two of them it is a drop
            tab.offline(False)
            tab.wait("t3.state == 'connected'", limit=20)

    @of_version(COOKIELESS)
    def test_pairing_that_sets_no_cookie(self):
        """Nothing heals that; but nothing is minted again and again either, and t3's own page comes up."""
        with self.costs(pairings=1, most_pairings=2):
            self.profile.open()
            self.world.pause(20)

    def test_open_page_heals_after_a_wipe(self):
        """At its own next reconnect, without a navigation."""
        tab = self.connected()
        self.stub.wipe()
        with self.costs(pairings=1):
            tab.js("t3.replace()")
            tab.wait("t3.connects == 2 && t3.state == 'connected'")
            self.assertEqual(len(tab.documents), 1)

    def test_three_open_pages_heal_with_few_pairings(self):
        tabs = [self.connected() for _ in range(3)]
        self.stub.wipe()
        with self.costs(pairings=1, most_pairings=3):
            for tab in tabs:
                tab.js("t3.replace()")
            for tab in tabs:
                tab.wait("t3.connects == 2 && t3.state == 'connected'")

    def test_open_page_heals_after_its_server_came_back_without_sessions(self):
        tab = self.connected()
        with self.costs(pairings=1, most_pairings=2, drops=1, verdicts=[{f"serve({self.name})"}]):
            self.stub.stop()
            self.stub.wipe()
            self.stub.start()
            tab.wait("t3.connects >= 2 && t3.state == 'connected'", limit=20)
            self.assertEqual(len(tab.documents), 1)

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
    def test_hole_in_the_wifi(self):
        """The page was awake all the time: its late Pings say so."""
        tab = self.connected()
        with self.costs(drops=1, verdicts=[{f"last_mile({self.name})"}]):
            self.line.stall()
            tab.wait("t3.gaveUp == 1", limit=20)
            self.line.heal()
            tab.wait("t3.connects >= 2 && t3.state == 'connected'", limit=20)

    def test_pages_over_one_session(self):
        """A second tab, a link, the way back."""
        tab = self.connected()
        with self.costs():
            self.connected(target="/some/thread")
            tab.navigate("/another")
            tab.wait_connected()
            tab.back()
            tab.wait_connected()

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

    @of_version(OLD)
    def test_network_goes_before_the_page_sleeps(self):
        """One Ping was stuck and one is sent on waking, as by a page that gave up in a hole: never the last mile."""
        tab = self.connected()
        with self.costs(drops=(0, 1), may=[{"exonerated"}]):
            self.line.stall()
            self.world.pause(6)
            tab.freeze()
            self.world.pause(25)
            tab.freeze(False)
            self.line.heal()
            tab.wait("t3.connects >= 2 && t3.state == 'connected'", limit=20)

    @of_version(RENAMED)
    def test_renamed_cookie(self):
        with self.costs(pairings=1):
            tab = self.connected()
            tab.reload()
            tab.wait_connected()

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

    def test_a_dead_session_heals_with_a_navigation(self):
        tab = self.connected()
        self.stub.wipe()
        with self.costs(pairings=1):
            tab.navigate("/")
            tab.wait_connected()


class Http1(Cases, browser.Case):
    http2 = False

    def test_briefly_frozen_page(self):
        """Chrome froze the tab for less than the page's patience."""
        tab = self.connected()
        with self.costs():
            tab.freeze()
            self.world.pause(4)
            tab.freeze(False)
            pongs = tab.js("t3.pongs")
            tab.wait(f"t3.state == 'connected' && t3.pongs > {pongs}")

    def test_five_tabs_reloaded_after_a_wipe(self):
        tabs = [self.connected() for _ in range(5)]
        self.stub.wipe()
        with self.costs(pairings=1):
            for tab in tabs:
                tab.call("Page.reload")
            for tab in tabs:
                tab.wait("t3.connects == 1 && t3.state == 'connected' && t3.pongs > 0")

    def test_four_private_windows_in_a_minute(self):
        with self.costs(pairings=1, most_pairings=4):
            profiles = [self.browser.profile(self.name, self.line) for _ in range(4)]
            for profile in profiles:
                profile.open().wait_connected()
            self.assertEqual([d for p in profiles for d in p.error_pages], [])
            for profile in profiles:
                for tab in list(profile.tabs):
                    tab.close()


class Http2(Cases, browser.Case):
    """No close frame of a page that goes away comes through HTTP/2."""

    http2 = True

    def test_briefly_frozen_page(self):
        """Chrome ends the stream of a frozen page, though it is back within its patience."""
        tab = self.connected()
        with self.costs():
            tab.freeze()
            self.world.pause(4)
            tab.freeze(False)
            tab.wait("t3.state == 'connected' && t3.pongs > 1", limit=20)


if __name__ == "__main__":
    browser.main()
