# SPDX-License-Identifier: MIT
"""What a process holds in memory."""
import functools
import os
import re

from lab import process

# A sanitizer keeps what was freed, to catch who still uses it.  A test that bounds memory passes this
# environment to the daemon, so that freed is free.
FREED_IS_FREE = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}


def rss(pid):
    """Resident bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) << 10


def private(pid):
    """Bytes that nobody shares, and that are not merely a copy of a file."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return int(re.search(r"^Private_Dirty:\s+(\d+)", f.read(), re.M).group(1)) << 10


@functools.cache
def _is_sanitized():
    with open(process.program("core/t3ops"), "rb") as f:
        return b"__asan_init" in f.read()


def slack(most):
    """What a bound may be exceeded by: a sanitizer pads every small piece, and its allocator keeps pages."""
    return 4 * most if _is_sanitized() else most
