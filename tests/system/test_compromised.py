#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A compromised process stays one: a proxy that scribbles over all it shares, truncates what it finds and sends what
no process sends harms itself, and nobody else."""
import contextlib
import os
import pwd
import select
import signal
import subprocess
import unittest

from lab import account, http, process, wait, ws
from lab.daemon import Daemon, plugin_dir_with, section
from lab.origin import Origin
from lab.talk import RawEcho

ALICE = [("X-authentik-username", "alice")]
ECHO = 'plugin "probe_echo" {}\n'
OTHERS = ("helper", "jobs", "monitor", "prober")
RESTARTS = 't3ops_process_restarts_total{process="%s"}'


class Compromised(unittest.TestCase):
    def setUp(self):
        self.origin = Origin({"/ws": RawEcho()})
        self.addCleanup(self.origin.stop)

    def daemon(self, wrap=(), **options):
        """Without the sandbox, which is another line of defence."""
        to = process.folder()
        account.give(to)
        control = os.path.join(process.folder(), "control.sock")
        sections = 'plugin "probe_echo" {}\nplugin "probe_t3serve" {}\n' + section("plugin", "sample_hostile", {"control": control}) \
            + section("plugin", "backup", {"to": to})
        d = Daemon({"control": control, "plugin_dir": plugin_dir_with("sample_hostile"), "sandbox": "off", "restart_pause_max": "100ms",
                    "log_level": "info", **options}, sections, users={"alice": self.origin.port}, wrap=wrap)
        self.addCleanup(d.stop)
        return d

    def deed(self, d, path):
        """The proxy does it, and dies over it."""
        mark = len(d.log())
        with self.assertRaises((OSError, EOFError)):
            http.get(d.proxy, path, ALICE)
        d.wait_log("event=process_started .*child=proxy", after=mark)
        return d.log()[mark:]

    def unharmed(self, d, before, restarts):
        """Everybody but the proxy is who they were, and does what they do."""
        self.assertEqual({p: d.pids(p) for p in OTHERS}, before)
        metrics = d.metrics()
        self.assertEqual({p: metrics[RESTARTS % p] for p in OTHERS}, dict.fromkeys(OTHERS, 0))
        self.assertEqual(metrics[RESTARTS % "proxy"], restarts)
        self.assertEqual(http.get(d.proxy, "/", ALICE).status, 200)
        with ws.WebSocket(d.proxy, "/ws", ALICE) as w:
            self.assertEqual(self.ask(w, "hello"), "hello")
        self.assertIn("event=reloaded", d.reload())

    @staticmethod
    def ask(w, text):
        w.send_frame(ws.TEXT, text, mask=False)
        return w.text()

    def test_memory(self):
        d = self.daemon()
        before = {p: d.pids(p) for p in OTHERS}
        self.assertEqual([len(p) for p in before.values()], [1] * len(OTHERS))
        idle = [ws.WebSocket(d.proxy, "/ws", ALICE) for _ in range(5)]
        for n in range(2):
            log = self.deed(d, "/scribble")
            self.assertNotIn("truncated", log)
        for w in idle:
            w.drop()
        self.unharmed(d, before, n + 1)

    def test_whose_a_tunnel_is(self):
        """What a proxy writes over the names in its table changes nobody's name in the next one."""
        d = self.daemon()
        d.write_users({"alice": self.origin.port, "bob": self.origin.port})
        wait.until(lambda: http.get(d.proxy, "/", [("X-authentik-username", "bob")]).status == 200, what="the new table")
        with ws.WebSocket(d.proxy, "/ws", ALICE) as w:
            self.assertEqual(self.ask(w, "before"), "before")
            http.get(d.proxy, "/healthz")  # it is idle: what follows finds it clean
            self.deed(d, "/rename")
            self.assertEqual(self.ask(w, "after"), "after")
        line = d.wait_log("event=tunnel_(closed|dropped) .*").group(0)
        self.assertIn("user=alice", line)
        self.assertNotRegex(d.log(), "event=tunnel_.*user=bob")

    def test_messages(self):
        d = self.daemon()
        before = {p: d.pids(p) for p in OTHERS}
        mark = len(d.log())
        self.assertEqual(http.get(d.proxy, "/messages", ALICE).status, 200)
        d.wait_log("event=message_refused", after=mark)
        self.unharmed(d, before, 0)
        self.assertLess(d.log().count("event=message_refused"), 60, "a flood is a few lines")
        self.deed(d, "/abort")
        self.unharmed(d, before, 1)

    def test_store_that_is_full(self):
        """It says so once, and counts what would not survive."""
        d = self.daemon(wrap=["prlimit", "--nofile=128:128"])
        open_ones = [ws.WebSocket(d.proxy, "/ws", ALICE) for _ in range(45)]
        wait.until(lambda: d.metrics()['t3ops_tunnels_not_stored_total{limit="descriptors"}'] > 1, what="the count")
        self.assertEqual(d.metrics()['t3ops_tunnels_not_stored_total{limit="slots"}'], 0)
        self.assertEqual(d.log().count("event=fd_store_full"), 1)
        self.assertIn("LimitNOFILE", d.wait_log("event=fd_store_full .*").group(0))
        for w in open_ones:
            self.assertEqual(self.ask(w, "hello"), "hello")
            w.drop()

    def refused_control(self, **options):
        d = self.daemon(**options)
        d.control = d.options["control"]
        for _ in range(2):
            self.assertEqual(http.get(d.proxy, "/control", ALICE).status, 200)
        line = d.wait_log("event=control_refused .*").group(0)
        self.assertIn("requester=proxy", line)
        self.assertEqual(d.metrics()["t3ops_control_refused_total"], 2)
        self.assertEqual(d.log().count("event=control_refused"), 1)
        self.assertNotIn("obeyed", d.log())
        self.assertIn("proxy", d.ctl("status"))
        return d, line

    def test_control_socket(self):
        self.refused_control()

    @unittest.skipUnless(account.ROOT, "only root has other accounts")
    def test_account_of_the_proxy(self):
        """It has one of its own, and the groups of `user`."""
        d, line = self.refused_control(user_proxy="daemon")
        uid, group = pwd.getpwnam("daemon").pw_uid, pwd.getpwnam(account.NAME).pw_gid
        self.assertIn(f'account="uid {uid}"', line)
        ids = {p: self.ids(d.processes()[p]) for p in ("proxy", *OTHERS)}
        self.assertEqual(ids["proxy"], ({uid}, {group}))
        for p in ("jobs", "monitor", "prober"):
            self.assertEqual(ids[p], ({pwd.getpwnam(account.NAME).pw_uid}, {group}))
        self.assertEqual(ids["helper"][0], {0})
        with ws.WebSocket(d.proxy, "/ws", ALICE) as w:
            self.assertEqual(self.ask(w, "hello"), "hello")

    def test_check_says_which_accounts(self):
        own = "; it gets its own as soon as there is"
        for options, line in (({"user_proxy": account.NAME}, f"process proxy: account {account.NAME}\n"),
                              ({"user_proxy": "daemon"}, f"process proxy: account daemon\nprocess monitor: account {account.NAME}{own} {account.NAME}-monitor\n"),
                              ({}, f"process proxy: account {account.NAME}{own} {account.NAME}-proxy\n")):
            d = Daemon(options, ECHO, users={"alice": 1}, start=False)
            done = subprocess.run([process.program("core/t3ops"), "-t", "-c", d.conf], stdout=subprocess.PIPE, text=True, check=False)
            self.assertIn(line, done.stdout)

    @staticmethod
    def ids(pid):
        """All uids and gids of a process."""
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            rows = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        return {int(n) for n in rows["Uid"].split()}, {int(n) for n in rows["Gid"].split()}

    def test_table_of_another_worker(self):
        """What one worker does to its table is not in the other's."""
        d = self.daemon(workers=2)
        idle = [ws.WebSocket(d.proxy, "/ws", ALICE) for _ in range(40)]
        for n, w in enumerate(idle):
            self.assertEqual(self.ask(w, f"{n}"), f"{n}")
        wait.until(lambda: d.metrics()["t3ops_tunnels"] == len(idle), what="the gauges")
        metrics, workers = d.metrics(), d.pids("proxy")
        least = min(metrics[f't3ops_tunnels{{worker="{n}"}}'] for n in range(2))
        self.assertTrue(least, "all are in one worker")
        self.deed(d, "/scribble")
        other, = set(workers) & set(d.pids("proxy"))
        for _ in range(40):
            http.get(d.proxy, "/healthz")  # both have finished what they were at: whoever is idle now is clean
        mark = len(d.log())
        os.kill(other, signal.SIGKILL)
        kept = int(d.wait_log("event=tunnels_preserved tunnels=([0-9]+) dropped=0", after=mark).group(1))
        self.assertGreaterEqual(kept, least)
        answered = set()
        for w in idle:
            with contextlib.suppress(OSError):
                w.send_frame(ws.TEXT, "still", mask=False)
        wait.until(lambda: self.answers(idle, answered) >= least, what="the tunnels of the other worker")
        for w in idle:
            w.drop()

    @staticmethod
    def answers(tunnels, answered):
        """How many sent something by now: those of the wild worker may be cut, or lie still."""
        for sock in select.select([w.conn.sock for w in tunnels if w not in answered], [], [], 0.1)[0]:
            with contextlib.suppress(OSError):
                if sock.recv(100):
                    answered.update(w for w in tunnels if w.conn.sock is sock)
        return len(answered)


if __name__ == "__main__":
    unittest.main()
