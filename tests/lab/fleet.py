# SPDX-License-Identifier: MIT
"""Versions of t3 side by side, and what moves a user from one to another: prefixes, the user's link, and a unit that
stops and starts the server that the link leads to."""
import json
import os
import stat

from lab import account, process
from lab.daemon import Daemon, section
from lab.stub import T3Stub
from lab.unit import Unit


class Prefixes:
    """PREFIX/VERSION/bin/t3, as a package manager would install it."""

    def __init__(self):
        self.dir = process.folder()

    def __getitem__(self, version):
        prefix = os.path.join(self.dir, version)
        program = os.path.join(prefix, "bin/t3")
        if not os.path.exists(program):
            os.makedirs(os.path.dirname(program))
            self.write(program, f'exec env T3STUB_VERSION={version} {account.program("tests/lab/t3stub")} "$@"')
        return prefix

    @staticmethod
    def write(path, text):
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\n{text}\n")
        os.chmod(path, stat.S_IRWXU | 0o055)


class Fleet:
    """One user, alice, whose server runs what her link leads to.  live: which version really starts where another one is
    installed.  on: what happens once, before the unit does as it is told, or after it has started the server."""

    def __init__(self, version, mint=None, serve=None, others=None, **upgrade):
        self.prefixes = Prefixes()
        self.stub = T3Stub(version)
        self.live, self.on = {}, {}
        self.unit = Unit(self)
        self.dir = os.path.join(process.folder(), "upgrade")
        program = f"{self.dir}/%n/current/bin/t3"
        self.daemon = Daemon({}, self.sections(mint, serve, **upgrade), users={"alice": self.stub.port, **(others or {})})

    def sections(self, mint=None, serve=None, **upgrade):
        program = f"{self.dir}/%n/current/bin/t3"
        options = {"dir": self.dir, "installed": self.prefixes[self.stub.version], "base_dir": self.stub.base,
                   "start_timeout": "5s", "deadline": "120s", **upgrade}
        base = ["--base-dir", self.stub.base]
        return (
            section("command", "mint", {"argv": mint or [program, "auth", "pairing", "create", *base, "--json"], "timeout": "10s"}) +
            section("command", "serve", {"argv": serve or [program, "serve", *base, "--host", "127.0.0.1", "--port", "%p"]}) +
            self.unit.command("stop", "stop") + self.unit.command("start", "start") +
            section("plugin", "auto_pair", {}) + section("plugin", "upgrade", options))

    def change(self, **options):
        """Other options for upgrade, or another mint or serve."""
        self.daemon.sections = self.sections(**options)
        self.daemon.write_conf()
        self.daemon.reload()

    # ---- what the unit does

    def stop(self):
        self.on.pop("stop", lambda: None)()
        if self.stub.process.alive():
            self.stub.stop()

    def start(self):
        self.on.pop("start", lambda: None)()
        if self.stub.process.alive():
            return
        version = os.path.basename(self.installed())
        self.stub.switch(self.live.get(version, version))
        self.stub.start()
        self.on.pop("started", lambda: None)()

    # ---- what a person asks

    def ask(self, *words):
        """t3opsctl upgrade ...: (exit status, the last row, what it said)."""
        done = self.daemon.ctl_done("upgrade", *words, "-j")
        rows = json.loads(done.stdout)["rows"] if done.stdout else []
        return done.returncode, rows[-1] if rows else {}, done.stderr

    def check(self, version, *more):
        return self.ask("check", "alice", f"--to={self.prefixes[version]}", *more)

    def installed(self):
        return os.readlink(os.path.join(self.dir, "alice/current"))

    def state(self):
        with open(os.path.join(self.dir, "alice/state.json"), encoding="utf-8") as f:
            return json.load(f)

    def __enter__(self):
        self.stub.__enter__()
        self.daemon.__enter__()
        return self

    def __exit__(self, *how):
        self.daemon.__exit__(*how)
        self.stub.__exit__(*how)
