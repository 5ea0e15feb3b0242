#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every C file is as .clang-format lays it out, and .clang-format knows every macro that begins a loop."""
import glob
import re
import shutil
import subprocess
import sys

from lab import process

SOURCE = process.source_dir()
SKIP = 77


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(SKIP)


def files():
    found = [p for top in ("core", "plugins", "tests") for kind in "ch"
             for p in glob.glob(f"{SOURCE}/{top}/**/*.{kind}", recursive=True)]
    return sorted(p for p in found if "/tests/abi/" not in p and "/kit/template/" not in p)  # frozen as they were; @NAME@ is no C


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def loops_check(style):
    """Without its name there, the body of such a loop is laid out as if it belonged to no loop."""
    known = set(re.findall(r"\w+", re.search(r"^ForEachMacros: \[([^\]]*)\]", style, re.M).group(1)))
    used = {m for path in files() for m in re.findall(r"^\s+(\w+_foreach\w*) ?\(", read(path), re.M | re.I)}
    assert used, "no loop is found"
    assert used <= known, f".clang-format: ForEachMacros lacks {', '.join(sorted(used - known))}"


def main():
    style = read(f"{SOURCE}/.clang-format")
    wanted = re.match(r"# Written for clang-format (\d+)", style).group(1)
    loops_check(style)
    program = shutil.which(f"clang-format-{wanted}") or shutil.which("clang-format")
    if not program:
        skip(f"clang-format is not installed (Debian: clang-format-{wanted})")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"version (\d+)", version).group(1)
    if found != wanted:
        skip(f".clang-format is written for clang-format {wanted}, {program} is {found}")
    paths = files()
    assert len(paths) > 100, paths
    done = subprocess.run([program, "--dry-run", "--Werror", "--ferror-limit=1", *paths], capture_output=True, text=True,
                          check=False)
    print(done.stderr, end="")
    wrong = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error:", done.stderr, re.M)))
    if wrong:
        print("\nclang-format -i " + " ".join(wrong))
    sys.exit(1 if done.returncode or wrong else 0)


main()
