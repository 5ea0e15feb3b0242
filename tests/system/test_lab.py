#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The lab's accuracy gets no worse: some rows of its table at the shipped timings, one at least of each kind of fault,
against the outcomes that are published (lab/accuracy.json).  All rows: `make lab`."""
import dataclasses
import sys
import unittest

from lab import faults, kept, matrix, play, process
from lab.world import LAG, missing

SPEED = 5
LATE = LAG / 2  # other tests keep the machine busy, and a page at the end of its patience is known by 50 ms in all
# The cheapest row of each class, and seconds to break it for, if less than the row's own do.
SAMPLE = {
    "the resolver is gone": 25,
    "the uplink is lost": 25,
    "the second uplink is lost": 25,
    "kill the edge": 25,
    "kill alice's and bob's location": 25,
    "kill the tunnel": 25,
    "kill Traefik": 25,
    "the SSO is down": 25,
    "kill the proxy of t3ops": 20,
    "kill alice's server": 25,
    "large messages die on alice's last mile": 25,
    "a hole of 12 s in alice's Wi-Fi, and she is alone at her location": 12,
    "t3ops stands still for 30 s": 30,
    "the prober's own way to Traefik is cut": 25,
    "alice's server answers late": 45,
    "nothing": 25,
    "t3ops is reloaded": 20,
    "a hung page is reloaded": 20,
}


class Lab(unittest.TestCase):
    def test_rows_are_named_once(self):
        names = [row.name for row in faults.ROWS]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len(names), 40)

    def test_accuracy(self):
        rows = [dataclasses.replace(row, lasts=SAMPLE[row.name], after=12 if row.world != "alone" else row.after)
                for row in faults.ROWS if row.name in SAMPLE]
        self.assertEqual(len(rows), len(SAMPLE))
        outcomes = play.play(play.in_turn(rows), SPEED, details=True, lag=LATE)
        late = [o.row.name for o in outcomes if not o.right and o.late > LATE]
        plays = [o.play() for o in outcomes if o.row.name not in late]
        print(matrix.text(plays))
        told = [text for o in outcomes if not o.right for text in
                [f"{play.line(o)}  ({o.late:.2f} s late)", *play.details(o)]]
        self.assertEqual(matrix.worse(plays, kept.read(kept.BASELINE)), [], "\n".join(told))
        if late:
            self.skipTest("the machine could not keep up: " + ", ".join(late))

    def test_sample_has_every_class(self):
        self.assertEqual({c for row in faults.ROWS if row.name in SAMPLE for c in matrix.classes_of(row)},
                         {c for row in faults.ROWS for c in matrix.classes_of(row)})


class Published(unittest.TestCase):
    """The baseline, and what the pages say of it."""

    def test_pages_have_its_figures(self):
        for path, (text, computed) in kept.published(kept.read(kept.BASELINE)).items():
            self.assertEqual(text, computed, f'{path}: make lab LAB="--publish FILE" writes it')

    def test_it_has_every_class(self):
        self.assertEqual({c for row in faults.ROWS for c in matrix.classes_of(row)},
                         set(matrix.tally(kept.read(kept.BASELINE))))


class Matrix(unittest.TestCase):
    """Where a play is counted."""

    def play(self, truth, *verdicts, false=(), right=True, slow=False, **more):
        row = faults.Row("x", tuple(frozenset(t.split()) for t in truth), **more)
        named = tuple((frozenset(v.split()), n + 1) for n, v in enumerate(verdicts))
        return matrix.Play(row, named, frozenset(frozenset(f.split()) for f in false), right, slow)

    def test_columns(self):
        near = frozenset({"cloudflare", "tunnel"})
        for column, truth, verdicts, more in (
                ("tunnel", ["tunnel"], ["tunnel"], {}),
                ("nothing", ["tunnel"], [], {"right": False}),
                (matrix.WIDER, ["tunnel"], ["cloudflare tunnel"], {"apart": near}),
                ("tunnel", ["tunnel"], ["cloudflare tunnel", "tunnel"], {"apart": near}),
                ("traefik", ["tunnel"], ["traefik", "tunnel"], {"false": ["traefik"], "right": False}),
                ("serve", ["serve(alice)"], ["serve(alice)"], {}),
                (matrix.OTHER, ["serve(alice)"], ["serve(bob)"], {"false": ["serve(bob)"], "right": False}),
                (matrix.OTHER, ["tunnel"], ["dispatch traefik"], {"false": ["dispatch traefik"], "right": False}),
                ("exonerated", ["last_mile(alice)"], ["exonerated"], {}),
                ("last_mile", ["last_mile(alice)"], ["last_mile(alice)"], {}),
                ("last_mile or cloudflare(location)", ["cloudflare(CDG) last_mile(bob)"], ["cloudflare(CDG) last_mile(bob)"], {}),
                ("nothing", [], [], {}),
                ("host", [], ["host"], {"false": ["host"], "right": False}),
                ("host", [], ["host"], {"may": (frozenset(["host"]),)}),
                ("slow", [], [], {"slow": True})):
            with self.subTest(column=column, truth=truth, verdicts=verdicts):
                found = self.play(truth, *verdicts, **more)
                if more.get("slow"):
                    found = dataclasses.replace(found, row=dataclasses.replace(found.row, slow=True))
                self.assertEqual(found.column(found.row.truth[0] if truth else frozenset()), column)

    def test_figures(self):
        plays = [self.play(["tunnel"], "tunnel"), self.play(["tunnel"], "cloudflare tunnel", "tunnel"),
                 self.play(["tunnel"], right=False), self.play([], "wan", false=["wan"], right=False),
                 self.play(["serve(alice)", "wan"], "wan", "serve(alice)")]
        lines = matrix.tally(plays)
        self.assertEqual(list(lines), ["wan", "tunnel", "serve", "nothing"])
        self.assertEqual((lines["tunnel"].plays, lines["tunnel"].right, lines["tunnel"].false), (3, 2, 0))
        self.assertEqual((lines["tunnel"].seconds, lines["serve"].seconds), ([1, 2], [2]))
        self.assertEqual((lines["nothing"].false, dict(lines["nothing"].columns)), (1, {"wan": 1}))
        self.assertIn("| tunnel | 3 | 2 | - | - | 1 nothing | 0 | 2 s | 2 s |\n", matrix.markdown(plays))
        self.assertEqual(matrix.summary(plays), "5 plays: 3 right, 1 with a false conviction.")

    def test_percentile_is_one_of_them(self):
        for values, expected in (([3], 3), ([1, 2], 2), (list(range(1, 21)), 19), (list(range(1, 101)), 95)):
            self.assertEqual(matrix.percentile(values, 0.95), expected)

    def test_worse(self):
        right, missed = self.play(["tunnel"], "tunnel"), self.play(["tunnel"], right=False)
        wide = self.play(["tunnel"], "cloudflare tunnel", apart=frozenset({"cloudflare", "tunnel"}))
        false = self.play(["tunnel"], "wan", false=["wan"], right=False)
        for found, now, before in (([], [right], [right]), ([], [right], [right, missed]), ([], [wide], [right, wide]),
                                   (["x: named cloudflare tunnel, was always named alone"], [wide], [right]),
                                   (["tunnel: 0 of 1 right, was 1 of 2"], [missed], [right, missed]),
                                   (["x: false conviction of wan"], [false], [false]),
                                   (["tunnel: not in the baseline"], [right], [])):
            self.assertEqual(matrix.worse(now, before), found)

    def test_a_file_keeps_what_it_takes(self):
        row, path = faults.ROWS[0], process.folder() + "/kept.json"
        play_ = matrix.Play(row, ((frozenset(["tunnel", "wan"]), 1.5), (row.truth[0], 2)), frozenset([frozenset(["tunnel", "wan"])]),
                            False, False)
        kept.add(path, play_, speed=5)
        self.assertEqual(kept.read(path), [play_])


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
            self.assertEqual(kept.seconds(delays), text)


if __name__ == "__main__":
    if missing():
        print("skipped, missing here:", " ".join(missing()))
        sys.exit(77)
    unittest.main()
