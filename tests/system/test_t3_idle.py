#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who may be interrupted: nobody with a turn in progress, an agent or a terminal beside the server, or something put in a
moment ago; and nobody of whom it cannot be told."""
import os
import unittest

from lab import process
from lab.installation import Installation
from lab.stub import LATEST, NEW

TURN = "INSERT INTO projection_turns(turn_id, state, requested_at, completed_at) VALUES ('t', ?, ?, ?)"
SESSION = "INSERT INTO projection_thread_sessions(status, active_turn_id, updated_at) VALUES (?, ?, ?)"
FUTURE, PAST = "2099-01-01T00:00:00.000Z", "2001-01-01T00:00:00.000Z"


class Idle(unittest.TestCase):
    def busy(self, lab):
        status, row, said = lab.ask("survey", "alice")
        self.assertEqual(status, 0, said)
        return row["busy"]

    def test_turns(self):
        with Installation(NEW, ("alice",)) as lab:
            self.assertEqual(self.busy(lab), "")
            sql = lab.seats["alice"].stub.sql
            for statement, values, busy in (
                    (TURN, ("running", FUTURE, None), True),
                    (TURN, ("pending", None, None), True),
                    (TURN, ("a state of tomorrow", FUTURE, None), True),
                    (TURN, ("completed", FUTURE, FUTURE), False),
                    (TURN, ("interrupted", FUTURE, None), False),
                    (TURN, ("running", PAST, None), False),  # of a server that crashed: it is not in progress any more
                    (SESSION, ("running", None, FUTURE), True),
                    (SESSION, ("ready", "t", FUTURE), True),
                    (SESSION, ("ready", None, FUTURE), False),
                    (SESSION, ("running", "t", PAST), False)):
                with self.subTest(values=values):
                    sql(statement, *values)
                    self.assertEqual(self.busy(lab), "1 turn is in progress" if busy else "")
                    sql("DELETE FROM projection_turns")
                    sql("DELETE FROM projection_thread_sessions")

    def test_cannot_be_told(self):
        """A schema that is not known, and a time that is none."""
        with Installation(NEW, ("alice",)) as lab:
            sql = lab.seats["alice"].stub.sql
            sql("INSERT INTO orchestration_events(occurred_at) VALUES ('yesterday')")
            self.assertEqual(self.busy(lab), "whether a turn is in progress cannot be told: a time in the database is none")
            sql("DELETE FROM orchestration_events")
            sql("ALTER TABLE projection_turns RENAME TO turns")
            self.assertRegex(self.busy(lab), "cannot be told: no such table: projection_turns")

    def test_input(self):
        with Installation(NEW, ("alice",), idle_for="1h") as lab:
            self.assertEqual(self.busy(lab), "")
            sql = lab.seats["alice"].stub.sql
            sql("INSERT INTO orchestration_events(occurred_at) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 minutes'))")
            self.assertRegex(self.busy(lab), r"the last input was 1[78]\d\d s ago, less than 3600 s")
            sql("UPDATE orchestration_events SET occurred_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-61 minutes')")
            self.assertEqual(self.busy(lab), "")
            sql("UPDATE orchestration_events SET occurred_at = ?", FUTURE)  # a clock that was wrong
            self.assertRegex(self.busy(lab), "the last input was -")

    def test_processes(self):
        """A child of the server is an agent or a terminal; some names may be there."""
        with Installation(NEW, ("alice",), ignore_processes=["t3-language-server"]) as lab:
            stub = lab.seats["alice"].stub
            stub.stop()
            stub.before = ("/bin/sh", "-c", 'sleep 300 & exec "$0" "$@"')
            stub.start()
            self.assertRegex(self.busy(lab), r"process \d+ \(sleep\) runs beside the server: an agent, or a terminal")
            status, _, said = lab.ask("run", "alice", f"--to={lab.prefixes[LATEST]}")
            self.assertEqual((status, lab.unit.done), (1, []))
            self.assertRegex(said, r"busy: process \d+ \(sleep\) .*; --now moves the user anyway")
            stub.stop()
            name = os.path.join(process.folder(), "t3-language-server")
            os.symlink("/bin/sleep", name)
            stub.before = ("/bin/sh", "-c", f'{name} 300 & exec "$0" "$@"')
            stub.start()
            self.assertEqual(self.busy(lab), "")

    def test_does_not_run(self):
        """Nobody is interrupted, whatever the database says."""
        with Installation(NEW, ("alice",)) as lab:
            lab.seats["alice"].turn()
            lab.seats["alice"].stub.stop()
            self.assertEqual(self.busy(lab), "")


if __name__ == "__main__":
    unittest.main()
