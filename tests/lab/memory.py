# SPDX-License-Identifier: MIT
"""What a process holds in memory."""
import os
import re

# A sanitizer keeps what was freed, to catch who still uses it.  A test that bounds memory passes this
# environment to the daemon, so that freed is free.
FREED_IS_FREE = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}


def rss(pid):
    """Resident bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) << 10
