# SPDX-License-Identifier: MIT
"""The confusion matrix of the lab: what was broken in rows, what t3ops named in columns, counts of plays.  Computed from
the outcomes of lab/play.py, kept in a file or not; plays nothing.

Each fault of a play is one count: in the column of a false verdict if there was one, else in that of the last right
one, else in that of silence.
"""
import collections
import dataclasses
import math
import statistics

from lab import faults

NOTHING = "nothing"  # broken, or named
SLOW = "slow"
OPTIONAL = "optional"  # a verdict would be true and need not come
WIDER = "a set with it"  # of segments that t3ops -t cannot tell apart
OTHER = "other"
LOCATION = "cloudflare(location)"
CLASSES = ("dns", "wan", "wan2", "cloudflare", LOCATION, "tunnel", "traefik", "sso", "dispatch", "serve", "last_mile",
           f"last_mile or {LOCATION}", "host", "prober", SLOW, NOTHING, OPTIONAL)
MEANING = {faults.EXONERATED: "infra is ruled out, which is right for a last mile",
           WIDER: "what was broken and what t3ops -t says it cannot tell from it",
           OTHER: "something else, a false conviction"}
GENERIC = {"serve": "serve", "last_mile": "last_mile", "cloudflare": LOCATION}


def class_of(segments):
    """Which user's server or own network, and which location, is no matter."""
    order = {name: n for n, name in enumerate(CLASSES)}
    names = {GENERIC.get(s.split("(")[0], s) if "(" in s else s for s in segments}
    return " or ".join(sorted(names, key=lambda n: (n == LOCATION, order.get(n, len(order)), n)))


def classes_of(row):
    """One for each fault of the row."""
    if row.truth:
        return [class_of(t) for t in row.truth]
    return [SLOW if row.slow else OPTIONAL if row.may else NOTHING]


def fits(row, truth, named):
    """Whether that verdict is about this part of the truth."""
    if truth <= named <= (row.apart or truth):
        return True
    if all(n.startswith("last_mile(") for n in truth):
        return named == {faults.EXONERATED} or (truth <= named and class_of(named) == "last_mile")
    return False


@dataclasses.dataclass(frozen=True)
class Play:
    """What became of a row once."""
    row: faults.Row
    verdicts: tuple  # (set of segments, seconds from the fault; None: not kept), oldest first
    false: frozenset = frozenset()  # the sets among them that are about something else
    right: bool = True
    slow: bool = False

    def first_right(self, truth):
        """Seconds to the first right verdict about that part of the truth, or None."""
        return next((after for named, after in self.verdicts if fits(self.row, truth, named) and named not in self.false), None)

    def column(self, truth):
        """Where the matrix counts that part of the truth, an empty set for none."""
        wrong = next((named for named, _ in self.verdicts if named in self.false), None)
        if wrong:
            found = class_of(wrong)
            return OTHER if found in classes_of(self.row) or found not in CLASSES + (faults.EXONERATED,) else found
        named = [n for n, _ in self.verdicts if (fits(self.row, truth, n) if truth else n in self.row.may)]
        if not named:
            return SLOW if self.slow and self.row.slow else NOTHING
        found = class_of(named[-1])
        return found if found in (class_of(truth), faults.EXONERATED) or not truth else WIDER


def percentile(values, share):
    return sorted(values)[math.ceil(share * len(values)) - 1]


class Line:
    """One row of the matrix."""

    def __init__(self, name):
        self.name = name
        self.plays = self.right = self.false = 0
        self.columns = collections.Counter()
        self.seconds = []
        self.wrong = collections.Counter()  # words of what was named in plays that went wrong

    def add(self, play, truth):
        self.plays += 1
        self.right += play.right
        self.false += bool(play.false)
        self.columns[play.column(truth)] += 1
        after = play.first_right(truth) if truth else None
        if after is not None:
            self.seconds.append(after)
        if not play.right:
            self.wrong[words(play.false) if play.false else NOTHING] += 1

    def median(self):
        return f"{statistics.median(self.seconds):.0f} s" if self.seconds else "-"

    def p95(self):
        return f"{percentile(self.seconds, 0.95):.0f} s" if self.seconds else "-"


