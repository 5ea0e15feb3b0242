#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A rollout over very many users."""
import unittest

from lab.installation import Installation
from lab.stub import LATEST, NEW


class Many(unittest.TestCase):
    def test_more_users_than_one_answer_holds(self):
        """Of 200 users with long names a survey would leave out some fifty: a rollout asks in parts, and finds all."""
        with Installation(NEW, ("alice",)) as lab:
            port, names = lab.seats["alice"].stub.port, [f"{n:03}" + "x" * 240 for n in range(200)]
            lab.daemon.write_users({name: port for name in ("alice", *names)})
            self.assertRegex(lab.daemon.reload(), "event=reloaded")
            self.assertEqual(lab.roll(LATEST)[0], 0)
            lab.wait_idle()
            self.assertEqual(set(lab.rows()[1]), {"alice", *names})


if __name__ == "__main__":
    unittest.main()
