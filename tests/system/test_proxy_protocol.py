#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The PROXY protocol on a listener: whose connection a trusted proxy says it is, by hand and by haproxy."""
import contextlib
import os
import shutil
import signal
import socket
import struct
import time
import unittest

from lab import http, ports, process, wait, ws
from lab.daemon import Daemon
from lab.origin import Origin, answer
from lab.talk import RawEcho

ECHO = 'plugin "probe_echo" {}\n'
ALICE = {"X-authentik-username": "alice"}
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
REFUSED = "t3ops_proxy_headers_refused_total"
# 192.0.2.0/24 are browsers, 198.51.100.0/24 proxies that sign users in.
SIGN_IN, BROWSER = "198.51.100.7", "192.0.2.9"


def v1(source, family="TCP4"):
    return f"PROXY {family} {source} {'2001:db8::1' if ':' in source else '203.0.113.1'} 4711 443\r\n".encode()


def v2(source, tlvs=b"", command=0x21):
    v6 = ":" in source
    to = "2001:db8::1" if v6 else "203.0.113.1"
    where = b"".join(socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, a) for a in (source, to)) + struct.pack("!HH", 4711, 443) + tlvs
    return SIGNATURE + struct.pack("!BBH", command, 0x21 if v6 else 0x11, len(where)) + where


class PROXY(unittest.TestCase):
    def setUp(self):
        self.origin = Origin({"/": lambda c, r: c.send(answer(b"hers")), "/ws": RawEcho()})
        self.addCleanup(self.origin.stop)

    def start(self, **options):
        d = Daemon({"listen": ["127.0.0.1:0"], "proxy_protocol": ["127.0.0.1:0"],
                    "trusted_proxies": ["127.0.0.0/8", "198.51.100.0/24", "2001:db8:1::/48"], **options}, ECHO, users={"alice": self.origin.port})
        self.addCleanup(d.process.kill)
        return d

    def ask(self, d, header, headers=(), pause=0):
        with http.Connection(d.proxy) as c:
            if pause:
                for byte in header:
                    c.send(bytes([byte]))
                    time.sleep(pause)
                header = b""
            c.send(header + http.build("GET", "/", {**ALICE, **dict(headers)}))
            return c.response()

    def test_whose_connection_it_is(self):
        d = self.start()
        for header, source in ((v1(SIGN_IN), SIGN_IN), (v2(SIGN_IN), SIGN_IN), (v2(SIGN_IN, b"\3\0\4abcd"), SIGN_IN),
                               (v1("2001:db8:1::5", "TCP6"), "2001:db8:1::5"), (v2("2001:db8:1::5"), "2001:db8:1::5")):
            with self.subTest(header):
                self.assertEqual(self.ask(d, header).text(), "hers")
                self.assertEqual(self.origin.seen[-1].header("x-forwarded-for"), source)
        self.assertEqual(self.ask(d, v2(SIGN_IN), {"X-Forwarded-For": BROWSER}).text(), "hers")
        self.assertEqual(self.origin.seen[-1].header("x-forwarded-for"), f"{BROWSER}, {SIGN_IN}")
        self.assertEqual(self.ask(d, v2(SIGN_IN), pause=0.002).text(), "hers")
        self.assertEqual(d.metrics()[REFUSED], 0)

    def test_who_is_named_and_no_proxy_cannot_sign_in(self):
        """What a proxy passes on byte by byte, its clients have written."""
        d = self.start()
        for header in (v1(BROWSER), v2(BROWSER), v2("127.0.0.1"), v1("UNKNOWN", "UNKNOWN"), v2(SIGN_IN, command=0x20),
                       SIGNATURE + b"\x21\x31\0\0"):
            with self.subTest(header):
                self.assertEqual(self.ask(d, header).status, 403)
        self.assertEqual(self.origin.seen, [])
        d.wait_log(rf"event=identity_ignored .*peer={BROWSER}")
        d.wait_log(r"event=identity_ignored .*peer=127\.0\.0\.1 .*PROXY header names an address of this machine")
        d.wait_log(r"event=identity_ignored .*peer=unknown")

    def test_what_is_no_header(self):
        d = self.start(header_timeout="300ms")
        for n, data in enumerate((http.build("GET", "/healthz"), b"\x16\3\1", SIGNATURE + b"\x21\x12\0\x0c" + bytes(12), v1("300.1.1.1"))):
            with self.subTest(data), http.Connection(d.proxy) as c:
                c.send(data)
                self.assertEqual(self.end_of(c), b"")
                wait.until(lambda n=n: d.metrics()[REFUSED] == n + 1, what="the counter")
        d.wait_log(r"event=proxy_header_refused peer=127\.0\.0\.1 error=\"what it began with is not a PROXY header")
        with http.Connection(d.proxy) as c:
            c.send(v2(SIGN_IN)[:20])
            self.assertEqual(self.end_of(c), b"")  # header_timeout
        with http.Connection(d.proxy):
            pass  # a check whether somebody listens
        wait.until(lambda: d.metrics()[REFUSED] == 5, what="the counter")

    @staticmethod
    def end_of(c):
        try:
            return c.read_to_end()
        except ConnectionResetError:
            return b""

    def test_from_nobody_else(self):
        for options in ({"trusted_proxies": ["198.51.100.0/24"]}, {"trusted_local_users": []}):
            with self.subTest(options):
                d = self.start(**options)
                with http.Connection(d.proxy) as c:
                    c.send(v2(SIGN_IN) + http.build("GET", "/", ALICE))
                    self.assertEqual(self.end_of(c), b"")
                wait.until(lambda d=d: d.metrics()[REFUSED] == 1, what="the counter")
                d.wait_log(r"event=proxy_header_refused peer=127\.0\.0\.1 error=\"the peer may not send")
                self.assertEqual(d.stop(), 0)
        self.assertEqual(self.origin.seen, [])

    def test_a_listener_of_each_kind(self):
        path = os.path.join(process.folder(), "s")
        os.chmod(os.path.dirname(path), 0o755)
        d = self.start(listen=["127.0.0.1:0", f"unix:{path}"], proxy_protocol=[f"unix:{path}"])
        self.assertEqual(http.get(d.proxy, "/", ALICE).text(), "hers")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(path)
            c = http.Connection.over(sock)
            c.send(v2(SIGN_IN) + http.build("GET", "/", ALICE))
            self.assertEqual(c.response().text(), "hers")
        self.assertEqual(self.origin.seen[-1].header("x-forwarded-for"), SIGN_IN)

    def test_the_name_moves_along(self):
        """Idle connections and tunnels, over a reload and an upgrade."""
        d = self.start()
        with http.Connection(d.proxy) as c, http.Connection(d.proxy) as half, http.Connection(d.proxy) as browser:
            for conn, source in ((c, SIGN_IN), (browser, BROWSER)):
                conn.send(v2(source) + http.build("GET", "/healthz"))
                self.assertEqual(conn.response().status, 200)
            header = v2(SIGN_IN)
            half.send(header[:5])
            for number in range(2):
                mark = len(d.log())
                d.options["first_byte_timeout"] = f"{10 + number}s"
                d.write_conf()
                self.assertIn("event=reloaded", d.reload())
                if number == 0:  # whoever has begun a header is waited for
                    half.send(header[5:] + http.build("GET", "/", ALICE))
                    self.assertEqual(half.response().text(), "hers")
                d.process.send_signal(signal.SIGUSR2)
                d.wait_log("event=upgraded", after=mark)
                wait.until(lambda: len(d.pids("proxy")) == 1, what="the old proxy to leave")
                self.assertEqual(c.request("GET", "/", ALICE).text(), "hers")
                self.assertEqual(self.origin.seen[-1].header("x-forwarded-for"), SIGN_IN)
                self.assertEqual(browser.request("GET", "/", ALICE).status, 403)

    def test_connections_are_counted_by_whom_they_name(self):
        d = self.start(max_connections_per_peer=2)
        with http.Connection(d.proxy) as one, http.Connection(d.proxy) as two, http.Connection(d.proxy) as three, \
                http.Connection(d.proxy) as other:
            for c, source in ((one, BROWSER), (two, BROWSER), (other, "192.0.2.10")):
                c.send(v2(source) + http.build("GET", "/healthz"))
                self.assertEqual(c.response().status, 200)
            three.send(v2(BROWSER) + http.build("GET", "/healthz"))
            self.assertEqual(self.end_of(three), b"")

    def test_of_ipv6_a_network_is_counted(self):
        d = self.start(max_connections_per_peer=2)
        with contextlib.ExitStack() as stack:
            def status(source):
                c = stack.enter_context(http.Connection(d.proxy))
                c.send(v2(source) + http.build("GET", "/healthz"))
                return c.response().status
            self.assertEqual([status(f"2001:db8:2:{n}::{n}") for n in (1, 2, 3)], [200] * 3)
            self.assertEqual(status("2001:db8:2:1::9"), 200)
            with http.Connection(d.proxy) as c:
                c.send(v2("2001:db8:2:1:ffff::8") + http.build("GET", "/healthz"))
                self.assertEqual(self.end_of(c), b"")


