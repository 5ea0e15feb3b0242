#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmark of backups: what a copy costs who writes to the database meanwhile, and how long it takes.

A writer commits small transactions as t3 does.  In each round it runs beside nothing, a backup by t3ops, VACUUM INTO
by hand and the same with the priorities that t3ops gives itself, SQLite's backup API (as .backup), and a plain copy of
the file (which is none: what was in the -wal file is missing).  Every round begins with another of them.  The table
gives the median and the range of the rounds: the p99 of a commit, its ratio to the idle one of the same round, and
seconds and CPU seconds with their ratios to VACUUM INTO of the same round.  On a machine that others load as well, a
process of low priority waits for them: there the CPU seconds tell more.

    backup.py [--rounds N] [--mib MIB] [--compress LEVEL] [--dir DIRECTORY]
"""
import argparse
import inspect
import json
import os
import resource
import select
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import measure  # noqa: E402
from lab import account  # noqa: E402
from lab.daemon import Daemon, section  # noqa: E402

IDLE_S = 4
PAUSE_S = 0.002


def database_make(path, mib):
    """Rows of a kilobyte, half of it text that can be packed; three to a page, 768 to a MiB."""
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE events(id INTEGER PRIMARY KEY, body)")
        for _ in range(mib):
            db.execute("INSERT INTO events(body) SELECT hex(randomblob(250)) || printf('%.512c', 'x') FROM "
                       "(WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<768) SELECT i FROM c)")
            db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def write(path):
    """The process of the writer: commits until its input ends, then prints how long each took."""
    db = sqlite3.connect(path, timeout=60, isolation_level=None)
    db.execute("PRAGMA synchronous=NORMAL")
    took = []
    while not select.select([sys.stdin], [], [], PAUSE_S)[0]:
        before = time.perf_counter()
        db.execute("INSERT INTO events(body) VALUES(hex(randomblob(200)))")
        took.append(time.perf_counter() - before)
    db.close()
    json.dump(took, sys.stdout)


# As text, for the writer's account may not read this file.
WRITER = f"import json, select, sqlite3, sys, time\nPAUSE_S = {PAUSE_S}\n{inspect.getsource(write)}\nwrite(sys.argv[1])\n"


def cpu_seconds(daemon):
    """Of the daemon and of this program, with all children that have ended."""
    ticks = 0
    for pid in measure.family(daemon.pid):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            ticks += sum(int(field) for field in f.read().rsplit(")", 1)[1].split()[11:15])
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return ticks / os.sysconf("SC_CLK_TCK") + sum(u.ru_utime + u.ru_stime for u in used)


def figures_take(daemon, path, work):
    """p99 of a commit in ms while the work is done; its seconds, and those of a CPU."""
    writer = subprocess.Popen(["env", "python3", "-c", WRITER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True, **account.popen_options())
    time.sleep(0.5)
    before, cpu = time.perf_counter(), cpu_seconds(daemon)
    work()
    seconds, cpu = time.perf_counter() - before, cpu_seconds(daemon) - cpu
    took = sorted(json.loads(writer.communicate()[0]))
    return took[int(len(took) * 0.99)] * 1000, seconds, cpu


def vacuum_into(path, to):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    db.execute("VACUUM INTO ?", (to,))
    db.close()
    sync(to)


def vacuum_into_nice(path, to):
    """In a process of its own, with the priorities of a backup."""
    code = f"import sys; sys.path[:0] = {[HERE, os.path.dirname(HERE)]}; import backup; backup.vacuum_into({path!r}, {to!r})"
    subprocess.run(["nice", "-n", "10", "ionice", "-c", "2", "-n", "7", sys.executable, "-c", code], check=True)


def backup_api(path, to):
    db, copy = sqlite3.connect(f"file:{path}?mode=ro", uri=True), sqlite3.connect(to)
    db.backup(copy, pages=-1)
    copy.close()
    db.close()
    sync(to)


def plain_copy(path, to):
    shutil.copyfile(path, to)
    sync(to)


def sync(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def contenders(daemon, path, to):
    return {"idle": lambda: time.sleep(IDLE_S),
            "t3ops": lambda: daemon.ctl("backup", "now", "alice"),
            "VACUUM INTO": lambda: vacuum_into(path, to),
            "VACUUM INTO, nice": lambda: vacuum_into_nice(path, to),
            "backup API": lambda: backup_api(path, to),
            "plain copy": lambda: plain_copy(path, to)}


def rounds_run(args, folder):
    path, to = os.path.join(folder, "home/state.sqlite"), os.path.join(folder, "copy.sqlite")
    os.mkdir(os.path.dirname(path), 0o755)
    account.give(os.path.dirname(path))
    database_make(path, args.mib)
    account.give(path)
    options = {"to": os.path.join(folder, "to"), "database": path, "retain": 1, "deadline": "1h", "compress": args.compress}
    figures = {}
    with Daemon({}, section("plugin", "backup", options), users={"alice": {"os_user": account.NAME, "port": 1}}) as daemon:
        everyone = list(contenders(daemon, path, to).items())
        for i in range(args.rounds):
            for name, work in everyone[i % len(everyone):] + everyone[:i % len(everyone)]:
                figures.setdefault(name, []).append(figures_take(daemon, path, work))
                if os.path.exists(to):
                    os.unlink(to)
    return figures


def range_text(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} - {max(values):.2f})"


def ratios(figures, name, other, i):
    return range_text([a[i] / b[i] for a, b in zip(figures[name], figures[other])]) if name != "idle" else ""


def report(figures):
    print("| | commit p99 ms | of idle | seconds | of VACUUM INTO | of it, nice | CPU-s | of VACUUM INTO |\n"
          "|---|--:|---|--:|---|---|--:|---|")
    for name, rounds in figures.items():
        p99, seconds, cpu = (statistics.median(r[i] for r in rounds) for i in range(3))
        print(f"| {name} | {p99:.2f} | {ratios(figures, name, 'idle', 0)} | {seconds:.2f} | "
              f"{ratios(figures, name, 'VACUUM INTO', 1)} | {ratios(figures, name, 'VACUUM INTO, nice', 1)} | {cpu:.2f} | "
              f"{ratios(figures, name, 'VACUUM INTO', 2)} |")
    print(json.dumps(figures), file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--compress", type=int, default=0)
    parser.add_argument("--dir", default="/tmp", help="where the database and its copies are: the disk to measure")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="t3ops-bench.", dir=args.dir) as folder:
        os.chmod(folder, 0o755)
        report(rounds_run(args, folder))


if __name__ == "__main__":
    main()
