# SPDX-License-Identifier: MIT
"""Plays the rows of lab/faults.py against t3ops with its shipped timings and prints what it said of each, beside
the truth.  Exit status 0 only if every row was right.

    make lab [LAB="--speed 5 --only 'edge|wan' --rounds 5 --jobs 4 --keep FILE"]
    make lab LAB="--matrix FILE"        # the confusion matrix of all rounds that were kept in FILE
    make lab LAB="--table FILE"         # Markdown of them, row by row
    make lab LAB="--publish FILE"       # makes them the suite's baseline, README.md's figures and docs/lab.md's
"""
import argparse
import dataclasses
import itertools
import multiprocessing
import os
import re
import sys
import tempfile
import time

from lab import faults, kept, matrix, process
from lab.stub import LATEST, NEW, NEXT, OLD
from lab.world import LAG, TRIES, Person, World
from lab.world import missing as world_missing

AGAIN = 65  # seconds after the end of a verdict in which the same suspects are the same fault once more
CROWD = {f"user{n}": Person((NEW, OLD, LATEST, NEXT)[n % 4], n % 3 == 2, f"127.0.3.{n + 1}") for n in range(30)}
WORLDS = {"": {}, "crowd": {"people": CROWD}, "more legs": {"legs": ("second_isp", "sign_in")},
          "two locations": {"far": ("alice", "bob")}, "alone": {"far": ("alice",)}}


@dataclasses.dataclass
class Outcome:
    row: faults.Row
    named: list  # sets of segments, one a verdict
    times: list = dataclasses.field(default_factory=list)  # of each, in seconds of the world from the fault
    delay: float = None  # of the first one that was right, in seconds of the world
    slow: bool = False  # the event was seen
    problem: str = ""  # why the row could not be played to its end
    unplayed: bool = False  # or could not be begun
    dropped: str = ""  # what the pages went through
    late: float = 0  # real seconds by which the machine itself was late
    allowed: tuple = ()
    texts: list = dataclasses.field(default_factory=list)  # of the verdicts

    @property
    def false(self):
        """Verdicts that are not about what was broken.  One that named more, the guilty among them, and was narrowed to
        the truth later, is none."""
        last = max((n for n, s in enumerate(self.named) if s in self.allowed), default=-1)
        return [s for n, s in enumerate(self.named) if s not in self.allowed and s not in self.row.may and
                not (n < last and any(t <= s for t in self.row.truth))]

    @property
    def right(self):
        missing = [t for t in self.row.truth if not any(matrix.fits(self.row, t, n) for n in self.named if n in self.allowed)]
        return not self.false and not missing and not self.problem and (self.slow or not self.row.slow)

    def play(self):
        return matrix.Play(self.row, tuple(zip(self.named, self.times)), frozenset(self.false), self.right, self.slow)


def between(truth, apart):
    """All sets that hold the one and lie in the other."""
    rest = sorted(apart - truth)
    return [truth | frozenset(more) for n in range(len(rest) + 1) for more in itertools.combinations(rest, n)]


def allowed(row, inseparable):
    """The sets a verdict may name: exactly the truth; a larger one that -t had printed, or what is left of that and
    holds the truth; of last miles, that infra is cleared, or all of them together."""
    sets = list(row.truth)
    if row.apart and any({n.partition("(")[0] for n in row.apart} <= s for s in inseparable):
        sets += [s for t in row.truth if t <= row.apart for s in between(t, row.apart)]
    if row.truth and all(n.startswith("last_mile(") for t in row.truth for n in t):
        sets += [frozenset([faults.EXONERATED]), frozenset().union(*row.truth)]
    return tuple(sets)


def named_by(verdict):
    if verdict["verdict"].split("(")[0] == faults.EXONERATED:
        return frozenset([faults.EXONERATED])
    return frozenset(verdict["segments"])


def several_verdicts(verdicts, user):
    """Whether two verdicts of one incident claim that user, in their last revisions; verdicts: oldest first."""
    last = {v["id"]: v for v in verdicts}
    incidents = [v["incident"] for v in last.values() if user in v["users"]]
    return len(set(incidents)) < len(incidents)


def base_names(segments):
    """Last miles are one, since infra is ruled out for several users together."""
    return {"last_mile" if n.startswith("last_mile(") or n == faults.EXONERATED else n for n in segments}


def keys(row):
    """What a verdict about it may be about."""
    return {n for t in row.truth + row.may for n in base_names(t | (row.apart or set()))}


