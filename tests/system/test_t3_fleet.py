#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All users move to another version of t3: a canary first, who is watched, then the others, idle ones first; who is busy
later; and what fails is undone and stops it."""
import json
import unittest

from lab import http, wait
from lab.installation import Installation
from lab.stub import LATEST, NEW, OLD


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
            self.assertEqual(lab.wait_idle(), "done: 3 moved, 0 had it already, 0 are frozen")
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
            self.assertEqual(lab.wait_idle(), "done: 0 moved, 3 had it already, 0 are frozen")

    def test_busy(self):
        """Who has a turn in progress is moved when it is over, and the others do not wait."""
        with Installation(NEW, ("alice", "bob")) as lab:
            lab.seats["alice"].turn()
            self.assertEqual(lab.roll(LATEST)[0], 0)
            lab.wait_state("WAITING")
            self.assertEqual(lab.versions(), {"alice": NEW, "bob": LATEST})
            text = "will migrate at the next quiet gap, because 1 turns are in progress"
            self.assertEqual(lab.rows()[1]["alice"]["why"], text)
            self.assertTrue(lab.ask("status", "alice")[1]["next"].startswith(text), lab.ask("status", "alice"))
            self.assertNotIn("next", lab.ask("status", "bob")[1])
            lab.daemon.wait_log(r"event=user_deferred .*user=alice")
            lab.seats["alice"].turn(False)
            self.assertRegex(lab.wait_idle(), "done: 2 moved")
            self.assertEqual(lab.versions(), {"alice": LATEST, "bob": LATEST})
            self.assertNotIn("next", lab.ask("status", "alice")[1])

    def test_frozen(self):
        with Installation(NEW, ("alice", "bob")) as lab:
            lab.ask("freeze", "alice", "--why=exams")
            lab.roll(LATEST)
            self.assertEqual(lab.wait_idle(), "done: 1 moved, 0 had it already, 1 are frozen")
            self.assertEqual(lab.versions(), {"alice": NEW, "bob": LATEST})
            self.assertEqual(lab.rows()[1]["alice"]["why"], "exams")


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
            self.stopped(lab, "rejected for (alice|bob): rejected: it does not pair")
            self.assertEqual(lab.unit.done, [])

    def test_canary_fails_to_start(self):
        with Installation(NEW, ("alice", "bob"), canary="alice") as lab:
            lab.live["0.0.34"] = "0.0.34-cannot-pair"
            lab.seats["alice"].event("before")
            lab.seats["alice"].on["started"] = lambda: lab.seats["alice"].event("meanwhile")
            lab.roll("0.0.34")
            self.stopped(lab, "rolled_back: alice: rolled back: STARTING: it does not pair")
            self.assertEqual(lab.started(), ["alice", "alice"])
            self.assertEqual(lab.seats["alice"].events(), ["before"])
            for name in lab.seats:
                self.assertIn("it does not pair", lab.ask("status", name)[1]["frozen"])
            metrics = lab.daemon.metrics()
            self.assertGreater(metrics['t3ops_upgrade_last_timestamp_seconds{plugin="upgrade",user="alice",outcome="rolled_back"}'], 0)
            self.assertEqual(metrics['t3ops_upgrade_frozen{plugin="upgrade",user="bob"}'], 1)
            lab.roll("0.0.34")
            self.assertRegex(lab.wait_idle(), "rejected for (alice|bob)|2 are frozen")

    def test_canary_fails_while_it_bakes(self):
        """It starts and pairs, and hangs a moment later: its leg and a verdict say so, and the user is brought back."""
        with Installation(NEW, ("alice", "bob"), canary="alice", bake="60s") as lab:
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


if __name__ == "__main__":
    unittest.main()
