#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hostile clients of many kinds at once: a real user's tunnel goes on unharmed, and the proxy is afterwards what
it was before.  And what each one may have at most."""
import os
import random
import socket
import struct
import threading
import time
import unittest

from lab import http, wait, ws
from lab.daemon import Daemon
from lab.memory import FREED_IS_FREE, rss, slack
from lab.origin import Origin
from lab.talk import RawEcho, Talker

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]
ATTACKER = "127.0.0.3"
OPERATIONS = int(os.environ.get("T3OPS_HOSTILE_OPERATIONS", "100"))  # of each kind
UPGRADE = (b"GET /probe/ws HTTP/1.1\r\nHost: lab\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")


def connect(address, source=ATTACKER):
    s = socket.socket()
    s.bind((source, 0))
    s.settimeout(0.1)
    s.connect(address)
    return s


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def read_to_end(s):
    try:
        while s.recv(65536):
            pass
    except OSError:
        pass


# Each takes a connected socket and a source of chance, and leaves the socket to be closed.

def garbage(s, rng):
    s.sendall(rng.randbytes(rng.randrange(1, 3000)))
    read_to_end(s)


def half_a_head(s, rng):
    s.sendall(b"GET / HTTP/1.1\r\nHost: lab\r\nA: " + b"b" * rng.randrange(100))


def silence(_s, _rng):
    pass


def half_closed(s, rng):
    s.sendall(b"GET / HTTP/1.1\r\nHo" if rng.random() < 0.5 else b"")
    s.shutdown(socket.SHUT_WR)
    read_to_end(s)


def header_flood(s, _rng):
    s.sendall(b"GET / HTTP/1.1\r\nHost: lab\r\n" + b"A: b\r\n" * 5000)
    read_to_end(s)


def pipeline_flood(s, rng):
    s.sendall(b"GET /healthz HTTP/1.1\r\nHost: lab\r\n\r\n" * rng.randrange(1, 200))


def body_that_never_comes(s, rng):
    s.sendall(b"POST /healthz HTTP/1.1\r\nHost: lab\r\nContent-Length: 99999999\r\n\r\n" + b"x" * rng.randrange(1000))


def bad_chunks(s, rng):
    s.sendall(b"POST /hello HTTP/1.1\r\nHost: lab\r\nTransfer-Encoding: chunked\r\n\r\n" + rng.randbytes(50))
    read_to_end(s)


def bad_frames(s, rng):
    s.sendall(UPGRADE + rng.choice((
        b"\x81\x05hello",                                # not masked
        b"\xf1\x85abcd" + b"hello",                      # reserved bits
        b"\x81\xff" + b"\xff" * 8 + b"abcd",             # 2^64 bytes are announced
        b"\x82\xfe\xff\xff" + b"abcd" + b"x" * 65535,    # larger than the limit
        b"\x89\xfe\x01\x00" + b"abcd" + b"x" * 256,      # a ping that is too long
        b"\x01\x80abcd" * 200,                           # text begins over and over
        b"\x88\x81abcdx",                                # half a close code
        rng.randbytes(300))))
    read_to_end(s)


def frame_flood_unread(s, _rng):
    """Echoes that nobody reads."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    try:
        s.sendall(UPGRADE)
        for _ in range(50):
            s.sendall((b"\x81\xfe\x01\x00" + b"\0\0\0\0" + b"x" * 256) * 40)
    except OSError:
        pass


KINDS = (garbage, half_a_head, silence, half_closed, header_flood, pipeline_flood, body_that_never_comes, bad_chunks,
         bad_frames, frame_flood_unread)


class Attack(threading.Thread):
    """One kind over and over; some connections stay open for a while, some end with a reset."""

    def __init__(self, address, kind, seed):
        super().__init__(daemon=True)
        self.address, self.kind, self.rng, self.done, self.error = address, kind, random.Random(seed), 0, None

    def run(self):
        held = []
        count = OPERATIONS // 5 if self.kind is frame_flood_unread else OPERATIONS
        while self.done < count:
            try:
                s = connect(self.address)
            except OSError as e:
                self.error = e
                return
            try:
                self.kind(s, self.rng)
            except OSError:
                pass
            held.append(s)
            if len(held) > 20:
                victim = held.pop(self.rng.randrange(len(held)))
                (reset if self.rng.random() < 0.5 else socket.socket.close)(victim)
            self.done += 1
        for s in held:
            s.close()


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


