#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The operator's page, in a real browser: narrow and wide, light and dark, while a fault is staged."""
import json
import os
import re
import sqlite3
import time
import unittest

from lab import account, chromium, http, process, wait, ws
from lab.daemon import Daemon
from lab.stub import NEW, T3Stub

SECTIONS = ('plugin "probe_echo" {}\n'
            'plugin "probe_t3serve" { heartbeat = "200ms" late = "300ms" watchdog = "1s" reconnect_min = "100ms" }\n')
EVIL = '<script>alert("1")</script>&\'"'
LONG = "somebody.with.a.rather.long.name@an-even-longer-subdomain.example.com"
DAY_US = 86_400_000_000


def alice(cookie):
    return [("X-authentik-username", "alice"), ("Cookie", cookie)]


def text_time(us):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(us // 1_000_000))


def verdict(number, began_us, lasted_s, segments, users):
    return {"version": 1, "serial": number, "id": number, "incident": number, "revision": 1, "state": "healed", "times": 1,
            "ended_time": text_time(began_us + lasted_s * 1_000_000), "users": users, "users_omitted": 0, "users_absent": 0,
            "time": text_time(began_us), "drop_time": text_time(began_us), "delay_seconds": 0.4, "verdict": " or ".join(segments),
            "segments": segments, "infra_exonerated": False, "change": "new", "symptom": None, "text": f"{EVIL} failed",
            "failing_paths": 1, "evidence": [{"what": "leg", "name": EVIL, "failed": True, "reason": "eof", "step": "open",
                                             "accuses": segments}], "evidence_omitted": 0}


def journal_fill(path, verdicts, events=()):
    """Before t3ops starts: what an earlier one had written."""
    db = sqlite3.connect(path)
    with db:
        db.execute("CREATE TABLE events(serial INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, kind TEXT NOT NULL, process TEXT NOT NULL,"
                   " plugin TEXT NOT NULL, user TEXT NOT NULL, id INTEGER NOT NULL, line TEXT NOT NULL)")
        db.execute("CREATE TABLE verdicts(serial INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, id INTEGER NOT NULL, json TEXT NOT NULL)")
        db.executemany("INSERT INTO events(time_us, kind, process, plugin, user, id, line) VALUES(?,?,?,?,?,?,?)", events)
        for v, ended in verdicts:
            db.execute("INSERT INTO verdicts VALUES(?,?,?,?)", (v["id"], ended, v["id"], json.dumps(v)))
    db.close()
    account.give(path)


class Site(unittest.TestCase):
    def setUp(self):
        self.stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(self.stub.process.kill)
        self.daemon = Daemon({"ping_timeout": "500ms"}, SECTIONS, users={"alice": self.stub.port}, start=False)
        self.now = int(time.time() * 1e6)

    def start(self, verdicts=(), events=()):
        began = self.now - 90 * DAY_US + 600 * 1_000_000  # older rows are pruned
        first = [(began, "users_loaded", "proxy", "", "", 0, "event=users_loaded users=1")]
        journal_fill(os.path.join(self.daemon.state_dir, "journal.sqlite"), verdicts, first + list(events))
        self.daemon.start()
        self.addCleanup(self.daemon.stop)
        self.daemon.wait_log(r"event=leg_up .*user=alice")

    def page(self, target="/"):
        answer = self.daemon.get(target)
        self.assertEqual((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"))
        return answer.text()

    def headline(self):
        return re.sub(r"<[^>]*>", "", re.search(r"<h1>(.*?)</h1>", self.page()).group(1))

    def test_the_line_on_top(self):
        self.start()
        self.assertRegex(self.headline(), r"^All clear since (\w+ \d+ )?\d\d:\d\d$")
        with ws.WebSocket(self.daemon.proxy, "/ws", alice(self.stub.cookie())) as w:
            w.heartbeat()
            self.stub.process.stall()
            try:
                wait.until(lambda: self.headline().startswith("The t3 server of alice down since "), what="the fault on top")
                self.assertEqual(self.daemon.get("/status").json()["last_verdict"]["verdict"], "serve(alice)")
            finally:
                self.stub.process.resume()
        wait.until(lambda: re.search(r"^All clear since .*\(last: serve\(alice\)\)$", self.headline()), what="that it is over")

    def test_one_verdict(self):
        began = self.now - 3600 * 1_000_000
        events = [(began, "leg_down", "prober", "cf", "", 0, 'event=leg_down plugin=cf step=open reason=eof'),
                  (began + 1_000_000, "tunnel_dropped", "proxy", "", EVIL, 7, 'event=tunnel_dropped detail="it was cut"'),
                  (began + 9_000_000, "leg_up", "prober", "cf", "", 0, "event=leg_up plugin=cf")]
        self.start([(verdict(41, began, 60, ["tunnel"], [EVIL, "bob"]), began + 60_000_000)], events)
        page = self.page()
        self.assertIn('<a class="mark alone" href="/?range=24h&amp;verdict=41#evidence" aria-label="tunnel, 1 min, 2 users, healed">', page)
        self.assertNotIn("In order of time", page)
        page = self.page("/?range=24h&verdict=41")
        words = re.sub(r"<[^>]*>", "", page)
        self.assertIn("In order of time", page)
        self.assertIn("cf went down: the far side closed the connection without a close frame", words)
        self.assertIn("lost a WebSocket: it was cut", words)
        self.assertNotIn("<script>alert", page)
        self.assertIn("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;&quot;", page)
        self.assertIn("There is no verdict with that number.", self.page("/?verdict=99"))
        self.assertNotIn("verdict=41", self.page("/?range=15m"))

    def test_the_last_one_may_be_an_older_one_that_recurred(self):
        began = self.now - 3600 * 1_000_000
        older, newer = verdict(1, began, 3000, ["tunnel"], ["bob"]), verdict(2, began + 60_000_000, 60, ["wan"], ["bob"])
        older["time"], older["times"] = text_time(began + 2000 * 1_000_000), 2
        self.start([(older, began + 3000 * 1_000_000), (newer, began + 120_000_000)])
        self.assertEqual(json.loads(self.daemon.ctl("-j", "why"))["story"]["verdict"]["id"], 1)
        self.assertEqual(json.loads(self.daemon.ctl("-j", "why", "bob", "--at", text_time(began + 70_000_000)))["story"]["verdict"]["users"], ["bob"])

    def test_the_bill_of_a_segment(self):
        day = self.now - DAY_US // 2
        rows = [(verdict(1, day, 864, ["tunnel"], ["alice", "bob"]), day + 864_000_000),
                (verdict(2, day - 40 * DAY_US, 864, ["tunnel"], ["bob"]), day - 40 * DAY_US + 864_000_000),
                (verdict(3, day, 60, ["wan", "cloudflare"], ["bob"]), day + 60_000_000)]
        self.start(rows)

        page = self.page("/?range=24h")
        table = page[page.index("<h2>Segments</h2>"):]
        tunnel = re.search(r"<tr><th scope=row>tunnel(.*?)(?=<tr>|</table>)", table, re.S).group(1)
        figures = re.sub(r"<[^>]*>", "|", tunnel).replace("&#8239;", " ").replace("||", "|").strip("|").split("|")
        # 864 s are 1 % of a day, 0.033 % of 30 of them; of 90 days there are twice as many
        self.assertEqual([f for f in figures if f], ["ok", "28.8", "99.000 %", "99.966 %", "99.977 %", "1"])
        wan = re.search(r"<tr><th scope=row>wan(.*?)(?=<tr>|</table>)", table, re.S).group(1)
        self.assertIn("and 1.0 with others", wan)
        self.assertEqual(wan.count("100&#8239;%"), 3)
        self.assertIn(">2<", re.search(r"<tr><th scope=row>tunnel(.*?)(?=<tr>|</table>)",
                                       self.page("/?range=90d").split("<h2>Segments</h2>")[1], re.S).group(1).replace("\n", "<") + "<")

    def test_what_programs_get(self):
        self.start()
        self.assertEqual(self.daemon.get("/status").header("content-type"), "application/json")
        self.assertEqual([u["user"] for u in self.daemon.get("/users").json()], ["alice"])
        self.assertEqual(self.daemon.get("/verdicts").header("content-type"), "application/json")
        answer = http.request(self.daemon.monitor, "GET", "/status", [("Accept", "text/html,*/*")])
        self.assertEqual((answer.status, answer.header("location")), (302, "/"))
        policy = self.daemon.get("/").header("content-security-policy")
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        for path, kind in (("/site.css", "text/css"), ("/site.js", "text/javascript"), ("/site.svg", "image/svg+xml")):
            self.assertTrue(self.daemon.get(path).header("content-type").startswith(kind), path)
        self.assertEqual(http.request(self.daemon.monitor, "HEAD", "/").status, 200)
        self.assertEqual(http.get(self.daemon.monitor, "/site.php").status, 404)

    def test_ranges(self):
        self.start()
        for name in ("15m", "1h", "6h", "24h", "7d", "30d", "90d"):
            self.assertIn(f'<a href="/?range={name}" aria-current=page>', self.page(f"/?range={name}"))
        self.assertIn('<a href="/?range=24h" aria-current=page>', self.page("/?range=" + "9" * 300))


@unittest.skipUnless(chromium.program(), "there is no Chromium")
class Browser(Site):
    """What people see."""

    def setUp(self):
        super().setUp()
        began = self.now - 7200 * 1_000_000
        users = [LONG, EVIL] + [f"user{i}" for i in range(12)]
        events = [(began - i * 60_000_000, "tunnel_dropped", "proxy", "", u, i + 1, f'event=tunnel_dropped detail="{"long " * 30}"')
                  for i, u in enumerate(users)]
        rows = [(verdict(n, began - n * 9 * 60_000_000, 60 * n, ["cloudflare", "tunnel"][:1 + n % 2], users), began) for n in range(1, 9)]
        self.start(rows, events)
        self.browser = chromium.Chromium(zone="Asia/Kolkata")
        self.addCleanup(self.browser.stop)
        self.said = []
        self.tab = self.browser.visitor().blank()
        known = self.browser.devtools.listeners[self.tab.session]

        def listen(method, params):
            if method in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
                self.said.append((method, params))
            known(method, params)

        self.browser.devtools.listeners[self.tab.session] = listen
        self.tab.call("Log.enable")

    def open(self, target, width=1280, scheme="light"):
        self.tab.call("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 500)
        self.tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.tab.navigate("http://%s:%d%s" % (*self.daemon.monitor, target))
        wait.until(lambda: self.js("document.querySelector('#live.on') && 1"), what="a page that is live")

    def js(self, expression):
        try:
            return self.tab.js(expression)
        except chromium.ProtocolError:
            return None

    def test_nothing_overflows(self):
        colours = set()
        for width in (390, 1280):
            for scheme in ("light", "dark"):
                for target in ("/?range=24h&verdict=3", "/?range=90d"):
                    with self.subTest(width=width, scheme=scheme, target=target):
                        self.open(target, width, scheme)
                        self.assertLessEqual(self.js("document.documentElement.scrollWidth"), width)
                        beyond = self.js("[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 8)"
                                         ".map(e => e.tagName + ' ' + e.textContent.slice(0, 40))")
                        self.assertEqual(beyond, [])
                        colours.add((scheme, self.js("getComputedStyle(document.body).backgroundColor")))
        self.assertEqual(len(colours), 2)
        self.assertEqual(self.said, [])

    def test_it_is_the_readers_time(self):
        self.open("/")
        self.assertRegex(self.js("document.getElementById('zone').textContent"), r"^Asia/(Kolkata|Calcutta) \(GMT\+5:30\)$")
        utc, shown = self.js("(e => [e.dateTime, e.textContent])(document.querySelector('.about time'))")
        minutes = (int(utc[11:13]) * 60 + int(utc[14:16]) + 330) % 1440
        self.assertEqual(shown[:5], f"{minutes // 60:02}:{minutes % 60:02}")

    def test_a_mark_leads_to_its_evidence(self):
        self.open("/")
        self.js("document.querySelector('a.mark[href*=\"verdict=1#\"]').dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}))")
        wait.until(lambda: self.js("document.getElementById('evidence') && document.getElementById('evidence').innerText.includes('In order of time')"),
                   what="the evidence")
        self.assertEqual(self.said, [])

    def test_news_come_by_themselves(self):
        self.open("/?range=1h")
        self.assertIn("All clear since", self.js("document.querySelector('h1').textContent"))
        self.stub.process.stall()
        try:
            wait.until(lambda: (self.js("document.querySelector('h1').textContent") or "").startswith("The t3 server of alice down since "),
                       what="the fault on top of an open page")
        finally:
            self.stub.process.resume()
        wait.until(lambda: (self.js("document.querySelector('h1').textContent") or "").startswith("All clear since "), what="its end there")
        self.assertEqual(self.said, [])


def load_tests(loader, tests, pattern):
    """A browser's tests are not those of its parent once more."""
    del tests, pattern
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(Site))
    own = [n for n in loader.getTestCaseNames(Browser) if n not in loader.getTestCaseNames(Site)]
    suite.addTests(Browser(n) for n in own)
    return suite


if __name__ == "__main__":
    unittest.main()
