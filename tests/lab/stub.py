# SPDX-License-Identifier: MIT
"""t3stub as a Python object: a stand-in for one user's `t3 serve`."""
import contextlib
import json
import os
import signal
import sqlite3
import subprocess

from lab import account, confidential, http, process

OLD, NEW, LATEST, NEXT = "0.0.24", "0.0.28", "0.0.32", "0.0.33"
RENAMED = "0.0.33-renamed-cookie"  # t3_session_HEX of the environment, migrates t3_session
COOKIELESS = "0.0.33-without-cookie"  # answers a pairing with 200 and no Set-Cookie
ALL = (OLD, NEW, LATEST, NEXT, RENAMED, COOKIELESS)


class T3Stub:
    def __init__(self, version=NEW, base=None, host="127.0.0.1", port=0, start=True, **switches):
        """switches: dead_ms, grace_ms, time, page ... as t3stub prints them for --help."""
        self.base = base or os.path.join(account.give(process.folder()), ".t3")
        self.host = host
        self.port = port
        self.env = {}
        self.before = ()  # words in front of the command that starts it
        self.switch(version)
        self.env.update({f"T3STUB_{k.upper()}": str(v) for k, v in switches.items()})
        self.process = None
        confidential.database(self.database)
        if start:
            self.start()

    def switch(self, version):
        """Another version, from the next start on."""
        self.version = self.env["T3STUB_VERSION"] = version

    @property
    def program(self):
        return account.program("tests/lab/t3stub")

    @property
    def address(self):
        return self.host if self.host != "0.0.0.0" else "127.0.0.1", self.port

    @property
    def database(self):
        return os.path.join(self.base, "userdata/state.sqlite")

    def start(self, limit=30):
        self.process = process.Process([*self.before, self.program, "serve", "--base-dir", self.base, "--host", self.host, "--port",
                                        str(self.port)], "t3stub", self.env, as_account=True)
        self.port = int(self.process.wait_log(r"^Listening on http://.*:(\d+)$", limit).group(1))

    def mint_argv(self):
        """The command that mints for this server, as a config section wants it."""
        return ["/usr/bin/env", f"T3STUB_VERSION={self.version}", self.program, "auth", "pairing", "create", "--base-dir",
                self.base, "--ttl", "5m", "--json"]

    def serve_argv(self):
        """The command that starts another server like this one."""
        return ["/usr/bin/env", f"T3STUB_VERSION={self.version}", self.program, "serve", "--base-dir", self.base, "--host",
                "127.0.0.1", "--port", "%p"]

    def mint(self):
        done = subprocess.run(self.mint_argv(), capture_output=True, text=True, timeout=60, check=True,
                              **account.popen_options())
        return json.loads(done.stdout)["credential"]

    @property
    def endpoint(self):
        return "/api/auth/bootstrap" if self.version == OLD else "/api/auth/browser-session"

    def exchange(self, credential):
        return http.request(self.address, "POST", self.endpoint, {"Content-Type": "application/json"},
                            json.dumps({"credential": credential}).encode())

    def cookie(self):
        """A live session as NAME=VALUE."""
        answer = self.exchange(self.mint())
        if answer.status != 200:
            raise AssertionError(f"pairing answered {answer!r}")
        return answer.header("set-cookie").split(";")[0]

    def sql(self, statement, *values):
        """Runs one statement on the database of the running server."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=30)) as db, db:
            return db.execute(statement, values).fetchall()

    def wipe(self):
        """Every session is dead from now on."""
        self.sql("DELETE FROM auth_sessions")

    def sessions(self):
        """How many were made by pairing, dead ones included unless they were wiped."""
        return self.sql("SELECT count(*) FROM auth_sessions")[0][0]

    def mute(self, muted=True):
        """Its WebSockets read and answer nothing any more; HTTP goes on."""
        http.request(self.address, "POST", "/stub/websockets?answer=" + ("no" if muted else "yes"))

    def stall(self):
        self.process.stall()

    def resume(self):
        self.process.resume()

    def refuse(self):
        """Closes the listener and every connection; accept() undoes it."""
        mark = len(self.process.log())
        self.process.send_signal(signal.SIGUSR1)
        self.process.wait_log(r"^Refusing", after=mark)

    def accept(self):
        mark = len(self.process.log())
        self.process.send_signal(signal.SIGUSR2)
        self.process.wait_log(r"^Listening on", after=mark)

    def crash(self):
        self.process.kill()

    def stop(self, number=signal.SIGTERM, limit=40):
        return self.process.stop(number, limit)

    def __enter__(self):
        return self

    def __exit__(self, *more):
        self.process.__exit__(*more)
