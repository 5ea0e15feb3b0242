#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Responses in progress move: reloads and upgrades under streams and downloads lose and repeat nothing, and no old
process stays for them."""
import hashlib
import os
import random
import re
import signal
import socket
import threading
import time
import unittest

from lab import http, wait
from lab.daemon import Daemon
from lab.origin import Origin, answer

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]
RELOADS, UPGRADES = 20, 10
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
UNTIL_END = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class Events:
    """Numbers 200 times a second, until it is told to end."""

    def __init__(self):
        self.over, self.sent = threading.Event(), 0

    def __call__(self, c, _request):
        c.send(CHUNKED)
        while not self.over.wait(0.005):
            c.send(chunk(b"data: %d\n\n" % self.sent))
            self.sent += 1
        c.send(b"0\r\n\r\n")


class Steps:
    """Sends a part for each permit, then goes on with the connection, or ends it."""

    def __init__(self, parts, keeps=True):
        self.parts, self.keeps = parts, keeps
        self.permits, self.ended = threading.Semaphore(0), threading.Event()

    def __call__(self, c, _request):
        try:
            for part in self.parts:
                self.permits.acquire(timeout=120 * wait.SLOW)  # pylint: disable=consider-using-with
                c.send(part)
            return self.keeps and c.sock.recv(1, socket.MSG_PEEK) != b""
        except OSError:
            return False
        finally:
            self.ended.set()

    def go(self, times=1):
        for _ in range(times):
            self.permits.release()


class StreamHandover(unittest.TestCase):
    def begin(self, handlers, **options):
        self.origin = Origin(handlers)
        self.addCleanup(self.origin.stop)
        self.daemon = Daemon({"log_level": "info", "access_log": "logfmt", **options}, ECHO, users={"alice": self.origin.port})
        self.addCleanup(self.daemon.stop)

    def ask(self, path, version="HTTP/1.1"):
        """A connection on which the head of the response has arrived."""
        c = http.Connection(self.daemon.proxy, timeout=60 * wait.SLOW)
        self.addCleanup(c.close)
        c.send(http.build("GET", path, ALICE, version=version))
        self.assertEqual(c.response_head().status, 200)
        return c

    def replace(self, number, upgrade=None):
        """The old proxy must not stay for what is in progress."""
        self.daemon.replace(number, upgrade)
        wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the old proxy to leave")

    def lines(self, path):
        return re.findall(rf"event=request_done .*url_path={path}\b.*", self.daemon.log())

    def still_kept(self, c):
        r = c.request("GET", "/mirror", ALICE)
        self.assertEqual((r.status, r.header("connection")), (200, "keep-alive"))

    def test_events_pass_through_reloads_and_upgrades(self):
        events = Events()
        self.begin({"/events": events})
        self.addCleanup(events.over.set)
        c = self.ask("/events?token=hidden")
        heard = []
        reader = threading.Thread(target=lambda: heard.append(c._chunked()), daemon=True)  # pylint: disable=protected-access
        reader.start()
        turns = [False] * RELOADS + [True] * UPGRADES
        random.shuffle(turns)
        for number, upgrade in enumerate(turns):
            before = events.sent
            self.replace(number, upgrade)
            wait.until(lambda b=before: events.sent > b + 10, what="the events to go on")
        events.over.set()
        reader.join(60 * wait.SLOW)
        self.assertEqual(heard, [b"".join(b"data: %d\n\n" % n for n in range(events.sent))])
        self.still_kept(c)
        (line,) = self.lines("/events")
        self.assertRegex(line, r'method=GET url_path=/events http_version="?1.1"? http_status=200 termination="?--"? ')
        passed = sum(len(chunk(b"data: %d\n\n" % n)) for n in range(events.sent)) + 5
        sent = int(re.search(r"bytes_down=(\d+)", line)[1])
        self.assertTrue(passed < sent < passed + 1000, f"{sent} bytes for {passed} and a head")
        self.assertGreater(int(re.search(r"duration_ms=(\d+)", line)[1]), 1000)
        count = 't3ops_requests_total{class="2xx"}'
        wait.until(lambda: self.daemon.metrics()[count] >= 2, what="both requests to be counted")  # at their very end
        self.assertEqual(self.daemon.metrics()[count], 2)

    def test_a_download_under_back_pressure(self):
        data = random.randbytes(50 << 20)
        replaced = threading.Event()

        def download(c, _request):
            c.send(CHUNKED)
            at = 0
            while at < len(data):
                size = random.randint(1, 200000)
                c.send(chunk(data[at:at + size]))
                at += size
            c.send(b"0\r\n\r\n")

        self.begin({"/download": download})
        self.addCleanup(replaced.set)
        c = self.ask("/download")
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        digest, got = hashlib.sha256(), []

        def read():
            while True:
                size = int(c.read_until(b"\r\n"), 16)
                for at in range(0, size, 16384):
                    digest.update(c.read(min(16384, size - at)))
                    got.append(min(16384, size - at))
                    if not replaced.is_set():
                        time.sleep(0.01)
                c.read(2)
                if size == 0:
                    return

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        for number in range(6):
            self.replace(number)
        self.assertLess(sum(got), len(data), "it was over before the last one")
        replaced.set()
        reader.join(60 * wait.SLOW)
        self.assertFalse(reader.is_alive())
        self.assertEqual((sum(got), digest.hexdigest()), (len(data), hashlib.sha256(data).hexdigest()))
        self.still_kept(c)

    def test_half_of_an_announced_length(self):
        data = random.randbytes(100000)
        steps = Steps([LENGTH % len(data) + data[:30000], data[30000:60000], data[60000:]])
        self.begin({"/half": steps})
        self.addCleanup(steps.go, 10)
        steps.go()
        c = self.ask("/half")
        for number in range(2):
            self.replace(number)
            steps.go()
        self.assertEqual(c.read(len(data)), data)
        self.still_kept(c)
        self.assertRegex(self.lines("/half")[0], 'termination="?--')

    def test_what_was_asked_for_may_be_long_and_odd(self):
        """What moves of it is cut short, at whatever byte."""
        targets = ["/" + "%41%c3%a4" * 200, "/" + "a%" + "42" * 900, "http://lab/x?a=b", "/;a=b,c~d'e(f)|*?" + "q" * 3000]
        agents = ["\u00e4 " * 500, "\t\u00ff" * 300, "a", ""]
        steps = {t.split("?")[0].removeprefix("http://lab"): Steps([LENGTH % 6 + b"one", b"two"]) for t in targets}
        self.begin(dict(steps))
        clients = []
        for target, agent in zip(targets, agents):
            s = steps[target.split("?")[0].removeprefix("http://lab")]
            self.addCleanup(s.go, 10)
            s.go()
            clients.append(http.Connection(self.daemon.proxy))
            self.addCleanup(clients[-1].close)
            clients[-1].send(f"GET {target} HTTP/1.1\r\nHost: lab\r\nX-authentik-username: alice\r\nUser-Agent: {agent}\r\n\r\n".encode("latin-1"))
            self.assertEqual(clients[-1].response_head().status, 200, target)
        self.replace(0)
        for c, s in zip(clients, steps.values()):
            s.go()
            self.assertEqual(c.read(6), b"onetwo")
            self.still_kept(c)

    def test_the_next_request_that_came_early_moves_along(self):
        steps = Steps([CHUNKED, chunk(b"one"), b"0\r\n\r\n"])
        self.begin({"/early": steps})
        self.addCleanup(steps.go, 10)
        c = http.Connection(self.daemon.proxy)
        self.addCleanup(c.close)
        steps.go(2)
        c.send(http.build("GET", "/early", ALICE) + http.build("GET", "/mirror?early", ALICE))
        self.assertEqual(c.response_head().status, 200)
        self.assertEqual(c.read(8), chunk(b"one"))
        self.replace(0)
        steps.go()
        self.assertEqual(c.read(5), b"0\r\n\r\n")
        self.assertEqual(c.response().json()["target"], "/mirror?early")
        self.still_kept(c)

    def test_ends_in_the_middle_of_it(self):
        """60 responses of all kinds, which end while proxies are replaced."""
        bodies = {f"/{n}": random.randbytes(random.randint(1000, 200000)) for n in range(60)}
        kinds = {path: n % 3 for n, path in enumerate(bodies)}
        wrong, threads = [], []

        def serve(c, request):
            body, kind = bodies[request.target], kinds[request.target]
            c.send((CHUNKED, LENGTH % len(body), UNTIL_END)[kind])
            for at in range(0, len(body), 2000):
                part = body[at:at + 2000]
                c.send(chunk(part) if kind == 0 else part)
                time.sleep(random.random() * 0.2)
            if kind == 0:
                c.send(b"0\r\n\r\n")
            return kind != 2

        def fetch(path):
            try:
                with http.Connection(self.daemon.proxy, timeout=60 * wait.SLOW) as c:
                    r = c.request("GET", path, ALICE)
                    if r.body != bodies[path]:
                        wrong.append((path, "another body"))
                    if r.header("connection") == "keep-alive" and c.request("GET", "/mirror", ALICE).status != 200:
                        wrong.append((path, "not kept"))
            except (OSError, EOFError, ValueError) as e:
                wrong.append((path, kinds[path], repr(e)))

        self.begin({path: serve for path in bodies})
        for path in bodies:
            threads.append(threading.Thread(target=fetch, args=(path,), daemon=True))
            threads[-1].start()
        number = 0
        while number < 2 or any(t.is_alive() for t in threads):
            self.daemon.replace(number)
            number += 1
        for t in threads:
            t.join(60 * wait.SLOW)
        self.assertEqual(wrong, [])
        wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the old proxies to leave")
        wait.until(lambda: self.daemon.metrics()["t3ops_client_connections"] == 0, what="every client's end")

    def test_clients_that_leave_meanwhile(self):
        steps = [Steps([CHUNKED + chunk(b"one"), *[chunk(b"more")] * 1000]) for _ in range(6)]
        self.begin({f"/{n}": s for n, s in enumerate(steps)})
        clients = []
        for n, s in enumerate(steps):
            self.addCleanup(s.go, 1000)
            s.go()
            clients.append(self.ask(f"/{n}"))
        (old,) = self.daemon.pids("proxy")
        self.addCleanup(self.daemon.process.resume)
        os.kill(old, signal.SIGSTOP)
        self.daemon.replace(0)
        for n, c in enumerate(clients):
            c.reset() if n % 2 else c.close()  # pylint: disable=expression-not-assigned
        os.kill(old, signal.SIGCONT)
        wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the old proxy to leave")
        # a FIN may be half of a close: only what is sent then meets the reset
        wait.until(lambda: all([s.go() or s.ended.is_set() for s in steps]), what="the t3 server to learn of it")
        wait.until(lambda: self.daemon.metrics()["t3ops_client_connections"] == 0, what="nobody to be there")
        for n in range(len(steps)):
            wait.until(lambda p=f"/{n}": len(self.lines(p)) == 1, what="its line")
            self.assertRegex(self.lines(f"/{n}")[0], "termination=CD")

    def test_limits_go_on(self):
        steps = [Steps([CHUNKED + chunk(b"one"), b"0\r\n\r\n"]) for _ in range(2)]
        self.begin({"/0": steps[0], "/1": steps[1]}, max_requests_per_user=2, stream_timeout="3s")
        for s in steps:
            self.addCleanup(s.go, 10)
            s.go()
        clients = [self.ask(f"/{n}") for n in range(2)]
        self.replace(0)
        self.assertEqual(http.get(self.daemon.proxy, "/mirror", ALICE).status, 429)
        steps[0].go()
        self.assertEqual(clients[0].read(13), chunk(b"one") + b"0\r\n\r\n")
        self.still_kept(clients[0])
        self.daemon.wait_log("event=request_cut .*stream_timeout passed while the t3 server sent nothing")
        self.assertEqual(clients[1].read_to_end(), chunk(b"one"))
        self.assertRegex(self.lines("/1")[0], "termination=sD")

    def test_one_whose_user_is_gone_is_cut(self):
        steps = Steps([UNTIL_END + b"one", b"two"], keeps=False)
        self.begin({"/x": steps})
        self.addCleanup(steps.go, 10)
        steps.go()
        c = self.ask("/x")
        self.daemon.options["users"] += ".next"
        with open(self.daemon.options["users"], "w", encoding="utf-8") as f:
            f.write('{"bob": {"os_user": "bob", "port": 1}}')
        os.chmod(self.daemon.options["users"], 0o644)
        self.replace(0, False)
        with self.assertRaises(ConnectionResetError):
            c.read(6)
        self.daemon.wait_log("event=request_cut user=alice .*user table")
        self.assertRegex(self.lines("/x")[0], "termination=PD")

    def test_what_cannot_move_stays(self):
        """Chunks that are taken apart for HTTP/1.0, and a body that still comes."""
        steps = Steps([CHUNKED + chunk(b"one"), chunk(b"two") + b"0\r\n\r\n"])

        def early(c, _request):
            c.send(CHUNKED + chunk(b"one"))
            c.read(6)
            c.send(b"0\r\n\r\n")
            return False

        early.takes_body = True
        self.begin({"/old": steps, "/early": early})
        self.addCleanup(steps.go, 10)
        steps.go()
        c = self.ask("/old", "HTTP/1.0")
        self.assertEqual(c.read(3), b"one")
        self.daemon.replace(0)
        with http.Connection(self.daemon.proxy) as post:
            post.send(http.build("POST", "/early", ALICE, b"123456")[:-3])
            self.assertEqual(post.response_head().status, 200)
            self.daemon.replace(1)
            self.assertEqual(len(self.daemon.pids("proxy")), 3)
            post.send(b"456")
            self.assertEqual(post.read(13), chunk(b"one") + b"0\r\n\r\n")
        steps.go()
        self.assertEqual(c.read_to_end(), b"two")
        wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the old proxies to leave")

    def test_plain_answers_are_not_held_up(self):
        self.begin({"/plain": lambda c, _: c.send(answer(b"fine"))})
        with http.Connection(self.daemon.proxy) as c:
            for number in range(2):
                self.assertEqual(c.request("GET", "/plain", ALICE).text(), "fine")
                self.replace(number)
        self.assertNotIn("event=request_cut", self.daemon.log())


if __name__ == "__main__":
    unittest.main()
