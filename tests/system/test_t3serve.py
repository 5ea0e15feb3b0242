#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The leg to a user's t3 server holds a WebSocket with a session of its own: one, kept, replaced when it is dead."""
import contextlib
import datetime
import json
import os
import re
import stat
import struct
import unittest

from lab import account, confidential, process, wait, ws
from lab.daemon import Daemon, section
from lab.origin import Origin, answer
from lab.stub import LATEST, NEW, OLD, RENAMED, T3Stub

BRISK = {"fresh": "0s", "heartbeat": "100ms", "late": "300ms", "watchdog": "5s", "timeout": "700ms", "reconnect_min": "100ms",
         "reconnect_max": "400ms", "pairing_pause": "300ms"}
OPEN = 't3ops_probe_websocket_open{plugin="probe_t3serve",user="alice"}'


def sections(mint, **options):
    return (section("command", "mint", {"argv": mint}) + 'plugin "auto_pair" {}\n' +
            section("plugin", "probe_t3serve", {**BRISK, **options}))


def pairings(daemon, result="ok"):
    name = f't3ops_probe_pairings_total{{plugin="probe_t3serve",user="alice",result="{result}"}}'
    return daemon.metrics()[name]  # from the start, at 0


def held(daemon, value=1):
    wait.until(lambda: daemon.metrics().get(OPEN) == value, what=f"{OPEN} = {value}")


def secret_file(daemon):
    return os.path.join(daemon.state_dir, "secrets", "probe_t3serve", "alice")


class Session(unittest.TestCase):
    def start(self, version=NEW, **options):
        stub = T3Stub(version, dead_ms=0)
        self.addCleanup(stub.process.kill)
        daemon = Daemon({}, sections(stub.mint_argv(), **options), users={"alice": stub.port})
        self.addCleanup(daemon.process.kill)
        return stub, daemon

    def test_every_version(self):
        for version in (OLD, NEW, LATEST, RENAMED):
            with self.subTest(version):
                stub, d = self.start(version)
                held(d)
                self.assertEqual(stub.sessions(), 1)
                self.assertEqual(pairings(d), 1)
                self.assertNotRegex(d.log(), r"event=leg_(down|late|attempt_failed)")
                self.assertEqual(d.stop(), 0)

    def test_one_session_is_kept_and_secret(self):
        stub, d = self.start()
        held(d)
        entry = os.stat(secret_file(d))
        self.assertEqual(stat.S_IMODE(entry.st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(secret_file(d))).st_mode), 0o700)
        with open(secret_file(d), encoding="ascii") as f:
            cookie = re.search(r"^cookie (.+)$", f.read(), re.M).group(1)
        confidential.message([("Cookie", cookie)])  # the end of the daemon looks for it in what it wrote
        self.assertEqual(d.stop(), 0)
        d.start()
        held(d)
        d.options["ping_timeout"] = "900ms"  # a prober of its own for the new configuration
        d.write_conf()
        d.reload()
        d.wait_log(r"event=process_started .*child=prober[^\n]*(?s:.*)event=process_started .*child=prober")
        held(d)
        self.assertEqual(stub.sessions(), 1)
        self.assertEqual(pairings(d), 0)
        self.assertEqual(d.stop(), 0)

    def test_wiped_sessions_are_replaced_once(self):
        stub, d = self.start()
        held(d)
        stub.wipe()
        mark = len(d.log())
        stub.stop()
        d.wait_log(r"event=leg_down .*user=alice", after=mark)
        stub.start()
        held(d)
        self.assertEqual(stub.sessions(), 1)
        self.assertEqual(pairings(d), 2)
        self.assertEqual(d.stop(), 0)

    def test_a_restarted_server_keeps_the_session(self):
        stub, d = self.start()
        held(d)
        mark = len(d.log())
        stub.stop()
        end = d.wait_log(r"event=leg_down .*user=alice.*", after=mark).group(0)
        self.assertRegex(end, r"reason=(closed|refused|reset|eof)")
        stub.start()
        d.wait_log(r"event=leg_up .*user=alice", after=mark)
        held(d)
        self.assertEqual((stub.sessions(), pairings(d)), (1, 1))
        self.assertEqual(d.stop(), 0)

    def test_another_address_is_another_server(self):
        stub, d = self.start()
        held(d)
        with T3Stub(NEW, dead_ms=0) as other:
            d.sections = sections(other.mint_argv())
            d.write_conf()
            d.write_users({"alice": other.port})
            d.reload()
            wait.until(lambda: other.sessions() == 1, what="a session of the other server")
            held(d)
            self.assertEqual(stub.sessions(), 1)
            self.assertEqual(d.stop(), 0)

    def test_turned_off(self):
        stub, d = self.start(websocket=False)
        d.wait_log(r"event=leg_up .*user=alice")
        wait.until(lambda: d.metrics()['t3ops_leg_rtt_seconds_count{leg="probe_t3serve",user="alice"}'] >= 3, what="beats")
        self.assertEqual(stub.sessions(), 0)
        self.assertFalse(os.path.exists(secret_file(d)))
        self.assertNotIn("plugin=auto_pair", "".join(re.findall(r".*process=prober.*", d.log())))
        self.assertEqual(d.stop(), 0)


