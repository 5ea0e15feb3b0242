#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tunnels move: reloads and upgrades under open WebSockets lose, repeat and reorder nothing, and leave no
old process behind."""
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import threading
import unittest

from lab import account, http, wait, ws
from lab.daemon import Daemon
from lab.origin import Origin, answer
from lab.talk import Crowd, RawEcho

ECHO = 'plugin "probe_echo" {}\n'
ALICE = [("X-authentik-username", "alice")]
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
           ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="), ("Origin", "http://lab")]
TUNNELS, ROUNDS = 1000, 40


class Handover(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Both ends of every tunnel are in this process."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        if most != resource.RLIM_INFINITY and most < 4 * TUNNELS:
            raise unittest.SkipTest(f"this account may open no more than {most} descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (4 * TUNNELS, most))

    def setUp(self):
        self.origin = Origin({"/ws": RawEcho()})
        self.addCleanup(self.origin.stop)
        self.daemon = Daemon({"log_level": "info", "max_tunnels_per_user": TUNNELS}, ECHO, users={"alice": self.origin.port})
        self.addCleanup(self.daemon.stop)

    def test_nothing_is_lost_and_nobody_lingers(self):
        crowd = Crowd(self.daemon.proxy, ALICE, TUNNELS)
        crowd.start()
        for number in range(ROUNDS):
            heard = [m.heard for m in crowd.members]
            self.daemon.replace(number)
            wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the old proxy to leave")
            wait.until(lambda h=heard: all(m.error or m.heard > n for m, n in zip(crowd.members, h)),
                       what="every tunnel to go on")
        crowd.over = True
        crowd.join(60)
        self.assertEqual(crowd.errors(), [])
        self.assertEqual(sum(len(m.pending) for m in crowd.members), 0)
        self.assertEqual(self.daemon.metrics()["t3ops_tunnels"], TUNNELS)
        self.assertNotIn("event=tunnel_dropped", self.daemon.log())
        self.assertNotIn("event=tunnel_closed", self.daemon.log())
        crowd.sockets[0].close(1000)
        self.daemon.wait_log("event=tunnel_closed .*reason=client_closed")
        for w in crowd.sockets[1:]:
            w.drop()
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == 0, what="the tunnels to end")
        self.assertEqual(self.daemon.metrics()["t3ops_tunnels_opened_total"], TUNNELS)

    def test_bytes_that_wait_move_along(self):
        """A user who does not read, with more in transit than sockets hold."""
        with ws.WebSocket(self.daemon.proxy, "/ws", ALICE) as w:
            w.conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            total = 5000
            sender = threading.Thread(target=lambda: [w.send_frame(ws.BINARY, struct.pack("!I", n) * 500, mask=False)
                                                      for n in range(total)], daemon=True)
            sender.start()
            self.daemon.replace(0)
            for n in range(total):
                self.assertEqual(w.frame()[1], struct.pack("!I", n) * 500)
            sender.join(60)
            wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the old proxy to leave")

    def late_tunnel(self, replace):
        """One that the first proxy cannot give away until others have come."""
        with http.Connection(self.daemon.proxy) as c:
            c.send(http.build("GET", "/ws", UPGRADE + ALICE)[:-2])
            self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)  # the half request is there, too
            replace()
            c.send(b"\r\n")
            self.assertEqual(c.response_head().status, 101)
            wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the old proxies to leave")
            wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == 1, what="the tunnel to arrive")
        self.assertNotIn("event=handover_failed", self.daemon.log())

    def test_tunnel_goes_to_the_third_proxy_when_the_second_has_left(self):
        self.late_tunnel(lambda: [self.daemon.replace(n) for n in (0, 2, 1, 3)])

    def test_tunnel_goes_to_the_proxy_that_was_started_again(self):
        def replace():
            self.daemon.replace(0)
            mark = len(self.daemon.log())
            os.kill(self.daemon.processes()["proxy"], signal.SIGKILL)
            self.daemon.wait_log("event=process_started .*child=proxy", after=mark)

        self.late_tunnel(replace)

    def test_requests_end_where_they_are_and_idle_connections_move(self):
        answers = threading.Event()
        self.addCleanup(answers.set)
        self.origin.handlers["/slow"] = lambda c, r: (answers.wait(60), c.send(answer(b"at last")))
        for number in range(2):
            answers.clear()
            idle, fresh, busy = [http.Connection(self.daemon.proxy) for _ in range(3)]
            self.assertEqual(idle.request("GET", "/mirror", ALICE).header("connection"), "keep-alive")
            busy.send(http.build("GET", "/slow", ALICE))
            wait.until(lambda n=number: len(self.origin.requests("/slow")) == n + 1, what="the request to be in progress")
            self.daemon.replace(number)
            wait.until(lambda: self.daemon.metrics()["t3ops_client_connections"] == 2, what="the idle connections to arrive")
            for c in (idle, fresh):
                self.assertEqual(c.request("GET", "/mirror", ALICE).header("connection"), "keep-alive")
                c.close()
            self.assertEqual(len(self.daemon.pids("proxy")), 2)
            answers.set()
            r = busy.response()
            self.assertEqual((r.text(), r.header("connection")), ("at last", "close"))
            self.assertTrue(busy.at_end())
            wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the old proxy to leave")

    def test_request_that_arrived_before_the_drain_is_served(self):
        """The proxy learns of both at once."""
        with http.Connection(self.daemon.proxy) as c:
            self.assertEqual(c.request("GET", "/mirror", ALICE).status, 200)
            proxy = self.daemon.processes()["proxy"]
            os.kill(proxy, signal.SIGSTOP)
            try:
                c.send(http.build("POST", "/mirror", ALICE, b"in time"))
                self.daemon.replace(0)
            finally:
                os.kill(proxy, signal.SIGCONT)
            r = c.response()
            self.assertEqual(r.json()["body"], "in time")
            if r.header("connection") == "close":  # served there; else by the next one, where it moved unread
                self.assertTrue(c.at_end())

    def test_two_proxies_whose_messages_come_in_the_wrong_order(self):
        """The old one says keep it, the new one let it go; the supervisor, who is late, may read that first."""
        answers = threading.Event()
        self.addCleanup(answers.set)
        self.origin.handlers["/slow"] = lambda c, r: (answers.wait(60), c.send(answer(b"at last")))
        idle, busy = http.Connection(self.daemon.proxy), http.Connection(self.daemon.proxy)
        self.assertEqual(idle.request("GET", "/mirror", ALICE).status, 200)
        busy.send(http.build("GET", "/slow", ALICE))
        wait.until(lambda: self.origin.requests("/slow"), what="the request that keeps the old proxy")
        (old,) = self.daemon.pids("proxy")
        os.kill(old, signal.SIGSTOP)
        self.addCleanup(self.daemon.process.resume)
        self.daemon.replace(0)
        before = self.descriptors_beside_an_old_proxy()
        os.kill(self.daemon.pid, signal.SIGSTOP)
        idle.send(http.build("GET", "/ws", UPGRADE + ALICE))
        os.kill(old, signal.SIGCONT)
        self.assertEqual(idle.response_head().status, 101)
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == 1, what="the tunnel to move")
        idle.close()
        wait.until(lambda: self.daemon.metrics()["t3ops_tunnels"] == 0, what="the tunnel to end")
        os.kill(self.daemon.pid, signal.SIGCONT)
        answers.set()
        self.assertEqual(busy.response().text(), "at last")
        wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the old proxy to leave")
        wait.until(lambda: self.descriptors() == before - 2, what="the supervisor to keep nothing of the tunnel")
        self.assertNotRegex(self.daemon.log(), "process=supervisor event=tunnels_sent")

    def descriptors(self):
        """How many the supervisor has."""
        return len(os.listdir(f"/proc/{self.daemon.pid}/fd"))

    def descriptors_beside_an_old_proxy(self):
        wait.until(lambda: len(self.daemon.children()) == len(self.daemon.processes()) + 1, what="everybody else to leave")
        return self.descriptors()

    def test_those_that_find_no_descriptors_end_and_do_not_hang(self):
        crowd = [ws.WebSocket(self.daemon.proxy, "/ws", ALICE) for _ in range(40)]
        (old,) = self.daemon.pids("proxy")
        self.addCleanup(self.daemon.process.resume)
        os.kill(old, signal.SIGSTOP)  # nothing moves before the new one is short of them
        self.daemon.replace(0)
        before = self.descriptors_beside_an_old_proxy()
        (new,) = [p for p in self.daemon.pids("proxy") if p != old]
        subprocess.run(["prlimit", f"--pid={new}", "--nofile=64:"], check=True, **account.popen_options())
        os.kill(old, signal.SIGCONT)
        self.daemon.wait_log("event=tunnels_lost")
        over = [w for w in crowd if not self.goes_on(w)]
        self.assertTrue(0 < len(over) < len(crowd), f"{len(over)} ended")
        self.assertEqual(len(re.findall("event=tunnel_dropped .*reason=local .*no descriptors", self.daemon.log())), len(over))
        wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the old proxy to leave")
        wait.until(lambda: self.descriptors() == before - 2 - 2 * len(over), what="the supervisor to close them")
        for w in crowd:
            w.drop()

    @staticmethod
    def goes_on(w):
        """Whether it echoes; one that hangs is an error."""
        try:
            w.send_frame(ws.TEXT, "still here", mask=False)
            return w.text() == "still here"
        except (ws.Closed, ConnectionError):
            return False

    def reload_with(self, users):
        """Another file, which only the new proxy reads; the old one is gone then."""
        self.daemon.options["users"] += ".next"
        with open(self.daemon.options["users"], "w", encoding="utf-8") as f:
            f.write(users)
        os.chmod(self.daemon.options["users"], 0o644)
        self.daemon.write_conf()
        self.assertIn("event=reloaded", self.daemon.reload())
        wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the old proxy to leave")

    def test_user_who_is_gone_meanwhile_does_not_move_in(self):
        with ws.WebSocket(self.daemon.proxy, "/ws", ALICE) as w:
            self.reload_with('{"bob": {"os_user": "bob", "port": 1}}')
            self.assertEqual(w.wait_close(), 1008)
            self.daemon.wait_log("event=tunnel_closed .*reason=local")

    def test_one_whose_t3_server_has_an_ipv6_address_moves_along(self):
        with Origin({"/ws": RawEcho()}, host="::1") as other:
            self.reload_with(f"alice=[::1]:{other.port}\n")
            with ws.WebSocket(self.daemon.proxy, "/ws", ALICE) as w:
                for same in ("alice=[::]", "alice=nobody@[::1]"):
                    self.reload_with(f"{same}:{other.port}\n")
                    w.send_frame(ws.TEXT, same, mask=False)
                    self.assertEqual(w.text(), same)
                self.reload_with(f"alice=127.0.0.1:{other.port}\n")
                self.assertEqual(w.wait_close(), 1008)

    def test_nor_does_one_whose_t3_server_moved_meanwhile(self):
        port = self.origin.port
        with ws.WebSocket(self.daemon.proxy, "/ws", ALICE) as w:
            for same in ("alice=0.0.0.0", "alice=nobody@127.0.0.1"):
                self.reload_with(f"{same}:{port}\n")
                w.send_frame(ws.TEXT, same, mask=False)
                self.assertEqual(w.text(), same)
            self.reload_with(f"alice=127.0.0.9:{port}\n")
            self.assertEqual(w.wait_close(), 1008)
        with Origin({"/ws": RawEcho()}) as other:
            self.reload_with(f"alice=127.0.0.1:{other.port}\n")
            wait.until(lambda: len(self.daemon.pids("proxy")) == 1, what="the old proxy to leave")
            with ws.WebSocket(self.daemon.proxy, "/ws", ALICE) as w:
                self.reload_with(f"alice=127.0.0.1:{port}\n")
                self.assertEqual(w.wait_close(), 1008)


if __name__ == "__main__":
    unittest.main()
