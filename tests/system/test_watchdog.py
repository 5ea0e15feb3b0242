#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A t3 server that hangs is restarted once the verdict is sure, after a backup and with evidence; so often, and no more."""
import glob
import json
import os
import re
import signal
import stat
import unittest

from lab import process, wait
from lab.daemon import Daemon, section
from lab.stub import T3Stub
from lab.unit import Unit

BRISK = {"fresh": "0s", "heartbeat": "200ms", "late": "600ms", "watchdog": "1500ms", "timeout": "700ms",
         "reconnect_min": "100ms", "reconnect_max": "400ms", "pairing_pause": "300ms"}


class Lab:
    def __init__(self, **watchdog):
        self.stub = T3Stub(dead_ms=0)
        self.unit = Unit(self.stub)
        self.dir = process.folder()
        options = {"restart_command": "restart", "patience": "2s", "grace": "1s", "window": "1h", "max_restarts": 2,
                   "backup": "backup", "evidence": f"{self.dir}/evidence", "deadline": "40s",
                   "database": self.stub.database, **watchdog}
        sections = (section("command", "mint", {"argv": self.stub.mint_argv()}) + self.unit.command("restart", "restart") +
                    'plugin "auto_pair" {}\n' + section("plugin", "probe_t3serve", BRISK) +
                    section("plugin", "backup", {"to": f"{self.dir}/backups", "database": self.stub.database}) +
                    section("plugin", "watchdog", options))
        self.daemon = Daemon({}, sections, users={"alice": self.stub.port})

    def __enter__(self):
        self.stub.__enter__()
        self.daemon.__enter__()
        self.daemon.wait_log(r"event=leg_up .*user=alice")
        return self

    def __exit__(self, *how):
        self.daemon.__exit__(*how)
        self.stub.__exit__(*how)

    def hang(self):
        """Stalls the server; where the log is from then on."""
        mark = len(self.daemon.log())
        self.stub.stall()
        return mark

    def end_agents(self):
        """The children of the server."""
        with open(f"/proc/{self.stub.process.pid}/task/{self.stub.process.pid}/children", encoding="ascii") as f:
            for pid in f.read().split():
                os.kill(int(pid), signal.SIGKILL)