class Hostile(unittest.TestCase):
    def setUp(self):
        self.answer = threading.Event()
        self.origin = Origin({"/ws": RawEcho(), "/slow": self.slow})
        self.addCleanup(self.origin.stop)

    def slow(self, c, _request):
        self.answer.wait(30)
        c.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        return True

    def daemon(self, wrap=(), **options):
        d = Daemon({"trusted_proxies": ["127.0.0.1/32"], **options}, ECHO, users={"alice": self.origin.port}, wrap=wrap,
                   env=FREED_IS_FREE)
        self.addCleanup(d.stop)
        return d

    def test_mix(self):
        d = self.daemon(header_timeout="1s", body_timeout="1s", keepalive_timeout="1s", log_level="info",
                        max_connections_per_peer=0)
        talker = Talker(d.proxy, ALICE, 1)
        talker.start()
        self.addCleanup(talker.w.drop)
        wait.until(lambda: talker.heard > 10, what="the user to talk")
        # once, so that what stays for good (pools, buffers) is there when it is measured
        for kind in KINDS:
            s = connect(d.proxy)
            kind(s, random.Random(0))
            s.close()
        pid, = d.pids("proxy")
        wait.until(lambda: d.metrics()["t3ops_client_connections"] == 0, what="the first ones to be gone")
        before, memory = descriptors(pid), rss(pid)
        attacks = [Attack(d.proxy, kind, n) for n, kind in enumerate(KINDS)]
        heard = talker.heard
        for a in attacks:
            a.start()
        for a in attacks:
            a.join(120 + 2 * OPERATIONS)
            self.assertFalse(a.is_alive(), f"{a.kind.__name__} after {a.done}")
            self.assertIsNone(a.error, a.kind.__name__)
        self.assertGreater(talker.heard, heard)
        talker.over = True
        talker.join(60)
        self.assertIsNone(talker.error)
        self.assertEqual(talker.heard, talker.sent)
        wait.until(lambda: d.metrics()["t3ops_client_connections"] == 0, what="the last ones to be gone")
        wait.until(lambda: d.metrics()["t3ops_probe_echo_connections"] == 0, limit=120, what="the probes to be gone")
        wait.until(lambda: descriptors(pid) <= before, what="the descriptors to be given back")
        self.assertLess(rss(pid), memory + slack(16 << 20))
        self.assertEqual(d.pids("proxy"), [pid])
        self.assertEqual(d.metrics()["t3ops_tunnels"], 1)
        self.assertEqual(http.get(d.proxy, "/hello", ALICE).status, 200)

    def test_connections_of_one_peer(self):
        d = self.daemon(max_connections_per_peer=5)
        held = [connect(d.proxy) for _ in range(5)]
        for s in held:
            s.settimeout(30)
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: lab\r\n\r\n")
            self.assertIn(b"200", s.recv(64))
        with connect(d.proxy) as s:
            read_to_end(s)
        wait.until(lambda: d.metrics()["t3ops_connections_rejected_total"] == 1, what="it to be counted")
        self.assertEqual(http.get(d.proxy, "/healthz").status, 200, "the trusted proxy is not meant")
        held.pop().close()

        def served():
            with connect(d.proxy) as s:
                s.sendall(b"GET /healthz HTTP/1.1\r\nHost: lab\r\n\r\n")
                try:
                    return b"200" in s.recv(64)
                except OSError:
                    return False
        wait.until(served, what="room for another one")
        for s in held:
            s.close()

    def test_addresses_that_one_peer_can_choose(self):
        """All of 127.0.0.0/8 is everybody's on this machine."""
        d = self.daemon(max_connections_per_peer=5)
        held = [connect(d.proxy, f"127.{n}.0.9") for n in range(5)]
        for s in held:
            s.settimeout(30)
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: lab\r\n\r\n")
            self.assertIn(b"200", s.recv(64))
        with connect(d.proxy, "127.200.0.9") as s:
            read_to_end(s)
        wait.until(lambda: d.metrics()["t3ops_connections_rejected_total"] == 1, what="it to be counted")
        self.assertEqual(http.get(d.proxy, "/healthz").status, 200, "the trusted proxy is not meant")
        for s in held:
            s.close()

    def test_all_peers_together(self):
        """However many there are, the trusted proxy finds a place."""
        d = self.daemon(max_connections=16, max_connections_per_peer=0)
        held = [connect(d.proxy, f"127.0.{n}.9") for n in range(40)]
        wait.until(lambda: d.metrics()["t3ops_connections_rejected_total"] == 32, what="the others to be refused")
        self.assertEqual(http.get(d.proxy, "/hello", ALICE).status, 200)
        for s in held:
            s.close()
        wait.until(lambda: d.metrics()["t3ops_client_connections"] == 0, what="their ends")
        with connect(d.proxy) as s:
            s.settimeout(30)
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: lab\r\n\r\n")
            self.assertIn(b"200", s.recv(64))

    def test_tunnels_and_requests_of_one_user(self):
        d = self.daemon(max_tunnels_per_user=3, max_requests_per_user=2)
        tunnels = [ws.WebSocket(d.proxy, "/ws", ALICE) for _ in range(3)]
        with self.assertRaises(ws.Refused) as caught:
            ws.WebSocket(d.proxy, "/ws", ALICE)
        self.assertEqual(caught.exception.response.status, 429)
        self.assertIsNotNone(caught.exception.response.header("retry-after"))
        d.options["first_byte_timeout"] = "9s"
        d.write_conf()
        self.assertIn("event=reloaded", d.reload())
        wait.until(lambda: d.metrics()["t3ops_tunnels"] == 3, what="the tunnels to move")
        with self.assertRaises(ws.Refused):
            ws.WebSocket(d.proxy, "/ws", ALICE)
        tunnels.pop().drop()
        wait.until(lambda: d.metrics()["t3ops_tunnels"] == 2, what="one to end")
        tunnels.append(ws.WebSocket(d.proxy, "/ws", ALICE))
        waiting = [http.Connection(d.proxy) for _ in range(2)]
        for c in waiting:
            c.send(http.build("GET", "/slow", ALICE))
        wait.until(lambda: len(self.origin.requests("/slow")) == 2, what="both to be in progress")
        self.assertEqual(http.get(d.proxy, "/hello", ALICE).status, 429)
        self.answer.set()
        for c in waiting:
            self.assertEqual(c.response_head().status, 204)
            c.close()
        wait.until(lambda: http.get(d.proxy, "/hello", ALICE).status == 200, what="room for another one")
        for w in tunnels:
            w.drop()

    def test_few_descriptors(self):
        """Before descriptors run out the proxy waits, and does not spin; who is connected is served."""
        d = self.daemon(wrap=("prlimit", "--nofile=64:64"), max_connections_per_peer=0)
        pid, = d.pids("proxy")
        user, held = http.Connection(d.proxy), []
        self.assertEqual(user.request("GET", "/healthz").status, 200)
        while "event=accept_paused" not in d.log() and len(held) < 90:
            held.append(connect(d.proxy))
            d.metrics()
        d.wait_log("event=accept_paused")
        late = connect(d.proxy)
        late.sendall(b"GET /healthz HTTP/1.1\r\nHost: lab\r\n\r\n")
        before, began = cpu_ticks(pid), time.monotonic()
        wait.until(lambda: time.monotonic() - began > 1.5, what="some time to pass")
        self.assertLess(cpu_ticks(pid) - before, 50, "half a second of CPU: it spins")
        self.assertEqual(user.request("GET", "/hello", ALICE).status, 200, "one who is here needs a descriptor, too")
        self.assertEqual(d.metrics()["t3ops_accept_paused_total"], 1)
        user.close()
        for s in held:
            s.close()
        late.settimeout(30)
        self.assertIn(b"200", late.recv(64))
        late.close()


if __name__ == "__main__":
    unittest.main()
