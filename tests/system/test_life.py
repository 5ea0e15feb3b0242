#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Some minutes of ordinary life bring no verdict.  The whole hour is `make life`."""
import sys
import time
import unittest

from lab.life import PEOPLE, Life
from lab.world import World, missing

SPEED = 10
SECONDS = 300


class LifeTest(unittest.TestCase):
    def test_nobody_is_convicted(self):
        with World(SPEED, PEOPLE) as world:
            world.wait_well()
            began, said = time.monotonic(), []
            verdicts = world.true_of_machine(Life(world, log=said.append).live(SECONDS), began)
            self.assertEqual([(v["verdict"], v["text"]) for v in verdicts], [], "\n".join(said))


if __name__ == "__main__":
    if missing():
        print("skipped, missing here:", " ".join(missing()))
        sys.exit(77)
    unittest.main()
