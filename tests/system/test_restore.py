#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Backups as a person handles them: listed, verified, pinned, and put in the place of a running t3 server's database,
which is stopped for that, started again, and paired with; whatever fails is undone."""
import fcntl
import glob
import os
import re
import sqlite3
import struct
import subprocess
import termios
import time
import unittest

from lab import account, process, s3
from lab.restore import Lab


class Handling(unittest.TestCase):
    def test_list_verify_pin(self):
        with Lab(retain=1) as lab:
            status, rows, _ = lab.ask("list", "alice")
            self.assertEqual((status, rows), (0, []))
            first = lab.backup()
            _, rows, _ = lab.ask("list", "alice")
            self.assertEqual([(r["file"], r["state"], r["reason"], r["pinned"], r["migration"], r["user"]) for r in rows],
                             [(first, "good", "manual", "no", "32", "alice")])
            status, rows, _ = lab.ask("pin", "alice", "--at", first)
            self.assertEqual((status, rows[0]["pinned"]), (0, "yes"))
            second = lab.backup()
            self.assertEqual([r["file"] for r in lab.ask("list", "alice")[1]], [second, first])  # retain = 1
            self.assertEqual(lab.ask("verify", "alice")[0], 0)
            with open(f"{lab.to}/alice/{second}", "r+b") as f:
                f.seek(8192)
                f.write(b"x" * 64)
            status, rows, said = lab.ask("verify", "alice", f"--at={second}")
            self.assertEqual((status, [(r["file"], r["state"], r["pinned"]) for r in rows]),
                             (1, [(second, "damaged", "no"), (first, "good", "yes")]))
            self.assertRegex(said, r"1 of 1 failed; alice: .*(damaged|SHA-256|integrity)")
            lab.ask("unpin", "alice", "--at", first)
            third = lab.backup()
            self.assertEqual([r["file"] for r in lab.ask("list", "alice")[1]], [third])
            metrics = lab.daemon.metrics()  # of runs alone
            self.assertEqual(metrics['t3ops_job_runs_total{task="backup",outcome="ok"}'], 3)
            self.assertEqual(metrics['t3ops_job_runs_total{task="backup",outcome="failed"}'], 0)
            lab.daemon.wait_log(r'event=action_failed .*plugin=backup user=alice .*error="verify: ')

    def test_hold_release(self):
        """Pinned until the upgrade is accepted: then it goes like any other."""
        with Lab(retain=1) as lab:
            self.assertEqual(lab.ask("hold", "alice")[0], 0)
            lab.daemon.wait_log(r"event=action_done .*plugin=backup user=alice .*hold file=")
            kept = lab.ask("list", "alice")[1][0]
            self.assertRegex(kept["file"], r"^state-\d{8}T\d{6}Z-before-upgrade\.sqlite$")
            self.assertEqual((kept["reason"], kept["pinned"], kept["state"]), ("before-upgrade", "yes", "good"))
            self.assertEqual(lab.ask("hold", "alice")[0], 0)
            lab.backup()
            self.assertEqual(len(lab.ask("list", "alice")[1]), 3)
            status, rows, _ = lab.ask("release", "alice")
            self.assertEqual((status, [r["pinned"] for r in rows]), (0, ["no", "no"]))
            self.assertEqual(lab.ask("release", "alice")[:2], (0, []))
            self.assertEqual(lab.ask("hold", "alice")[0], 0)
            self.assertEqual(sorted((r["reason"], r["pinned"]) for r in lab.ask("list", "alice")[1]),
                             [("before-upgrade", "yes"), ("manual", "no")])

    def test_what_cannot_be_asked(self):
        with Lab() as lab:
            for words, said in ((("explode", "alice"), "backup has no action explode; there are: now, list, verify, pin"),
                                (("list", "alice", "--at", "x"), "backup list takes no --at; it takes: --remote"),
                                (("restore", "alice", "--too", "x"), "takes no --too; it takes: --at, --to, --stop, --dry-run, "),
                                (("restore", "alice", "--at", "2020-01-01"), "has no good backup of 2020-01-01; backup list"),
                                (("restore", "alice", "--at", "--stop"), "--at: expected a file's name, or a time in UTC"),
                                (("restore",), "backup restore is done for one user at a time: name the user"),
                                (("restore", "bob"), "no such user in the user table: \"bob\""),
                                (("list", "alice", "--x=" + "y" * 1200), "its arguments take 12")):
                status, _, error = lab.ask(*words)
                self.assertEqual(status, 1, words)
                self.assertIn(said, error)
            done = subprocess.run([process.program("core/t3opsctl"), "-s", lab.daemon.control, "backup", "verify", "alice"],
                                  capture_output=True, text=True, timeout=120, check=False)  # for a person
            self.assertEqual((done.returncode, done.stdout), (1, ""))  # said once
            self.assertIn("has no good backup; backup list shows", done.stderr)
            table = lab.daemon.ctl("backup", "list")
            self.assertIn("1 of 1 done; alice: there is no backup\n", table)
            lab.backup()
            self.assertRegex(lab.daemon.ctl("backup", "list"), r"(?m)^user +time +bytes +reason .*\nalice +20\d\d-")
            self.assertRegex(self.on_terminal(lab, 400), r"(?m)^user +time +bytes +reason .*\nalice +20\d\d-")
            self.assertRegex(self.on_terminal(lab, 60), r"(?m)^user +alice\ntime +20\d\d-.*\nbytes +\d+\nreason +manual$")

    @staticmethod
    def on_terminal(lab, columns):
        """What `backup list` prints on a terminal of that width."""
        main, other = os.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
        subprocess.run([process.program("core/t3opsctl"), "-s", lab.daemon.control, "backup", "list"], stdout=other,
                       timeout=120, check=True)
        text = os.read(main, 65536).decode().replace("\r\n", "\n")
        os.close(other)
        os.close(main)
        return text


class Restore(unittest.TestCase):
    def test_elsewhere(self):
        with Lab() as lab:
            lab.mark("before")
            lab.backup()
            path = os.path.join(account.give(process.folder()), "copy.sqlite")
            self.assertEqual(lab.ask("restore", "alice", "--to", path)[0], 0)
            with sqlite3.connect(path) as db:
                self.assertEqual(db.execute("SELECT x FROM marks").fetchall(), [("before",)])
            db.close()
            status, _, said = lab.ask("restore", "alice", "--to", path)
            self.assertEqual(status, 1)
            self.assertIn("it exists, and nothing is overwritten", said)
            other = os.path.join(os.path.dirname(path), "other.sqlite")
            with open(other + "-wal", "w", encoding="utf-8") as f:
                f.write("somebody's")
            status, _, said = lab.ask("restore", "alice", "--to", other)
            self.assertIn("other.sqlite-wal: it exists, and nothing is overwritten", said)
            self.assertTrue(os.path.exists(other + "-wal"))
            self.assertEqual(lab.unit.done, [])

    def test_in_place(self):
        with Lab() as lab:
            lab.mark("before")
            lab.backup()
            lab.mark("after")
            status, _, said = lab.ask("restore", "alice")
            self.assertEqual(status, 1)
            self.assertRegex(said, r"the server runs: process \d+ has .* open; stop it, or say --stop")
            status, rows, _ = lab.ask("restore", "alice", "--stop", "--dry-run")
            self.assertEqual(status, 0)
            self.assertRegex(rows[0]["would"], "stop the server, and put state-.*sqlite in the place of")
            self.assertEqual((lab.unit.done, lab.marks()), ([], ["before", "after"]))
            status, rows, said = lab.ask("restore", "alice", "--stop")
            self.assertEqual(status, 0, said)
            self.assertEqual(lab.unit.done, ["stop", "start"])
            self.assertEqual(lab.marks(), ["before"])
            self.assertTrue(lab.pairs())
            with sqlite3.connect(f"file:{rows[0]['replaced']}?mode=ro", uri=True) as db:
                self.assertEqual(len(db.execute("SELECT x FROM marks").fetchall()), 2)
            db.close()
            lab.stub.stop()
            self.assertEqual(lab.ask("restore", "alice")[0], 0)  # nobody to stop
            lab.stub.start()

    def test_undone(self):
        """A backup with which the server cannot pair: the old database comes back, and works."""
        with Lab() as lab:
            name = lab.backup()
            lab.mark("after")
            with sqlite3.connect(f"{lab.to}/alice/{name}") as db:
                db.execute("DROP TABLE auth_pairing_links")
            db.close()
            status, _, said = lab.ask("restore", "alice", "--stop")
            self.assertEqual(status, 1)
            self.assertIn("SHA-256 differs", said)
            self.assertEqual(lab.unit.done, ["stop", "start"])  # what was stopped is started again
            self.assertTrue(lab.pairs())
            os.unlink(f"{lab.to}/alice/manifest.jsonl")
            status, _, said = lab.ask("restore", "alice", "--stop")
            self.assertEqual(status, 1)
            self.assertRegex(said, "it does not pair: .*; the old database is back, and its server runs")
            self.assertEqual(lab.marks(), ["after"])
            self.assertTrue(lab.pairs())
            self.assertEqual(glob.glob(lab.stub.database + ".*"), [])

    def test_killed(self):
        """By kill -9 while the server is stopped: the database is one of the two, and whoever comes next, a run or an
        action, says so and has the server started."""
        for word, next_one, wanted in (("stop", "run", ["before", "after"]), ("start", "list", ["before"])):
            with self.subTest(word), Lab() as lab:
                lab.mark("before")
                lab.backup()
                lab.mark("after")
                lab.unit.on_word = lambda w, lab=lab, word=word: w == word and lab.kill_job()
                status, _, said = lab.ask("restore", "alice", "--stop")
                self.assertEqual(status, 1, said)
                self.assertGreater(lab.killed, 0)
                lab.unit.on_word = None
                lab.stub.stop()  # the start that it asked for may have come all the same
                if next_one == "run":
                    lab.daemon.ctl("backup", "now", "alice")
                    lab.daemon.wait_log("job_done .*restore_interrupted=.*the t3 server was left stopped; it is started again")
                else:
                    status, rows, said = lab.ask("list", "alice")
                    self.assertEqual(status, 0, said)
                    self.assertIn("it is started again", rows[0]["restore_interrupted"])
                self.assertEqual(lab.marks(), wanted)
                self.assertTrue(lab.pairs())
                self.assertEqual(glob.glob(f"{lab.to}/alice/.*"), [])
                self.assertNotIn("restore_interrupted", str(lab.ask("list", "alice")[1]))

    def test_start_fails(self):
        with Lab() as lab:
            lab.backup()
            lab.mark("after")
            lab.unit.broken = {"stop"}
            status, _, said = lab.ask("restore", "alice", "--stop")
            self.assertEqual(status, 1)
            self.assertIn('command "stop": exit code 1', said)
            self.assertEqual(lab.marks(), ["after"])
            lab.unit.broken = {"start"}
            status, _, said = lab.ask("restore", "alice", "--stop")
            self.assertEqual(status, 1)
            self.assertRegex(said, 'command "start": exit code 1; the old database is back, but its server does not work with it either: command "start"')
            lab.stub.start()
            self.assertEqual(lab.marks(), ["after"])

    def test_nothing_would_start_it(self):
        """A server is not stopped then, and the check of the configuration says so beforehand."""
        with Lab(start_command="") as lab:
            lab.daemon.wait_log("stop_command = .*restore --stop is refused without start_command")
            lab.backup()
            for more in ((), ("--dry-run",)):
                status, _, said = lab.ask("restore", "alice", "--stop", *more)
                self.assertEqual((status, lab.unit.done), (1, []))
                self.assertIn("the option start_command names no command", said)
            self.assertTrue(lab.stub.process.alive())


class Runbook(unittest.TestCase):
    def test_commands(self):
        """Every command of docs/runbooks/restore.md does what it says."""
        with open(os.path.join(process.source_dir(), "docs/runbooks/restore.md"), encoding="utf-8") as f:
            commands = re.findall(r"^    t3opsctl backup (.*)$", f.read(), re.M)
        self.assertGreater(len(commands), 7)
        store = None if s3.missing() else self.enterContext(s3.Store())
        more = {} if not store else {"s3_url": f"http://127.0.0.1:{store.port}/{s3.BUCKET}",
                                     "s3_credentials": s3.credentials()}
        look = os.path.join(account.give(process.folder()), "look.sqlite")
        with Lab(serve_command="serve", **more) as lab:
            lab.mark("before")
            lab.backup()
            for command in commands:
                if not store and "remote" in command:
                    continue
                lab.mark("after")
                words = command.replace("2026-11-27", time.strftime("%Y", time.gmtime())).replace("/tmp/look.sqlite", look)
                status, _, said = lab.ask(*words.split())
                self.assertEqual(status, 0, f"{command}: {said}")
                if command.endswith("--stop"):
                    self.assertEqual(lab.marks(), ["before"], command)
                    self.assertTrue(lab.pairs())
            self.assertTrue(os.path.exists(look))


if __name__ == "__main__":
    unittest.main()
