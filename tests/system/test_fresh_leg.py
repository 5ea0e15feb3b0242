#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fresh connections beside a leg: far ends that go on with the old ones and do to new ones what a test says."""
import os
import signal
import socket
import ssl
import struct
import threading
import time
import unittest

from lab import certs, http, ports, process, wait, ws
from lab.daemon import Daemon, section
from lab.origin import Origin, answer
from lab.relay import Relay
from test_legs import HERE, HOST, Resolver, closes_reset, echo, events, first, frame, frame_read, silent, upgrade

FRESH = {"heartbeat": "500ms", "late": "5s", "watchdog": "60s", "reconnect_min": "100ms", "reconnect_max": "400ms", "fresh": "200ms",
         "large_beat": "0s"}
OUTER = ["wan", "cloudflare", "tunnel", "traefik", "dispatch"]


class Far(Origin):
    """Echoes; new connections get `now` instead once it is set.  closed: codes of the close frames that came."""

    def __init__(self):
        self.now = None
        self.closed = []
        self.hang = threading.Event()
        super().__init__({"/echo": self._echo})

    def _echo(self, c, request):
        if self.now:
            return self.now(c, request)
        upgrade(c, request)
        while True:
            op, data = frame_read(c)
            if op == ws.CLOSE:
                self.closed.append(struct.unpack("!H", data[:2])[0] if data else None)
                c.send(frame(ws.CLOSE, data))
                return False
            if self.hang.is_set():
                silent(c)
            c.send(frame(op, data))


def status(line):
    def handler(c, _):
        c.send(answer(b"", line))
        return False
    return handler


def leg(name, far, segments, **options):
    return section("plugin", name, {"module": "probe_internal", "url": f"ws://{HOST}/echo", "address": f"127.0.0.1:{far.port}",
                                    "segments": segments, **FRESH, **options})


class FreshConnections(unittest.TestCase):
    def setUp(self):
        self.outer, self.inner = Far(), Far()
        self.addCleanup(self.outer.stop)
        self.addCleanup(self.inner.stop)

    def daemon(self, **options):
        return Daemon({}, leg("outer", self.outer, OUTER, edge="cloudflare", **options) + leg("inner", self.inner, ["traefik", "dispatch"], **options))

    def up(self, d):
        for name in ("outer", "inner"):
            first(d, name, "leg_up")
            wait.until(lambda: d.metrics().get(f't3ops_leg_fresh_seconds_count{{leg="{name}"}}', 0) >= 2, what=f"fresh connections of {name}")

    def test_they_are_made_and_closed_in_order(self):
        with self.daemon() as d:
            self.up(d)
            self.assertEqual(d.metrics()['t3ops_leg_fresh_connected{leg="outer"}'], 1)
            wait.until(lambda: self.outer.closed[:2] == [1000, 1000])
            self.assertEqual([e["kind"] for e in events(d.log(), "outer")], ["leg_up"])  # all of it is no news

    def test_off(self):
        with self.daemon(fresh="0s") as d:
            first(d, "outer", "leg_up")
            wait.until(lambda: d.metrics().get('t3ops_leg_rtt_seconds_count{leg="outer"}', 0) >= 5)
            self.assertEqual(self.outer.connections, 1)
            self.assertNotIn('t3ops_leg_fresh_connected{leg="outer"}', d.metrics())

    def test_new_connections_fail_while_old_ones_live(self):
        for outer, inner, step, reason, code, suspect in (
                (status("530 Origin Error"), None, "http", "http_status", "530", "tunnel"),
                (status("502 Bad Gateway"), status("502 Bad Gateway"), "http", "http_status", "502", "dispatch"),
                (closes_reset, None, "http", "reset", None, "cloudflare or tunnel")):
            self.outer.now = self.inner.now = None
            with self.subTest(suspect), self.daemon() as d:
                self.up(d)
                self.outer.now, self.inner.now = outer, inner
                e = first(d, "outer", "leg_fresh_failed")
                self.assertEqual((e["step"], e["reason"], e.get("http_status")), (step, reason, code))
                self.assertTrue(e["duration_ms"])
                v = wait.until(lambda: (v := d.verdicts()) and v[0], what="a verdict")
                self.assertEqual(v["verdict"], suspect, v)
                self.assertIn("new connections fail, old ones live", v["text"])
                self.assertEqual({e["what"] for e in v["evidence"] if e.get("failed")}, {"fresh_connection"})
                self.assertEqual(d.metrics()['t3ops_leg_fresh_connected{leg="outer"}'], 0)
                self.assertRegex(d.ctl("legs"), r"outer +.* up .*\n .*; new connections fail\n")
                self.assertIn("; new connections fail", http.get(d.monitor, "/").text())
                self.assertEqual([leg["fresh_connections"] for leg in d.status()["legs"] if leg["name"] == "outer"], ["failed"])
                self.outer.now = self.inner.now = None
                d.process.wait_log(r"event=verdict_healed ")
                first(d, "outer", "leg_fresh_opened")
                self.assertNotIn("event=leg_down", d.log())

    def test_one_failure_is_no_fault(self):
        def once(c, request):
            self.outer.now = None
            return status("503 Service Unavailable")(c, request)
        with self.daemon() as d:
            self.up(d)
            self.outer.now = once
            wait.until(lambda: d.metrics().get('t3ops_leg_fresh_failures_total{leg="outer",reason="http_status"}') == 1)
            wait.until(lambda: d.metrics()['t3ops_leg_fresh_connected{leg="outer"}'] == 1)
            self.assertNotIn("event=leg_fresh_failed", d.log())
            self.assertEqual(d.verdicts(), [])

    def test_missing_heartbeat_asks_for_one_at_once(self):
        with self.daemon(fresh="1h", late="1s") as d:
            first(d, "outer", "leg_up")
            self.outer.now = status("530 Origin Error")
            self.outer.hang.set()
            e = first(d, "outer", "leg_fresh_failed")  # long before the watchdog
            self.assertEqual((e["step"], e["http_status"]), ("http", "530"))
            v = wait.until(lambda: (v := d.verdicts()) and v[-1], what="a verdict")
            self.assertEqual(v["verdict"], "tunnel", v)
            self.outer.hang.clear()


