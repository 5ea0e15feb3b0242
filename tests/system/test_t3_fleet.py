#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All users move to another version of t3: a canary first, who is watched, then the others, idle ones first; who is busy
later; and what fails is undone and stops it.  Processes of t3ops that are killed meanwhile: test_t3_fleet_killed.py."""
import json
import os
import re
import shlex
import time
import unittest

from lab import path, process, wait
from lab.installation import Installation
from lab.stub import LATEST, NEW, OLD
from lab.user import User


class Forward(unittest.TestCase):
    def test_all(self):
        with Installation(OLD, ("alice", "bob", "carol"), backup=True, canary="bob") as lab:
            for seat in lab.seats.values():
                seat.event("before")
            status, row, said = lab.roll(LATEST)
            self.assertEqual((status, row["state"]), (0, "SURVEYING"), said)
            self.assertRegex(lab.roll(LATEST)[2], "a rollout is in progress")
            lab.wait_state("BAKING")
            self.assertEqual(lab.started(), ["bob"])
            self.assertEqual(lab.wait_idle(), "done: 3 moved, 0 had it already, 0 frozen")
            self.assertEqual(set(lab.versions().values()), {LATEST})
            self.assertEqual(lab.started()[0], "bob")
            self.assertEqual(sorted(lab.started()), ["alice", "bob", "carol"])
            self.assertEqual([s.events() for s in lab.seats.values()], [["before"]] * 3)
            pinned = json.loads(lab.daemon.ctl("backup", "list", "-j"))["rows"]
            self.assertEqual({(r["user"], r["reason"], r["pinned"]) for r in pinned},
                             {(n, "before-upgrade", "no") for n in lab.seats})
            metrics = lab.daemon.metrics()
            self.assertEqual(metrics['t3ops_upgrade_rollout_users{plugin="upgrade",state="done"}'], 3)
            self.assertEqual(metrics['t3ops_upgrade_rollout_in_progress{plugin="upgrade"}'], 0)
            lab.roll(LATEST)
            self.assertEqual(lab.wait_idle(), "done: 0 moved, 3 had it already, 0 frozen")

    def test_busy(self):
        """Who has a turn in progress is moved when it is over, and the others do not wait."""
        with Installation(NEW, ("alice", "bob")) as lab:
            lab.seats["alice"].turn()
            self.assertEqual(lab.roll(LATEST)[0], 0)
            lab.wait_state("WAITING")
            self.assertEqual(lab.versions(), {"alice": NEW, "bob": LATEST})
            text = "will migrate at the next quiet gap, because 1 turn is in progress"
            self.assertEqual(lab.rows()[1]["alice"]["why"], text)
            self.assertTrue(lab.ask("status", "alice")[1]["next"].startswith(text), lab.ask("status", "alice"))
            self.assertNotIn("next", lab.ask("status", "bob")[1])
            lab.daemon.wait_log(r"event=user_deferred .*user=alice")
            lab.seats["alice"].turn(False)
            self.assertRegex(lab.wait_idle(), "done: 2 moved")
            self.assertEqual(lab.versions(), {"alice": LATEST, "bob": LATEST})
            self.assertNotIn("next", lab.ask("status", "alice")[1])

    def test_frozen(self):
        with Installation(NEW, ("alice", "bob"), canary="zoe") as lab:
            lab.ask("freeze", "alice", "--why=exams")
            lab.roll(LATEST)
            self.assertEqual(lab.wait_idle(), "done: 1 moved, 0 had it already, 1 frozen")
            self.assertEqual(lab.versions(), {"alice": NEW, "bob": LATEST})
            self.assertEqual(lab.rows()[1]["alice"]["why"], "exams")
            self.assertEqual(lab.rows()[0]["warning"], 'canary = "zoe" is no user')
            self.assertEqual(len(re.findall("event=canary_unknown", lab.daemon.log())), 1)


class Automatic(unittest.TestCase):
    """A scheduled run has proven a version, and a rollout begins by itself."""

    def test_begins(self):
        with Installation(NEW, ("alice", "bob", "carol"), automatic="true") as lab:
            lab.ask("freeze", "alice", "--why=exams")
            lab.ask("pin", "bob", f"--to={NEW}")
            lab.change(automatic="true", candidate=lab.prefixes[LATEST])
            self.assertEqual(lab.ask("status", "carol")[1]["automatic"], "yes")
            self.assertIn("when a run has proven a version", lab.rows()[0]["automatic"])
            lab.daemon.ctl("upgrade", "now", "alice")  # frozen: proven, and nothing more
            lab.daemon.ctl("upgrade", "now", "carol")
            lab.daemon.wait_log(rf'event=rollout_started .*by itself, to {lab.prefixes[LATEST]}')
            lab.daemon.wait_log("event=rollout_done", limit=120)
            self.assertEqual(lab.wait_idle(), "done: 1 moved, 0 had it already, 1 frozen")
            self.assertEqual(lab.versions(), {"alice": NEW, "bob": NEW, "carol": LATEST})
            self.assertEqual(lab.rows()[1]["bob"]["why"], "pinned to another version")
            lab.daemon.ctl("upgrade", "now", "carol")
            self.assertIn("when a run has proven a version", lab.rows()[0]["automatic"])
            lab.daemon.upgrade()  # which hears of the runs of before again
            self.assertIn("when a run has proven a version", lab.rows()[0]["automatic"])

    def test_hours(self):
        """Closed: it waits for them, and says so; and it begins when they do."""
        at = time.localtime(time.time() + 7200), time.localtime(time.time() + 10800)
        hours = dict(zip(("window_from", "window_to"), (time.strftime("%H:%M", t) for t in at)))
        with Installation(NEW, ("alice",), automatic="true", **hours) as lab:
            lab.change(automatic="true", candidate=lab.prefixes[LATEST], **hours)
            lab.daemon.ctl("upgrade", "now")
            lab.daemon.wait_log(rf"event=rollout_waits .*to {lab.prefixes[LATEST]}, in the hours {hours['window_from']} to ")
            self.assertIn(f"in the hours {hours['window_from']} to", lab.rows()[0]["automatic"])
            self.assertEqual((lab.state(), lab.unit.done), ("IDLE", []))
            lab.change(automatic="true", candidate=lab.prefixes[LATEST])
            self.assertRegex(lab.daemon.wait_log("event=rollout_done", limit=120) and lab.wait_idle(), "done: 1 moved")
            self.assertEqual(lab.versions(), {"alice": LATEST})

    def test_off_and_bad(self):
        """Without the option nobody is moved; and what failed live is not tried again by itself."""
        with Installation(NEW, ("alice", "bob")) as lab:
            lab.change(candidate=lab.prefixes["0.0.34"])
            lab.daemon.ctl("upgrade", "now")
            self.assertEqual((lab.rows()[0]["automatic"], lab.state()), ("no", "IDLE"))
            lab.live["0.0.34"] = "0.0.34-cannot-pair"
            lab.change(automatic="true", candidate=lab.prefixes["0.0.34"])
            lab.daemon.ctl("upgrade", "now")  # the last one may not have been in the journal yet
            lab.daemon.wait_log("event=rollout_stopped", limit=120)
            self.assertRegex(lab.wait_idle(), "rolled_back: (alice|bob): STARTING: it does not pair")
            lab.ask("unfreeze")
            lab.daemon.ctl("upgrade", "now")
            lab.daemon.wait_log("event=rollout_not_begun .*since its last rollout ended so: rolled_back: ")
            self.assertEqual(lab.state(), "IDLE")
            self.assertEqual(lab.versions(), {"alice": NEW, "bob": NEW})


class Backward(unittest.TestCase):
    def stopped(self, lab, pattern):
        self.assertRegex(lab.wait_idle(), pattern)
        lab.daemon.wait_log("event=rollout_stopped")
        self.assertEqual(set(lab.versions().values()), {NEW})
        for name in lab.seats:
            self.assertNotIn("next", lab.ask("status", name)[1])

    def test_rejected(self):
        """By the gate of one of them: nobody is moved, and nobody is frozen."""
        with Installation(NEW, ("alice", "bob")) as lab:
            lab.roll("0.0.34-cannot-pair")
            self.stopped(lab, "rejected for (alice|bob): it does not pair")
            for _ in range(2):  # the other user may be the first one now, whose gate has not seen it
                lab.roll("0.0.34-cannot-pair")
                if "--again" in (outcome := lab.wait_idle()):
                    break
            self.assertRegex(outcome, "rejected for (alice|bob): .* was rejected: .*; --again proves it once more")
            self.assertIn("--now is for one user", lab.roll("0.0.34-cannot-pair", "--now")[2])
            lab.roll("0.0.34-cannot-pair", "--again")
            self.stopped(lab, "rejected for (alice|bob): it does not pair")
            self.assertEqual(lab.unit.done, [])

    def test_gate_breaks(self):
        """After the first one was moved, for good: that ends, with nobody frozen."""
        with Installation(NEW, ("alice", "bob"), canary="bob", bake="4s") as lab:
            lab.roll(LATEST)
            lab.wait_state("BAKING")
            for version in (NEW, LATEST):
                program = os.path.join(lab.prefixes[version], "bin/t3")
                with open(program, encoding="utf-8") as f:
                    text = f.read().split("\n", 1)[1]
                lab.prefixes.write(program, 'case "$*" in "serve "*/alice/*) exit 1;; esac\n' + text)
            self.assertRegex(lab.wait_idle(), "stopped at the gate of alice, the last of 5 tries: gate_broken: ")
            self.assertEqual(len(re.findall("event=user_deferred .*user=alice.*gate_broken: ", lab.daemon.log())), 5)
            lab.daemon.wait_log("event=rollout_stopped")
            self.assertEqual(lab.versions(), {"alice": NEW, "bob": LATEST})
            for name in lab.seats:
                self.assertEqual(lab.ask("status", name)[1]["frozen"], "no")

    def test_canary_fails_to_start(self):
        with Installation(NEW, ("alice", "bob"), canary="alice") as lab:
            lab.live["0.0.34"] = "0.0.34-cannot-pair"
            lab.seats["alice"].event("before")
            lab.seats["alice"].on["started"] = lambda: lab.seats["alice"].event("meanwhile")
            lab.roll("0.0.34")
            self.stopped(lab, "rolled_back: alice: STARTING: it does not pair")
            self.assertEqual(lab.started(), ["alice", "alice"])
            self.assertEqual(lab.seats["alice"].events(), ["before"])
            for name in lab.seats:
                self.assertIn("it does not pair", lab.ask("status", name)[1]["frozen"])
            metrics = lab.daemon.metrics()
            self.assertGreater(metrics['t3ops_upgrade_last_timestamp_seconds{plugin="upgrade",user="alice",outcome="rolled_back"}'], 0)
            self.assertEqual(metrics['t3ops_upgrade_frozen{plugin="upgrade",user="bob"}'], 1)
            lab.roll("0.0.34")
            self.assertRegex(lab.wait_idle(), "rejected for (alice|bob)|2 frozen")

    def test_canary_fails_while_it_bakes(self):
        """It starts and pairs, and hangs a moment later: its leg and a verdict say so, and the user is brought back."""
        with Installation(NEW, ("alice", "bob"), canary="alice", bake=f"{15 * wait.SLOW:g}s") as lab:
            lab.seats["alice"].event("before")
            lab.roll(LATEST)
            lab.wait_state("BAKING")
            lab.seats["alice"].event("meanwhile")
            lab.seats["alice"].stub.stall()
            lab.seats["alice"].on["stop"] = lab.seats["alice"].stub.crash
            self.stopped(lab, "rolled_back: alice: BAKING: (verdict [0-9]+ names it alone|its leg is down)")
            self.assertEqual(lab.started(), ["alice", "alice"])
            self.assertIn("BAKING", lab.ask("status", "bob")[1]["frozen"])
            self.assertGreater(lab.daemon.metrics()['t3ops_upgrade_last_timestamp_seconds{plugin="upgrade",user="alice",outcome="rolled_back"}'], 0)


@unittest.skipIf(path.missing(), "needs " + ", ".join(path.missing()))
class Connected(unittest.TestCase):
    """Good, better, broken, rolled back: with people at their pages all the time."""

    def setUp(self):
        self.path = path.Path().start()
        self.addCleanup(self.path.stop)

    def user(self, name):
        user = User(name, self.path.edge_address, self.path.host, self.path.tls, version=LATEST, factor=0.2 * wait.SLOW).start()
        self.addCleanup(user.stop)
        return user

    def stops(self, lab, name):
        return lab.unit.done.count("stop " + name)

    def watched(self, lab, users):
        """At each stop of somebody's server: nobody had been dropped more often than by his own stops before."""
        seen = []

        def look(name, seat):
            def stopping():
                seen.append((name, {n: (u.drops, self.stops(lab, n) - (n == name)) for n, u in users.items()}))
                seat.on["stop"] = stopping
            seat.on["stop"] = stopping

        for name, seat in lab.seats.items():
            look(name, seat)
        return seen

    def test_the_whole_life(self):
        with Installation(NEW, ("alice", "bob"), backup=True, canary="alice", core={"page_heartbeat": "1s"}) as lab:
            self.path.connect(lab.daemon.proxy)
            users = {name: self.user(name) for name in lab.seats}
            for user in users.values():
                user.wait_connected()
            seen = self.watched(lab, users)
            lab.seats["alice"].event("good")
            lab.roll(LATEST)
            self.assertRegex(lab.wait_idle(), "done: 2 moved")
            for user in users.values():
                user.wait_connected()
                user.wait_pong()
            self.assertEqual([self.stops(lab, n) for n in users], [1, 1])

            lab.seats["alice"].event("better")
            lab.live["0.0.34"] = "0.0.34-cannot-pair"
            lab.roll("0.0.34")
            self.assertRegex(lab.wait_idle(), "rolled_back: alice: STARTING: it does not pair")
            for user in users.values():
                user.wait_connected()
                user.wait_pong()
            self.assertEqual(lab.versions(), {"alice": LATEST, "bob": LATEST})
            self.assertEqual(lab.seats["alice"].events(), ["good", "better"])
            self.assertEqual([self.stops(lab, n) for n in users], [3, 1])
            self.assertEqual(users["bob"].drops, 1)
            self.assertIn(users["alice"].drops, (2, 3))  # the broken one may have taken nobody
            for name, drops in seen:
                for who, (dropped, stopped) in drops.items():
                    self.assertLessEqual(dropped, stopped, f"{who}, when {name} was stopped: {seen}")


class Runbook(unittest.TestCase):
    def test_every_command(self):
        """Those of docs/runbooks/version-bump.md, in its order, do what it says."""
        with open(os.path.join(process.source_dir(), "docs/runbooks/version-bump.md"), encoding="utf-8") as f:
            commands = [shlex.split(line)[1:] for line in f if re.match(r" {4,}t3opsctl ", line)]
        self.assertGreater(len(commands), 8)
        with Installation(NEW, ("alice", "bob")) as lab:
            lab.change(candidate=lab.prefixes[LATEST])
            for _, *words in commands:
                words = [w.replace("/opt/t3/0.0.32", lab.prefixes[LATEST]) for w in words]
                with self.subTest(words=words):
                    status, _, said = lab.ask(*words)
                    self.assertEqual(status, 0, said)
                if words[0] == "run" and "alice" not in words:
                    self.assertEqual(lab.wait_idle(), "done: 1 moved, 0 had it already, 1 frozen")
                    self.assertEqual(lab.versions(), {"alice": LATEST, "bob": NEW})
            self.assertEqual(lab.versions(), {"alice": NEW, "bob": NEW})
            self.assertIn("rollback", lab.ask("status", "alice")[1]["frozen"])


if __name__ == "__main__":
    unittest.main()
