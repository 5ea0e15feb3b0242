#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every C file is as .clang-format lays it out."""
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
    return sorted(p for p in found if "/tests/abi/" not in p)  # frozen as they were


def main():
    with open(f"{SOURCE}/.clang-format", encoding="utf-8") as f:
        wanted = re.match(r"# Written for clang-format (\d+)", f.read()).group(1)
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
