#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Processes of t3ops are killed and replaced while all users move to another version of t3: the next ones go on."""
import os
import signal
import threading
import unittest

from lab import kill, wait
from lab.installation import Installation
from lab.stub import LATEST, NEW


class Killed(unittest.TestCase):
    """kill -9 of the monitor, of the jobs process with its runs, and of everything, in every state of a rollout."""

    def hunter(self, lab, states, pids):
        return kill.Hunter(states, lambda: kill.value(lab.state_path, "state"), pids)

    def test_monitor_forward(self):
        with Installation(NEW, ("alice", "bob"), backup=True) as lab:
            states = ["SURVEYING", "PROVING", "PINNING", "MOVING", "BAKING", "JUDGING", "RELEASING", "SETTLING"]
            hunter = self.hunter(lab, states, lambda: lab.daemon.pids("monitor"))
            for seat in lab.seats.values():
                seat.event("before")
            lab.roll(LATEST)
            wait.until(lambda: kill.value(lab.state_path, "state") == "IDLE", 240, "the end of the rollout")
            hunter.stop()
            self.assertEqual(hunter.words, [], "states in which nobody was killed")
            self.assertRegex(lab.wait_idle(), "done: 2 moved|done: 1 moved, 1 had")
            self.assertEqual(set(lab.versions().values()), {LATEST})
            self.assertEqual(sorted(set(lab.started())), ["alice", "bob"])
            self.assertEqual(len(lab.started()), 2, "each server was restarted once")
            self.assertEqual([s.events() for s in lab.seats.values()], [["before"]] * 2)

    def test_monitor_backward(self):
        with Installation(NEW, ("alice", "bob"), canary="alice", bake=f"{15 * wait.SLOW:g}s") as lab:
            hunter = self.hunter(lab, ["UNDOING", "FREEZING"], lambda: lab.daemon.pids("monitor"))
            lab.seats["alice"].event("before")
            lab.roll(LATEST)
            lab.wait_state("BAKING")
            lab.seats["alice"].stub.stall()
            lab.seats["alice"].on["stop"] = lab.seats["alice"].stub.crash
            wait.until(lambda: kill.value(lab.state_path, "state") == "IDLE", 240, "the end of the rollout")
            hunter.stop()
            self.assertEqual(hunter.words, [])
            self.assertRegex(lab.wait_idle(), "rolled_back: alice: BAKING: ")
            self.assertEqual((set(lab.versions().values()), lab.seats["alice"].events()), ({NEW}, ["before"]))
            self.assertIn("BAKING", lab.ask("status", "bob")[1]["frozen"])

    def test_jobs(self):
        """The jobs process, and the runs."""
        with Installation(NEW, ("alice",), backup=True) as lab:
            hunter = self.hunter(lab, ["PROVING", "PINNING", "MOVING", "JUDGING"],
                                 lambda: lab.daemon.pids("jobs") + kill.jobs(lab.daemon))
            lab.seats["alice"].event("before")
            lab.roll(LATEST)
            self.assertRegex(lab.wait_idle(), "done: 1 moved|done: 0 moved, 1 had")
            hunter.stop()
            self.assertEqual(hunter.words, [])
            self.assertEqual((lab.versions(), lab.seats["alice"].events()), ({"alice": LATEST}, ["before"]))

    def test_reload_and_upgrade(self):
        """Each replaces the monitor and the jobs process: the next ones go on."""
        with Installation(NEW, ("alice", "bob"), settle="3s") as lab:
            lab.roll(LATEST)
            for state, replace in (("MOVING", lambda: lab.change(settle="4s")), ("BAKING", lab.daemon.upgrade)):
                wait.until(lambda s=state: kill.value(lab.state_path, "state") == s, 120, state)
                replace()
            self.assertRegex(lab.wait_idle(), "done: 2 moved|done: 1 moved, 1 had")
            self.assertEqual(lab.versions(), {"alice": LATEST, "bob": LATEST})
            self.assertEqual(sorted(lab.started()), ["alice", "bob"])

    def test_everything(self):
        """As a power cut: all of t3ops at once, while the server is stopped; what starts next finishes it."""
        with Installation(NEW, ("alice",)) as lab:
            lab.seats["alice"].event("before")
            killed = threading.Event()

            def everything():
                for pid in kill.jobs(lab.daemon):
                    os.kill(pid, signal.SIGKILL)
                lab.daemon.process.kill()
                killed.set()

            lab.seats["alice"].on["stop"] = everything
            lab.roll(LATEST)
            self.assertTrue(killed.wait(120 * wait.SLOW))
            lab.daemon.start()
            self.assertRegex(lab.wait_idle(), "done: 1 moved")
            self.assertEqual((lab.versions(), lab.seats["alice"].events()), ({"alice": LATEST}, ["before"]))


if __name__ == "__main__":
    unittest.main()
