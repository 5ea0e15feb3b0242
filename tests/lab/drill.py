# SPDX-License-Identifier: MIT
"""A user's server with backups of it, and a link to the program that a throwaway server of a restore drill is."""
import contextlib
import json
import os

from lab import account, process
from lab.daemon import Daemon, section
from lab.fleet import Prefixes
from lab.stub import NEW, T3Stub


def key_file():
    path = os.path.join(process.folder(), "key")
    with open(path, "w", encoding="utf-8") as f:
        f.write("5a" * 32 + "\n")
    os.chmod(account.give(path), 0o600)
    return path


class Lab:
    """alice's server, and backups of it.  program: where a link to the prefix of her version is."""

    def __init__(self, pairs=True, **backup):
        self.stub = T3Stub(NEW)
        self.prefixes = Prefixes()
        self.program = os.path.join(process.folder(), "current")
        self.install(NEW)
        self.to = os.path.join(process.folder(), "to")
        t3 = os.path.join(self.program, "bin/t3")
        base = ["--base-dir", self.stub.base]
        options = {"to": self.to, "database": self.stub.database, "deadline": "120s", "retain": 1, "serve_command": "serve",
                   "start_timeout": "10s", **backup}
        pairing = section("command", "mint", {"argv": [t3, "auth", "pairing", "create", *base, "--json"], "timeout": "10s"}) + \
            section("plugin", "auto_pair", {})
        sections = (section("command", "serve", {"argv": [t3, "serve", *base, "--host", "127.0.0.1", "--port", "%p"]}) +
                    (pairing if pairs else "") + section("plugin", "backup", options))
        self.daemon = Daemon({}, sections, users={"alice": self.stub.port})

    def install(self, version):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.program)
        os.symlink(self.prefixes[version], self.program)

    def __enter__(self):
        self.stub.__enter__()
        self.daemon.__enter__()
        return self

    def __exit__(self, *how):
        self.daemon.__exit__(*how)
        self.stub.__exit__(*how)

    def ask(self, *words):
        """t3opsctl backup ...: (exit status, rows, what it said)."""
        done = self.daemon.ctl_done("backup", *words, "-j")
        return done.returncode, json.loads(done.stdout)["rows"] if done.stdout else [], done.stderr

    def backup(self):
        self.daemon.ctl("backup", "now", "alice")
        return self.ask("list", "alice")[1][0]["file"]

    def bad_backup(self):
        """Whole, with all rows of what people wrote: and nobody could be paired with it."""
        self.stub.sql("ALTER TABLE auth_pairing_links RENAME TO away")
        name = self.backup()
        self.stub.sql("ALTER TABLE away RENAME TO auth_pairing_links")
        return name

    def files(self):
        return sorted(os.listdir(os.path.join(self.to, "alice")))

    def metric(self, which):
        name = f't3ops_backup_drill_last_{which}_timestamp_seconds{{plugin="backup",user="alice"}}'
        return self.daemon.metrics().get(name, 0)

    def strangers(self):
        """Servers of t3 beside alice's own."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", encoding="utf-8") as f:
                words = f.read().split("\0")
                if "serve" in words and self.stub.base in words and int(pid) != self.stub.process.pid:
                    found.append(int(pid))
        return found
