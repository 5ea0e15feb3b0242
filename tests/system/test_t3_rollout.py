#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One user moves to another version of t3 and back: what works stays, what fails live is undone with its database, and
what was killed in any phase is ended by the next run."""
import glob
import json
import os
import signal
import sqlite3
import unittest

from lab import account, http, kill, wait
from lab.fleet import Fleet
from lab.stub import LATEST, NEW, OLD

PAGE = {"Accept": "text/html", "X-authentik-username": "alice"}
PHASES = ("STOPPING", "SAVING", "SWITCHING", "STARTING")


class Lab(Fleet):
    def __init__(self, version, **upgrade):
        super().__init__(version, **{"stop_command": "stop", "start_command": "start", "start_timeout": "20s", "idle_for": "0s", **upgrade})

    def run(self, version, *more):
        return self.ask("run", "alice", f"--to={self.prefixes[version]}", *more)

    def kill(self):
        """The process of the run; nobody cleans up."""
        for pid in kill.jobs(self.daemon):
            os.kill(pid, signal.SIGKILL)

    def aside(self):
        """Databases that were put aside, without what reading one leaves beside it."""
        return glob.glob(self.stub.database + ".rolled-back-*[0-9]")

    def event(self, text):
        self.stub.sql("INSERT INTO orchestration_events(body) VALUES (?)", text)

    def events(self):
        return [x for x, in self.stub.sql("SELECT body FROM orchestration_events ORDER BY id")]

    def pairs(self):
        return bool(http.get(self.daemon.proxy, "/", PAGE).header("set-cookie"))

    def phase(self):
        return self.ask("status", "alice")[1]["phase"]


class Rollout(unittest.TestCase):
    def test_forward_and_back(self):
        with Lab(OLD) as lab:
            lab.event("before")
            status, row, said = lab.run(LATEST)
            self.assertEqual(status, 0, said)
            self.assertEqual((lab.installed(), lab.phase()), (lab.prefixes[LATEST], "IDLE"))
            self.assertEqual((lab.stub.version, lab.unit.done), (LATEST, ["stop", "start"]))
            self.assertEqual((lab.events(), lab.pairs()), (["before"], True))
            lab.event("after")
            status, row, said = lab.ask("rollback", "alice")
            self.assertEqual(status, 0, said)
            self.assertEqual(row["written_since"].split(", ")[-1], "orchestration_events +1", row)
            self.assertEqual((lab.installed(), lab.stub.version), (lab.prefixes[OLD], OLD))
            self.assertEqual((lab.events(), lab.pairs()), (["before"], True))
            with sqlite3.connect(f"file:{row['kept']}?mode=ro", uri=True) as db:
                self.assertEqual(len(db.execute("SELECT body FROM orchestration_events").fetchall()), 2)
            db.close()
            status, _, said = lab.run(LATEST)
            self.assertEqual(status, 1)
            self.assertRegex(said, "frozen: somebody asked for a rollback")

    def test_nothing_to_do(self):
        with Lab(NEW) as lab:
            self.assertEqual(lab.run(NEW)[0], 0)
            status, _, said = lab.ask("rollback", "alice")
            self.assertEqual((status, "there is nothing to go back to" in said), (1, True))
            self.assertEqual(lab.unit.done, [])
            lab.ask("freeze", "alice", "--why=exams")
            self.assertRegex(lab.run(LATEST)[2], "frozen: exams; unfreeze it first")
            self.assertEqual(lab.unit.done, [])

    def test_rejected(self):
        with Lab(NEW) as lab:
            status, _, said = lab.run("0.0.34-cannot-pair")
            self.assertEqual((status, lab.unit.done, lab.installed()), (1, [], lab.prefixes[NEW]))
            self.assertIn("rejected: it does not pair", said)

    def test_fails_live(self):
        """It passes the gate, migrates the real database, and pairs nobody: all of that is undone."""
        with Lab(NEW) as lab:
            lab.event("before")
            lab.live["0.0.34"] = "0.0.34-cannot-pair"
            lab.on["started"] = lambda: lab.event("meanwhile")
            status, row, said = lab.run("0.0.34")
            self.assertEqual(status, 1)
            self.assertRegex(said, "rolled back: STARTING: it does not pair: the t3 server answered 500")
            self.assertIn("orchestration_events +1", row["written_since"])
            self.assertEqual((lab.installed(), lab.stub.version, lab.phase()), (lab.prefixes[NEW], NEW, "IDLE"))
            self.assertEqual((lab.events(), lab.pairs()), (["before"], True))
            self.assertEqual(len(lab.aside()), 1)
            self.assertIn("it does not pair", lab.ask("status", "alice")[1]["frozen"])
            self.assertRegex(lab.run("0.0.34")[2], "frozen: STARTING: it does not pair")

    def test_journal_of_the_new_version(self):
        """What the new version left beside its database goes aside with it: beside the one of before, SQLite would play it
        back into that."""
        with Lab(NEW) as lab:
            lab.event("before")
            lab.live["0.0.34"] = "0.0.34-cannot-pair"
            beside = lab.stub.database + "-journal"

            def leave():
                with open(beside, "wb") as f:
                    f.write(b"of another database\n" * 100)
                account.give(beside)
            lab.on["started"] = lambda: lab.on.update(stop=leave)
            status, row, said = lab.run("0.0.34")
            self.assertEqual(status, 1, said)
            self.assertIn("rolled back", said)
            self.assertFalse(os.path.exists(beside), row)
            self.assertEqual([os.path.exists(path + "-journal") for path in lab.aside()], [True])
            self.assertEqual((lab.events(), lab.pairs()), (["before"], True))

    def test_rollback_fails(self):
        """Neither comes up: it is said, and the next run brings the old one back."""
        with Lab(NEW) as lab:
            lab.event("before")
            lab.live["0.0.34"] = "0.0.34-cannot-pair"
            lab.on["started"] = lambda: lab.unit.broken.add("start")
            status, _, said = lab.run("0.0.34")
            self.assertEqual(status, 1)
            self.assertRegex(said, 'NOT ROLLED BACK: command "start": exit code 1; a run tries it again')
            self.assertEqual(lab.phase(), "UNDOING")
            lab.unit.broken.clear()
            status, _, said = lab.ask("run", "alice")
            self.assertEqual((status, lab.phase()), (1, "IDLE"), said)
            self.assertIn("rolled back", said)

    def test_link_goes_back_first(self):
        """Whoever mints while a rollback stands half done does it with the old program: the new one would migrate the database
        that was put back."""
        with Lab(OLD) as lab:
            self.assertEqual(lab.run(LATEST)[0], 0)
            before = os.path.join(lab.dir, "alice/before.sqlite")
            lab.on["stop"] = lambda: os.rename(before, before + ".gone")
            status, _, said = lab.ask("rollback", "alice")
            self.assertEqual(status, 1)
            self.assertRegex(said, "NOT ROLLED BACK: the database of before, .*, cannot be put back: No such file")
            self.assertEqual((lab.installed(), lab.phase()), (lab.prefixes[OLD], "UNDOING"))
            self.assertIsNone(http.get(lab.daemon.proxy, "/", PAGE).header("set-cookie"))
            os.rename(before + ".gone", before)
            status, _, said = lab.ask("run", "alice")
            self.assertEqual((status, lab.phase(), len(lab.aside())), (1, "IDLE", 1), said)
            self.assertIn("rolled back", said)
            self.assertNotIn("switched", lab.state())
            wait.until(lab.pairs, what="a session: a failed pairing is not repeated for 2 s")

    def test_unit_fails(self):
        """A server that cannot be stopped says nothing about the version."""
        with Lab(NEW) as lab:
            lab.unit.broken.add("stop")
            status, _, said = lab.run(LATEST)
            self.assertEqual(status, 1)
            self.assertRegex(said, 'rolled back: STOPPING: command "stop": exit code 1')
            self.assertNotIn("rejected", lab.state())
            self.assertEqual((lab.installed(), lab.pairs()), (lab.prefixes[NEW], True))

    def test_schedule_moves_nobody(self):
        with Lab(NEW) as lab:
            lab.change(candidate=lab.prefixes[LATEST], stop_command="", start_command="")
            lab.daemon.ctl("upgrade", "now", "alice")
            self.assertEqual(lab.ask("report", "alice")[1]["verdict"], "accepted")
            self.assertEqual((lab.installed(), lab.unit.done), (lab.prefixes[NEW], []))
            self.assertRegex(lab.run(LATEST)[2], "nobody can be moved without the options stop_command and start_command")


class Killed(unittest.TestCase):
    def ends(self, lab, version):
        status, _, said = lab.ask("run", "alice")
        self.assertEqual((status, lab.phase()), (0, "IDLE"), said)
        self.assertEqual((lab.installed(), lab.stub.version), (lab.prefixes[version], version))
        self.assertEqual((lab.events(), lab.pairs()), (["before"], True))

    def test_by_the_unit(self):
        """In STOPPING and in STARTING, while the unit does as it was told."""
        for word in ("stop", "start"):
            with self.subTest(word), Lab(NEW) as lab:
                lab.event("before")
                lab.on[word] = lab.kill
                status, _, said = lab.run(LATEST)
                self.assertEqual(status, 1, said)
                self.assertIn("ended by signal 9", said)
                wait.until(lambda: lab.unit.done and lab.unit.done[-1] == word)
                self.ends(lab, LATEST)

    def killed(self, phase, more):
        """A run that is killed in that phase, and ended by the next; False: the slices were too long to meet it."""
        with Lab(NEW) as lab:
            lab.event("before")
            path, steppers = os.path.join(lab.dir, "alice/state.json"), []

            def stopping():
                pid, = kill.jobs(lab.daemon)
                steppers.append(kill.Stepper(pid, lambda: kill.value(path, "phase") == phase, more))

            lab.on["stop"] = stopping
            status, _, said = lab.run(LATEST)
            if status == 0 or not steppers[0].killed.is_set():
                return False
            self.assertEqual((status, "ended by signal 9" in said), (1, True), said)
            self.ends(lab, LATEST)
            return True

    def test_for_real(self):
        """kill -9 as soon as a phase is on disk, and some steps later, half through its work."""
        for phase, more in (("SAVING", 0), ("SAVING", 20), ("SWITCHING", 0), ("SWITCHING", 2), ("STARTING", 0)):
            with self.subTest(phase=phase, more=more):
                self.assertTrue(any(self.killed(phase, more) for _ in range(8)), "it was never met")

    def test_in_each_phase(self):
        """As a power cut leaves it: the phase is on disk, its work half done."""
        for phase in PHASES:
            with self.subTest(phase), Lab(NEW) as lab:
                lab.event("before")
                self.assertEqual(lab.check(LATEST)[0], 0)
                path = os.path.join(lab.dir, "alice/state.json")
                state = {**lab.state(), "phase": phase, "from": lab.prefixes[NEW], "to": lab.prefixes[LATEST]}
                if phase != "STOPPING":
                    lab.stub.stop()
                    with open(os.path.join(lab.dir, "alice/before.sqlite.new"), "wb") as f:
                        f.write(b"half")
                with open(path, "w", encoding="utf-8") as f:
                    json.dump(state, f)
                if phase == "STARTING":
                    os.unlink(os.path.join(lab.dir, "alice/current"))
                    os.symlink(lab.prefixes[LATEST], os.path.join(lab.dir, "alice/current"))
                self.ends(lab, LATEST)

    def test_while_undoing(self):
        """Killed while the old server is started again: the new database is aside already, and stays there."""
        with Lab(NEW) as lab:
            lab.event("before")
            lab.live["0.0.34"] = "0.0.34-cannot-pair"

            def next_start():
                lab.event("meanwhile")
                lab.on["start"] = lab.kill

            lab.on["started"] = next_start
            status, _, said = lab.run("0.0.34")
            self.assertEqual(status, 1, said)
            self.assertEqual(lab.state()["phase"], "UNDOING")
            status, _, said = lab.ask("run", "alice")
            self.assertIn("rolled back", said)
            self.assertEqual((lab.installed(), lab.events(), lab.pairs()), (lab.prefixes[NEW], ["before"], True))
            self.assertEqual(len(lab.aside()), 1)


if __name__ == "__main__":
    unittest.main()
