#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""auto_pair and session_check against every measured version of t3, and against t3 servers that misbehave."""
import os
import re
import threading
import time
import unittest

from lab import http, process, wait, ws
from lab.daemon import Daemon, section
from lab.origin import Origin, answer
from lab.stub import COOKIELESS, LATEST, NEW, OLD, RENAMED, T3Stub
from lab.talk import RawEcho
from lab.wait import SLOW

PLUGINS = f'plugin "session_check" {{}}\nplugin "auto_pair" {{ exchange_timeout = "{SLOW:g}s" check_timeout = "{SLOW:g}s" }}\n'
ALICE = {"X-authentik-username": "alice"}
PAGE = {"Accept": "text/html,application/xhtml+xml", **ALICE}
XHR = {"Accept": "application/json", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin", **ALICE}
GOOD = """print('{"credential": "ABCDEFGHJKLM"}')"""


def mint(stub):
    return section("command", "mint", {"argv": stub.mint_argv(), "timeout": "5s"})


def script(text):
    """A mint command of the test's own: a Python program."""
    path = os.path.join(process.folder(), "mint.py")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, 0o644)
    return section("command", "mint", {"argv": ["/usr/bin/env", "python3", path, "%n"], "timeout": f"{3 * SLOW:g}s"})


def lab(stub, sections=None, options=None, pairing=""):
    """pairing: more options of auto_pair.  Not by a reload: the proxy before may answer one who comes right after it."""
    plugins = PLUGINS.replace('plugin "auto_pair" {', 'plugin "auto_pair" { ' + pairing)
    return Daemon(options, (sections or mint(stub)) + plugins, users={"alice": stub.port})


def cookie_of(answer_):
    return answer_.header("set-cookie").split(";")[0]


def marked(location):
    """The Location without the mark that says: redirected here with a cookie."""
    plain, mark, rest = re.match(r"(.*?)[?&](t3ops_paired=[0-9a-f]+)(.*)$", location).groups()
    assert mark and not rest
    return plain


def exchange_of(*cookies, status="200 OK"):
    """Of a t3 server that answers with these cookies."""
    def exchange(c, request):
        body = b"" if status.startswith("204") else b"{}"
        head = "".join(f"Set-Cookie: {v}\r\n" for v in cookies)
        length = "" if status.startswith("204") else f"Content-Length: {len(body)}\r\n"
        c.send(f"HTTP/1.1 {status}\r\n{head}{length}\r\n".encode() + body)
    return exchange


def visit(d, target, headers, cookie=None):
    """A browser that follows redirects and keeps the cookies it is given.  Returns the last answer, the cookie, and the
    statuses on the way."""
    statuses = []
    while True:
        r = http.get(d.proxy, target, {**headers, **({"Cookie": cookie} if cookie else {})})
        statuses.append(r.status)
        if r.header("set-cookie"):
            cookie = cookie_of(r)
        if r.status != 302 or len(statuses) > 5:
            return r, cookie, statuses
        target = r.header("location")


def pairs(d):
    return len(re.findall("event=pairing_(?:done|failed) ", d.log()))


