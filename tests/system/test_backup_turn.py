#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A scheduled backup lets a turn that is in progress end first, for so long and no longer; what cannot be read counts as
one.  A backup that somebody asks for waits for nothing."""
import contextlib
import os
import time
import unittest

from lab import wait
from lab.restore import Lab

DONE = r'event=job_done .*plugin=backup user=alice .*'


class Turn(Lab):
    """A turn is in progress when the daemon starts."""

    def __init__(self, **backup):
        super().__init__(every="1s", **backup)

    def __enter__(self):
        self.stub.__enter__()
        self.stub.sql("INSERT INTO projection_turns(turn_id, state, requested_at) "
                      "VALUES ('t', 'running', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))")
        self.prepare()
        self.daemon.__enter__()
        return self

    def prepare(self):
        pass

    def is_running(self):
        """Whether a run is in progress."""
        helper = str(self.daemon.processes()["helper"])
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                if f.read().rpartition(")")[2].split()[1] == helper:
                    return True
        return False


class Unreadable(Turn):
    def prepare(self):
        self.stub.sql("ALTER TABLE projection_turns RENAME TO turns")


class BackupTurn(unittest.TestCase):
    def test_waits(self):
        with Turn(turn_patience="1h", deadline="1h") as lab:
            wait.until(lab.is_running, what="a run")
            time.sleep(3)  # a run that does not wait would be over
            mark = len(lab.daemon.log())
            self.assertNotRegex(lab.daemon.log(), DONE)
            lab.stub.sql("UPDATE projection_turns SET state = 'completed', completed_at = 'now'")
            lab.daemon.wait_log(DONE, after=mark)
            self.assertNotIn("in_turn", lab.daemon.log())

    def test_patience(self):
        with Turn(turn_patience="100ms") as lab:
            lab.daemon.wait_log(DONE + r'turn_waited_s=\S+ in_turn=\\"1 turn is in progress\\"')
            self.assertTrue(lab.ask("list", "alice")[1])

    def test_half_of_the_deadline(self):
        with Turn(turn_patience="1h", deadline="5s") as lab:
            lab.daemon.wait_log(DONE + r'in_turn=\\"1 turn is in progress\\"')

    def test_cannot_be_told(self):
        with Unreadable(turn_patience="100ms") as lab:
            lab.daemon.wait_log(DONE + r'in_turn=\\"whether a turn is in progress cannot be told: no such table')

    def test_without(self):
        with Turn(turn_patience="0s") as lab:
            lab.daemon.wait_log(DONE)
            self.assertNotRegex(lab.daemon.log(), "in_turn|turn_waited_s")

    def test_by_hand(self):
        with Turn(turn_patience="0s") as lab:
            lab.daemon.sections = lab.daemon.sections.replace('every = "1s"', 'every = "0s"').replace(
                'turn_patience = "0s"', 'turn_patience = "1h"')
            lab.daemon.write_conf()
            lab.daemon.reload()
            mark = len(lab.daemon.log())
            lab.backup()
            lab.daemon.wait_log(DONE, after=mark)
            self.assertNotRegex(lab.daemon.log(), "in_turn|turn_waited_s")


if __name__ == "__main__":
    unittest.main()
