# SPDX-License-Identifier: MIT
"""What processes cost: CPU, memory and system calls of a contender, all its processes together."""
import os
import re
import shutil
import subprocess
import time
from pathlib import Path


def family(pid):
    """pid and all its descendants."""
    children = {}
    for p in Path("/proc").iterdir():
        if p.name.isdigit():
            try:
                stat = (p / "stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(p.name))
    found, queue = [], [pid]
    while queue:
        one = queue.pop()
        found.append(one)
        queue += children.get(one, [])
    return found


def cpu_seconds_of(pid):
    """User and system time of one process, in nanoseconds where the kernel counts them, else in ticks."""
    total = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        schedstat = task / "schedstat"
        if schedstat.exists():
            total += int(schedstat.read_text().split()[0]) / 1e9
        else:
            fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def cpu_seconds(pid):
    """The same of its descendants, too."""
    total = 0.0
    for one in family(pid):
        try:
            total += cpu_seconds_of(one)
        except OSError:
            continue
    return total


def context_switches(pid):
    """Of all its threads, willing or not."""
    return sum(int(n) for task in Path(f"/proc/{pid}/task").iterdir()
               for n in re.findall(r"ctxt_switches:\s+(\d+)", (task / "status").read_text()))


def private_kib(pid):
    """What nobody shares, and is not merely a copy of a file."""
    return int(re.search(r"Private_Dirty:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text()).group(1))


def settle(pid, limit_s=10):
    """Waits until what is left of an earlier load is done with (a journal is written, say)."""
    end, before = time.monotonic() + limit_s, cpu_seconds(pid)
    while time.monotonic() < end:
        time.sleep(0.2)
        now = cpu_seconds(pid)
        if now - before < 0.005:
            return
        before = now


def data_kib(pid):
    """Of pid and its descendants; shared pages count by halves, thirds and so on.  Without programs and libraries: what of
    them counts here depends on who else runs them."""
    total = 0
    for one in family(pid):
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(kib) for kib in re.findall(r"^Pss_(?:Anon|Shmem):\s+(\d+)", rollup, re.M))
    return total


class KernelMemory:
    """with KernelMemory(pid) as kernel: ...; kernel.kib() is what the kernel keeps for pid and its descendants since then:
    sockets, descriptors, what they are registered with.  None without control groups that count it, version 1 or 2."""
    ROOTS = (("/sys/fs/cgroup/memory", "memory.kmem.usage_in_bytes", r"(\d+)"), ("/sys/fs/cgroup", "memory.stat", r"^kernel (\d+)"))

    def __init__(self, pid):
        self.pids, self.folder = family(pid), None

    def __enter__(self):
        for root, file, self.pattern in self.ROOTS:
            folder = Path(root) / f"t3ops-bench.{os.getpid()}"
            try:
                folder.mkdir()
            except OSError:
                continue
            self.folder, self.file = folder, folder / file
            if self.file.exists():
                self._move(folder)
                return self
            self.__exit__()
        return self

    def _move(self, folder):
        for pid in self.pids:
            try:
                (folder / "cgroup.procs").write_text(str(pid))
            except OSError:
                continue  # it has ended

    def kib(self):
        return int(re.search(self.pattern, self.file.read_text(), re.M).group(1)) / 1024 if self.folder else None

    def __exit__(self, *_):
        if self.folder:
            self._move(self.folder.parent)
            self.folder.rmdir()
        self.folder = None


class SystemCalls:
    """with SystemCalls(pid) as calls: ...; calls.total afterwards.  None without strace."""

    def __init__(self, pid):
        self.pids, self.total = family(pid), None

    def __enter__(self):
        self.strace = None
        if shutil.which("strace"):
            argv = ["strace", "-f", "-c"] + [f"-p{p}" for p in self.pids]
            self.strace = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            for _ in self.pids:
                if "attached" not in self.strace.stderr.readline():
                    raise RuntimeError("strace could not attach")
        return self

    def __exit__(self, *_):
        if not self.strace:
            return
        self.strace.terminate()
        total = re.findall(r"^100\.00\s+\S+\s+\d*\s+(\d+).*total$", self.strace.communicate()[1], re.M)
        self.total = int(total[0]) if total else None
