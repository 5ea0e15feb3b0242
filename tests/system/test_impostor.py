#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Nothing secret goes to a t3 server unless a process of the user's own account has accepted the connection."""
import getpass
import os
import pwd
import socket
import threading
import unittest

from lab import account, http, wait, ws
from lab.daemon import Daemon, section
from lab.origin import Origin, answer
from lab.stub import T3Stub

ECHO = 'plugin "probe_echo" {}\n'
SELF = getpass.getuser()
OTHER = "nobody" if SELF != "nobody" else "root"
STRICT = {"trusted_upstreams": []}
ALICE = {"X-authentik-username": "alice"}
BROWSER = {"Accept": "text/html", **ALICE}
METRIC = 't3ops_upstream_impostors_total{process="proxy"}'


def row(port, os_user=SELF, **more):
    return {"alice": {"os_user": os_user, "port": port, **more}}


class Trap:
    """Listens where the t3 server should, accepts, and keeps every byte."""

    def __init__(self, accepts=True):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.bytes = b""
        self.connections = 0
        if accepts:
            self.accept()

    def accept(self):
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._read, args=(sock,), daemon=True).start()

    def _read(self, sock):
        with sock:
            while data := sock.recv(65536):
                self.bytes += data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def read(path):
    with open(path, encoding="ascii") as f:
        return f.read()


def as_other(work):
    """Runs it in a child that is OTHER, whom only root can become; its pid."""
    child = os.fork()
    if child == 0:
        entry = pwd.getpwnam(OTHER)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        try:
            work()
        finally:
            os._exit(0)
    return child


class Proxy(unittest.TestCase):
    def test_the_owner_is_served(self):
        with Origin({"/": lambda c, r: c.send(answer(b"hers"))}) as o, Daemon(STRICT, ECHO, users=row(o.port)) as d:
            self.assertEqual([http.get(d.proxy, "/", ALICE).text() for _ in range(3)], ["hers"] * 3)
            self.assertEqual(d.metrics()[METRIC], 0)

    def test_every_family(self):
        for host, listens in (("::1", "::1"), ("::", "::1"), ("0.0.0.0", "127.0.0.1")):
            with self.subTest(host), Origin({"/": lambda c, r: c.send(answer(b"hers"))}, host=listens) as o, \
                    Daemon(STRICT, ECHO, users=row(o.port, host=host)) as d:
                self.assertEqual(http.get(d.proxy, "/", ALICE).text(), "hers")

    def test_another_account_gets_nothing(self):
        with Trap() as t, Daemon(STRICT, ECHO, users=row(t.port, OTHER)) as d:
            page = http.get(d.proxy, "/", {"Cookie": "t3_session=secret", **BROWSER})
            self.assertEqual(page.status, 503)
            self.assertIn("Something else answers for your t3 server", page.text())
            self.assertEqual(http.request(d.proxy, "POST", "/api", ALICE, b"secret").status, 503)
            with self.assertRaises(ws.Refused) as refused:
                ws.WebSocket(d.proxy, "/ws", {"Origin": "http://lab", **ALICE})
            self.assertEqual(refused.exception.response.status, 503)
            found, expected = os.getuid(), pwd.getpwnam(OTHER).pw_uid
            d.wait_log(rf"event=upstream_impostor .*user=alice .*uid {found} answers at 127\.0\.0\.1 port {t.port}, expected uid {expected}")
            self.assertEqual(d.metrics()[METRIC], 3)
            self.assertEqual(d.log().count("event=upstream_impostor"), 1)  # once a minute
            self.assertRegex(d.log(), 'event=upstream_impostor .*hint="end that process, and start')
            self.assertIn(t.connections, (3, 4))  # one may be the look whether anybody is there at all (state absent)
            self.assertEqual(t.bytes, b"")

    @unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
    def test_who_accepts_counts_not_who_listens(self):
        with Trap(accepts=False) as t:
            def serve():
                while True:
                    with t.listener.accept()[0] as sock:
                        if sock.recv(65536):
                            sock.sendall(answer(b"hers"))

            child = as_other(serve)
            try:
                with Daemon(STRICT, ECHO, users=row(t.port, OTHER)) as d:
                    self.assertEqual(http.get(d.proxy, "/", ALICE).text(), "hers")
                with Daemon(STRICT, ECHO, users=row(t.port, SELF)) as d:  # whose listener it is
                    self.assertEqual(http.get(d.proxy, "/", ALICE).status, 503)
            finally:
                os.kill(child, 9)
                os.waitpid(child, 0)

    def test_a_server_that_accepts_late_is_waited_for(self):
        with Origin({"/": lambda c, r: c.send(answer(b"hers"))}) as o, Trap(accepts=False) as t, \
                Daemon({"first_byte_timeout": "10s", **STRICT}, ECHO, users={**row(t.port), "bob": {"os_user": SELF, "port": o.port}}) as d:
            got = []
            asks = threading.Thread(target=lambda: got.append(http.get(d.proxy, "/", ALICE)))
            asks.start()
            wait.until(lambda: f":{t.port:04X} 01 " in read("/proc/net/tcp"), what="a connection")
            self.assertEqual(http.get(d.proxy, "/", {"X-authentik-username": "bob"}).text(), "hers")  # nobody else waits
            sock, _ = t.listener.accept()
            with sock:
                sock.recv(65536)
                sock.sendall(answer(b"late"))
                asks.join()
            self.assertEqual(got[0].text(), "late")

    def test_a_server_that_never_accepts(self):
        with Trap(accepts=False) as t, Daemon({"first_byte_timeout": "300ms", **STRICT}, ECHO, users=row(t.port)) as d:
            page = http.get(d.proxy, "/", BROWSER)
            self.assertEqual(page.status, 503)
            self.assertIn("does not respond", page.text())
            t.accept()
            wait.until(lambda: t.connections >= 1, what="the connections that were given up")
            self.assertEqual(t.bytes, b"")

    def test_rows_that_name_no_account(self):
        with Trap() as t, Daemon(STRICT, ECHO, users=f"alice=127.0.0.1:{t.port}\nbob=no-such-bob@127.0.0.1:{t.port}\n") as d:
            for who in ("alice", "bob"):
                page = http.get(d.proxy, "/", {"Accept": "text/html", "X-authentik-username": who})
                self.assertEqual(page.status, 503)
                self.assertIn("trusted_upstreams", page.text())
            self.assertEqual(t.connections, 0)
            d.options["trusted_upstreams"] = ["127.0.0.0/8"]
            d.write_conf()
            d.reload()
            wait.until(lambda: len(d.pids("proxy")) == 1, what="the old proxy to leave")
            with http.Connection(d.proxy) as c:
                c.send(http.build("GET", "/", ALICE))
                wait.until(lambda: t.bytes, what="the request")

    def test_who_takes_the_place_of_one_that_was_trusted(self):
        """A pooled connection is the old server's; the next one is asked about again."""
        with Origin({"/": lambda c, r: c.send(answer(b"hers"))}) as o, Daemon(STRICT, ECHO, users=row(o.port)) as d:
            self.assertEqual(http.get(d.proxy, "/", ALICE).text(), "hers")
            d.write_users(row(o.port, OTHER))
            d.wait_log(r"event=users_loaded (?s:.*)event=users_loaded ")
            self.assertEqual(http.get(d.proxy, "/", ALICE).status, 503)
            self.assertEqual(len(o.seen), 1)