class LookingUp(unittest.TestCase):
    def test_each_looks_the_name_up(self):
        with Far() as far, Resolver([HERE]) as r:
            options = {"url": f"ws://{HOST}:{far.port}/echo", "resolver": f"http://127.0.0.1:{r.port}/dns-query", **FRESH, "heartbeat": "50s"}
            with Daemon({}, section("plugin", "probe_cloudflare", options)) as d:
                first(d, "probe_cloudflare", "leg_up")
                wait.until(lambda: len(far.requests("/echo")) >= 4)
                self.assertGreaterEqual(len(r.questions), 4)
                self.assertEqual(far.requests("/echo")[3].header("host"), f"{HOST}:{far.port}")


class SignsOfLife(unittest.TestCase):
    """A leg whose own back-off is an hour is tried again as soon as something on its path works."""

    PATIENT = {"reconnect_min": "1h", "reconnect_max": "1h"}

    def test_another_leg_comes_up(self):
        with Far() as slow, Far() as quick, Far() as elsewhere:
            for far in (slow, quick, elsewhere):
                far.now = status("503 Service Unavailable")
            conf = leg("slow", slow, OUTER, **self.PATIENT) + leg("quick", quick, ["traefik", "dispatch"])
            with Daemon({}, conf + leg("elsewhere", elsewhere, ["moon"], **self.PATIENT)) as d:
                for name in ("slow", "quick", "elsewhere"):
                    first(d, name, "leg_attempt_failed")
                slow.now = elsewhere.now = None
                first(d, "quick", "leg_attempt_failed")
                self.assertEqual([e["kind"] for e in events(d.log(), "slow")], ["leg_attempt_failed"])
                quick.now = None
                first(d, "quick", "leg_up")
                first(d, "slow", "leg_up")
                self.assertEqual([e["kind"] for e in events(d.log(), "elsewhere")], ["leg_attempt_failed"])

    def test_tunnel_of_a_user_works(self):
        with Far() as far, Origin({"/ws": echo}) as server:
            far.now = status("503 Service Unavailable")
            with Daemon({}, 'plugin "session_check" {}\nplugin "auto_pair" {}\ncommand "mint" { argv = {"/bin/false"} }\n' +
                        leg("shared", far, OUTER, **self.PATIENT), users={"alice": server.port}) as d:
                first(d, "shared", "leg_attempt_failed")
                far.now = None
                with ws.WebSocket(d.proxy, "/ws", {"X-authentik-username": "alice"}) as w:
                    self.assertEqual(w.ask("hello"), "hello")
                    first(d, "shared", "leg_up")


