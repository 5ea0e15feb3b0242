#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The restore drill: the newest backup is started by a throwaway server and paired with, by what pairs users.  A copy
that only pairing finds wanting is named and the newest that works is pinned; a drill that is broken itself says nothing
about backups; and nothing outside the scratch copy changes."""
import contextlib
import os
import signal
import subprocess
import unittest

from lab import account, http, process, s3, wait
from lab.drill import Lab, key_file
from lab.picture import picture
from lab.stub import LATEST, NEW


class Works(unittest.TestCase):
    def test_newest(self):
        with Lab() as lab:
            cookie = lab.stub.cookie()
            name = lab.backup()
            home, backups = account.give(process.folder()), os.path.join(lab.to, "alice")
            before = picture(lab.stub.base), picture(home), picture(lab.prefixes.dir), lab.stub.sessions()
            kept = picture(backups)
            pid = lab.stub.process.pid
            status, rows, said = lab.ask("drill", "alice")
            self.assertEqual((status, [(r["file"], r["state"], r["pinned"]) for r in rows]), (0, [(name, "good", "no")]), said)
            self.assertRegex(rows[0]["drilled"], r"^20\d\d-")
            self.assertEqual(before, (picture(lab.stub.base), picture(home), picture(lab.prefixes.dir), lab.stub.sessions()))
            self.assertEqual(lab.stub.process.pid, pid)
            self.assertTrue(http.get(lab.stub.address, "/api/auth/session", {"Cookie": cookie}).json()["authenticated"])
            path = os.path.join(backups, name)
            self.assertEqual(picture(backups)[path], kept[path])  # the backup itself
            self.assertEqual(lab.files(), sorted(["drill.json", "manifest.jsonl", name]))
            self.assertEqual(lab.strangers(), [])
            wait.until(lambda: lab.metric("success"), what="the metric")
            self.assertEqual(lab.metric("failure"), 0)
            self.assertEqual(lab.ask("list", "alice")[1][0]["drilled"], rows[0]["drilled"])

    def test_packed_and_encrypted(self):
        with Lab(compress=3, encrypt_key=key_file()) as lab:
            self.assertTrue(lab.backup().endswith(".sqlite.zst.enc"))
            status, rows, said = lab.ask("drill", "alice")
            self.assertEqual((status, [r["state"] for r in rows]), (0, ["good"]), said)
            self.assertEqual(len(lab.files()), 3)

    def test_newer_program(self):
        """The copy is migrated, the backup is not."""
        with Lab() as lab:
            lab.backup()
            lab.install(LATEST)
            status, rows, said = lab.ask("drill", "alice")
            self.assertEqual((status, rows[0]["migration"]), (0, "32"), said)

    @unittest.skipIf(s3.missing(), s3.missing())
    def test_store(self):
        store = self.enterContext(s3.Store())
        with Lab(compress=3, s3_url=f"http://127.0.0.1:{store.port}/{s3.BUCKET}", s3_credentials=s3.credentials()) as lab:
            name = lab.backup()
            os.unlink(os.path.join(lab.to, "alice", name))
            status, rows, said = lab.ask("drill", "alice", "--remote")
            self.assertEqual((status, [(r["file"], r["state"]) for r in rows]), (0, [(name, "good")]), said)
            self.assertRegex(lab.ask("list", "alice", "--remote")[1][0]["drilled"], r"^20\d\d-")
            self.assertNotIn("drill.json", lab.files())

    def test_by_itself(self):
        with Lab(drill_every="1h") as lab:
            lab.daemon.ctl("backup", "now", "alice")
            lab.daemon.wait_log(r"event=action_done .*plugin=backup user=alice .*drill drilled=\d+", 60)
            stamp = wait.until(lambda: lab.metric("success"), what="the metric")
            first = len(lab.daemon.log())
            lab.daemon.ctl("backup", "now", "alice")  # not due again
            lab.daemon.wait_log(r"event=job_done .*plugin=backup user=alice .*drilled=\d+", after=first)
            self.assertNotIn("drill=due", lab.daemon.log()[first:])
            lab.daemon.stop()
            lab.daemon.start()  # what was known is known again
            self.assertEqual(wait.until(lambda: lab.metric("success"), what="the metric"), stamp)


class Fails(unittest.TestCase):
    def test_named_and_pinned(self):
        with Lab(retain=2) as lab:
            good = lab.backup()
            bad = lab.bad_backup()
            self.assertEqual(lab.ask("verify", "alice", "--at", bad)[0], 0)
            status, rows, said = lab.ask("drill", "alice")
            self.assertEqual((status, [(r["file"], r["state"], r["pinned"]) for r in rows]),
                             (1, [(bad, "fails its drill", "no"), (good, "good", "yes")]), said)
            self.assertRegex(rows[0]["fault"], "it does not pair: the mint")
            self.assertRegex(said, f"newest backup: {bad}: it does not pair: .*; {good} works, and is pinned")
            lab.daemon.wait_log(rf"level=warning .*event=action_failed .*user=alice .*drill: newest backup: {bad}: it does not pair")
            wait.until(lambda: lab.metric("failure"), what="the metric")
            self.assertEqual(lab.metric("success"), 0)
            self.assertEqual(lab.ask("list", "alice")[1][0]["fault"], rows[0]["fault"])
            for _ in range(3):  # retain = 2
                lab.backup()
            self.assertIn(good, [r["file"] for r in lab.ask("list", "alice")[1]])
            self.assertEqual(lab.ask("drill", "alice")[0], 0)
            wait.until(lambda: lab.metric("success") >= lab.metric("failure") > 0, what="the metric")

    def test_damaged(self):
        with Lab(retain=3) as lab:
            good = lab.backup()
            bad = lab.backup()
            with open(os.path.join(lab.to, "alice", bad), "r+b") as f:
                f.seek(8192)
                f.write(b"x" * 64)
            status, rows, said = lab.ask("drill", "alice")
            self.assertEqual((status, [(r["file"], r["state"], r["pinned"]) for r in rows]),
                             (1, [(bad, "damaged", "no"), (good, "good", "yes")]), said)

    def test_none_works(self):
        with Lab(retain=3) as lab:
            bad = lab.bad_backup()
            status, rows, said = lab.ask("drill", "alice")
            self.assertEqual((status, [(r["file"], r["state"]) for r in rows]), (1, [(bad, "fails its drill")]), said)
            self.assertIn("no older one is known to work", said)
            status, _, said = lab.ask("restore", "alice", "--dry-run", "--stop")
            self.assertEqual(status, 1)
            self.assertIn("has no good backup", said)
            status, rows, _ = lab.ask("drill", "alice", "--at", bad)
            self.assertEqual((status, len(rows)), (1, 1))


class Broken(unittest.TestCase):
    """The drill's own failure: nothing is said about backups."""

    def is_broken(self, lab, reason):
        name = lab.ask("list", "alice")[1][0]["file"]
        status, _, said = lab.ask("drill", "alice")
        self.assertEqual(status, 1)
        self.assertRegex(said, reason)
        row = lab.ask("list", "alice")[1][0]
        self.assertEqual((row["file"], row["state"], row["pinned"]), (name, "good", "no"))
        self.assertNotIn(".drill", lab.files())
        self.assertEqual(lab.strangers(), [])
        wait.until(lambda: lab.metric("failure"), what="the metric")

    def test_program_cannot_pair(self):
        with Lab() as lab:
            lab.backup()
            lab.install("0.0.34-cannot-pair")
            self.is_broken(lab, "newest backup: drill_broken: a copy of the live database fails there, too: it does not pair: "
                                ".*500")

    def test_program_hangs(self):
        with Lab(start_timeout="2s") as lab:
            lab.backup()
            lab.install("0.0.34-hangs")
            self.is_broken(lab, "drill_broken: .*no HTTP answer within start_timeout")

    def test_no_program(self):
        with Lab() as lab:
            lab.backup()
            os.unlink(lab.program)
            self.is_broken(lab, "drill_broken: .*the server ended with exit code 127: Error: cannot start")

    def test_what_it_needs(self):
        with Lab(pairs=False) as lab:
            lab.backup()
            self.assertIn("no plugin is configured that pairs", lab.ask("drill", "alice")[2])
        with Lab(serve_command="") as lab:
            self.assertIn("has no good backup", lab.ask("verify", "alice")[2])
            self.assertIn("the option serve_command names no command", lab.ask("drill", "alice")[2])
        with Lab() as lab:
            self.assertIn("1 of 1 done; alice: there is no backup\n", lab.daemon.ctl("backup", "drill", "alice"))
            self.assertIn("has no good backup of 2020", lab.ask("drill", "alice", "--at", "2020")[2])
            self.assertNotIn("drill.json", lab.files())  # that is no drill that failed


class Killed(unittest.TestCase):
    def test_leaves_nothing(self):
        with Lab(start_timeout="60s") as lab:
            name = lab.backup()
            lab.install("0.0.34-hangs")
            asked = subprocess.Popen([process.program("core/t3opsctl"), "-s", lab.daemon.control, "backup", "drill", "alice"],
                                     stderr=subprocess.PIPE, text=True)
            wait.until(lab.strangers, what="the throwaway server")
            helper = str(lab.daemon.processes()["helper"])
            for pid in filter(str.isdigit, os.listdir("/proc")):
                with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                    if f.read().rpartition(")")[2].split()[1] == helper and "t3ops" in os.readlink(f"/proc/{pid}/exe"):
                        os.kill(int(pid), signal.SIGKILL)
            self.assertIn("signal 9", asked.communicate(timeout=60)[1])
            wait.until(lambda: not lab.strangers(), what="the end of the throwaway server")
            lab.install(NEW)
            self.assertEqual(lab.ask("list", "alice")[1][0]["state"], "good")
            self.assertEqual(lab.files(), ["manifest.jsonl", name])
            self.assertEqual(lab.ask("drill", "alice")[0], 0)


if __name__ == "__main__":
    unittest.main()