class Watchdog(unittest.TestCase):
    def test_hangs(self):
        with Lab() as lab:
            lab.stub.sql("CREATE TABLE t(x)")
            mark = lab.hang()
            d = lab.daemon
            d.wait_log(r"event=server_restarted .*user=alice", 90, mark)
            d.wait_log(r"event=leg_up .*user=alice", 60, mark)
            d.wait_log(r"event=verdict_healed ", 60, mark)
            self.assertEqual(lab.unit.done, ["restart"])
            order = re.findall(r"event=(verdict|server_restarting|job_done|action_done|server_restarted) ", d.log()[mark:])
            self.assertEqual([k for i, k in enumerate(order) if k not in order[:i]],
                             ["verdict", "server_restarting", "job_done", "action_done", "server_restarted"])
            self.assertEqual(len(glob.glob(f"{lab.dir}/backups/alice/state-*.sqlite")), 1)
            evidence, = glob.glob(f"{lab.dir}/evidence/alice/hang-*Z.txt")
            self.assertEqual(stat.S_IMODE(os.stat(evidence).st_mode), 0o600)
            with open(evidence, encoding="utf-8") as f:
                text = f.read()
            for part in (f"t3 server of alice at 127.0.0.1 port {lab.stub.port}", "state 0A, ", "memory pressure",
                         "t3stub serve", "State:\tT (stopped)", "descriptors: ", "processes of the account by CPU time"):
                self.assertIn(part, text)
            metrics = d.metrics()
            self.assertEqual(metrics['t3ops_watchdog_restarts_total{plugin="watchdog",user="alice",outcome="done"}'], 1)
            self.assertEqual(metrics['t3ops_watchdog_given_up{plugin="watchdog",user="alice"}'], 0)

    def agent(self, lab, seconds):
        """The server runs with a child."""
        mark = len(lab.daemon.log())
        lab.stub.stop()
        lab.daemon.wait_log(r"event=leg_down .*user=alice", 60, mark)
        lab.stub.before = ("/bin/sh", "-c", f'sleep {seconds} & exec "$0" "$@"')
        lab.stub.start()
        lab.stub.before = ()
        lab.daemon.wait_log(r"event=leg_up .*user=alice", 60, mark)

    def test_agent(self):
        """A child of the server that does not end is waited for, for so long."""
        with Lab(backup="", agent_patience="2s") as lab:
            self.agent(lab, 300)
            mark = lab.hang()
            lab.daemon.wait_log(r"event=action_done .*plugin=watchdog user=alice .*agents_waited_s=\S+ "
                                r'agents=\\"process \d+ \(sleep\) runs beside the server', 90, mark)
            self.assertEqual(lab.unit.done, ["restart"])

    def test_recovers_meanwhile(self):
        with Lab(backup="", agent_patience="1h", deadline="2h") as lab:
            self.agent(lab, 300)
            mark = lab.hang()
            lab.daemon.wait_log(r"event=server_restarting .*user=alice", 90, mark)
            resumed = len(lab.daemon.log())  # the stop before may have been a fault that healed
            lab.stub.resume()
            lab.daemon.wait_log(r"event=verdict_healed ", 60, resumed)
            lab.end_agents()
            lab.daemon.wait_log(r"event=action_done .*plugin=watchdog user=alice .*not_restarted=", 60, mark)
            self.assertEqual(lab.unit.done, [])
            self.assertNotRegex(lab.daemon.log(), "event=server_restart(ed|_failed) ")

    def test_gives_up(self):
        """A restart that fails, twice; then it leaves the server alone."""
        with Lab(backup="") as lab:
            lab.unit.broken = {"restart"}
            mark = lab.hang()
            d = lab.daemon
            d.wait_log(r"event=server_given_up .*user=alice .*restarted 2 times", 120, mark)
            self.assertEqual(lab.unit.done, ["restart", "restart"])
            d.wait_log(r'event=server_restart_failed .*user=alice', after=mark)
            d.wait_log(r'event=action_failed .*plugin=watchdog user=alice .*command \\"restart\\": exit code 1', after=mark)
            metrics = d.metrics()
            self.assertEqual(metrics['t3ops_watchdog_given_up{plugin="watchdog",user="alice"}'], 1)
            self.assertEqual(metrics['t3ops_watchdog_restarts_total{plugin="watchdog",user="alice",outcome="failed"}'], 2)
            lab.stub.resume()
            wait.until(lambda: d.metrics()['t3ops_watchdog_given_up{plugin="watchdog",user="alice"}'] == 0, 60,
                       "a server that is well by itself")

    def test_short_stall(self):
        with Lab(patience="20s") as lab:
            mark = lab.hang()
            lab.daemon.wait_log(r"event=verdict .*serve\(alice\)", 60, mark)
            lab.stub.resume()
            lab.daemon.wait_log(r"event=verdict_healed ", 60, mark)
            self.assertEqual(lab.unit.done, [])
            self.assertNotIn("server_restarting", lab.daemon.log())

    def test_monitor_dies(self):
        """Another monitor knows which verdict stands, and that the server was restarted already."""
        with Lab(backup="", patience="3s", max_restarts=1) as lab:
            d = lab.daemon
            for outcome in ("server_restarted", "server_given_up"):
                mark = lab.hang()
                d.wait_log(r"event=verdict .*serve\(alice\)", 60, mark)
                os.kill(d.processes()["monitor"], signal.SIGKILL)
                d.wait_log(rf"event={outcome} .*user=alice", 90, mark)
                if outcome == "server_restarted":
                    d.wait_log(r"event=verdict_healed ", 60, mark)
            self.assertEqual(lab.unit.done, ["restart"])
            lab.stub.resume()

    def test_by_hand(self):
        with Lab() as lab:
            d = lab.daemon
            self.assertIn("1 of 1 done", d.ctl("watchdog", "now", "alice"))
            rows = json.loads(d.ctl("watchdog", "restart", "alice", "-j"))
            self.assertEqual(rows["text"], "1 of 1 done")
            self.assertEqual(lab.unit.done, ["restart"])

    def test_names_a_job(self):
        with Lab() as lab:
            lab.daemon.sections = lab.daemon.sections.replace('backup = "backup"', 'backup = "offsite"')
            lab.daemon.write_conf()
            self.assertIn('backup = \\"offsite\\": there is no section of a job plugin with that name',
                          lab.daemon.reload())


if __name__ == "__main__":
    unittest.main()
