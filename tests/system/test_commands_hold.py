#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""While a job stops a t3 server, changes its database and starts it, nobody else has a program run for its user: a mint
with the newer t3 would migrate the database that was just put back."""
import os
import re
import signal
import threading
import time
import unittest

from lab import account, http, kill, process, wait
from lab.daemon import section
from lab.fleet import Fleet
from lab.stub import LATEST, OLD

PAGE = {"Accept": "text/html", "X-authentik-username": "alice"}
HELD = "Your t3 server is being upgraded or restored"
NOT_NOW = "not now: job upgrade holds this user's commands while it stops, changes and starts the t3 server"

# Which program the link leads to is found out first, as by a start that is slow.
MINT = """#!/bin/sh
program=$(readlink -f "$1")
shift
if mv {0}/shut {0}/waiting 2> {0}/nobody; then
    while [ -e {0}/waiting ]; do sleep 0.02; done
fi
exec "$program" "$@"
"""


class Gate:
    """The first mint after it was shut waits there; others pass."""

    def __init__(self):
        self.folder = account.give(process.folder())
        self.program = os.path.join(process.folder(), "mint")
        with open(self.program, "w", encoding="utf-8") as f:
            f.write(MINT.format(self.folder))
        os.chmod(self.program, 0o755)

    def path(self, name):
        return os.path.join(self.folder, name)

    def shut(self):
        with open(self.path("shut"), "w", encoding="utf-8"):
            pass

    def open(self):
        os.unlink(self.path("waiting"))

    def wait_mint(self):
        wait.until(lambda: os.path.exists(self.path("waiting")), what="a mint at the gate")


class Lab(Fleet):
    """alice was moved from OLD to LATEST, and can be moved back."""

    def __init__(self):
        self.gate = Gate()
        super().__init__(OLD, stop_command="stop", start_command="start", start_timeout="60s", idle_for="0s")

    def sections(self, mint=None, serve=None, **upgrade):
        program = f"{self.dir}/%n/current/bin/t3"
        base = ["--base-dir", self.stub.base]
        mint = [self.gate.program, program, "auth", "pairing", "create", *base, "--json"]
        rest = super().sections(mint, serve, **upgrade).replace('timeout = "10s"', 'timeout = "60s"')
        return section("plugin", "session_check", {}) + rest

    def __enter__(self):
        super().__enter__()
        status, _, said = self.ask("run", "alice", f"--to={self.prefixes[LATEST]}")
        assert status == 0, said
        self.log_at = len(self.daemon.log())
        return self

    def log(self):
        return self.daemon.log()[self.log_at:]

    def visit(self, **headers):
        """A browser without a session, another one each time."""
        return http.get(self.daemon.proxy, "/", {**PAGE, "User-Agent": f"visit {time.monotonic_ns()}", **headers})

    def held(self):
        return self.log().count("event=commands_held")

    def phase(self):
        return self.ask("status", "alice")[1]["phase"]


def begin(call, *arguments):
    """In a thread; .got is what it returned."""
    thread = threading.Thread(target=lambda: setattr(thread, "got", call(*arguments)), daemon=True)
    thread.start()
    return thread


class Hold(unittest.TestCase):
    def back(self, lab, status, said):
        self.assertEqual(status, 0, said)
        self.assertEqual((lab.installed(), lab.stub.version, lab.phase()), (lab.prefixes[OLD], OLD, "IDLE"))
        wait.until(lambda: lab.visit().header("set-cookie"), what="a session: a refusal is remembered for 2 s")

    def test_mint_in_flight(self):
        """One that began with the newer program ends before the server is stopped, and so before the older database is put
        back."""
        with Lab() as lab:
            lab.gate.shut()
            visit = begin(lab.visit)
            lab.gate.wait_mint()
            done = len(lab.unit.done)
            rollback = begin(lab.ask, "rollback", "alice")
            wait.until(lambda: lab.held() or not rollback.is_alive(), limit=60, what="the hold, or the end of the rollback")
            stopped = lab.unit.done[done:]
            lab.gate.open()
            visit.join()
            rollback.join()
            status, _, said = rollback.got
            self.back(lab, status, said)
            self.assertEqual(stopped, [], "it was stopped with a mint in flight")

    def test_mint_in_the_window(self):
        """It is not begun: who wants it is told so, and it is no failure."""
        with Lab() as lab:
            pages, rows = [], lab.daemon.metrics()
            lab.on["stop"] = lambda: pages.extend((lab.visit(), lab.visit(Cookie="t3_session=of-another-day")))
            lab.on["start"] = lambda: pages.append(lab.visit())
            status, _, said = lab.ask("rollback", "alice")
            self.back(lab, status, said)
            self.assertEqual([(page.status, HELD in page.text()) for page in pages], [(503, True)] * 3)
            self.assertEqual(pages[0].header("retry-after"), "3")
            self.assertNotIn("event=pairing_failed", lab.log())
            refused = len(re.findall(f'event=command_refused requester=proxy command=mint user=alice error="{NOT_NOW}"', lab.log()))
            self.assertIn(refused, (1, 2), "a refusal is remembered for 2 s")
            for name in ('t3ops_commands_refused_total{requester="proxy"}',
                         't3ops_pair_total{plugin="auto_pair",result="held",fallback="no"}'):
                self.assertEqual(lab.daemon.metrics()[name] - rows[name], refused)

    def test_job_killed(self):
        """Its hold ends with it, and the next run takes it up."""
        with Lab() as lab:
            pages = []

            def die():
                for pid in kill.jobs(lab.daemon):
                    os.kill(pid, signal.SIGKILL)
                wait.until(lambda: not kill.jobs(lab.daemon), what="the end of the job")
                wait.until(lambda: "event=commands_released" in lab.log(), what="the end of the hold")
                pages.append(lab.visit())
            lab.on["stop"] = die
            lab.ask("rollback", "alice")
            wait.until(lambda: pages, what="what was asked after the end of the job")
            self.assertEqual([HELD in page.text() for page in pages], [False])
            self.assertEqual(lab.phase(), "UNDOING")
            lab.on["start"] = lambda: pages.append(lab.visit())
            status, _, said = lab.ask("run", "alice")
            self.assertRegex(said, "rolled back: ")
            self.assertEqual(status, 1)
            self.back(lab, 0, said)
            self.assertEqual([HELD in page.text() for page in pages], [False, True])
            self.assertEqual(lab.held(), 2)

    def test_monitor_killed(self):
        """The hold is the job's."""
        with Lab() as lab:
            pages = []

            def die():
                before = lab.daemon.pids("monitor")
                for pid in before:
                    os.kill(pid, signal.SIGKILL)
                wait.until(lambda: lab.daemon.pids("monitor") not in (before, []), what="another monitor")
                pages.append(lab.visit())
            lab.on["stop"] = die
            lab.ask("rollback", "alice")
            wait.until(lambda: lab.log().count("event=commands_released"), limit=60, what="the end of the hold")
            self.assertEqual([HELD in page.text() for page in pages], [True])
            wait.until(lambda: lab.phase() == "IDLE", limit=60, what="the end of the rollback")
            self.back(lab, 0, "")

    def test_user_removed(self):
        """The job cannot start the server of somebody who is no user any more; whoever comes again is served."""
        with Lab() as lab:
            at = len(lab.daemon.log())

            def remove():
                lab.daemon.write_users({"bob": 1})
                wait.until(lambda: lab.visit().status == 403, what="nobody of that name")
            lab.on["stop"] = remove
            status, _, said = lab.ask("rollback", "alice")
            self.assertRegex(said, 'NOT ROLLED BACK: command "start": ')
            self.assertEqual(status, 1)
            self.assertIn("event=commands_released", lab.daemon.log()[at:])
            lab.daemon.write_users({"alice": lab.stub.port})
            wait.until(lambda: lab.visit().status != 403, what="alice")
            lab.ask("run", "alice")
            self.back(lab, 0, "")


if __name__ == "__main__":
    unittest.main()
