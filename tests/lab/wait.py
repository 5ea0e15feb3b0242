# SPDX-License-Identifier: MIT
"""Waiting for conditions instead of sleeping.  The limits only say when something is broken."""
import os
import time

# A machine that is slow (sanitizers, an emulator) may have all limits multiplied.
SLOW = float(os.environ.get("T3OPS_TEST_SLOW", "1"))


class TooLate(AssertionError):
    """A condition did not come true within its limit."""


def until(condition, limit=30, what="the condition"):
    """Calls condition() until it returns something true, and returns that."""
    end = time.monotonic() + limit * SLOW
    pause = 0.005
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise TooLate(f"{what} did not come true within {limit * SLOW:g} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