class Faults(unittest.TestCase):
    def test_dead_websocket_loop_while_http_answers(self):
        with T3Stub(NEW, dead_ms=0) as stub, Daemon({"ping_timeout": "400ms"}, sections(stub.mint_argv()),
                                                    users={"alice": stub.port}) as d:
            held(d)
            stub.mute()
            end = d.wait_log(r"event=leg_down .*user=alice.*").group(0)
            self.assertIn("reason=heartbeat_timeout", end)
            self.assertIn("t3's Ping on the WebSocket is not answered, while HTTP is", end)
            verdict = json.loads(re.search(r"\{.*\}", json.dumps(wait.until(d.verdicts, what="a verdict")[0])).group(0))
            self.assertEqual(verdict["segments"], ["serve(alice)"])
            mark = len(d.log())
            d.wait_log(r"event=leg_attempt_failed .*reason=heartbeat_timeout", after=0)
            stub.mute(False)
            d.wait_log(r"event=leg_up .*user=alice", after=mark)
            held(d)
            self.assertEqual(stub.sessions(), 1)

    def test_stopped_process_is_silent_on_both(self):
        """Whichever silence is noticed first: nothing is said of answers that did not come."""
        with T3Stub(NEW, dead_ms=0) as stub, Daemon({}, sections(stub.mint_argv()), users={"alice": stub.port}) as d:
            held(d)
            for _ in range(3):
                mark = len(d.log())
                stub.stall()
                self.assertNotIn("while HTTP is", d.wait_log(r"event=leg_down .*user=alice.*", after=mark).group(0))
                stub.resume()
                d.wait_log(r"event=leg_up .*user=alice", after=mark)
                held(d)

    def test_no_mint_is_no_fault_of_the_server(self):
        with T3Stub(NEW, dead_ms=0) as stub, Daemon({}, sections(["/bin/false"]), users={"alice": stub.port}) as d:
            d.wait_log(r"event=probe_session_failed .*alice")
            d.wait_log(r"event=leg_up .*user=alice")
            wait.until(lambda: pairings(d, "failed") >= 3, what="three pairings")
            begun = len(re.findall(r"event=command_done", d.log()))
            self.assertLess(begun, 8)  # 0.3, 0.6, 1.2 ... s apart, and not with every heartbeat
            self.assertNotIn("event=leg_down", d.log())
            self.assertEqual(d.metrics()[OPEN], 0)


    def test_no_new_websockets_while_the_old_one_lives(self):
        with Server() as server:
            d = Daemon({"ping_timeout": "400ms"}, sections(MINT, fresh="300ms"), users={"alice": server.port})
            self.addCleanup(d.process.kill)
            held(d)
            wait.until(lambda: len(server.requests("/ws")) >= 3, what="fresh connections")
            wait.until(lambda: server.frames.count((ws.CLOSE, struct.pack("!H", 1000))) >= 2, what="orderly ends")
            server.upgrade_status = 503
            line = d.wait_log(r"event=leg_fresh_failed .*user=alice.*").group(0)
            self.assertRegex(line, r"step=http")
            self.assertRegex(line, r"reason=http_status")
            verdict = wait.until(d.verdicts, what="a verdict")[0]
            self.assertEqual(verdict["segments"], ["serve(alice)"])
            self.assertNotIn("event=leg_down", d.log())
            mark = len(d.log())
            server.upgrade_status = 101
            d.wait_log(r"event=verdict_healed", after=mark)
            self.assertEqual(server.made, 1)
            self.assertEqual(d.stop(), 0)

    def test_wiped_session_is_noticed_by_a_fresh_connection(self):
        with T3Stub(NEW, dead_ms=0) as stub, Daemon({}, sections(stub.mint_argv(), fresh="300ms"), users={"alice": stub.port}) as d:
            held(d)
            stub.wipe()
            wait.until(lambda: pairings(d) == 2, what="another session")
            held(d)
            wait.until(lambda: d.metrics()['t3ops_leg_rtt_seconds_count{leg="probe_t3serve",user="alice"}'] >= 10, what="beats")
            self.assertEqual((stub.sessions(), pairings(d)), (1, 2))
            self.assertNotRegex(d.log(), r"event=leg_(down|late|fresh_failed)")


