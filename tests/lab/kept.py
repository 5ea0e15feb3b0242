# SPDX-License-Identifier: MIT
"""Outcomes of the lab's rows in a file, a line of JSON each: written by lab/play.py (--keep), read for its matrix and its
table, and published from it: the baseline that the suite compares with (lab/accuracy.json), the figures of README.md and of
docs/lab.md."""
import collections
import json
import os
import statistics

from lab import faults, matrix, process

BASELINE = os.path.join(process.source_dir(), "tests/lab/accuracy.json")
ROWS = {row.name: row for row in faults.ROWS}
BEGIN = "<!-- accuracy of the lab: written by make lab LAB=\"--publish FILE\" -->\n"
END = "<!-- end of the accuracy of the lab -->\n"


def words(sets):
    return ", ".join(" ".join(sorted(s)) for s in dict.fromkeys(sets)) or "-"


def sets(text):
    return [frozenset(part.split()) for part in text.split(", ")] if text != "-" else []


def add(path, play, **more):
    with open(path, "a", encoding="ascii") as f:
        f.write(json.dumps({**record(play), **more}) + "\n")


def record(play):
    return {"row": play.row.name, "verdicts": [[" ".join(sorted(s)), at and round(at, 1)] for s, at in play.verdicts],
            "false": words(play.false), "right": play.right, "slow": play.slow}


def verdicts_of(kept):
    """(set, seconds) each.  An older file has the sets, and the seconds of the first right one."""
    if "verdicts" in kept:
        return tuple((frozenset(text.split()), at) for text, at in kept["verdicts"])
    row, false = ROWS[kept["row"]], sets(kept["false"])
    named = sets(kept["said"])
    first = next((n for n in named if n not in false and any(matrix.fits(row, t, n) for t in row.truth)), None)
    return tuple((n, kept["delay"] if n == first else None) for n in named)


def play_of(kept):
    return matrix.Play(ROWS[kept["row"]], verdicts_of(kept), frozenset(sets(kept["false"])), kept["right"], kept["slow"])


def read(path):
    """Every play of rows that there still are, in the order of the rows."""
    with open(path, encoding="ascii") as f:
        plays = [play_of(k) for k in map(json.loads, f) if k["row"] in ROWS]
    order = {name: n for n, name in enumerate(ROWS)}
    return sorted(plays, key=lambda p: order[p.row.name])


def unplayed(plays):
    return [name for name in ROWS if name not in {p.row.name for p in plays}]


def wanted(row):
    return words(row.truth) if row.truth else "slow" if row.slow else "-"


def seconds(delays):
    """The median, and the range if it is not all the same."""
    if not delays:
        return "-"
    low, high = min(delays), max(delays)
    whole = f"{statistics.median(delays):.0f} s"
    return whole if round(low) == round(high) else f"{whole} ({low:.0f} - {high:.0f})"


def first_right(play):
    found = [at for at in (play.first_right(t) for t in play.row.truth) if at is not None]
    return [min(found)] if found else []


def table(plays):
    """Markdown, a line for each row: no dates and nothing finer than a second, which would change with every round."""
    by_row = collections.defaultdict(list)
    for play in plays:
        by_row[play.row].append(play)
    said = ["| what was done | truth | verdicts | after | right | false |", "|---|---|---|--:|--:|--:|"]
    for row, mine in by_row.items():
        named = " / ".join(dict.fromkeys(words(n for n, _ in p.verdicts) + (" (slow)" if p.slow else "") for p in mine))
        said.append(f"| {row.name} | {wanted(row)} | {named} | {seconds(sum(map(first_right, mine), []))} | "
                    f"{sum(p.right for p in mine)} of {len(mine)} | {sum(bool(p.false) for p in mine)} |")
    return "\n".join(said) + "\n"


# ---- what is published


def readme(plays):
    return matrix.summary(plays) + "\n\n" + matrix.markdown(plays)


def page(plays):
    return "\n".join([matrix.summary(plays) + "\n", "```text", matrix.text(plays) + "```\n", table(plays)])


PAGES = {"README.md": readme, "docs/lab.md": page}


def replaced(text, name, plays):
    """The page with what is between its markers computed anew."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"lab: {name} has no markers for the accuracy")
    return before + BEGIN + PAGES[name](plays) + END + after


def published(plays):
    """{path: (its text, what it should be)}"""
    found = {}
    for name in PAGES:
        path = os.path.join(process.source_dir(), name)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        found[path] = text, replaced(text, name, plays)
    return found


def publish(path):
    """Makes what was kept there the baseline, and writes the pages' figures from it."""
    plays = read(path)
    classes = {c for row in faults.ROWS for c in matrix.classes_of(row)}
    if classes - set(matrix.tally(plays)):
        raise SystemExit(f"lab: {path} lacks every row of: " + ", ".join(sorted(classes - set(matrix.tally(plays)))))
    if unplayed(plays):
        print("lab: published without the rows that were not played: " + ", ".join(unplayed(plays)))
    with open(BASELINE, "w", encoding="ascii") as f:
        f.writelines(json.dumps(record(p)) + "\n" for p in plays)
    for name, (_, text) in published(read(BASELINE)).items():  # as it was rounded
        with open(name, "w", encoding="utf-8") as f:
            f.write(text)