LARGE = 65536


class Takes(Origin):
    """Echoes small frames; `answers` says what becomes of large ones: bytes to send, in the order given; None: a close with 1009."""

    def __init__(self, answers):
        self.answers = answers
        self.keys = []
        super().__init__({"/echo": self._echo})

    @staticmethod
    def _read(c):
        first_byte, second = c.read(2)
        length = second & 0x7f
        if length > 125:
            length = int.from_bytes(c.read(2 if length == 126 else 8), "big")
        key, data = c.read(4), c.read(length)
        if length == LARGE:
            key *= LARGE // 4
            return first_byte & 0x0f, (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(LARGE, "big")
        return first_byte & 0x0f, bytes(b ^ key[i % 4] for i, b in enumerate(data))

    def _echo(self, c, request):
        self.keys.append(request.header("x-t3ops-probe-key"))
        upgrade(c, request)
        while True:
            op, data = self._read(c)
            if op == ws.CLOSE:
                return False
            if len(data) < LARGE:
                c.send(frame(op, data))
            elif self.answers is None:
                c.send(frame(ws.CLOSE, struct.pack("!H", 1009)))
                return False
            else:
                for answer_to in self.answers:
                    c.send(answer_to(data))


class TakesSlowly(Takes):
    """The same behind TLS and a line that holds little: a large message does not go out at once."""

    def __init__(self, answers, cert, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        super().__init__(answers)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # whoever is accepted has that, too
        self.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1448)

    def _serve(self, sock, number):
        super()._serve(self.context.wrap_socket(sock, server_side=True), number)

    @staticmethod
    def _read(c):
        time.sleep(0.2)
        return Takes._read(c)


def arrived(_):
    return frame(ws.TEXT, b"arrived")


def back(data):
    return b"\x82\x7f" + struct.pack("!Q", len(data)) + data


class LargeMessages(unittest.TestCase):
    def daemon(self, far, **options):
        return Daemon({}, leg("outer", far, OUTER, edge="cloudflare", **{"timeout": "1s", "large_beat": "10ms", **options}))

    def test_answered(self):
        with Takes([arrived, back]) as far, self.daemon(far) as d:
            wait.until(lambda: d.metrics().get('t3ops_leg_large_seconds_count{leg="outer"}', 0) >= 2)
            self.assertEqual(d.metrics()['t3ops_leg_large_answered{leg="outer"}'], 1)
            self.assertEqual([e["kind"] for e in events(d.log(), "outer")], ["leg_up"])
            self.assertRegex(far.keys[0], "^[0-9a-f]{64}$")
            self.assertEqual(len(set(far.keys)), 1)
            self.assertNotIn(far.keys[0], d.log())

    def test_one_that_does_not_go_out_at_once(self):
        """What TLS has begun to send is sent on as it is."""
        ca = certs.Authority(process.folder())
        with TakesSlowly([arrived, back], *ca.issue("far", "DNS:" + HOST)[:2]) as far, \
                self.daemon(far, url=f"wss://{HOST}/echo", ca_file=ca.ca, timeout="30s", late="20s") as d:
            wait.until(lambda: d.metrics().get('t3ops_leg_large_seconds_count{leg="outer"}', 0) >= 3)
            self.assertEqual({e["kind"] for e in events(d.log(), "outer")}, {"leg_up"})

    def test_lost_either_way(self):
        for answers, way, text in (([], "out", "lost on the way there"), ([arrived], "back", "lost on the way back"),
                                   ([arrived, lambda data: back(data[::-1])], "back", "lost on the way back")):
            with self.subTest(text), Takes(answers) as far, self.daemon(far) as d:
                e = first(d, "outer", "leg_large_lost")
                self.assertEqual((e["reason"], e["detail"]), ("large_lost", text))
                self.assertGreaterEqual(d.metrics()[f't3ops_leg_large_lost_total{{leg="outer",way="{way}"}}'], 2)
                v = wait.until(lambda: (v := d.verdicts()) and v[0], what="a verdict")
                self.assertEqual(v["segments"], OUTER)
                self.assertIn("large messages only", v["text"])
                self.assertRegex(d.ctl("legs"), r"outer +.* up .*\n .*; large messages are lost\n")
                far.answers = [arrived, back]
                first(d, "outer", "leg_large_answered")
                d.process.wait_log(r"event=verdict_healed ")
                self.assertNotIn("event=leg_down", d.log())

    def test_far_end_that_does_not_know_the_key(self):
        with Takes(None) as far, self.daemon(far) as d:
            d.process.wait_log(r"event=large_beat_refused plugin=outer message=.*probe_key_file")
            wait.until(lambda: len(far.keys) >= 5)
            self.assertEqual(d.log().count("large_beat_refused"), 1)
            self.assertNotIn("leg_large_lost", d.log())

    def test_off(self):
        with Takes(None) as far, Daemon({}, leg("outer", far, OUTER, large_beat="0s")) as d:
            wait.until(lambda: d.metrics().get('t3ops_leg_fresh_seconds_count{leg="outer"}', 0) >= 3)
            self.assertNotIn("large", d.log().split("event=leg_up")[1])


class OwnLegs(unittest.TestCase):
    """Legs of the installation at its own /probe/ws."""

    def start(self, echo, options=None):
        port = ports.free()
        self.line = Relay(("127.0.0.1", port))
        self.addCleanup(self.line.close)
        conf = {"module": "probe_internal", "url": f"ws://{HOST}/probe/ws", "address": f"127.0.0.1:{self.line.address[1]}",
                "segments": ["dispatch"], **FRESH, "large_beat": "10ms", "timeout": "1s"}
        return Daemon({"listen": [f"127.0.0.1:{port}"], **(options or {})}, f'plugin "probe_echo" {{ {echo} }}\n' + section("plugin", "own", conf))

    def answered(self, d, more=2):
        key = 't3ops_leg_large_seconds_count{leg="own"}'
        n = d.metrics().get(key, 0)
        wait.until(lambda: d.metrics().get(key, 0) >= n + more, what="large messages to be answered")

    def test_own_places_and_large_messages(self):
        with self.start("connections = 1") as d:
            with ws.WebSocket(d.proxy, "/probe/ws") as stranger:
                self.answered(d)
                self.assertEqual(d.metrics()["t3ops_probe_echo_connections"], 1)
                self.assertGreaterEqual(d.metrics()["t3ops_probe_echo_own_connections"], 1)
                stranger.send("x" * 2000)
                self.assertEqual(stranger.wait_close(), 1009)
            for key in ("", "0" * 64, "x"):
                with ws.WebSocket(d.proxy, "/probe/ws", {"X-T3ops-Probe-Key": key}) as stranger:
                    stranger.send("x" * 2000)
                    self.assertEqual(stranger.wait_close(), 1009)
            d.options["first_byte_timeout"] = "9s"
            d.write_conf()
            mark = len(d.log())
            d.reload()  # the new proxy knows the key of the old prober
            wait.until(lambda: len(d.pids("proxy")) == 1 and "event=reloaded" in d.log()[mark:])
            self.answered(d)
            d.process.send_signal(signal.SIGUSR2)  # and so do those of the next binary
            d.process.wait_log("event=upgraded ")
            self.answered(d)
            self.assertNotIn("large_beat_refused", d.log())

    def test_path_that_carries_small_ones_only(self):
        with self.start("") as d:
            self.answered(d)
            self.line.up.largest = 8000
            e = first(d, "own", "leg_large_lost")
            self.assertEqual(e["detail"], "lost on the way there")
            self.line.heal()
            first(d, "own", "leg_large_answered")
            self.assertNotIn("event=leg_down", d.log())

    def test_prober_elsewhere_shares_a_file(self):
        shared = os.path.join(process.folder(), "probe.key")
        for mode, text in ((0o640, "sixteen-bytes-or-more\n"), (0o640, "another-one-of-its-own\n")):
            with open(shared, "w", encoding="utf-8") as f:
                f.write(text)
            os.chmod(shared, mode)
            with self.start("", {"probe_key_file": shared}) as d:
                self.answered(d)
                conf = {"module": "probe_internal", "url": f"ws://{HOST}/probe/ws", "address": "%s:%d" % d.proxy, "segments": ["dispatch"],
                        **FRESH, "large_beat": "10ms", "timeout": "1s"}
                with Daemon({"probe_key_file": shared}, section("plugin", "own", conf)) as elsewhere:
                    self.answered(elsewhere)
                with Daemon({}, section("plugin", "own", conf)) as stranger:
                    stranger.process.wait_log("event=large_beat_refused")
                self.assertNotIn(text.strip(), d.log())


if __name__ == "__main__":
    unittest.main()