class Server(Origin):
    """Pairs, answers /api/auth/session as it is told, and writes down what comes on the WebSocket."""

    def __init__(self):
        self.alive, self.upgrade_status, self.asked_dead = True, 101, 0
        self.frames, self.agents, self.made = [], [], 0
        self.expires, self.left_early, self.lingers_s = "2099-12-23T10:14:29.214Z", 0, 0.3
        self.sockets = []
        super().__init__({"/api/auth/session": self.session, "/api/auth/browser-session": self.pair, "/ws": self.websocket})

    def session(self, c, r):
        asked, alive = bool(r.header("cookie")), self.alive
        self.asked_dead += asked and not alive  # the leg's request over HTTP has no cookie
        alive = asked and alive
        body = {"authenticated": alive, "auth": {"sessionCookieName": "t3_session"}}
        if alive:
            body["expiresAt"] = self.expires
        c.send(answer(json.dumps(body).encode(), headers=[("Content-Type", "application/json")]))

    def pair(self, c, r):
        self.made += 1
        self.agents.append(r.header("user-agent"))
        c.send(answer(b'{"authenticated":true}', headers=[("Set-Cookie", f"t3_session=made{self.made}; Path=/; HttpOnly")]))

    def websocket(self, c, r):
        if self.upgrade_status != 101:
            c.send(answer(b"{}", f"{self.upgrade_status} No"))
            c.sock.settimeout(self.lingers_s)
            try:
                self.left_early += c.sock.recv(1) == b"" and self.upgrade_status == 401
            except TimeoutError:
                pass
            return False
        key = ws.accept_value(r.header("sec-websocket-key"))
        c.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               f"Sec-WebSocket-Accept: {key}\r\n\r\n".encode())
        self.sockets.append(c)
        while True:
            first, second = c.read(2)
            mask, data = c.read(4), c.read(second & 0x7f)
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(data))
            self.frames.append((first & 15, data))
            if first & 15 == ws.CLOSE:
                return False
            self.send(c, 1, b'{"_tag":"Pong"}')

    @staticmethod
    def send(c, op, data):
        c.send(bytes([0x80 | op, len(data)]) + data)

    def close(self, code):
        self.send(self.sockets[-1], ws.CLOSE, struct.pack("!H", code))


def marks_file(path):
    with open(path, "w", encoding="ascii"):
        return path


MINT = ["/bin/echo", '{"credential":"ABCDEFGHIJKL"}']