def in_turn(rows):
    """The rows of each world in an order in which neighbours are about different things, as far as possible: what comes
    back shortly after it ended is no new verdict, so a row has to wait for the one before."""
    ordered, left = [], list(rows)
    while left:
        here = [r for r in left if not ordered or r.world == ordered[-1].world] or left
        near = set().union(*map(keys, ordered[-2:]))
        row = next((r for r in here if not keys(r) & near), here[0])
        left.remove(row)
        ordered.append(row)
    return ordered


class Play:
    def __init__(self, world):
        self.world = world
        self.last = {}  # of each key: when a row about it was over
        self.inseparable = world.inseparable()

    def row(self, row):
        """Breaks, waits, heals, waits, and looks at what was said."""
        w = self.world
        outcome = Outcome(row, [], allowed=allowed(row, self.inseparable))
        self.rest(row)
        try:
            for action in row.needs:
                action(w)
            w.wait_well()
        except (AssertionError, OSError) as e:
            outcome.problem, outcome.unplayed = f"the world was not well before: {e}".splitlines()[0], True
            return outcome
        serial, mark, first = w.last_serial(), len(w.daemon.log()), len(w.events)
        began, self.real = w.lapse.now(), time.monotonic()
        try:
            if row.begin:
                row.begin(w)
            if row.blind:
                w.pause(row.lasts)
            else:
                self.hold(row.lasts, serial, outcome, began)
            if row.end:
                row.end(w)
            self.hold(row.after, serial, outcome, began)
            w.wait_well()
            self.look(serial, outcome, began)
            twice = [u for u in w.users if several_verdicts(w.verdicts_after(serial), u)]
            if twice and len(row.truth) == 1:
                outcome.problem = "in several verdicts: " + " ".join(twice)
        except (AssertionError, OSError) as e:
            outcome.problem = f"{type(e).__name__}: {e}".splitlines()[0]
        said = {k for s in outcome.named for k in base_names(s)}
        self.last.update({k: w.lapse.now() for k in keys(row) | said})
        outcome.late = w.machine.lag_of_all(self.real)
        outcome.slow = bool(re.search(r"\bevent=slow\b", w.daemon.log()[mark:]))
        seen = [f"{user} {e.what}" for user, e in w.events[first:] if e.what in ("gave_up", "lost", "error_page")]
        outcome.dropped = ", ".join(f"{s} x{seen.count(s)}" for s in dict.fromkeys(seen))
        return outcome

    def rest(self, row):
        """Until what is said of it is no echo of a row before."""
        over = max((self.last.get(k, 0) for k in keys(row)), default=0)
        self.world.pause(max(0, over + AGAIN - self.world.lapse.now()))

    def hold(self, seconds, serial, outcome, began):
        """Waits, and notes when the right verdict came."""
        end = self.world.lapse.now() + seconds
        while (left := end - self.world.lapse.now()) > 0:
            self.world.pause(min(left, 2))
            self.look(serial, outcome, began)

    def look(self, serial, outcome, began):
        verdicts = self.world.verdicts_after(serial)
        if frozenset(["host"]) not in outcome.row.truth:
            verdicts = self.world.true_of_machine(verdicts, self.real)
        outcome.named = [named_by(v) for v in verdicts]
        outcome.times = [self.world.when(v) - began for v in verdicts]
        outcome.texts = [f"{at:.1f} s: {v['text']}" for at, v in zip(outcome.times, verdicts)]
        outcome.delay = next((at for at, named in zip(outcome.times, outcome.named) if named in outcome.allowed), None)


def line(outcome):
    truth = kept.wanted(outcome.row)
    said = kept.words(outcome.named) + (" (slow)" if outcome.slow else "")
    delay = f"{outcome.delay:.1f} s" if outcome.delay is not None else "-"
    return (f"{outcome.row.name:48} {truth:28} {said:40} {delay:>8} {len(outcome.false):>5}  "
            f"{'right' if outcome.right else 'WRONG'}{'  ' + outcome.problem if outcome.problem else ''}")


def details(outcome):
    """What its users went through, and what was said of it; lines."""
    return ["    pages: " + (outcome.dropped or "nothing happened to them")] + ["    " + text for text in outcome.texts]


HEAD = f"{'what was done':48} {'truth':28} {'verdicts':40} {'after':>8} {'false':>5}"


