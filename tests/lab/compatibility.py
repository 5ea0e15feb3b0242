# SPDX-License-Identifier: MIT
"""docs/t3-compatibility.md, from what the gate sees of the stand-ins.  In the build directory, with tests/ in PYTHONPATH:

    python3 -m lab.compatibility > ../docs/t3-compatibility.md
"""
import importlib.machinery
import importlib.util
import json
import os
import subprocess

from lab import process
from lab.fleet import Fleet
from lab.stub import COOKIELESS, LATEST, NEW, NEXT, OLD, RENAMED

ODD = (RENAMED, COOKIELESS, "0.0.34", *(f"0.0.34-{how}" for how in ("renamed-endpoint", "cannot-pair", "loses-rows", "crashes")))
MOVES = ((OLD, NEW), (NEW, LATEST), (LATEST, NEXT), (OLD, NEXT))

PAGE = """# Versions of t3 that the gate has seen

This page is made by the gate itself (`python3 -m lab.compatibility`), and a test compares it with what the gate sees now.
The programs behind it are the stand-ins of the tests (tests/lab/t3), not t3: 0.0.24, 0.0.28, 0.0.32 and 0.0.33 behave as
servers did that were built from t3's sources and measured. How it looks on your own machine, with your own users'
databases:

    t3opsctl upgrade report --compatibility -j | scripts/t3-compatibility

## Each version

`N` in a cookie's name stands for a port or a hash, which another server has otherwise. `migration` is how far the version
migrates a database.

{versions}

## Moves from one to another

"back" is how a rollback would go: by the program alone, or with the database of before.

{moves}

## What a new version might do

Stand-ins of versions that do not exist: what was read in t3's sources (renamed-cookie, without-cookie), what broke users
once (renamed-endpoint, cannot-pair), and what might. The gate tries each against 0.0.28.

{odd}
"""


def script():
    loader = importlib.machinery.SourceFileLoader("t3_compatibility", os.path.join(process.source_dir(), "scripts/t3-compatibility"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def versions_table():
    with Fleet(OLD) as fleet:
        for version in (NEW, LATEST, NEXT):
            fleet.check(version)
        done = subprocess.run([process.program("core/t3opsctl"), "-s", fleet.daemon.control, "upgrade", "report", "--compatibility",
                               "-j"], capture_output=True, text=True, timeout=60, check=True)
    return script().table(json.loads(done.stdout)["rows"])


def move_row(before, after):
    with Fleet(before) as fleet:
        fleet.stub.cookie()
        row = fleet.check(after)[1]
    back = row.get("rollback", "").split(":")[0]
    return f"| {before} | {after} | {row['verdict']} | {row['migration']} | {row['sessions_lost']} of 1 | {back} |"


def odd_rows():
    with Fleet(NEW) as fleet:
        fleet.stub.sql("INSERT INTO orchestration_events(body) VALUES ('one'), ('two'), ('three')")
        for version in ODD:
            row = fleet.check(version)[1]
            yield f"| {version} | {row['verdict']} | {row.get('reason', '')} |"


def page():
    moves = ["| from | to | verdict | migration | sessions lost | back |", "|---|---|---|---|---|---|"]
    return PAGE.format(versions=versions_table(), moves="\n".join(moves + [move_row(*m) for m in MOVES]),
                       odd="\n".join(["| stand-in | verdict | reason |", "|---|---|---|", *odd_rows()]))


if __name__ == "__main__":
    print(page(), end="")