class EachVersion(unittest.TestCase):
    def each(self, **more):
        for version in (OLD, NEW, LATEST):
            with self.subTest(version=version), T3Stub(version, dead_ms=0, **more) as stub, lab(stub) as d:
                yield version, stub, d

    def test_navigation_is_paired_and_sent_back(self):
        for version, stub, d in self.each():
            first = http.get(d.proxy, "/chat/1?x=%20y", PAGE)
            self.assertEqual((first.status, marked(first.header("location"))), (302, "/chat/1?x=%20y"))
            self.assertIn("HttpOnly", first.header("set-cookie"))
            cookie = {"Cookie": cookie_of(first)}
            second = http.get(d.proxy, first.header("location"), {**PAGE, **cookie})
            self.assertEqual((second.status, second.header("location")), (302, "/chat/1?x=%20y"))
            self.assertEqual(http.get(d.proxy, "/chat/1?x=%20y", {**PAGE, **cookie}).status, 200)
            self.assertTrue(http.get(d.proxy, "/api/auth/session", {**XHR, **cookie}).json()["authenticated"])
            line = d.wait_log(r"level=notice .*event=pairing_done .*").group(0)
            fallback = "(fallback)" in line
            self.assertEqual(fallback, version == OLD)
            self.assertIn(stub.endpoint, line)
            self.assertNotIn(cookie_of(first).split("=")[1], d.log())

    def test_other_requests_are_paired_and_passed_on(self):
        for _, _, d in self.each():
            r = http.get(d.proxy, "/api/auth/session", XHR)
            self.assertEqual(r.status, 200)
            self.assertTrue(r.json()["authenticated"])
            self.assertTrue(r.header("set-cookie"))

    def test_websocket_is_paired_within_its_upgrade(self):
        for _, _, d in self.each():
            with ws.WebSocket(d.proxy, "/ws", ALICE) as w:
                self.assertTrue(w.response.header("set-cookie"))
                w.heartbeat()

    def test_dead_cookie_is_healed_when_a_page_is_opened(self):
        for _, stub, d in self.each():
            name, value = stub.cookie().split("=", 1)
            dead = {"Cookie": f"other=1; {name}={value[:-4]}AAAA"}
            r = http.get(d.proxy, "/", {**PAGE, **dead})
            self.assertEqual((r.status, marked(r.header("location"))), (302, "/"))
            self.assertEqual(cookie_of(r).split("=")[0], name)
            self.assertEqual(http.get(d.proxy, "/", {**PAGE, "Cookie": cookie_of(r)}).status, 200)
            d.wait_log(r"event=session_expired .*user=alice")

    def test_living_cookie_costs_no_mint(self):
        for _, stub, d in self.each():
            cookie = {"Cookie": stub.cookie()}
            for _ in range(3):
                self.assertEqual(http.get(d.proxy, "/", {**PAGE, **cookie}).status, 200)
                self.assertEqual(http.get(d.proxy, "/api/auth/session", {**XHR, **cookie}).status, 200)
            self.assertEqual(pairs(d), 0)