class OnTheWire(unittest.TestCase):
    def daemon(self, server, **options):
        d = Daemon({}, sections(MINT, **options), users={"alice": server.port})
        self.addCleanup(d.process.kill)
        return d

    def test_what_it_sends(self):
        with Server() as server:
            d = self.daemon(server)
            held(d)
            wait.until(lambda: len(server.frames) >= 4, what="Pings")
            self.assertEqual({f for f in server.frames}, {(1, b'{"_tag":"Ping"}')})
            upgrade = server.requests("/ws")[0]
            self.assertEqual(upgrade.all("cookie"), ["t3_session=made1"])
            self.assertIsNone(upgrade.header("sec-websocket-extensions"))
            self.assertRegex(server.agents[0], r"^t3ops/\S+ \(bot\)$")
            self.assertEqual(d.stop(), 0)
            wait.until(lambda: server.frames[-1][0] == ws.CLOSE, what="a close frame")
            self.assertEqual(server.frames[-1], (ws.CLOSE, struct.pack("!H", 1000)))

    def test_one_session_is_made_at_a_time(self):
        """The helper and the processor are the users'."""
        marks = os.path.join(process.folder(), "marks")
        with open(account.give(marks_file(marks)), encoding="ascii") as f, contextlib.ExitStack() as stack:
            servers = {name: stack.enter_context(Server()) for name in ("alice", "bob", "carol", "dave", "erin")}
            mint = ["/bin/sh", "-c", f"echo begin >> {marks}; sleep 0.1; echo end >> {marks}; echo '{MINT[1]}'"]
            d = Daemon({}, sections(mint), users={name: s.port for name, s in servers.items()})
            self.addCleanup(d.process.kill)
            wait.until(lambda: all(s.made == 1 and s.frames for s in servers.values()), what="a session of each")
            self.assertEqual(f.read().split(), ["begin", "end"] * len(servers))
            self.assertEqual(d.stop(), 0)

    def test_revoked_session_is_no_drop(self):
        with Server() as server:
            d = self.daemon(server, pairing_pause="1500ms")
            held(d)
            asked_dead, server.alive = server.asked_dead, False
            server.close(1008)
            held(d, 0)
            wait.until(lambda: server.asked_dead > asked_dead, what="the question whether the session is dead")
            server.alive = True
            held(d)
            self.assertEqual(server.made, 2)
            self.assertNotIn("event=leg_down", d.log())
            self.assertEqual(d.stop(), 0)

    def test_closed_with_a_live_session_is_one(self):
        with Server() as server:
            d = self.daemon(server)
            held(d)
            server.close(1011)
            self.assertRegex(d.wait_log(r"event=leg_down .*user=alice.*").group(0), r"reason=closed.*close_code=1011|close_code=1011.*reason=closed")
            d.wait_log(r"event=leg_up .*user=alice(?s:.*)event=leg_up .*user=alice")
            self.assertEqual(server.made, 1)
            self.assertEqual(d.stop(), 0)

    def test_refused_upgrades(self):
        """401: a new session, with growing pauses, and no drop.  Anything else: the attempt failed."""
        with Server() as server:
            server.upgrade_status = 401
            d = self.daemon(server)
            wait.until(lambda: server.made >= 3, what="three pairings")
            self.assertLessEqual(len(server.requests("/ws")), server.made)
            d.wait_log(r"event=leg_up .*user=alice")
            self.assertNotRegex(d.log(), r"event=leg_(down|attempt_failed)")
            server.upgrade_status = 503
            e = d.wait_log(r"event=leg_down .*user=alice.*").group(0)
            self.assertRegex(e, r"step=http")
            self.assertRegex(e, r"reason=http_status")
            server.upgrade_status = 101
            held(d)
            self.assertEqual(server.left_early, 0)  # some t3 servers die of that
            self.assertEqual(d.stop(), 0)

    def test_renewed_before_its_end(self):
        with Server() as server:
            server.expires = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=8)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            d = self.daemon(server)
            held(d)
            server.expires = "2099-12-23T10:14:29.214Z"
            wait.until(lambda: len(server.requests("/ws")) == 2, what="a second WebSocket")
            self.assertEqual(server.requests("/ws")[1].header("cookie"), "t3_session=made2")
            held(d)
            self.assertEqual(server.made, 2)
            self.assertNotRegex(d.log(), r"event=leg_(down|late)")
            self.assertEqual(d.stop(), 0)


if __name__ == "__main__":
    unittest.main()