def words(sets):
    return ", ".join(sorted(" ".join(sorted(s)) for s in sets)) or "-"


def tally(plays):
    """{class: Line}, in the order of the path."""
    found = {}
    for play in plays:
        for truth, name in zip(play.row.truth or (frozenset(),), classes_of(play.row)):
            found.setdefault(name, Line(name)).add(play, truth)
    return dict(sorted(found.items(), key=lambda item: CLASSES.index(item[0]) if item[0] in CLASSES else len(CLASSES)))


def columns_of(lines):
    """Those of the rows, and of what else was named."""
    more = [c for c in (faults.EXONERATED, WIDER, OTHER) if any(line.columns[c] for line in lines.values())]
    return [name for name in lines if name != OPTIONAL] + more + sorted(
        {c for line in lines.values() for c in line.columns if line.columns[c]} - set(lines) - set(more))


def letter(n):
    return chr(ord("a") + n)


def text(plays):
    """The whole matrix: columns are lettered as the rows are."""
    lines = tally(plays)
    columns = columns_of(lines)
    ids = {name: letter(n) for n, name in enumerate(columns)}
    width = max(map(len, [*lines, "what was broken"])) + 3
    said = [f"{'what was broken':{width}}" + "".join(f"{ids[c]:>4}" for c in columns) + "  plays right false  median   p95"]
    for line in lines.values():
        said.append(f"{ids.get(line.name, ' ')}  {line.name:{width - 3}}" +
                    "".join(f"{line.columns[c] or '.':>4}" for c in columns) +
                    f"{line.plays:>7}{line.right:>6}{line.false:>6}{line.median():>8}{line.p95():>6}")
    said += [f"{ids[c]}  {c}: {MEANING.get(c, 'broken in none of these plays')}" for c in columns if c not in lines]
    return "\n".join(said) + "\n"


def summary(plays):
    wrong = sum(not p.right for p in plays)
    false = sum(bool(p.false) for p in plays)
    return f"{len(plays)} plays: {len(plays) - wrong} right, {false} with a false conviction."


def markdown(plays):
    """For people: what was named instead is spelled out."""
    said = ["| what was broken | plays | named alone | in a set with it | exonerated | wrong | false convictions | median | p95 |",
            "|---|--:|--:|--:|--:|---|--:|--:|--:|"]
    for line in tally(plays).values():
        alone = line.right - line.columns[WIDER] - line.columns[faults.EXONERATED] if line.name != OPTIONAL else line.columns[NOTHING]
        wrong = ", ".join(f"{n} {what}" for what, n in line.wrong.items()) or "-"
        said.append(f"| {line.name} | {line.plays} | {alone} | {line.columns[WIDER] or '-'} | "
                    f"{line.columns[faults.EXONERATED] or '-'} | {wrong} | {line.false} | {line.median()} | {line.p95()} |")
    return "\n".join(said) + "\n"


def worse(plays, baseline):
    """Sentences, one for each thing in which these plays are worse than those of the baseline: any false conviction, a
    class that is right less often, a row that was always named alone and is not any more."""
    said = [f"{p.row.name}: false conviction of {words(p.false)}" for p in plays if p.false]
    was, now = tally(baseline), tally(plays)
    for name, line in now.items():
        if name not in was:
            said.append(f"{name}: not in the baseline")
        elif line.right * was[name].plays < was[name].right * line.plays:
            said.append(f"{name}: {line.right} of {line.plays} right, was {was[name].right} of {was[name].plays}")
    blunt = {p.row.name for p in baseline if not alone(p)}
    return said + [f"{p.row.name}: named {words(n for n, _ in p.verdicts)}, was always named alone"
                   for p in plays if p.right and not alone(p) and p.row.name not in blunt]


def alone(play):
    """Whether each of its faults was named by itself in the end."""
    return all(play.column(t) == class_of(t) for t in play.row.truth)
