#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The legs against far ends that do what a test says: established, late, and every way to end."""
import re
import shutil
import socket
import ssl
import struct
import sys
import threading
import unittest

from lab import certs, path, ports, process, wait, ws
from lab.daemon import Daemon, section
from lab.origin import Origin, answer
from lab.stub import NEW, T3Stub

HOST = "t3.lab.test"
BRISK = {"heartbeat": "100ms", "late": "300ms", "watchdog": f"{900 * wait.SLOW:g}ms", "reconnect_min": "100ms", "reconnect_max": "400ms",
         "fresh": "0s"}
TIMEOUT = f"{wait.SLOW:g}s"
LINE = re.compile(r'\bevent=(\w+)((?: \w+=(?:"(?:[^"\\]|\\.)*"|[^ "\n]*))*)')


def events(log, name, user=None):
    """The events of one leg, in order, as dicts."""
    found = []
    for kind, rest in LINE.findall(log):
        words = {k: v.strip('"') for k, v in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|[^ "\n]*)', rest)}
        if kind.startswith("leg_") and words.get("plugin") == name and words.get("user") == user:
            found.append({"kind": kind, **words})
    return found


def first(daemon, name, kind, user=None, after=0, **fields):
    """Waits for the first such event of a leg with these fields."""
    def seen():
        for e in events(daemon.log()[after:], name, user):
            if e["kind"] == kind and all(e.get(k) == (v and str(v)) for k, v in fields.items()):
                return e
        return None
    return wait.until(seen, what=f"{kind} of {name} with {fields}, seen {events(daemon.log()[after:], name, user)}")


# ---- far ends ------------------------------------------------------------------------------------


def upgrade(c, request, key=None):
    key = key or ws.accept_value(request.header("sec-websocket-key"))
    c.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           f"Sec-WebSocket-Accept: {key}\r\n\r\n".encode())


def frame_read(c):
    """(op, data) of a client's frame, which must be masked."""
    first_byte, second = c.read(2)
    assert second & 0x80, "not masked"
    key, data = c.read(4), c.read(second & 0x7f)
    return first_byte & 0x0f, bytes(b ^ key[i % 4] for i, b in enumerate(data))


def frame(op, data):
    return bytes([0x80 | op, len(data)]) + data


def echo(c, request, last=None):
    """Echoes; after `last` texts it returns."""
    upgrade(c, request)
    n = 0
    while last is None or n < last:
        op, data = frame_read(c)
        if op == ws.CLOSE:
            return False
        c.send(frame(op, data))
        n += 1
    return False


def ends(how):
    """Established, one heartbeat answered, then the end."""
    def handler(c, request):
        echo(c, request, 1)
        how(c)
        return False
    return handler


def linger_zero(c):
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def closes_reset(c, _):
    linger_zero(c)
    return False


def silent(c):
    c.read(1 << 30)


def pinging(c, request):
    """Pings the leg and wants the same bytes back before it echoes anything."""
    upgrade(c, request)
    c.send(frame(ws.PING, b"are you there"))
    while frame_read(c) != (ws.PONG, b"are you there"):
        pass
    c.send(frame(ws.CLOSE, struct.pack("!H", 4001)))
    return False


def redirect(c, _):
    c.send(answer(b"", "302 Found", [("Location", "https://sso.lab.test/start?rd=/probe/ws")]))
    return False


class TlsOrigin(Origin):
    """Behind TLS; `names` has what clients called it."""

    def __init__(self, cert, key, handlers):
        self.names = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.context.sni_callback = lambda _sock, name, _context: self.names.append(name)
        super().__init__(handlers)

    def _serve(self, sock, number):
        try:
            sock = self.context.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
            return
        super()._serve(sock, number)


def leg(name, url, **options):
    return section("plugin", name, {"module": "probe_internal", "url": url, "segments": ["traefik"], **BRISK, **options})


# ---- WebSocket legs --------------------------------------------------------------------------------

ATTEMPTS = [  # path, step, reason, code
    ("/reset", "http", "reset", None), ("/eof", "http", "eof", None), ("/busy", "http", "http_status", 503),
    ("/missing", "http", "http_status", 404), ("/sso", "http", "walled_off", 302), ("/garbage", "http", "protocol", None),
    ("/forged", "http", "protocol", 101), ("/mute", "http", "http_timeout", None)]
DOWNS = [  # path, reason, code
    ("/close1001", "closed", 1001), ("/close", "closed", None), ("/fin", "eof", None), ("/rst", "reset", None),
    ("/silent", "heartbeat_timeout", None), ("/reserved", "protocol", None), ("/huge", "protocol", None),
    ("/pinging", "closed", 4001)]
HANDLERS = {
    "/echo": echo, "/reset": closes_reset, "/eof": lambda c, r: False, "/sso": redirect, "/pinging": pinging,
    "/busy": lambda c, r: c.send(answer(b"", "503 Service Unavailable")),
    "/missing": lambda c, r: c.send(answer(b"", "404 Not Found")),
    "/garbage": lambda c, r: (c.send(b"SSH-2.0-OpenSSH\r\n\r\n"), False)[1],
    "/forged": lambda c, r: upgrade(c, r, "bm90IHRoZSByaWdodCBvbmU="), "/mute": lambda c, r: silent(c),
    "/close1001": ends(lambda c: c.send(frame(ws.CLOSE, b"\x03\xe9"))), "/close": ends(lambda c: c.send(frame(ws.CLOSE, b""))),
    "/fin": ends(lambda c: None), "/rst": ends(linger_zero), "/silent": ends(silent),
    "/reserved": ends(lambda c: (c.send(frame(3, b"?")), silent(c))),
    "/huge": ends(lambda c: (c.send(b"\x81\x7f" + struct.pack("!Q", 1 << 40) + b"x"), silent(c))),
    "/moved": ends(lambda c: c.send(frame(ws.CLOSE, b"\x03\xf4")))}


class WebSocketLegs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.origin = Origin(HANDLERS)
        cls.ca = certs.Authority(process.folder())
        cert, key, _ = cls.ca.issue("far", "DNS:" + HOST)
        cls.tls = TlsOrigin(cert, key, HANDLERS)
        at = f"127.0.0.1:{cls.origin.port}"
        conf = leg("refused", f"ws://{HOST}/echo", address=f"127.0.0.1:{ports.free()}")
        conf += leg("echo", f"ws://{HOST}:1/echo?a=b", address=at) + leg("moved", f"ws://{HOST}/moved", address=at)
        for row in ATTEMPTS + DOWNS:
            conf += leg(row[0][1:], f"ws://{HOST}{row[0]}", address=at, timeout=TIMEOUT)
        secure = f"127.0.0.1:{cls.tls.port}"
        conf += leg("secure", f"wss://{HOST}/echo", address=secure, ca_file=cls.ca.ca)
        conf += leg("other_name", f"wss://other.{HOST}/echo", address=secure, ca_file=cls.ca.ca)
        conf += leg("untrusted", f"wss://{HOST}/echo", address=secure)
        conf += leg("plain", f"wss://{HOST}/echo", address=at, ca_file=cls.ca.ca, timeout=TIMEOUT)
        cls.daemon = Daemon({}, conf)

    @classmethod
    def tearDownClass(cls):
        try:
            cls.daemon.stop()
            cls.daemon.check_sanitizers()
        finally:
            cls.origin.stop()
            cls.tls.stop()

    def test_established(self):
        first(self.daemon, "echo", "leg_up")
        key = '{leg="echo"}'
        m = wait.until(lambda: (m := self.daemon.metrics()).get("t3probe_rtt_seconds_count" + key, 0) >= 2 and m)
        for name in ("t3probe_connected", "t3ops_leg_connected"):
            self.assertEqual(m[name + key], 1)
        self.assertEqual(m["t3probe_last_disconnect_timestamp" + key], 0)
        wait.until(lambda: self.daemon.metrics()["t3probe_connection_age_seconds" + key] > 0)
        request = self.origin.requests("/echo")[0]
        self.assertEqual(request.target, "/echo?a=b")
        self.assertEqual(request.header("host"), HOST + ":1")  # pinned, yet it says whom it wants
        self.assertNotIn("a=b", self.daemon.log())
        kinds = [e["kind"] for e in events(self.daemon.log(), "echo")]
        self.assertEqual(kinds[0], "leg_up")
        self.assertNotIn("leg_down", kinds)  # a busy machine may make a beat late

    def test_attempts_that_fail(self):
        for target, step, reason, code in ATTEMPTS:
            with self.subTest(target):
                e = first(self.daemon, target[1:], "leg_attempt_failed")
                self.assertEqual((e["step"], e["reason"], e.get("close_code", e.get("http_status"))), (step, reason, str(code) if code else None), e)
        e = first(self.daemon, "refused", "leg_attempt_failed")
        self.assertEqual((e["step"], e["reason"]), ("connect", "refused"))

    def test_ends_of_established_legs(self):
        for target, reason, code in DOWNS:
            with self.subTest(target):
                e = first(self.daemon, target[1:], "leg_down")
                self.assertEqual((e["step"], e["reason"], e.get("close_code", e.get("http_status"))), ("open", reason, str(code) if code else None), e)
                kinds = [e["kind"] for e in events(self.daemon.log(), target[1:])]
                self.assertEqual(kinds[0], "leg_up")
                self.assertEqual("leg_late" in kinds[:2], target == "/silent")
                first(self.daemon, target[1:], "leg_up", after=re.search(rf"event=leg_down [^\n]*plugin={target[1:]}\b", self.daemon.log()).start())
                key = f'{{leg="{target[1:]}",reason="{reason}"}}'
                self.assertGreaterEqual(self.daemon.metrics()["t3probe_disconnects_total" + key], 1)

    def test_far_end_that_is_replaced_is_no_drop(self):
        wait.until(lambda: len(self.origin.requests("/moved")) > 2, what="the leg is back, again and again")
        self.assertEqual([e for e in events(self.daemon.log(), "moved") if e["kind"] == "leg_down"], [])

    def test_tls(self):
        first(self.daemon, "secure", "leg_up")
        self.assertIn(HOST, self.tls.names)
        wait.until(lambda: self.daemon.metrics().get('t3probe_rtt_seconds_count{leg="secure"}', 0) >= 2)
        self.assertEqual(self.tls.requests("/echo")[0].header("host"), HOST)
        for name, reason in (("other_name", "tls"), ("untrusted", "tls"), ("plain", "connect_timeout")):
            e = first(self.daemon, name, "leg_attempt_failed")
            self.assertEqual((e["step"], e["reason"]), ("tls", reason), e)
            self.assertTrue(e["detail"])

    def test_says_why_it_is_down(self):
        """Not the reason's word alone: what whoever refused it said."""
        for name in ("refused", "untrusted"):
            said = re.sub(r"\d+ ms", "N ms", first(self.daemon, name, "leg_attempt_failed")["detail"])
            row = next(row for row in self.daemon.status()["legs"] if row["name"] == name)
            self.assertEqual(re.sub(r"\d+ ms", "N ms", row["detail"]), said)
            shown = re.sub(r"\d+ ms", "N ms", " ".join(self.daemon.ctl("legs").split()))  # in lines of 80 columns
            self.assertIn(f"traefik; at {row['step']}: {said} ", shown + " ")
        self.assertFalse([row for row in self.daemon.status()["legs"] if row["state"] == "up" and "detail" in row])

    def test_attempts_go_on(self):
        key = '{leg="refused"}'
        wait.until(lambda: self.daemon.metrics().get("t3ops_leg_failed_attempts_total" + key, 0) >= 3)
        self.assertEqual(len(events(self.daemon.log(), "refused")), 1)  # told once


# ---- the leg that looks its name up ----------------------------------------------------------------


def dns_answer(query, records, rcode=0, extra=b""):
    """An answer to that question: records are (type, bytes)."""
    body = struct.pack("!6H", 0, 0x8180 | rcode, 1, len(records), 0, 0) + query[12:]
    for kind, data in records:
        body += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
    return body + extra


A, AAAA, CNAME = 1, 28, 5
HERE, ELSEWHERE = (A, socket.inet_aton("127.0.0.1")), (A, socket.inet_aton("127.0.0.2"))


class Resolver(Origin):
    """DNS over HTTP whose answers the test sets: by type, or one for all."""

    def __init__(self, records):
        self.records = records
        self.status = "200 OK"
        self.rcode = 0
        self.questions = []
        super().__init__({"/dns-query": self._answer})

    def _answer(self, c, request):
        kind = struct.unpack("!H", request.body[-4:-2])[0]
        self.questions.append((request.header("content-type"), request.body[12:-4], kind))
        records = [r for r in self.records if r[0] in (kind, CNAME)]
        c.send(answer(dns_answer(request.body, records, self.rcode), self.status, [("Content-Type", "application/dns-message")]))


class LookingUp(unittest.TestCase):
    def daemon(self, origin, resolver, **options):
        conf = {"url": f"ws://{HOST}:{origin.port}/echo", "resolver": f"http://127.0.0.1:{resolver.port}/dns-query", **BRISK,
                **options}
        return Daemon({}, section("plugin", "probe_cloudflare", conf))

    def test_name_is_asked_for_at_the_resolver(self):
        with Origin(HANDLERS) as origin, Resolver([(CNAME, b"\1x\0"), HERE]) as r, self.daemon(origin, r) as d:
            first(d, "probe_cloudflare", "leg_up")
            self.assertEqual(r.questions[0], ("application/dns-message", b"\2t3\3lab\4test\0", A))
            self.assertEqual(origin.requests("/echo")[0].header("host"), f"{HOST}:{origin.port}")
            wait.until(lambda: len(r.questions) >= 3)  # with every heartbeat

    def test_resolver_fails_while_the_connection_lives(self):
        with Origin(HANDLERS) as origin, Resolver([HERE]) as r, self.daemon(origin, r) as d:
            first(d, "probe_cloudflare", "leg_up")
            for status, rcode, text in (("500 Oops", 0, "HTTP 500"), ("200 OK", 2, "rcode 2")):
                mark = len(d.log())
                r.status, r.rcode = status, rcode
                e = first(d, "probe_cloudflare", "leg_resolver_checked", after=mark, reason="dns")
                self.assertIn(text, e["detail"])
                r.status, r.rcode = "200 OK", 0
                first(d, "probe_cloudflare", "leg_resolver_checked", after=mark, reason=None)
            mark = len(d.log())
            r.listener.shutdown(socket.SHUT_RDWR)  # now nobody listens
            r.stop()
            first(d, "probe_cloudflare", "leg_resolver_checked", after=mark, reason="dns")
            kinds = {e["kind"] for e in events(d.log(), "probe_cloudflare")}
            self.assertEqual(kinds, {"leg_up", "leg_resolver_checked"})  # the leg itself did not even blink
            self.assertEqual(d.metrics()['t3probe_connected{leg="probe_cloudflare"}'], 1)
            # and where it led before, it still leads
            origin.cut()
            mark = len(d.log())
            first(d, "probe_cloudflare", "leg_up", after=mark)

    def test_name_that_never_resolved(self):
        with Origin(HANDLERS) as origin, Resolver([]) as r, self.daemon(origin, r) as d:
            e = first(d, "probe_cloudflare", "leg_attempt_failed")
            self.assertEqual((e["step"], e["reason"]), ("dns", "dns"))
            self.assertIn("no address", e["detail"])
            self.assertEqual([q[2] for q in r.questions[:2]], [A, AAAA])
            self.assertEqual(origin.connections, 0)
            r.records = [HERE]
            first(d, "probe_cloudflare", "leg_up")

    def test_leg_moves_with_its_name(self):
        with Origin(HANDLERS) as origin, Resolver([HERE]) as r, self.daemon(origin, r) as d:
            first(d, "probe_cloudflare", "leg_up")
            r.records = [ELSEWHERE, HERE]  # another order is no move
            wait.until(lambda n=len(r.questions): len(r.questions) > n + 4)
            self.assertEqual(len([e for e in events(d.log(), "probe_cloudflare") if e["kind"] == "leg_down"]), 0)
            r.records = [ELSEWHERE]
            with Origin(HANDLERS, origin.port, "127.0.0.2") as elsewhere:
                self.assertEqual(first(d, "probe_cloudflare", "leg_down")["reason"], "address_changed")
                wait.until(lambda: d.status()["legs"][0]["state"] == "up", what="it is up again")
                self.assertTrue(elsewhere.requests("/echo"))
            self.assertNotIn("leg_resolver_checked", {e["kind"] for e in events(d.log(), "probe_cloudflare")})
            self.assertEqual(d.verdicts(), [])

    def test_name_that_leads_nowhere(self):
        """The leg stays where it is, and the name is to blame: until it leads back, or somebody answers there."""
        with Origin(HANDLERS) as origin, Resolver([HERE]) as r, self.daemon(origin, r, timeout=TIMEOUT) as d:
            first(d, "probe_cloudflare", "leg_up")
            r.records = [ELSEWHERE]
            e = first(d, "probe_cloudflare", "leg_resolver_checked", reason="dns")
            self.assertRegex(e["detail"], r"leads to 127\.0\.0\.2, where nobody answers \(.+\), while 127\.0\.0\.1 still does")
            v = wait.until(lambda: (v := d.verdicts()) and v[0], what="a verdict")
            self.assertEqual(v["segments"], ["dns"])
            n = len(origin.requests("/echo"))
            origin.cut()  # its connection is cut: the new one goes where somebody answers
            wait.until(lambda: len(origin.requests("/echo")) > n and d.status()["legs"][0]["state"] == "up")
            self.assertNotIn("address_changed", d.log())
            with Origin({"/echo": lambda c, r: c.send(answer(b"", "404 Not Found"))}, origin.port, "127.0.0.2") as other:
                wait.until(lambda: other.seen, what="the other server is asked")
                wait.until(lambda n=len(r.questions): len(r.questions) > n + 5)
                self.assertNotIn("address_changed", d.log())
            mark = len(d.log())
            r.records = [HERE]
            first(d, "probe_cloudflare", "leg_resolver_checked", after=mark, reason=None)

    def test_name_that_leads_nowhere_until_the_former_address_is_gone(self):
        """Somebody answers where the name leads only when nobody does here any more: the leg gets there all the same."""
        with Origin(HANDLERS) as origin, Resolver([HERE]) as r, self.daemon(origin, r, timeout=TIMEOUT) as d:
            first(d, "probe_cloudflare", "leg_up")
            r.records = [ELSEWHERE]
            first(d, "probe_cloudflare", "leg_resolver_checked", reason="dns")
            mark = len(d.log())
            origin.refuse()
            origin.cut()
            first(d, "probe_cloudflare", "leg_attempt_failed", after=mark)
            with Origin(HANDLERS, origin.port, "127.0.0.2"):
                first(d, "probe_cloudflare", "leg_up", after=mark)
                first(d, "probe_cloudflare", "leg_resolver_checked", after=mark, reason=None)
                self.assertNotIn("address_changed", d.log())

    def test_name_and_address_fail(self):
        """Nobody answers there, nor here any more: it is not known to be the name."""
        with Origin(HANDLERS) as origin, Resolver([HERE]) as r, self.daemon(origin, r, timeout=TIMEOUT) as d:
            first(d, "probe_cloudflare", "leg_up")
            origin.refuse()
            r.records = [ELSEWHERE]
            wait.until(lambda n=len(r.questions): len(r.questions) > n + 8)
            self.assertEqual([e["kind"] for e in events(d.log(), "probe_cloudflare")], ["leg_up"])

    def test_options_that_would_need_a_resolver(self):
        for options, why in (({"url": "ws://127.0.0.1/x", "resolver": "http://127.0.0.1/"}, "its host is an address"),
                             ({"url": f"ws://{HOST}/x", "resolver": "https://dns.example/"}, "its host is a name")):
            d = Daemon({}, section("plugin", "probe_cloudflare", options), start=False)
            p = process.Process([process.program("core/t3ops"), "-c", d.conf], "t3ops")
            with p:
                p.wait_log(rf"event=config_error .*{why}")

    @unittest.skipIf(path.missing(), "the path's programs are not installed")
    def test_whole_path_with_unbound(self):
        stub = T3Stub(NEW)
        with path.Path() as p, Daemon({}, 'plugin "probe_echo" {}\n' + p.leg_sections(**BRISK), users={"alice": stub.port}) as d:
            p.connect(d.proxy)
            for name, user in (("probe_cloudflare", None), ("probe_internal", None), ("probe_t3serve", "alice")):
                first(d, name, "leg_up", user)
            p.resolver.cut()
            first(d, "probe_cloudflare", "leg_resolver_checked", reason="dns")
            p.resolver.heal()
            p.wall(True)
            mark = len(d.log())
            p.edge.cut()
            first(d, "probe_cloudflare", "leg_down", after=mark)
            p.edge.heal()
            e = first(d, "probe_cloudflare", "leg_attempt_failed", after=mark, reason="walled_off")
            self.assertEqual((e["step"], e["http_status"]), ("http", "302"))
            p.wall(False)
            first(d, "probe_cloudflare", "leg_up", after=mark)
        stub.stop()


class Replaced(unittest.TestCase):
    def test_far_end_that_does_not_come_back_is_a_drop(self):
        with Origin(HANDLERS) as origin, Daemon({}, leg("lost", f"ws://{HOST}/moved", address=f"127.0.0.1:{origin.port}")) as d:
            first(d, "lost", "leg_up")
            origin.refuse()
            e = first(d, "lost", "leg_down")
            self.assertEqual((e["step"], e["reason"]), ("connect", "refused"))

    def test_own_front_that_is_replaced_drops_no_leg(self):
        with path.Path() as p, Daemon({}, 'plugin "probe_echo" {}\n' + p.leg_sections(**BRISK)) as d:
            p.connect(d.proxy)
            for name in ("probe_cloudflare", "probe_internal"):
                first(d, name, "leg_up")
            d.options["first_byte_timeout"] = "9s"
            d.write_conf()
            mark = len(d.log())
            d.reload()
            for name in ("probe_cloudflare", "probe_internal"):
                first(d, name, "leg_up", after=mark)
            wait.until(lambda: len(d.children()) == 3, what="the old proxy to leave")
            self.assertNotIn("event=leg_down", d.log())


# ---- one leg a user ----------------------------------------------------------------------------------


class Servers(unittest.TestCase):
    def test_users_come_and_go(self):
        page = Origin({"/api/auth/session": lambda c, r: c.send(answer(b"<html>", headers=[("Content-Type", "text/html")]))})
        stub, nobody = T3Stub(NEW), ports.free()
        users = {"alice": stub.port, "bob": nobody, "carol": page.port}
        with page, stub, Daemon({}, section("plugin", "probe_t3serve", BRISK), users=users) as d:
            first(d, "probe_t3serve", "leg_up", "alice")
            e = first(d, "probe_t3serve", "leg_attempt_failed", "bob")
            self.assertEqual((e["step"], e["reason"]), ("connect", "refused"))
            e = first(d, "probe_t3serve", "leg_attempt_failed", "carol")
            self.assertEqual((e["step"], e["reason"], e["http_status"]), ("http", "protocol", "200"))
            self.assertEqual(d.metrics()['t3probe_connected{leg="probe_t3serve",user="alice"}'], 1)
            mark = len(d.log())
            d.write_users({"alice": stub.port, "bob": stub.port, "dave": stub.port})
            first(d, "probe_t3serve", "leg_removed", "carol", mark)
            first(d, "probe_t3serve", "leg_removed", "bob", mark)  # bob's server is elsewhere now
            first(d, "probe_t3serve", "leg_up", "bob", mark)
            first(d, "probe_t3serve", "leg_up", "dave", mark)
            self.assertNotIn('t3probe_connected{leg="probe_t3serve",user="carol"}', d.metrics())
            self.assertEqual({e["kind"] for e in events(d.log()[mark:], "probe_t3serve", "alice")}, set())

    def test_stalled_and_gone(self):
        with T3Stub(NEW) as stub, Daemon({}, section("plugin", "probe_t3serve", BRISK), users={"alice": stub.port}) as d:
            first(d, "probe_t3serve", "leg_up", "alice")
            stub.stall()
            first(d, "probe_t3serve", "leg_late", "alice")
            e = first(d, "probe_t3serve", "leg_down", "alice")
            self.assertEqual(e["reason"], "heartbeat_timeout")
            mark = len(d.log())
            stub.resume()
            first(d, "probe_t3serve", "leg_up", "alice", mark)
            mark = len(d.log())
            stub.refuse()
            e = first(d, "probe_t3serve", "leg_down", "alice", mark)
            self.assertIn(e["reason"], ("refused", "reset", "eof"))
            stub.accept()
            first(d, "probe_t3serve", "leg_up", "alice", mark)


if __name__ == "__main__":
    if not shutil.which("openssl"):
        print("skipped, not installed: openssl")
        sys.exit(77)
    unittest.main()
