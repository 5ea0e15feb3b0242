#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The access log: one line a request, who ended it and in which phase, and nothing in it that is anybody's secret."""
import json
import socket
import unittest

from lab import http, logfmt, ports, wait, ws
from lab.daemon import Daemon
from lab.origin import Origin, answer
from lab.talk import RawEcho

ECHO = 'plugin "probe_echo" {}\n'
ALICE = {"X-authentik-username": "alice"}
SHORT = {"first_byte_timeout": "300ms", "body_timeout": "300ms", "connect_timeout": "300ms"}


def silent(c, _):
    c.read(1 << 30)


def hangs_up(*_):
    return False


def half(c, _):
    c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    return False


def stalls(c, _):
    c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    c.read(1 << 30)


def nonsense(c, _):
    c.send(b"nonsense\r\n\r\n")
    return False


class AccessLog(unittest.TestCase):
    def setUp(self):
        self.origin = Origin({"/ws": RawEcho(), "/silent": silent, "/hangs-up": hangs_up, "/half": half, "/stalls": stalls,
                              "/nonsense": nonsense, "/plain": lambda c, _: c.send(answer(b"hello"))})
        self.addCleanup(self.origin.stop)

    def daemon(self, users=None, **options):
        d = Daemon({"access_log": "logfmt", **options}, ECHO, users=users or {"alice": self.origin.port})
        self.addCleanup(d.stop)
        return d

    def line(self, d, path, **more):
        """The only line of that path."""
        def found():
            lines = [dict(logfmt.parse(l)) for l in d.log().splitlines() if "event=request_done" in l]
            return [l for l in lines if l.get("url_path") == path and more.items() <= l.items()]
        wait.until(found, what=f"a line of {path}")
        self.assertEqual(len(found()), 1, path)
        return found()[0]

    def leave(self, d, request, after):
        with http.Connection(d.proxy) as c:
            c.send(request)
            after(c)

    def test_a_line(self):
        d = self.daemon()
        http.request(d.proxy, "POST", "/plain?token=secret-query", {**ALICE, "User-Agent": 'Mozilla "5"', "Cookie": "t3_session=secret-cookie",
                                                                   "X-Forwarded-For": "203.0.113.7"}, b"12345")
        line = self.line(d, "/plain")
        for key, value in (("level", "info"), ("user", "alice"), ("client", "203.0.113.7"), ("method", "POST"), ("http_status", "200"),
                           ("termination", "--"), ("http_version", "1.1"), ("bytes_up", "5"), ("user_agent", 'Mozilla "5"')):
            self.assertEqual(line.get(key), value, key)
        self.assertGreater(int(line["bytes_down"]), 5)
        self.assertGreaterEqual(float(line["duration_ms"]), float(line["first_byte_ms"]))
        self.assertNotIn("secret", d.log())
        with ws.WebSocket(d.proxy, "/ws?wsTicket=secret-ticket", list(ALICE.items())):
            self.assertEqual(self.line(d, "/ws")["http_status"], "101")
        self.assertNotIn("secret", d.log())

    def test_who_and_when(self):
        d = self.daemon(users={"alice": self.origin.port, "dead": ports.free()}, **SHORT)
        for path, headers, status, termination in (
                ("/plain", ALICE, "200", "--"), ("/healthz", {}, "200", "LR"), ("/probe/healthz", {}, "200", "LF"),
                ("/nobody", {}, "403", "PF"), ("/stranger", {"X-authentik-username": "mallory"}, "403", "PF"),
                ("/twice", [("X-authentik-username", "a"), ("X-authentik-username", "b")], "400", "PR"),
                ("/silent", ALICE, "503", "sH"), ("/hangs-up", ALICE, "502", "SH"), ("/nonsense", ALICE, "502", "SH")):
            self.assertEqual(str(http.get(d.proxy, path, headers).status), status, path)
            line = self.line(d, path)
            self.assertEqual((line["http_status"], line["termination"]), (status, termination), path)
        for path, termination in (("/half", "SD"), ("/stalls", "sD")):
            self.leave(d, http.build("GET", path, ALICE), lambda c: c.read_to_end())
            self.assertEqual(self.line(d, path)["termination"], termination, path)
        http.get(d.proxy, "/no-server", {"X-authentik-username": "dead"})
        self.assertRegex(self.line(d, "/no-server")["termination"], "[Ss]C")
        self.leave(d, http.build("POST", "/slow", {**ALICE, "Content-Length": "10"}) + b"half", lambda c: c.read_to_end())
        self.assertEqual(self.line(d, "/slow")["termination"], "cR")
        self.leave(d, b"nonsense\r\n\r\n", lambda c: c.read_to_end())
        wait.until(lambda: "termination=PR reason=syntax" in d.log() or "reason=syntax" in d.log(), what="the line of nonsense")

    def test_timeouts_of_paths(self):
        d = self.daemon(path_timeouts=["/silent=200ms", "/stalls=200ms", "/slow=30s"], first_byte_timeout="60s", body_timeout="300ms")
        self.assertEqual(http.get(d.proxy, "/silent", ALICE).status, 503)
        self.assertEqual(self.line(d, "/silent")["termination"], "sH")
        self.leave(d, http.build("GET", "/stalls", ALICE), lambda c: c.read_to_end())
        self.assertEqual(self.line(d, "/stalls")["termination"], "sD")
        self.assertIn("path_timeouts passed while", d.wait_log("event=request_cut .*").group(0))
        self.assertEqual(d.metrics()['t3ops_requests_cut_total{option="path_timeouts"}'], 1)
        with http.Connection(d.proxy) as c:
            c.send(http.build("POST", "/slow", {**ALICE, "Content-Length": "8"}) + b"half")
            c.sock.settimeout(1)
            with self.assertRaises(TimeoutError):
                c.fill()
            c.send(b"half")
            self.assertEqual(c.response().json()["body"], "halfhalf")
        for wrong in ("/a", "a=1s", "/a=1"):
            d.options["path_timeouts"] = [wrong]
            d.write_conf()
            self.assertIn(f'path_timeouts: \\"{wrong}\\": expected PATH=DURATION', d.reload())

    def test_clients_who_leave(self):
        d = self.daemon()
        self.leave(d, http.build("GET", "/silent", ALICE), lambda c: (wait.until(lambda: self.origin.requests("/silent")), c.reset()))
        self.assertEqual(self.line(d, "/silent")["termination"], "CH")
        self.leave(d, http.build("GET", "/stalls", ALICE), lambda c: (c.response_head(), c.reset()))
        self.assertEqual(self.line(d, "/stalls")["termination"], "CD")
        self.leave(d, http.build("POST", "/body", {**ALICE, "Content-Length": "10"}) + b"half",
                   lambda c: (wait.until(lambda: self.origin.requests("/body")), c.sock.shutdown(socket.SHUT_RDWR)))
        self.assertEqual(self.line(d, "/body")["termination"], "CR")

    def test_json(self):
        d = self.daemon(access_log="json")
        http.get(d.proxy, '/plain', {**ALICE, "User-Agent": 'a "b" \\ \xff'})
        wait.until(lambda: [l for l in d.log().splitlines() if l.startswith("{")], what="a line of JSON")
        line = json.loads([l for l in d.log().splitlines() if l.startswith("{")][0])
        self.assertEqual((line["event"], line["http_status"], line["user"], line["termination"]), ("request_done", 200, "alice", "--"))
        self.assertEqual(line["user_agent"], 'a "b" \\ \ufffd')
        self.assertIsInstance(line["duration_ms"], (int, float))

    def test_nobody_hides_what_they_ask_for(self):
        """What has to be escaped takes up to six times its length in a line."""
        for form in ("json", "logfmt"):
            for byte in (b"\xff", b'"', b"\xe2\x80\xa8", b"a"):
                with self.subTest(form=form, byte=byte):
                    d = self.daemon(access_log=form)
                    with http.Connection(d.proxy) as c:
                        c.send(b"GET /hidden/" + byte * 3000 + b" HTTP/1.1\r\nHost: lab\r\nX-authentik-username: alice\r\n"
                               b"User-Agent: bad-agent " + byte * 1000 + b"\r\n\r\n")
                        self.assertEqual(c.response().status, 200)
                    line = d.wait_log(r".*\brequest_done\b.*").group(0)
                    self.assertRegex(line, r"url_path\W+/hidden/.*user_agent\W+bad-agent ")
                    self.assertNotIn("truncated", line)

    def test_at_every_log_level(self):
        port = ports.free()
        d = self.daemon(log_level="notice", listen=[f"127.0.0.1:{port}"])
        http.get(("127.0.0.1", port), "/plain", ALICE)
        self.line(d, "/plain")

    def test_off_by_default(self):
        d = Daemon({}, ECHO, users={"alice": self.origin.port})
        self.addCleanup(d.stop)
        http.get(d.proxy, "/plain", ALICE)
        self.assertNotIn("request_done", d.log())


if __name__ == "__main__":
    unittest.main()
