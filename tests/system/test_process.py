#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The lab's children are ended with all that is theirs, and nobody else is."""
import os
import signal
import unittest
from unittest import mock

from lab import process, wait


class ProcessTest(unittest.TestCase):
    def test_exit_status(self):
        for script, status in (("exit 3", 3), ("kill -TERM $$", -signal.SIGTERM)):
            p = process.Process(["/bin/sh", "-c", script])
            self.assertEqual(p.wait(), status)
            p.kill()
            self.assertEqual(p.returncode, status)

    def test_one_that_ended_keeps_its_number_until_it_is_killed(self):
        p = process.Process(["/bin/sh", "-c", "exit 0"])
        p.wait()
        self.assertFalse(p.alive())
        self.assertEqual(process.state(p.pid), "Z")
        p.kill()
        self.assertNotEqual(process.state(p.pid), "Z")

    def test_nothing_is_sent_to_a_number_that_was_given_back(self):
        p = process.Process(["/bin/sh", "-c", "exit 0"])
        p.kill()
        with mock.patch("os.killpg") as killpg, mock.patch("os.kill") as kill:
            p.kill()
            p.stop()
            p.stall()
            p.send_signal(signal.SIGTERM)
            self.assertEqual((killpg.mock_calls, kill.mock_calls), ([], []))

    def test_what_is_left_of_its_group_goes_with_it(self):
        p = process.Process(["/bin/sh", "-c", "sleep 1000 & echo $!"])
        left = int(p.wait_log(r"^(\d+)$").group(1))
        self.assertEqual(p.wait(), 0)
        os.kill(left, 0)
        p.kill()
        wait.until(lambda: process.state(left) in (None, "Z"), what="the end of the rest")


if __name__ == "__main__":
    unittest.main()