@unittest.skipIf(not shutil.which("haproxy"), "haproxy is not installed")
class Haproxy(unittest.TestCase):
    CONF = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    timeout tunnel 60s
frontend in
    bind 127.0.0.1:{port}
    http-request set-src req.hdr(x-from)
    default_backend t3ops
backend t3ops
    http-reuse never
    server t3ops 127.0.0.1:{to} {how}
"""

    def test_both_versions(self):
        with Origin({"/": lambda c, r: c.send(answer(b"hers")), "/ws": RawEcho()}) as o:
            for how in ("send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"):
                with self.subTest(how):
                    self.check(o, how)

    def check(self, o, how):
        d = Daemon({"proxy_protocol": ["127.0.0.1:0"], "trusted_proxies": ["127.0.0.0/8", "198.51.100.0/24"]}, ECHO, users={"alice": o.port})
        self.addCleanup(d.process.kill)
        port = ports.free()
        conf = os.path.join(process.folder(), "haproxy.cfg")
        with open(conf, "w", encoding="ascii") as f:
            f.write(self.CONF.format(port=port, to=d.proxy[1], how=how))
        haproxy = process.Process([shutil.which("haproxy"), "-db", "-f", conf], "haproxy", None)
        self.addCleanup(haproxy.kill)
        there = ("127.0.0.1", port)
        wait.until(lambda: ports.open_(port), what="haproxy")
        self.assertEqual(http.get(there, "/", {"X-From": SIGN_IN, **ALICE}).text(), "hers")
        self.assertEqual(o.seen[-1].header("x-forwarded-for"), SIGN_IN)
        self.assertEqual(http.get(there, "/", {"X-From": BROWSER, **ALICE}).status, 403)
        with ws.WebSocket(there, "/ws", {"X-From": SIGN_IN, **ALICE}) as w:
            sent = ws.frame_bytes(1, b"talk")
            w.conn.send(sent)
            self.assertEqual(w.conn.read(len(sent)), sent)
            d.wait_log(rf"event=tunnel_opened .*client={SIGN_IN}")
        self.assertEqual(d.metrics()[REFUSED], 0)
        self.assertEqual(d.stop(), 0)


if __name__ == "__main__":
    unittest.main()
