#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Backups through the whole daemon: on schedule, on demand, for users whose database is not there, and after
the death of a process."""
import glob
import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import unittest

from lab import account, process, wait
from lab.daemon import Daemon, section


def user():
    return {"os_user": account.NAME, "port": 1}


class Lab:
    """A daemon with the backup plugin only, and databases of users."""

    def __init__(self, users, options=None, **more):
        self.dir = process.folder()
        self.to = os.path.join(self.dir, "to")
        options = {"to": self.to, "retain": 2, "database": f"{self.dir}/home/%n/state.sqlite", **(options or {})}
        os.mkdir(os.path.join(self.dir, "home"))
        for name in users:
            self.database(name)
        self.daemon = Daemon({}, section("plugin", "backup", options), users={n: user() for n in users}, **more)

    def database(self, name):
        home = os.path.join(self.dir, "home", name)
        os.mkdir(home, 0o700)
        path = os.path.join(home, "state.sqlite")
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("CREATE TABLE events(body)")
            db.executemany("INSERT INTO events VALUES(?)", [(f"{name} {n}",) for n in range(500)])
        db.close()
        for made in (home, *glob.glob(path + "*")):
            account.give(made)

    def backups(self, name):
        return sorted(glob.glob(f"{self.to}/{name}/state-*.sqlite"))

    def __enter__(self):
        self.daemon.__enter__()
        return self

    def __exit__(self, *how):
        self.daemon.__exit__(*how)


def control(d, request):
    """One request at the control socket; returns the answer."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60 * wait.SLOW)
        s.connect(d.control)
        s.sendall(json.dumps(request).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            more = s.recv(65536)
            if not more:
                break
            answer += more
    return json.loads(answer)


class Backup(unittest.TestCase):
    def assert_restorable(self, path, name):
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assertEqual(db.execute("SELECT count(*), min(body) FROM events").fetchall(), [(500, f"{name} 0")])
        db.close()

    def test_now(self):
        with Lab(["alice", "bob"]) as lab:
            answer = control(lab.daemon, {"command": "run", "plugin": "backup"})
            self.assertTrue(answer["ok"], answer)
            for name in ("alice", "bob"):
                self.assertEqual(len(lab.backups(name)), 1)
                self.assert_restorable(lab.backups(name)[0], name)
                folder = os.stat(os.path.join(lab.to, name))
                self.assertEqual(stat.S_IMODE(folder.st_mode), 0o700)
            for n in range(3):
                self.assertTrue(control(lab.daemon, {"command": "run", "plugin": "backup", "user": "bob"})["ok"])
            self.assertEqual((len(lab.backups("alice")), len(lab.backups("bob"))), (1, 2))
            metrics = lab.daemon.metrics()
            self.assertEqual(metrics['t3ops_job_runs_total{task="backup",outcome="ok"}'], 5)
            self.assertEqual(metrics['t3ops_job_duration_seconds_count{task="backup"}'], 5)
            stamp = metrics['t3ops_job_last_success_timestamp_seconds{task="backup",user="bob"}']
            self.assertGreater(stamp, os.stat(lab.dir).st_mtime - 60)

    def test_schedule(self):
        with Lab(["alice"], {"every": "1s"}) as lab:
            done = r'event=job_done .*plugin=backup user=alice'
            first = lab.daemon.wait_log(done).end()
            second = lab.daemon.wait_log(done, after=first).end()
            lab.daemon.wait_log(done, after=second)
            self.assertIn(len(lab.backups("alice")), (2, 3))  # 3: the next run is just about to remove one
            self.assert_restorable(lab.backups("alice")[0], "alice")

    def test_failures_say_why(self):
        with Lab(["alice", "bob"]) as lab:
            os.unlink(os.path.join(lab.dir, "home/bob/state.sqlite"))
            answer = control(lab.daemon, {"command": "run", "plugin": "backup"})
            self.assertFalse(answer["ok"])
            self.assertRegex(answer["error"], r"1 of 2 failed; bob: .*home/bob/state\.sqlite: not there")
            lab.daemon.wait_log(r"event=job_failed .*user=bob .*not there")
            self.assertEqual(len(lab.backups("alice")), 1)
            metrics = lab.daemon.metrics()
            self.assertEqual(metrics['t3ops_job_runs_total{task="backup",outcome="failed"}'], 1)
            self.assertEqual(metrics['t3ops_job_last_success_timestamp_seconds{task="backup",user="bob"}'], 0)
            answer = control(lab.daemon, {"command": "run", "plugin": "backup", "user": "mallory"})
            self.assertFalse(answer["ok"])
            self.assertIn("no such user", answer["error"])

    def test_words_of_users(self):
        """What a database says reaches no terminal as it is, and a reason that is cut stays a reason."""
        with Lab(["alice", "bob"]) as lab:
            path = os.path.join(lab.dir, "home/alice/state.sqlite")
            with sqlite3.connect(path) as db:
                db.execute("PRAGMA writable_schema = ON")
                db.execute("INSERT INTO sqlite_schema VALUES('table', ?, 'x', 5, 'CREATE TABLE nonsense')",
                           ("\x1b[31m\u009b31m",))
            db.close()
            done = subprocess.run([process.program("core/t3opsctl"), "-s", lab.daemon.control, "backup", "now", "alice"],
                                  capture_output=True, text=True, timeout=60 * wait.SLOW, check=False)
            self.assertIn("malformed database schema (?[31m", done.stderr)
            self.assertNotRegex(done.stderr, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")
            for n in range(2):
                lab.daemon.sections = section("plugin", "backup", {"to": lab.to, "database": "/" + n * "x" + 200 * "ä"})
                lab.daemon.write_conf()
                lab.daemon.reload()
                answer = control(lab.daemon, {"command": "run", "plugin": "backup", "user": "bob"})
                self.assertRegex(answer["error"], "1 of 1 failed; bob: /x?ä{100}")

    def test_jobs_room_dies(self):
        with Lab(["alice"]) as lab:
            self.assertTrue(control(lab.daemon, {"command": "run", "plugin": "backup"})["ok"])
            before = lab.daemon.processes()["jobs"]
            os.kill(before, signal.SIGKILL)
            wait.until(lambda: lab.daemon.processes().get("jobs", before) != before, what="another jobs process")
            self.assertTrue(control(lab.daemon, {"command": "run", "plugin": "backup"})["ok"])
            metrics = lab.daemon.metrics()  # in the arena, which no process's death reaches
            self.assertEqual(metrics['t3ops_job_runs_total{task="backup",outcome="ok"}'], 2)
            self.assertIn('t3ops_job_last_success_timestamp_seconds{task="backup",user="alice"}', metrics)

    def test_command(self):
        if not os.path.exists(os.path.join(process.build_dir(), "core/t3opsctl")):
            self.skipTest("t3opsctl is not built")
        with Lab(["alice"]) as lab:
            self.assertRegex(lab.daemon.ctl("backup", "now", "alice"), "1 of 1 done")
            self.assertEqual(len(lab.backups("alice")), 1)


if __name__ == "__main__":
    unittest.main()
