#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gate on a disk that is too small, at each step: it says that it is broken, and rejects nothing.  The small disk
is mounted in a namespace of this program's own, which takes root."""
import ctypes
import os
import subprocess
import unittest

from lab import account
from lab.fleet import Fleet, Prefixes
from lab.stub import LATEST, NEW, OLD

CLONE_NEWNS = 0x20000


def setUpModule():
    if not account.ROOT:
        raise unittest.SkipTest("only root may mount a small disk")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise unittest.SkipTest(f"no mount namespace of our own here: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


class FullDisk(unittest.TestCase):
    def fleet(self, times, version=NEW):
        """A disk for what the gate makes that holds the database so many times."""
        fleet = Fleet(version)
        os.makedirs(fleet.dir, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", fleet.dir], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", fleet.dir], check=True)
        fleet.__enter__()
        self.addCleanup(fleet.__exit__, None, None, None)
        fleet.stub.sql("INSERT INTO orchestration_events(body) WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c "
                       "WHERE i<4000) SELECT hex(randomblob(500)) FROM c")
        size = fleet.stub.sql("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")[0][0]
        subprocess.run(["mount", "-o", f"remount,size={int(times * size)}", fleet.dir], check=True)
        return fleet

    def is_broken(self, fleet, reason, prefix=None):
        status, row, said = fleet.ask("check", "alice", f"--to={prefix or fleet.prefixes[LATEST]}")
        self.assertEqual((status, row["verdict"]), (1, "gate_broken"), said)
        self.assertRegex(row["reason"], reason)
        self.assertNotIn("rejected", fleet.state())
        self.assertEqual(fleet.installed(), fleet.prefixes[fleet.stub.version])
        self.assertFalse(os.path.exists(os.path.join(fleet.dir, "alice/gate")))

    def test_no_room_for_the_copy(self):
        self.is_broken(self.fleet(0.5), "no copy of the database: .*no room for the copy")

    def test_no_room_for_the_copies_that_are_tried(self):
        self.is_broken(self.fleet(1.5), "no copy of the database: No space left on device")

    def test_no_room_for_a_migration(self):
        """Copies are made, and whoever writes to them would fail, the better version sooner than the worse."""
        self.is_broken(self.fleet(4, OLD), r"no room to try a version: \d+ bytes are free in .*/alice/gate and \d+ are needed")

    def test_full_in_a_migration(self):
        """A version that needs more than anybody could know, and gives it back when it fails."""
        fleet = self.fleet(10)
        hungry = os.path.join(fleet.prefixes.dir, "hungry")
        os.makedirs(os.path.join(hungry, "bin"))
        Prefixes.write(os.path.join(hungry, "bin/t3"), f"""
            [ "$1" = serve ] || exec {fleet.prefixes[NEW]}/bin/t3 "$@"
            head -c 1G /dev/zero 2>/dev/null > {fleet.stub.base}/userdata/rebuilt && exit 3
            rm {fleet.stub.base}/userdata/rebuilt
            echo "SqlError: Migration failed: database or disk is full" >&2
            exit 1""")
        self.is_broken(fleet, "the disk was full: .*database or disk is full", hungry)

    def test_enough(self):
        fleet = self.fleet(10, OLD)
        status, row, said = fleet.check(LATEST)
        self.assertEqual((status, row["verdict"]), (0, "accepted"), said)


if __name__ == "__main__":
    unittest.main()