class Plugins(unittest.TestCase):
    def pairs(self, stub):
        return section("command", "mint", {"argv": stub.mint_argv()}) + 'plugin "session_check" {}\nplugin "auto_pair" {}\n'

    def test_a_pairing_with_the_owner(self):
        with T3Stub() as stub, Daemon(STRICT, self.pairs(stub), users=row(stub.port, account.NAME)) as d:
            page = http.get(d.proxy, "/", {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", **BROWSER})
            self.assertEqual(page.status, 302)
            self.assertIn("t3_session=", page.header("set-cookie"))

    def test_no_credential_and_no_cookie_for_another_account(self):
        with T3Stub() as stub, Trap() as t, Daemon(STRICT, self.pairs(stub), users=row(t.port, OTHER if OTHER != account.NAME or account.ROOT else "root")) as d:
            for cookie in ({}, {"Cookie": "t3_session=secret"}):
                page = http.get(d.proxy, "/", {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", **cookie, **BROWSER})
                self.assertEqual(page.status, 503)
            d.wait_log(r"event=upstream_impostor .*user=alice")
            self.assertGreater(t.connections, 0)
            self.assertEqual(t.bytes, b"")

    def test_legs(self):
        legs = {"fresh": "0s", "heartbeat": "100ms", "late": "1s", "watchdog": "5s", "reconnect_min": "100ms", "reconnect_max": "300ms"}
        with T3Stub() as stub, Trap() as t:
            text = section("command", "mint", {"argv": stub.mint_argv()}) + 'plugin "auto_pair" {}\n'
            up = 't3ops_probe_websocket_open{plugin="probe_t3serve",user="alice"}'
            with Daemon(STRICT, text + section("plugin", "probe_t3serve", legs), users=row(stub.port, account.NAME)) as d:
                wait.until(lambda: d.metrics().get(up) == 1, what="the leg's WebSocket")
                mark = len(d.log())
                d.write_users(row(t.port, account.NAME if account.ROOT else OTHER))
                d.wait_log(r"event=leg_attempt_failed .*user=alice .*step=connect reason=impostor", after=mark)
                d.wait_log(r"process=prober event=upstream_impostor .*user=alice", after=mark)
                wait.until(lambda: t.connections > 3, what="further attempts")
                self.assertEqual(t.bytes, b"")


if __name__ == "__main__":
    unittest.main()
