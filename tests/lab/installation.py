# SPDX-License-Identifier: MIT
"""Several users whose t3 servers run what their links lead to, for rollouts over all of them.

    with Installation(NEW, ("alice", "bob"), bake="2s") as lab:
        lab.ask("run", "--to=" + lab.prefixes[LATEST])
        lab.wait_idle()
"""
import contextlib
import json
import os
import sqlite3

from lab import account, process, wait
from lab.daemon import Daemon, section
from lab.fleet import Fleet, Prefixes
from lab.stub import T3Stub
from lab.unit import Unit

LEG = {"fresh": "0s", "heartbeat": "200ms", "late": "600ms", "watchdog": "1500ms", "timeout": "700ms",
       "reconnect_min": "100ms", "reconnect_max": "400ms", "pairing_pause": "300ms"}


class Units(Unit):
    """Asked "stop NAME" or "start NAME"."""

    def serve(self):  # in one thread: what it starts ends with it
        while True:
            connection, _ = self.socket.accept()
            with connection, contextlib.suppress(OSError):  # who asked may be killed meanwhile
                self.answer(connection)

    def answer(self, connection):
        words = connection.recv(300).decode()
        self.done.append(words)
        word, name = words.split()
        if words not in self.broken and word not in self.broken:
            getattr(self.stub.seats[name], word)()
            connection.sendall(b"done")

    def command(self, name, word):
        return section("command", name, {"argv": ["/usr/bin/env", "python3", self.client, self.path, word + " %n"],
                                         "timeout": "60s"})


class Seat:
    """One user's server.  on: what happens once, before the unit does as it is told, or after it has started the server."""

    def __init__(self, lab, name, version):
        self.lab, self.name, self.on = lab, name, {}
        base = os.path.join(lab.bases, name)
        os.mkdir(base)
        account.give(base)
        self.stub = T3Stub(version, os.path.join(base, ".t3"))

    def stop(self):
        self.on.pop("stop", lambda: None)()
        if self.stub.process.alive():
            self.stub.stop()

    def start(self):
        self.on.pop("start", lambda: None)()
        if self.stub.process.alive():
            return
        version = os.path.basename(self.installed)
        self.stub.switch(self.lab.live.get(version, version))
        self.stub.start()
        self.on.pop("started", lambda: None)()

    @property
    def installed(self):
        return os.readlink(os.path.join(self.lab.dir, self.name, "current"))

    @property
    def version(self):
        return os.path.basename(self.installed)

    def event(self, text):
        self.stub.sql("INSERT INTO orchestration_events(body) VALUES (?)", text)

    def events(self):
        with contextlib.closing(sqlite3.connect(self.stub.database)) as db:
            return [x for x, in db.execute("SELECT body FROM orchestration_events ORDER BY id")]

    def turn(self, running=True):
        """A turn is in progress, or over."""
        if running:
            self.stub.sql("INSERT INTO projection_turns(turn_id, state, requested_at) "
                          "VALUES ('t', 'running', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))")
        else:
            self.stub.sql("UPDATE projection_turns SET state = 'completed', completed_at = 'now'")


class Installation(Fleet):
    """live: which version really starts where another one is installed."""

    def __init__(self, version, names, backup=False, core=None, **upgrade):
        self.prefixes = Prefixes()
        self.live, self.bases = {}, process.folder()
        os.chmod(self.bases, 0o755)
        self.dir = os.path.join(process.folder(), "upgrade")
        self.backups = os.path.join(process.folder(), "backups")
        self.seats = {name: Seat(self, name, version) for name in names}
        self.unit = Units(self)
        self.first = version
        if backup:
            upgrade["backup"] = "backup"
        self.daemon = Daemon(core or {}, self.sections(**upgrade), users={n: s.stub.port for n, s in self.seats.items()})

    def sections(self, mint=None, serve=None, **upgrade):
        program, base = f"{self.dir}/%n/current/bin/t3", ["--base-dir", f"{self.bases}/%n/.t3"]
        options = {"dir": self.dir, "installed": self.prefixes[self.first], "base_dir": f"{self.bases}/%n/.t3",
                   "stop_command": "stop", "start_command": "start", "start_timeout": "20s", "deadline": "120s",
                   "idle_for": "0s", "bake": "2s", "settle": "1s", "retry": "1s", **upgrade}
        return (
            section("command", "mint", {"argv": [program, "auth", "pairing", "create", *base, "--json"], "timeout": "10s"}) +
            section("command", "serve", {"argv": [program, "serve", *base, "--host", "127.0.0.1", "--port", "%p"]}) +
            self.unit.command("stop", "stop") + self.unit.command("start", "start") +
            section("plugin", "session_check", {}) + section("plugin", "auto_pair", {}) + section("plugin", "probe_t3serve", LEG) +
            section("plugin", "backup", {"to": self.backups, "database": f"{self.bases}/%n/.t3/userdata/state.sqlite"}) +
            section("plugin", "upgrade", options))

    @property
    def state_path(self):
        return os.path.join(self.daemon.state_dir, "secrets/upgrade/rollout")

    def rows(self):
        """Of t3opsctl upgrade progress: that of the rollout, and {name: row}."""
        answer = json.loads(self.daemon.ctl("upgrade", "progress", "-j"))["rows"]
        return answer[0], {row["user"]: row for row in answer[1:]}

    def state(self):
        return self.rows()[0]["state"]

    def wait_state(self, *states, limit=120):
        wait.until(lambda: self.state() in states, limit, f"the rollout to be {' or '.join(states)}")

    def wait_idle(self, limit=240):
        """Until it is over; how it ended."""
        self.wait_state("IDLE", limit=limit)
        return self.rows()[0]["outcome"]

    def versions(self):
        return {name: seat.version for name, seat in self.seats.items()}

    def started(self):
        """Who was stopped or started, in order."""
        return [words.split()[1] for words in self.unit.done if words.startswith("start")]

    def roll(self, version, *more):
        return self.ask("run", f"--to={self.prefixes[version]}", *more)

    def __enter__(self):
        self.daemon.__enter__()
        self.ask("status")  # which makes the links
        for name in self.seats:
            self.daemon.wait_log(rf"event=leg_up .*user={name}\b")
        return self

    def __exit__(self, *how):
        self.daemon.__exit__(*how)
        for seat in self.seats.values():
            seat.stub.__exit__(*how)