class Plays:
    """Rows in one world, and in a new one after a row that left it broken; prints as it goes."""

    def __init__(self, speed, details=False, keep=(), lag=LAG):
        """keep: files that get a line of JSON for each outcome.  lag: by how much the machine may be late, in real seconds."""
        self.speed = speed
        self.lag = lag
        self.details = details
        self.keep = keep
        self.world = self.player = None
        self.kind = None

    def row(self, row):
        """Plays it; again if it went wrong while the machine could not keep up."""
        for left in range(TRIES - 1, -1, -1):
            outcome = self.once(row)
            again = not outcome.right and (outcome.unplayed or outcome.late > self.lag) and left
            print(line(outcome) + (f"  the machine was {outcome.late:.2f} s late: again" if again else ""), flush=True)
            if self.details and not outcome.right:
                self.explain(outcome)
            if outcome.problem:
                self.stop()
            if not again:
                break
        for path in self.keep:
            kept.add(path, outcome.play(), problem=outcome.problem, late=round(outcome.late, 3), speed=self.speed)
        return outcome

    def once(self, row):
        if self.kind != row.world:
            self.stop()
        if not self.world:
            self.kind = row.world
            self.world = World(self.speed, **WORLDS[row.world])
            self.world.start()
            self.player = Play(self.world)
        return self.player.row(row)

    def explain(self, outcome):
        for text in details(outcome):
            print(text)

    def stop(self):
        world, self.world = self.world, None
        if world:
            stop(world)


def play(rows, speed, details=False, keep=(), lag=LAG):
    """Plays them; returns the outcomes."""
    plays = Plays(speed, details, keep, lag)
    try:
        return [plays.row(row) for row in rows]
    finally:
        plays.stop()


def share(rows, number, jobs):
    """That process's rows: of each world as many as the others have."""
    return in_turn(sorted(rows, key=lambda r: r.world)[number::jobs])


def play_share(rows, number, args, keep):
    try:
        play(share(rows, number, args.jobs), args.speed, args.details, keep)
    finally:
        process.end_all()


def play_round(rows, args):
    """Plays them in that many processes, each with a path of its own; the matrix.Play of each row."""
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:  # not one of process.folder(), which the first that ends would remove
        this_round = os.path.join(folder, "round.json")
        keep = [this_round] + ([args.keep] if args.keep else [])
        jobs = [fork.Process(target=play_share, args=(rows, n, args, keep)) for n in range(args.jobs)]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
        return kept.read(this_round) if os.path.exists(this_round) else []


def stop(world):
    try:
        world.stop()
    except AssertionError as e:
        print("    at the end: " + str(e).splitlines()[0])


def show(args):
    """Of what was kept."""
    if args.matrix:
        print(matrix.text(kept.read(args.matrix)), end="")
    if args.table:
        print(kept.table(kept.read(args.table)), end="")
    if args.publish:
        kept.publish(args.publish)
    return 0


def main(text=None):
    parser = argparse.ArgumentParser(prog="make lab", description="Plays faults and ordinary life; prints truth and verdict.")
    parser.add_argument("--speed", type=float, default=5, help="seconds of t3ops in one of ours")
    parser.add_argument("--only", default="", help="regular expression: rows to play")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="paths to play on at a time")
    parser.add_argument("--keep", metavar="FILE", help="adds the outcomes to it, for the three below")
    parser.add_argument("--matrix", metavar="FILE", help="plays nothing, prints the confusion matrix of what was kept there")
    parser.add_argument("--table", metavar="FILE", help="plays nothing, prints what was kept there as Markdown")
    parser.add_argument("--publish", metavar="FILE", help="plays nothing, makes what was kept there the suite's baseline and "
                        "writes the figures of README.md and docs/lab.md from it")
    parser.add_argument("--details", action="store_true", help="what pages went through, and the verdicts' text")
    args = parser.parse_args(text)
    if args.matrix or args.table or args.publish:
        return show(args)
    if world_missing():
        print("lab: missing here: " + " ".join(world_missing()))
        return 77
    rows = [r for r in faults.ROWS if re.search(args.only, r.name)]
    plays = []
    for n in range(args.rounds):
        began = time.monotonic()
        print(f"round {n + 1} of {args.rounds}: {len(rows)} rows, shipped timings, {args.speed:g} times as fast\n{HEAD}", flush=True)
        found = play_round(rows, args)
        plays += found
        print(f"{matrix.summary(found)}  {time.monotonic() - began:.0f} s\n", flush=True)
    print(matrix.text(plays), end="")
    return 0 if len(plays) == args.rounds * len(rows) and all(p.right for p in plays) else 1


if __name__ == "__main__":
    sys.exit(main())
