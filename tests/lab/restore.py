# SPDX-License-Identifier: MIT
"""A user's server with backups of it, and a unit that stops and starts it for a restore."""
import contextlib
import json
import os
import signal

from lab import http, process
from lab.daemon import Daemon, section
from lab.stub import T3Stub
from lab.unit import Unit


class Lab:
    def __init__(self, **backup):
        self.stub = T3Stub()
        self.killed = 0
        self.unit = Unit(self.stub)
        self.to = os.path.join(process.folder(), "to")
        options = {"to": self.to, "database": self.stub.database, "stop_command": "stop", "start_command": "start",
                   "deadline": "60s", **backup}
        sections = (section("command", "mint", {"argv": self.stub.mint_argv(), "timeout": "10s"}) +
                    section("command", "serve", {"argv": self.stub.serve_argv()}) +
                    self.unit.command("stop", "stop") + self.unit.command("start", "start") +
                    section("plugin", "auto_pair", {}) + section("plugin", "backup", options))
        self.daemon = Daemon({}, sections, users={"alice": self.stub.port})

    def __enter__(self):
        self.stub.__enter__()
        self.daemon.__enter__()
        return self

    def __exit__(self, *how):
        self.daemon.__exit__(*how)
        self.stub.__exit__(*how)

    def ask(self, *words):
        """t3opsctl backup ...: (exit status, rows, what it said)."""
        json_wanted = [] if words[0] == "now" else ["-j"]
        done = self.daemon.ctl_done("backup", *words, *json_wanted)
        rows = json.loads(done.stdout)["rows"] if json_wanted and done.stdout else []
        return done.returncode, rows, done.stderr

    def kill_job(self):
        """kill -9 of the process of an action in progress."""
        helper = str(self.daemon.processes()["helper"])
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                if f.read().rpartition(")")[2].split()[1] == helper and "t3ops" in os.readlink(f"/proc/{pid}/exe"):
                    os.kill(int(pid), signal.SIGKILL)
                    self.killed += 1

    def backup(self):
        self.daemon.ctl("backup", "now", "alice")
        return self.ask("list", "alice")[1][0]["file"]

    def mark(self, text):
        self.stub.sql("CREATE TABLE IF NOT EXISTS marks(x)")
        self.stub.sql("INSERT INTO marks VALUES(?)", text)

    def marks(self):
        return [x for x, in self.stub.sql("SELECT x FROM marks ORDER BY rowid")]

    def pairs(self):
        page = {"Accept": "text/html", "X-authentik-username": "alice"}
        return bool(http.get(self.daemon.proxy, "/", page).header("set-cookie"))
