#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Some rows of the lab's table, at the shipped timings: what broke is named, what is ordinary life is not.  All rows:
`make lab`."""
import dataclasses
import sys
import unittest

from lab import faults, play
from lab.world import LAG, missing

SPEED = 5
# The cheapest rows that say something about a segment, and the ones that must stay silent.
HOLD = (
    "kill the edge",
    "kill the tunnel",
    "kill Traefik",
    "kill alice's server",
    "nothing",
    "t3ops is reloaded",
)


class Lab(unittest.TestCase):
    def test_rows_are_named_once(self):
        names = [row.name for row in faults.ROWS]
        self.assertEqual(len(names), len(set(names)))
        self.assertLessEqual(set(HOLD), set(names))
        self.assertGreaterEqual(len(names), 40)

    def test_rows_that_hold(self):
        rows = [dataclasses.replace(row, lasts=min(row.lasts, 25), after=min(row.after, 20)) for row in faults.ROWS
                if row.name in HOLD]
        outcomes = play.play(play.in_turn(rows), SPEED, details=True)
        self.assertEqual(len(outcomes), len(HOLD))
        wrong = [o for o in outcomes if not o.right]
        self.assertEqual([play.line(o) for o in wrong if o.late <= LAG], [])
        if wrong:
            self.skipTest("the machine could not keep up: " + ", ".join(o.row.name for o in wrong))


class Words(unittest.TestCase):
    """How a row's outcome is judged."""

    def outcome(self, truth, *named, apart=None, may=(), printed=(), slow=False, seen=False):
        row = faults.Row("x", tuple(frozenset(t.split()) for t in truth), apart=frozenset(apart.split()) if apart else None,
                         may=tuple(frozenset(m.split()) for m in may), slow=slow)
        sets = [frozenset(n.split()) for n in named]
        return play.Outcome(row, sets, slow=seen, allowed=play.allowed(row, [frozenset(p.split()) for p in printed]))

    def test_right_and_wrong(self):
        for right, false, truth, named, more in (
                (True, 0, ["tunnel"], ["tunnel"], {}),
                (False, 0, ["tunnel"], [], {}),
                (False, 1, ["tunnel"], ["unknown"], {}),
                (False, 1, ["tunnel"], ["cloudflare tunnel"], {}),
                (False, 1, ["tunnel"], ["cloudflare tunnel"], {"apart": "cloudflare tunnel"}),
                (True, 0, ["tunnel"], ["cloudflare tunnel"], {"apart": "cloudflare tunnel", "printed": ["cloudflare tunnel"]}),
                (True, 0, ["tunnel"], ["cloudflare tunnel", "tunnel"], {}),
                (False, 1, ["tunnel"], ["tunnel", "cloudflare tunnel"], {}),
                (False, 1, ["tunnel"], ["tunnel", "exonerated"], {}),
                (False, 1, ["tunnel"], ["cloudflare", "tunnel"], {}),
                (True, 0, [], [], {}),
                (False, 1, [], ["last_mile(alice)"], {}),
                (False, 1, [], ["exonerated"], {}),
                (True, 0, ["last_mile(alice)"], ["last_mile(alice)"], {}),
                (True, 0, ["last_mile(alice)"], ["exonerated"], {}),
                (False, 1, ["last_mile(alice)"], ["last_mile(bob)"], {}),
                (True, 0, ["last_mile(alice)", "last_mile(bob)"], ["last_mile(alice)", "last_mile(bob)"], {}),
                (True, 0, ["last_mile(alice)", "last_mile(bob)"], ["last_mile(alice) last_mile(bob)"], {}),
                (False, 0, ["serve(alice)", "serve(bob)"], ["serve(alice)"], {}),
                (True, 0, [], [], {"may": ["host"]}),
                (True, 0, [], ["host"], {"may": ["host"]}),
                (False, 1, [], ["host", "prober"], {"may": ["host"]}),
                (False, 0, ["dispatch"], ["host"], {"may": ["host"]}),
                (False, 0, [], [], {"slow": True}),
                (True, 0, [], [], {"slow": True, "seen": True}),
                (False, 1, [], ["tunnel"], {"slow": True, "seen": True})):
            with self.subTest(truth=truth, named=named, **more):
                outcome = self.outcome(truth, *named, **more)
                self.assertEqual((outcome.right, len(outcome.false)), (right, false))

    def test_neighbours_are_about_different_things(self):
        rows = play.in_turn(faults.ROWS)
        self.assertEqual(sorted(r.name for r in rows), sorted(r.name for r in faults.ROWS))
        self.assertEqual(len([n for n in range(1, len(rows)) if rows[n].world != rows[n - 1].world]), len(play.WORLDS) - 1)
        self.assertFalse(play.keys(rows[0]) & play.keys(rows[1]))

    def test_a_user_belongs_to_one_verdict(self):
        one, more, other = ({"id": i, "incident": 7, "users": u.split()} for i, u in ((1, "a b"), (1, "a"), (2, "b")))
        later = {**other, "incident": 8}
        for expected, verdicts in ((False, [one]), (False, [one, more]), (True, [one, other]), (False, [one, more, other]),
                                   (False, [one, later])):
            self.assertEqual(play.several_verdicts(verdicts, "b"), expected, verdicts)

    def test_delays_are_whole_seconds(self):
        for delays, text in (([], "-"), ([1.2], "1 s"), ([0.9, 1.1], "1 s"), ([2, 9, 4], "4 s (2 - 9)")):
            self.assertEqual(play.seconds(delays), text)


if __name__ == "__main__":
    if missing():
        print("skipped, missing here:", " ".join(missing()))
        sys.exit(77)
    unittest.main()
