#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whose fault was it?  t3opsctl why, show, verdicts --since, users and watch, of drops that were staged."""
import json
import os
import re
import subprocess
import sqlite3
import time
import unittest
from datetime import datetime, timezone

from lab import process, wait, ws
from lab.daemon import Daemon
from lab.stub import NEW, T3Stub
from lab.terminal import Terminal

SECTIONS = ('plugin "probe_echo" {}\n'
            'plugin "probe_t3serve" { heartbeat = "200ms" late = "300ms" watchdog = "1s" reconnect_min = "100ms" }\n')
ZONE = "UTC-05:30"  # POSIX has it the other way round: five and a half hours ahead


def alice(cookie, name="alice"):
    return [("X-authentik-username", name), ("Cookie", cookie)]


class Answers(unittest.TestCase):
    def setUp(self):
        self.stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(self.stub.process.kill)
        self.daemon = Daemon({"ping_timeout": "500ms"}, SECTIONS, users={"alice": self.stub.port})
        self.addCleanup(self.daemon.stop)
        self.daemon.wait_log(r"event=leg_up .*user=alice")

    def ctl(self, *words, zone="UTC"):
        return subprocess.run([process.program("core/t3opsctl"), "-s", self.daemon.control, *words], capture_output=True,
                              text=True, timeout=60, check=False, env={**os.environ, "TZ": zone})

    def answer(self, *words):
        return json.loads(self.ctl("-j", *words).stdout)

    def drop(self, user="alice"):
        ws.polite_visit(self.daemon.proxy, alice(self.stub.cookie(), user))
        with ws.WebSocket(self.daemon.proxy, "/ws", alice(self.stub.cookie(), user)) as w:
            w.heartbeat()
            w.drop()
        with ws.WebSocket(self.daemon.proxy, "/ws", alice(self.stub.cookie(), user)) as w:
            w.heartbeat()
            w.close(1001)
        wait.until(lambda: self.is_over(user), what=f"a healed verdict of {user}")

    def is_over(self, user):
        verdicts = self.daemon.standing()
        return any(user in v["users"] for v in verdicts) and all(v["state"] == "healed" for v in verdicts)

    def stall(self):
        """The t3 server of alice, until there is a verdict."""
        self.stub.process.stall()
        self.addCleanup(self.stub.process.resume)
        wait.until(lambda: any(v["state"] == "standing" for v in self.daemon.standing()), what="a verdict that stands")

    def test_why(self):
        self.drop()
        told = self.ctl("why", "alice").stdout
        self.assertRegex(told, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  last_mile\(alice\) or wan or .*  lasted .*, healed\n"
                               r"Affected: alice  \(verdict 1, incident \d+\)\n")
        parts = ["What the page experienced", "The verdict", "What worked", "In order of time (UTC, seconds from the first drop)", "How it ended"]
        places = [told.find("\n" + p + "\n") for p in parts]
        self.assertTrue(-1 not in places and places == sorted(places), told)
        self.assertRegex(told, r"  - alice lost 1 WebSocket: the connection was cut while its heartbeat")
        self.assertRegex(told, r"serve\(alice\): probe_t3serve\(alice\)")
        self.assertRegex(told, r"(?m)^  \d\d:\d\d:\d\d\.\d{3} +\+0\.\d  alice lost a WebSocket: ")
        self.assertRegex(told, r"(?s)\d\d:\d\d:\d\d\.\d{3} +\+\d\.\d  verdict: last_mile.*verdict\s+1 .*healed")
        self.assertIn("everything that it was based on works again", told)
        self.assertEqual(told, self.ctl("why").stdout)
        self.assertEqual(told, self.ctl("why", "alice", "--last").stdout)
        self.assertEqual(told, self.ctl("show", "1").stdout)
        self.assertNotIn("\033", told)

    def test_steps_are_in_order_and_of_that_verdict(self):
        self.drop()
        story = self.answer("why")["story"]
        offsets = [s["offset_seconds"] for s in story["steps"]]
        self.assertEqual(offsets, sorted(offsets))
        self.assertEqual(story["verdict"]["id"], 1)
        self.assertAlmostEqual(story["verdict"]["duration_seconds"],
                               datetime.fromisoformat(story["verdict"]["ended_time"].replace("Z", "+00:00")).timestamp() -
                               datetime.fromisoformat(story["verdict"]["drop_time"].replace("Z", "+00:00")).timestamp(), places=2)
        whats = [s["what"] for s in story["steps"]]
        for kind in ("tunnel_dropped", "verdict", "verdict_healed"):
            self.assertEqual(whats.count(kind), 1, whats)
        self.assertNotIn("process_started", whats)

    def test_a_verdict_that_stands(self):
        self.stall()
        told = self.ctl("why").stdout
        for words in ("Nobody was affected", " s after the first failure\n", "seconds from the first failure)"):
            self.assertIn(words, told)
        self.assertRegex(told, r"^.* UTC  serve\(alice\)  for .*, standing\n")
        self.assertIn("not over yet", told)
        self.assertIn("probe_t3serve(alice)", told)
        self.assertEqual(self.ctl("why", "alice").stdout.splitlines()[0][:24], told.splitlines()[0][:24])

    def test_at_a_moment_in_local_time(self):
        self.drop()
        dropped = datetime.fromisoformat(self.answer("show", "1")["story"]["verdict"]["drop_time"].replace("Z", "+00:00"))
        for text in (dropped.strftime("%H:%M:%S") + "Z", dropped.strftime("%Y-%m-%dT%H:%M:%SZ"), dropped.strftime("%Y-%m-%d %H:%M") + "Z", "1m"):
            with self.subTest(text=text):
                self.assertEqual(self.answer("why", "alice", "--at", text)["story"]["verdict"]["id"], 1)
        local = subprocess.run(["date", "-d", f"@{int(dropped.timestamp())}", "+%Y-%m-%d %H:%M:%S"], env={**os.environ, "TZ": ZONE},
                               capture_output=True, text=True, check=True).stdout.strip()
        told = self.ctl("why", "--at", local, zone=ZONE)
        self.assertEqual((told.returncode, told.stdout.splitlines()[0].split("  ")[0]), (0, local + " UTC"))
        done = self.ctl("why", "--at", local)  # five hours off
        self.assertEqual((done.returncode, done.stderr), (1, "t3opsctl: why: there is no verdict within half an hour of that moment\n"))

    def test_a_user_without_a_verdict(self):
        with ws.WebSocket(self.daemon.proxy, "/ws", alice(self.stub.cookie())) as w:
            w.heartbeat()
            w.close(1001)
        wait.until(lambda: "alice connected" in self.ctl("why", "alice").stdout, what="what the journal has of alice")
        self.assertTrue(self.ctl("why", "alice").stdout.startswith("No verdict is about this user at that time.\n"))
        for words in (("why", "nobody"), ("verdicts", "--user", "nobody")):
            done = self.ctl(*words)
            self.assertEqual((done.returncode, done.stdout), (1, ""), words)
            self.assertIn("there is no user nobody here: no verdict, connection, leg or job names one", done.stderr)
        done = self.ctl("verdicts", "--segment", "serv")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("there is no segment serv: ", done.stderr)
        self.assertEqual(self.ctl("verdicts", "--segment", "serve(alice)").stdout, "no verdict in that time\n")
        self.assertEqual(self.ctl("why").stderr, "t3opsctl: why: there is no verdict yet\n")
        self.assertEqual(self.ctl("show", "17").stderr, "t3opsctl: show: there is no verdict with that number\n")

    def test_another_verdict_was_nearer(self):
        with Daemon({"ping_timeout": "500ms"}, SECTIONS, users={"alice": self.stub.port, "bob": self.stub.port}) as self.daemon:
            self.daemon.wait_log(r"event=leg_up .*user=bob")
            self.drop()
            told = self.ctl("why", "bob", "--at", "1s").stdout
            self.assertRegex(told, r"^Nearer to that time, and not known to have affected this user: "
                                   r"last_mile\(alice\) or wan .* \(t3opsctl show 1\)\n\nNo verdict is about this user")
            self.assertEqual(self.answer("why", "bob", "--at", "1s")["nearer"]["id"], 1)
            for words in (("why", "bob"), ("why", "alice", "--at", "1s"), ("why", "--at", "1s"), ("show", "1")):
                self.assertIsNone(self.answer(*words)["nearer"], words)

    def test_verdicts_since(self):
        self.drop()
        lines = self.ctl("verdicts", "--since", "1h").stdout.splitlines()
        self.assertRegex(lines[0], r"^ID  TIME \(UTC\) +LASTED +STATE +VERDICT +USERS$")
        self.assertRegex(lines[1], r"^ 1  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  [\d.]+ m?s +healed +last_mile\(alice\) or .* alice$")
        self.assertEqual(len(lines), 2)
        rows = self.answer("verdicts", "--since", "1h", "--user", "alice", "--segment", "tunnel")
        self.assertEqual([(r["id"], r["users"]) for r in rows], [(1, ["alice"])])
        self.assertGreaterEqual(rows[0]["duration_seconds"], 0)
        self.assertEqual(self.answer("verdicts", "--segment", "last_mile")[0]["id"], 1)
        self.assertEqual(self.ctl("verdicts", "--segment", "serve").stdout, "no verdict in that time\n")

    def test_a_terminal(self):
        """What is shown there is no wider; elsewhere nothing is cut."""
        name = "a.user.with.a.very.long.name@subsidiary.example.com"
        with Daemon({"ping_timeout": "500ms"}, SECTIONS, users={name: self.stub.port, "alice": self.stub.port}) as self.daemon:
            self.daemon.wait_log(r"event=leg_up .*user=alice")
            self.drop()
            self.drop(name)
            for words in ("verdicts", "verdicts --standing", "verdicts --since 1h", "status", "legs", "users", "plugins"):
                with self.subTest(words):
                    t = Terminal(self.daemon, *words.split())
                    self.addCleanup(t.close)
                    self.assertEqual(t.end(), 0)
                    self.assertLessEqual(max(len(line) for line in t.lines()), 80, t.lines())
            self.assertIn(name, self.ctl("verdicts", "--since", "1h").stdout)

    def test_users(self):
        with ws.WebSocket(self.daemon.proxy, "/ws", alice(self.stub.cookie())) as w:
            w.heartbeat()
            wait.until(lambda: self.answer("users")[0]["tunnels"] == 1, what="alice in the list")
            row = self.answer("users")[0]
            self.assertEqual((row["user"], row["leg"]), ("alice", "up"))
            since = datetime.fromisoformat(row["connected_since"].replace("Z", "+00:00"))
            self.assertLess(abs((datetime.now(timezone.utc) - since).total_seconds()), 120)
            lines = self.ctl("users").stdout.splitlines()
            self.assertRegex(lines[0], r"^USER +TUNNELS +CONNECTED \(UTC\) +HEARTBEAT +LAST DROP +T3 SERVER$")
            self.assertRegex(lines[1], r"^alice +1  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")
            w.close(1001)
        wait.until(lambda: self.answer("users")[0]["tunnels"] == 0, what="that alice is gone")
        self.drop()
        self.assertIn("last_drop", self.answer("users")[0])

    def test_watch(self):
        with process.Process([process.program("core/t3opsctl"), "-s", self.daemon.control, "watch"], "ctl") as p:
            wait.until(lambda: "All clear since " in p.log(), what="how things are")
            self.drop()
            wait.until(lambda: re.search(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+  alice lost a WebSocket: ", p.log()), what="the drop in words")
            wait.until(lambda: re.search(r"verdict 1 \(.*\) healed", p.log()), what="the end in words")
        self.stall()
        with process.Process([process.program("core/t3opsctl"), "-s", self.daemon.control, "watch"], "ctl") as p:
            wait.until(lambda: re.search(r"The t3 server of alice down since .*, nobody affected yet", p.log()) and "STATE" in p.log(),
                       what="what stands")
        self.assertIn(" s after the first failure\n", self.ctl("verdicts", "--standing").stdout)

    def test_usage(self):
        for words, why in ((("why", "a", "b"), "unexpected argument: b"), (("why", "--at", "soon"), "soon: expected a time"),
                           (("why", "--at", "1m", "--last"), "--at and --last: one of them"), (("show",), "show needs the number"),
                           (("show", "x"), "x: expected the number of a verdict"), (("status", "--at", "1m"), "status takes no --at"),
                           (("events", "--since", "1m"), "events takes no --since"), (("users", "x"), "users takes no argument: x"),
                           (("verdicts", "--user", "a", "-f"), "--since, --user and --segment go with neither")):
            with self.subTest(words=words):
                done = self.ctl(*words)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertRegex(done.stderr, f"^t3opsctl: {why}")

    def test_a_long_journal_stops_nobody(self):
        """While months of rows are read, the monitor answers everybody else."""
        self.drop()
        text = json.dumps(self.daemon.verdicts()[0])
        db = sqlite3.connect(os.path.join(self.daemon.state_dir, "journal.sqlite"), timeout=60)
        day = 86_400_000_000
        now = int(time.time() * 1e6)
        rows = [(1000 + i, now - 80 * day + i * day // 400, 1, text.replace('"id": 1,', f'"id": {100 + i},')) for i in range(round(20000 / wait.SLOW))]
        with db:
            db.executemany("INSERT INTO verdicts(serial, time_us, id, json) VALUES(?,?,?,?)", rows)
        db.close()
        with process.Process([process.program("core/t3opsctl"), "-s", self.daemon.control, "-j", "verdicts", "--since", "90d", "--segment", "serve"], "ctl") as p:
            began, took = time.monotonic(), []
            while p.alive():
                begun = time.monotonic()
                self.daemon.get("/healthz")
                took.append(time.monotonic() - begun)
            self.assertEqual(p.log().strip(), "[]")
        self.assertGreater(len(took), 1)
        self.assertLess(max(took), max(1, (time.monotonic() - began) / 2), "seconds to an answer")


if __name__ == "__main__":
    unittest.main()