class Cases(unittest.TestCase):
    def test_own_credential_passes_untouched(self):
        with Origin() as origin, Daemon({}, script("raise SystemExit(1)") + PLUGINS, users={"alice": origin.port}) as d:
            for target, more in (("/a", {"Authorization": "Bearer x"}), ("/ws?wsTicket=t", {}), ("/ws?a=1&wsToken=t", {})):
                with self.subTest(target=target):
                    r = http.get(d.proxy, target, {**PAGE, **more})
                    self.assertEqual(r.status, 200)
                    self.assertEqual(r.json()["target"], target)
            self.assertEqual(http.request(d.proxy, "OPTIONS", "/a", XHR).status, 200)
            self.assertEqual(pairs(d), 0)

    def test_concurrent_requests_share_a_mint(self):
        def slow(stub):
            return section("command", "mint", {"argv": ["/usr/bin/env", "T3STUB_MINT_MS=400"] + stub.mint_argv()[1:]})

        with T3Stub(NEW, dead_ms=0, mint_ms=400) as stub, lab(stub, slow(stub)) as d:
            cookies = []
            threads = [threading.Thread(target=lambda: cookies.append(cookie_of(http.get(d.proxy, "/", PAGE))))
                       for _ in range(8)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            self.assertEqual(len(cookies), 8)
            self.assertEqual(len(set(cookies)), 1)
            self.assertEqual(pairs(d), 1)

    def test_browser_that_keeps_no_cookie_gets_an_explanation(self):
        with T3Stub(NEW, dead_ms=0) as stub, lab(stub) as d:
            first = http.get(d.proxy, "/", PAGE)
            self.assertEqual(first.status, 302)
            loop = http.get(d.proxy, first.header("location"), PAGE)
            self.assertEqual(loop.status, 403)
            self.assertIn("allow cookies", loop.text())
            self.assertTrue(loop.header("retry-after"))
            http.get(d.proxy, first.header("location"), PAGE)
            self.assertEqual(d.log().count('detail="loop: '), 1)  # not each time
            self.assertEqual(d.metrics()['t3ops_pair_loops_total{plugin="auto_pair"}'], 2)
            old = first.header("location").split("=")[0] + "=1"  # a mark of long ago means nothing
            self.assertEqual(http.get(d.proxy, old, PAGE).status, 302)

    def test_counters_exist_from_the_start(self):
        """increase() sees the first step of a counter only if it was there before, at 0."""
        with T3Stub(NEW, dead_ms=0) as stub, lab(stub) as d:
            found = d.metrics()
            for result in ("alive", "dead", "unknown"):
                self.assertEqual(found.get(f't3ops_session_checks_total{{plugin="session_check",result="{result}"}}'), 0)
            rows = [(r, e, f) for r in ("ok", "refused", "unreachable", "no_cookie")
                    for e, f in (("/api/auth/browser-session", "no"), ("/api/auth/bootstrap", "yes"))]
            rows += [("mint_failed", "", "no"), ("mint_timeout", "", "no"), ("no_endpoint", "", "yes"), ("limited", "", "no"), ("held", "", "no")]
            for result, endpoint, fallback in rows:
                at = f'endpoint="{endpoint}",' if endpoint else ""  # an empty label is left out
                name = f't3ops_pair_total{{plugin="auto_pair",result="{result}",{at}fallback="{fallback}"}}'
                self.assertEqual(found.get(name), 0, name)
            http.get(d.proxy, "/", PAGE)
            made = {k for k in d.metrics() if k.startswith(("t3ops_pair_total", "t3ops_session_checks_total"))}
            self.assertEqual(made - set(found), set())

    def test_tabs_and_private_windows_are_no_loop(self):
        """Chrome sends the tabs of one URL one after another, all with the cookies of before."""
        with T3Stub(NEW, dead_ms=0) as stub, lab(stub) as d:
            tabs = [http.get(d.proxy, "/", PAGE) for _ in range(6)]
            self.assertEqual([r.status for r in tabs], [302] * 6)
            self.assertEqual(len({cookie_of(r) for r in tabs}), 1)
            self.assertEqual(pairs(d), 1)
            other = http.get(d.proxy, "/", {**PAGE, "User-Agent": "another browser"})
            self.assertNotEqual(cookie_of(other), cookie_of(tabs[0]))
            dead = {"Cookie": cookie_of(tabs[0])}
            stub.wipe()
            tabs = [http.get(d.proxy, "/", {**PAGE, **dead}) for _ in range(5)]
            self.assertEqual([r.status for r in tabs], [302] * 5)
            self.assertEqual(pairs(d), 3)

    def test_tabs_with_and_without_a_cookie_share_a_session(self):
        with T3Stub(NEW, dead_ms=0) as stub, lab(stub) as d:
            dead = stub.cookie()
            stub.wipe()
            tabs = [visit(d, "/", PAGE, cookie) for cookie in (None, dead) * 3]
            self.assertEqual([statuses for _, _, statuses in tabs], [[302, 302, 200]] * 6)
            self.assertEqual(len({cookie for _, cookie, _ in tabs}), 1)
            self.assertEqual(pairs(d), 1)

    def test_renamed_cookie_is_followed(self):
        """Newer t3 takes an older cookie over, with its answer to the check; nothing is minted."""
        with T3Stub(RENAMED, host="0.0.0.0", dead_ms=0) as stub, lab(stub) as d:
            new = stub.cookie()
            old = "t3_session=" + new.split("=", 1)[1]
            _, cookie, statuses = visit(d, "/", PAGE, old)
            self.assertEqual((statuses, cookie), ([200], new))
            r = http.get(d.proxy, "/api/auth/session", {**XHR, "Cookie": old})  # no page: auto_pair asks
            self.assertTrue(r.json()["authenticated"])
            self.assertEqual(cookie_of(r), new)
            with ws.WebSocket(d.proxy, "/ws", {**ALICE, "Cookie": old}) as w:
                self.assertEqual(cookie_of(w.response), new)
                w.heartbeat()
            self.assertEqual(pairs(d), 0)
            self.assertEqual(visit(d, "/", PAGE)[2], [302, 302, 200])
            self.assertEqual(pairs(d), 1)

    def test_renamed_cookie_of_an_open_page_is_followed(self):
        """Before any page was opened through this proxy the new name is unknown: the refused upgrade teaches it."""
        with T3Stub(RENAMED, host="0.0.0.0", dead_ms=0) as stub, lab(stub) as d:
            new = stub.cookie()
            with ws.WebSocket(d.proxy, "/ws", {**ALICE, "Cookie": "t3_session=" + new.split("=", 1)[1]}) as w:
                self.assertEqual(cookie_of(w.response), new)
                w.heartbeat()
            self.assertEqual(pairs(d), 0)

    def test_pairing_without_a_cookie_is_left_to_the_t3_server(self):
        with T3Stub(COOKIELESS, dead_ms=0) as stub, lab(stub) as d:
            for _ in range(3):
                self.assertEqual(visit(d, "/", PAGE)[2], [200])
                self.assertFalse(http.get(d.proxy, "/api/auth/session", XHR).json()["authenticated"])
            self.assertEqual(pairs(d), 1)
            self.assertIn("set no cookie", d.wait_log("event=pairing_failed .*").group(0))

    def test_the_way_in_by_hand(self):
        """A t3 server whose command line cannot mint: pages say why, and its own pairing screen stays open."""
        with T3Stub(NEW, dead_ms=0) as stub:
            older = [word.replace(f"T3STUB_VERSION={NEW}", f"T3STUB_VERSION={OLD}") for word in stub.mint_argv()]
            with lab(stub, section("command", "mint", {"argv": older})) as d:
                dead = stub.cookie()
                stub.wipe()
                for cookie, title in (({}, "could not be paired"), ({"Cookie": dead}, "could not be replaced")):
                    r = http.get(d.proxy, "/", {**PAGE, **cookie})
                    self.assertEqual(r.status, 502)
                    self.assertIn(title, r.text())
                    self.assertIn("Failed to create pairing link", r.text())
                    self.assertIn('<a href="/pair">', r.text())
                    for target in ("/pair", "/pair?x=1"):
                        self.assertEqual(http.get(d.proxy, target, {**PAGE, **cookie}).status, 200)
                self.assertIn("may be newer than the t3 program", d.wait_log("event=pairing_failed .*").group(0))

    def test_request_of_another_site_is_not_paired(self):
        with T3Stub(NEW, dead_ms=0) as stub, lab(stub) as d:
            api = {"Accept": "application/json", **ALICE}
            form = {"Accept": "text/html", "Sec-Fetch-Dest": "document", **ALICE}
            for method in ("GET", "POST"):
                for headers in ({**api, "Sec-Fetch-Site": "cross-site"}, {**api, "Sec-Fetch-Site": "same-site"}, api,
                                {**api, "Origin": "https://evil.example"}, {**api, "Origin": "null"},
                                {**api, "Sec-Fetch-Site": "cross-site", "Origin": "https://lab"},
                                {**api, "Accept": "text/html", "Origin": "https://evil.example"},
                                {**form, "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"}):
                    r = http.request(d.proxy, method, "/api/x", headers)
                    self.assertIsNone(r.header("set-cookie"), (method, headers))
            for headers in ({**form, "Sec-Fetch-Site": "cross-site"}, {**form, "Origin": "https://evil.example"},
                            {"Accept": "text/html", **ALICE}):
                r = http.request(d.proxy, "POST", "/", headers, b"a=1")
                self.assertIsNone(r.header("set-cookie"), headers)
            self.assertEqual(pairs(d), 0)
            for more in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": "https://lab"}, {"Origin": "https://lab:443"}):
                r = http.request(d.proxy, "POST", "/api/x", {**api, **more, "User-Agent": str(more)}, b"{}")
                self.assertTrue(r.header("set-cookie"), more)
            self.assertEqual(pairs(d), 3)
            http.get(d.proxy, "/", {**PAGE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"})
            self.assertEqual(pairs(d), 4)  # the way back from the sign-in

    def test_workers_share_the_limit(self):
        """Four workers of a limit of 8 make no 32 of it."""
        with T3Stub(NEW, dead_ms=0) as stub, lab(stub, None, {"workers": 4}, "max_per_minute = 8") as d:
            for i in range(120):
                http.get(d.proxy, "/api/auth/session", {**XHR, "User-Agent": f"tool/{i}"})
            self.assertEqual(len(re.findall("event=command_done .*command=mint", d.log())), 8, "as many requests reach each of them")

    def test_pairings_are_limited_per_user(self):
        with T3Stub(NEW, dead_ms=0) as stub, lab(stub, pairing="max_per_minute = 3") as d:
            answers = [http.get(d.proxy, "/api/auth/session", {**XHR, "User-Agent": f"tool/{i}"}) for i in range(40)]
            self.assertEqual(sum(bool(r.header("set-cookie")) for r in answers), 3)
            self.assertEqual({r.status for r in answers}, {200}, "the others went on to the t3 server as they came")
            page = http.get(d.proxy, "/", {**PAGE, "User-Agent": "browser"})
            self.assertEqual((page.status, page.header("retry-after")), (429, "20"))
            self.assertIn("Too many browsers were paired", page.text())
            self.assertEqual(len(re.findall("event=command_done .*command=mint", d.log())), 3)
            self.assertEqual(d.log().count("limited: max_per_minute (3) is reached"), 1)
            self.assertEqual(d.metrics()['t3ops_pair_total{plugin="auto_pair",result="limited",fallback="no"}'], 38)
            self.assertTrue(http.get(d.proxy, "/api/auth/session", {**XHR, "User-Agent": "tool/0"}).header("set-cookie"),
                            "a session that was made a moment ago is no further one")

    def test_each_pairing_is_on_record(self):
        with Origin({"/api/auth/browser-session": exchange_of("t3_session=new")}) as origin, \
                Daemon({}, script(GOOD) + PLUGINS, users={"alice": origin.port}) as d:
            agent = 'Mozilla/5.0 (X11; "Linux")'
            http.get(d.proxy, "/chat/1?secret=hidden", {**PAGE, "User-Agent": agent, "X-Forwarded-For": "203.0.113.9"})
            line = d.wait_log(r"level=notice .*event=pairing_done .*").group(0)
            for part in ("user=alice", "client=203.0.113.9", "url_path=/chat/1 ", r'user_agent="Mozilla/5.0 (X11; \"Linux\")"'):
                self.assertIn(part, line)
            self.assertNotIn("hidden", d.log())
            self.assertEqual(origin.requests("/api/auth/browser-session")[0].all("user-agent"), [agent],
                             "the t3 server's list of devices names the browser")

    def test_what_an_exchange_may_answer(self):
        old, gone = "Thu, 01 Jan 1970 00:00:00 GMT", "t3_session=; Path=/; Max-Age=0"
        for status, cookies, want in (
                ("200 OK", ["t3_session=new; Path=/"], "t3_session=new"),
                ("201 Created", ["t3_session=new; Path=/"], "t3_session=new"),
                ("204 No Content", ["t3_session=new; Path=/"], "t3_session=new"),
                ("200 OK", [gone, "t3_session=new; Path=/"], "t3_session=new"),
                ("200 OK", [gone, "t3_session_1=new; Path=/"], "t3_session_1=new"),
                ("200 OK", [f"t3_session=old; Expires={old}", "lang=de; Path=/", "t3_session_1=new; Path=/"], "t3_session_1=new"),
                ("200 OK", ["t3_session=a; Path=/", "t3_session=b; Path=/"], "t3_session=b"),
                ("200 OK", ["other=new; Path=/", gone], "other=new"),
                ("200 OK", [gone], None)):
            with Origin({"/api/auth/browser-session": exchange_of(*cookies, status=status)}) as origin, \
                    Daemon({}, script(GOOD) + PLUGINS, users={"alice": origin.port}) as d:
                r = http.get(d.proxy, "/", PAGE)
                self.assertEqual(r.header("set-cookie") and cookie_of(r), want, (status, cookies))
                self.assertIn("event=pairing_done" if want else "set no cookie", d.log())

    def test_failed_mint_says_why(self):
        bad = script("print('\\x1b[31m[12:00:00] ERROR: Failed to create pairing link\\n  at PersistenceSqlError x')\nraise SystemExit(1)")
        with T3Stub(NEW, dead_ms=0) as stub, lab(stub, bad) as d:
            page = http.get(d.proxy, "/", PAGE).text()
            self.assertIn("Failed to create pairing link", page)
            self.assertIn("may be newer than the t3 program", page)
            d.wait_log(r"event=pairing_failed .*Failed to create pairing link")

    def test_t3_server_that_kills_every_session_gets_an_explanation(self):
        def session(c, request):
            c.send(answer(b'{"authenticated":false,"auth":{"sessionCookieName":"t3_session"}}'))

        def exchange(c, request):
            c.send(answer(b"{}", headers=[("Set-Cookie", "t3_session=new; Path=/")]))

        good = script('print(\'{"credential": "ABCDEFGHJKLM"}\')')
        with Origin({"/api/auth/session": session, "/api/auth/browser-session": exchange}) as origin, \
                Daemon({}, good + PLUGINS, users={"alice": origin.port}) as d:
            cookie = {"Cookie": "t3_session=x"}
            first = http.get(d.proxy, "/", {**PAGE, **cookie})
            self.assertEqual(first.status, 302)
            cookie = {"Cookie": cookie_of(first)}
            self.assertEqual(http.get(d.proxy, first.header("location"), {**PAGE, **cookie}).status, 502)
            self.assertEqual(origin.requests("/api/auth/browser-session")[0].body, b'{"credential":"ABCDEFGHJKLM"}')

    def test_an_answer_that_carries_the_cookie_is_for_no_cache(self):
        def exchange(c, request):
            c.send(answer(b"{}", headers=[("Set-Cookie", "t3_session=new-session; Path=/")]))

        def asset(c, request):
            c.send(answer(b"js", headers=[("Cache-Control", "public, max-age=31536000, immutable")]))

        good = script('print(\'{"credential": "ABCDEFGHJKLM"}\')')
        with Origin({"/a.js": asset, "/api/auth/browser-session": exchange}) as origin, \
                Daemon({}, good + PLUGINS, users={"alice": origin.port}) as d:
            alice = {"X-authentik-username": "alice", "Sec-Fetch-Dest": "script", "Sec-Fetch-Site": "same-origin"}
            first = http.get(d.proxy, "/a.js", alice)
            self.assertIn("t3_session=new-session", first.header("set-cookie"))
            self.assertEqual(first.all("cache-control"), ["no-store"])
            again = http.get(d.proxy, "/a.js", {**alice, "Cookie": "t3_session=new-session"})
            self.assertIsNone(again.header("set-cookie"))
            self.assertEqual(again.all("cache-control"), ["private, max-age=31536000, immutable"])

    def test_doubt_lets_the_request_pass(self):
        def silent(c, request):
            c.read(1 << 30)

        table = (("500", lambda c, r: c.send(answer(b"", "500 Oops"))), ("garbage", lambda c, r: c.send(answer(b"<html>"))),
                 ("a word", lambda c, r: c.send(answer(b'{"authenticated":"no"}'))),
                 ("closed", lambda c, r: False), ("silent", silent))
        for case, session in table:
            with self.subTest(case=case), Origin({"/api/auth/session": session}) as origin, \
                    Daemon({}, script("raise SystemExit(1)") + PLUGINS, users={"alice": origin.port}) as d:
                r = http.get(d.proxy, "/page", {**PAGE, "Cookie": "t3_session=x"})
                self.assertEqual((r.status, r.json()["target"]), (200, "/page"))
                self.assertEqual(pairs(d), 0)

    def test_failures_are_explained_to_people_and_left_to_programs(self):
        def status(code):
            return lambda c, r: c.send(answer(b"{}", f"{code} No"))

        good = 'print(\'{"credential": "ABCDEFGHJKLM"}\')'
        new, old = "/api/auth/browser-session", "/api/auth/bootstrap"
        table = (  # mint program, answers of the endpoints, status of the page, word of the event
            ("raise SystemExit(3)", {}, 502, "exit code 3"),
            ("print('no JSON')", {}, 502, "no JSON with a credential"),
            ("import time; time.sleep(60)", {}, 503, "did not finish in time"),
            (good, {new: status(401)}, 502, "answered 401"),
            (good, {new: status(500), old: status(200)}, 502, "answered 500"),
            (good, {new: status(404), old: status(404)}, 502, "none of the configured endpoints"),
            (good, {new: lambda c, r: c.read(1 << 30)}, 503, "did not respond"),
        )
        for program, endpoints, code, word in table:
            with self.subTest(word=word), Origin(endpoints) as origin, \
                    Daemon({}, script(program) + PLUGINS, users={"alice": origin.port}) as d:
                r = http.get(d.proxy, "/", PAGE)
                self.assertEqual(r.status, code)
                self.assertTrue(r.header("content-type").startswith("text/html"))
                self.assertIn("tell the administrator of this site", r.text())
                self.assertIn(word, d.wait_log(r"level=warning .*event=pairing_failed .*").group(0))
                self.assertNotIn("ABCDEFGHJKLM", d.log())
                self.assertEqual(http.get(d.proxy, "/data", XHR).status, 200)  # the t3 server's own answer

    def test_redirect_never_leads_away(self):
        with T3Stub(NEW, dead_ms=0) as stub, lab(stub) as d:
            r = http.get(d.proxy, "//evil.example/x", PAGE)
            self.assertEqual((r.status, marked(r.header("location"))), (302, "/evil.example/x"))

    def test_cookies_may_stand_in_several_lines(self):
        """As a proxy makes them of HTTP/2; no line counts less than another."""
        def exchange(c, _):
            c.send(answer(b'{"authenticated":true}', headers=[("Set-Cookie", "t3_session=fresh; Path=/; HttpOnly")]))

        seen = []
        minted = script('print(\'{"id":"1","credential":"ABCDEFGHJKLM","scopes":[]}\')\n')
        handlers = {"/api/auth/browser-session": exchange,
                    "/x": lambda c, r: (seen.append(r.all("cookie")), c.send(answer(b"ok")))}
        with Origin(handlers) as origin, Daemon({}, minted + 'plugin "auto_pair" {}\n', users={"alice": origin.port}) as d:
            lines = [*XHR.items(), ("Cookie", "lang=de"), ("Cookie", "t3_session=good"), ("Cookie", "other=1")]
            r = http.get(d.proxy, "/x", lines)
            self.assertEqual((r.status, r.header("set-cookie")), (200, None))
            r = http.get(d.proxy, "/x", [*XHR.items(), ("Cookie", "lang=de"), ("Cookie", "other=1")])
            self.assertEqual((r.status, r.header("set-cookie").split(";")[0]), (200, "t3_session=fresh"))
            self.assertEqual(seen, [["lang=de; t3_session=good; other=1"], ["t3_session=fresh; lang=de; other=1"]])

    def test_stale_cookie_of_the_same_name_is_replaced(self):
        """t3 honours the first of two cookies: the new one must come first and the old one go."""
        seen = []

        def exchange(c, request):
            c.send(answer(b"{}", headers=[("Set-Cookie", "t3_session_1_ab=new; Path=/")]))

        def session(c, request):
            alive = b"true" if "t3_session_1_ab=new" in request.header("cookie") else b"false"
            c.send(answer(b'{"authenticated":%s,"auth":{"sessionCookieName":"t3_session_1_ab"}}' % alive))

        def data(c, request):
            seen.append(request.header("cookie"))
            c.send(answer(b"{}"))

        good = script('print(\'{"credential": "ABCDEFGHJKLM"}\')')
        with Origin({"/api/auth/browser-session": exchange, "/api/auth/session": session, "/data": data}) as origin, \
                Daemon({}, good + PLUGINS, users={"alice": origin.port}) as d:
            http.get(d.proxy, "/", {**PAGE, "Cookie": "t3_session=old"})  # learns the name
            r = http.get(d.proxy, "/data", {**XHR, "Cookie": "a=1; t3_session=old; b=2; t3_session_1_ab="})
            self.assertEqual(r.status, 200)
            self.assertEqual(seen, ["t3_session_1_ab=new; a=1; t3_session=old; b=2"])

    def test_check_without_pairing_does_not_start(self):
        d = Daemon({}, 'plugin "session_check" {}\n', start=False)
        d.process = process.Process([process.program("core/t3ops"), "-c", d.conf], "t3ops")
        self.assertEqual(d.process.wait(), 1)
        self.assertIn("needs a plugin that provides pairing", d.log())


class Wrong(unittest.TestCase):
    def test_users_never_meet(self):
        with T3Stub(NEW, dead_ms=0) as alice, T3Stub(NEW, dead_ms=0) as bob:
            argv = alice.mint_argv()
            argv[argv.index(alice.base)] = "%n"
            links = process.folder()
            os.symlink(alice.base, os.path.join(links, "alice"))
            os.symlink(bob.base, os.path.join(links, "bob"))
            argv[argv.index("%n")] = os.path.join(links, "%n")
            with Daemon({}, section("command", "mint", {"argv": argv}) + PLUGINS,
                        users={"alice": alice.port, "bob": bob.port}) as d:
                got = {}

                def visit(name):
                    r = http.get(d.proxy, "/", {"Accept": "text/html", "X-authentik-username": name})
                    got[name] = cookie_of(r)

                threads = [threading.Thread(target=visit, args=(n,)) for n in ("alice", "bob")]
                for t in threads:
                    t.start()
                for t in threads:
                    t.join()
                wait.until(lambda: len(got) == 2)
                for name, stub, other in (("alice", alice, bob), ("bob", bob, alice)):
                    cookie = {"Cookie": got[name]}
                    self.assertTrue(http.get(stub.address, "/api/auth/session", cookie).json()["authenticated"])
                    self.assertFalse(http.get(other.address, "/api/auth/session", cookie).json()["authenticated"])


class Recheck(unittest.TestCase):
    """recheck_tunnels: open WebSockets of sessions that died meanwhile."""

    def setUp(self):
        self.sessions = {}  # what the t3 server says of a cookie: alive, dead, or something that is neither
        self.asked = []
        self.origin = Origin({"/ws": RawEcho(), "/api/auth/session": self.session,
                              "/api/auth/browser-session": self.exchange})
        self.addCleanup(self.origin.stop)

    @staticmethod
    def exchange(c, _):
        c.send(answer(b"{}", headers=[("Set-Cookie", "t3_session=next; Path=/; HttpOnly")]))

    def session(self, c, request):
        cookie = request.header("cookie")
        self.asked.append(cookie)
        says = self.sessions[cookie]
        if says == "broken":
            c.send(answer(b"no idea", "500 Internal Server Error"))
        else:
            alive = "true" if says == "alive" else "false"
            c.send(answer(b'{"authenticated":%s,"auth":{"sessionCookieName":"t3_session"}}' % alive.encode()))

    def daemon(self, **options):
        d = Daemon({"recheck_tunnels": "1s", **options}, script('print(\'{"credential": "ABCDEFGHJKLM"}\')') + PLUGINS,
                   users={"alice": self.origin.port})
        self.addCleanup(d.stop)
        return d

    def test_page_is_back_with_the_session_made_for_it(self):
        with T3Stub(LATEST, dead_ms=0) as stub:
            d = Daemon({"recheck_tunnels": "1s"}, mint(stub) + PLUGINS, users={"alice": stub.port})
            self.addCleanup(d.stop)
            headers = {**ALICE, "User-Agent": "Firefox/115", "Cookie": stub.cookie()}
            with ws.WebSocket(d.proxy, "/ws", headers) as w:
                w.heartbeat()
                stub.wipe()
                self.assertEqual(w.wait_close(), 1008)
            with ws.WebSocket(d.proxy, "/ws", headers) as w:  # the page knows of the old session only
                self.assertTrue(cookie_of(w.response))
                w.heartbeat()
            self.assertEqual((pairs(d), stub.sessions()), (1, 1))

    def test_tunnel_whose_page_could_not_come_back_stays(self):
        d = Daemon({"recheck_tunnels": "1s"}, script("raise SystemExit('no more')") + PLUGINS,
                   users={"alice": self.origin.port})
        self.addCleanup(d.stop)
        with self.open(d, "dies") as w:
            self.sessions["t3_session=dies"] = "dead"
            d.wait_log("event=tunnel_session_expired .*effect=\"left open")
            self.asked_again("t3_session=dies")
            self.assertTrue(self.goes_on(w))
            self.assertEqual(d.metrics()["t3ops_tunnels_session_dead_total"], 0)

    def open(self, d, name):
        cookie = f"t3_session={name}"
        self.sessions[cookie] = "alive"
        return ws.WebSocket(d.proxy, "/ws", {**ALICE, "Cookie": cookie})

    @staticmethod
    def goes_on(w):
        w.send_frame(ws.TEXT, "hello", mask=False)
        return w.frame()[1] == b"hello"

    def asked_again(self, cookie):
        count = self.asked.count(cookie)
        wait.until(lambda: self.asked.count(cookie) > count + 1, what=f"{cookie} to be asked about")

    def test_dead_session_ends_its_tunnel_and_no_other(self):
        d = self.daemon()
        with self.open(d, "dies") as dies, self.open(d, "lives") as lives, self.open(d, "unknown") as unknown, \
                ws.WebSocket(d.proxy, "/ws?wsTicket=x", ALICE) as ticket:
            self.sessions["t3_session=unknown"] = "broken"
            for cookie in list(self.sessions):
                self.asked_again(cookie)
            self.sessions["t3_session=dies"] = "dead"
            self.assertEqual(dies.wait_close(), 1008)
            d.wait_log("event=tunnel_closed .*reason=local")
            for cookie in ("t3_session=lives", "t3_session=unknown"):
                self.asked_again(cookie)
            for w in (lives, unknown, ticket):
                self.assertTrue(self.goes_on(w))
            self.assertEqual(d.metrics()["t3ops_tunnels_session_dead_total"], 1)
            self.assertEqual(set(self.asked), set(self.sessions))
            self.assertNotIn("t3_session=", d.log())

    def test_tunnels_that_moved_are_asked_about(self):
        d = self.daemon()
        with self.open(d, "moves") as w:
            self.asked_again("t3_session=moves")
            d.options["first_byte_timeout"] = "9s"
            d.write_conf()
            self.assertIn("event=reloaded", d.reload())
            wait.until(lambda: len(d.pids("proxy")) == 1, what="the old proxy to leave")
            self.asked_again("t3_session=moves")
            self.sessions["t3_session=moves"] = "dead"
            self.assertEqual(w.wait_close(), 1008)

    def test_nobody_is_asked_by_default(self):
        d = self.daemon(recheck_tunnels="0s")
        with self.open(d, "rests") as w:
            began = time.monotonic()
            wait.until(lambda: time.monotonic() - began > 2.5, what="some time to pass")
            self.assertTrue(self.goes_on(w))
            self.assertEqual(self.asked, [])

    def test_without_pairing_it_cannot_be_had(self):
        d = Daemon({"recheck_tunnels": "1m"}, 'plugin "probe_echo" {}\n', start=False)
        d.process = process.Process([process.program("core/t3ops"), "-c", d.conf], "t3ops")
        self.assertEqual(d.process.wait(), 1)
        self.assertIn("no plugin provides pairing", d.log())


if __name__ == "__main__":
    unittest.main()
