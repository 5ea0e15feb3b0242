#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/security.md says what each process has: its table is compared with /proc of a running daemon."""
import os
import pwd
import re
import sys
import unittest

from lab import account, http, process, wait
from lab.daemon import Daemon, section
from lab.origin import Origin

SOURCE = process.source_dir()
CAPABILITIES = {"CAP_CHOWN": 0, "CAP_DAC_READ_SEARCH": 2, "CAP_FOWNER": 3, "CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7,
                "CAP_NET_BIND_SERVICE": 10}


def page():
    with open(f"{SOURCE}/docs/security.md", encoding="utf-8") as f:
        return f.read()


def table():
    """{process: {column: text}} of the first table."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in page().split("\n## ")[0].splitlines()
            if line.startswith("|") and not line.startswith("|---")]
    return {row[0]: dict(zip(rows[0], row)) for row in rows[1:]}


def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(re.findall(r"^(\w+):\s*(.*)$", f.read(), re.M))


def kind_of(fd, link, state_dir):
    if fd <= 2:
        return "log"
    if link.startswith("socket:"):
        return "sockets"
    if link.startswith("anon_inode:"):
        return "events"
    if link.startswith("/memfd:"):
        return "memory"
    if link.startswith("/proc/pressure/"):
        return "pressure"
    return "state_dir" if link.startswith(state_dir) else link


def descriptors(pid, state_dir):
    found = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            found.add(kind_of(int(fd), os.readlink(f"/proc/{pid}/fd/{fd}"), state_dir))
        except FileNotFoundError:
            continue
    return found


# Accounts that every system has, none of them the lab's.
OWN = {"user_proxy": "daemon", "user_prober": "bin", "user_monitor": "sys", "user_jobs": "games"}


class Table(unittest.TestCase):
    def test_tests_that_it_names_exist(self):
        for files, names in re.findall(r"((?:tests/\S+?\.(?:c|py)(?:, )?)+): ((?:test_\w+(?:, )?)+)", page()):
            for file in files.split(", "):
                with open(f"{SOURCE}/{file}", encoding="utf-8") as f:
                    text = f.read()
                for name in names.split(", "):
                    self.assertIn(name, text, file)
        for file in re.findall(r"tests/[\w/]+\.(?:c|py)", page()):
            self.assertTrue(os.path.exists(f"{SOURCE}/{file}"), file)

    @unittest.skipUnless(account.ROOT, "SKIP: only a daemon that is started as root has all of it")
    def test_is_what_proc_says(self):
        origin = Origin({})
        self.addCleanup(origin.stop)
        to = process.folder()
        account.give(to)
        d = Daemon(dict(OWN), 'plugin "probe_echo" {}\nplugin "probe_t3serve" { websocket = false }\n'
                   + section("plugin", "backup", {"to": to}), users={"alice": origin.port})
        self.addCleanup(d.stop)
        http.get(d.proxy, "/healthz")
        pids, rows, metrics = {**d.processes(), "supervisor": d.pid}, table(), d.metrics()
        self.assertEqual(set(rows), set(pids))
        for name, pid in pids.items():
            with self.subTest(name):
                self.compare(name, rows[name], pid, d, metrics)

    @unittest.skipUnless(account.ROOT, "SKIP: only root has other accounts")
    def test_state_is_each_one_s_own(self):
        """Also what an earlier t3ops left there, when all of them were `user`."""
        to = process.folder()
        account.give(to)
        d = Daemon({}, section("plugin", "backup", {"to": to}), users={"alice": 1}, start=False)
        self.addCleanup(d.stop)
        secret = os.path.join(d.state_dir, "secrets/leg/alice")
        os.makedirs(os.path.dirname(secret), 0o700)
        for path in (secret, os.path.join(d.state_dir, "job_last_success.json")):
            with open(path, "w", encoding="ascii") as f:
                f.write("{}")
            os.chmod(path, 0o600)
        os.link(secret, os.path.join(d.dir, "outside"))
        for path in (os.path.dirname(os.path.dirname(secret)), os.path.dirname(secret), secret, f.name):
            account.give(path)
        os.symlink("/etc/passwd", os.path.join(d.state_dir, "journal.sqlite.link"))
        d.start()
        self.assertTrue(os.path.exists(os.path.join(d.state_dir, "journal.sqlite")))
        d.stop()
        d.options.update(OWN)
        d.write_conf()
        d.start()
        d.reload()
        owners = {n: pwd.getpwuid(os.lstat(os.path.join(d.state_dir, n)).st_uid).pw_name for n in os.listdir(d.state_dir)}
        self.assertEqual((owners["journal.sqlite"], owners["job_last_success.json"], owners["secrets"]), ("sys", "games", "bin"))
        self.assertEqual(pwd.getpwuid(os.stat(secret).st_uid).pw_name, account.NAME, "a file that has two names stays whose it is")
        self.assertEqual(os.stat("/etc/passwd").st_uid, 0)
        self.assertEqual(os.stat(d.state_dir).st_mode & 0o7777, 0o1770)
        self.assertNotIn("events are not kept", d.log(), "the check runs as an account that may only read the journal")
        self.assertNotRegex(d.log(), "event=(journal|state_dir|last_success)_failed")
        wait.until(lambda: d.ctl("events", "-k", "reloaded"), what="the journal to be written")

    def compare(self, name, row, pid, d, metrics):
        s = status(pid)
        account_name = {"root": "root", **OWN}[row["uid"]]
        self.assertEqual(set(s["Uid"].split()), {str(pwd.getpwnam(account_name).pw_uid)})
        words = [] if row["capabilities"] == "none" else row["capabilities"].split()
        withheld = ~int(status(os.getpid())["CapPrm"], 16)
        self.assertEqual(int(s["CapPrm"], 16), sum(1 << CAPABILITIES[w] for w in words) & ~withheld)
        if account_name != "root":
            self.assertEqual(s["NoNewPrivs"], "1")
        for layer in ("seccomp", "landlock"):
            here = metrics.get(f't3ops_sandbox{{process="{name}",layer="{layer}"}}')  # 0: this kernel or build has none
            self.assertEqual(here is not None, row[layer] == "yes", layer)
        if metrics.get(f't3ops_sandbox{{process="{name}",layer="seccomp"}}') or row["seccomp"] == "no":
            self.assertEqual(s["Seccomp"] == "2", row["seccomp"] == "yes")
        absent = {"pressure"} if "event=pressure_polled" in d.log() else set()
        self.assertEqual(descriptors(pid, d.state_dir), set(row["descriptors"].split()) - absent)


if __name__ == "__main__":
    if not account.ROOT:
        print("SKIP: test_is_what_proc_says: only a daemon that is started as root has all of it", file=sys.stderr)
    unittest.main()
