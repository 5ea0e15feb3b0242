#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The alerts on what t3ops does for the t3 servers: backups and other jobs, drills, the watchdog, new versions.  As
test_alerts.py, which has the others."""
import os
import shutil
import sqlite3
import unittest

from lab import account, process, wait
from lab.alarm import Alarm
from lab.daemon import Daemon, section
from lab.drill import Lab
from lab.fleet import Fleet
from lab.installation import Installation
from lab.stub import LATEST, NEW, T3Stub
from lab.unit import Unit

LEG = {"heartbeat": "100ms", "late": "200ms", "watchdog": "500ms", "reconnect_min": "100ms", "reconnect_max": "200ms"}


@unittest.skipUnless(shutil.which("prometheus") and shutil.which("prometheus-alertmanager"),
                     "prometheus or prometheus-alertmanager is not installed")
class Alerts(unittest.TestCase):
    def setUp(self):
        self.stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(lambda: self.stub.process.kill())
        self.home = process.folder()
        for name in ("alice", "bob"):
            self.database(name)

    def database(self, name):
        path = os.path.join(self.home, name + ".sqlite")
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE t(x)")
        db.close()
        account.give(self.home)
        account.give(path)

    def daemon(self):
        backup = {"to": os.path.join(process.folder(), "to"), "database": f"{self.home}/%n.sqlite", "every": "1d"}
        sections = ('plugin "probe_echo" {}\n' + section("plugin", "probe_t3serve", LEG) + section("plugin", "backup", backup))
        users = {"alice": self.stub.port, "bob": {"os_user": account.NAME, "port": self.stub.port}}
        return Daemon({"ping_timeout": "300ms", "restart_pause_max": "10s"}, sections, users=users)

    def restart_daemon(self, d):
        """Stops it and starts it again at the same address."""
        d.options["status_listen"] = "%s:%d" % d.monitor
        d.write_conf()
        d.stop()
        d.start()

    def test_backups(self):
        with self.daemon() as d:
            d.wait_log(r"event=leg_up .*user=alice")
            d.ctl("run", "backup", "alice")
            key = 't3ops_job_last_success_timestamp_seconds{task="backup",user="alice"}'
            stamp = d.metrics()[key]
            self.assertGreater(stamp, 0)
            with Alarm(d) as p:
                stale = p.wait_alert("T3BackupStale", user="alice", task="backup")
                self.assertEqual((stale["job"], stale["severity"]), ("t3ops", "warning"))
                p.wait_alert("T3BackupMissing", user="bob", task="backup")
                self.assertNotIn("T3BackupFailed", [a["alertname"] for a in p.firing()])
                os.unlink(os.path.join(self.home, "bob.sqlite"))
                d.ctl("run", "backup", "bob", check=False)
                p.wait_alert("T3BackupFailed", task="backup", outcome="failed")
                self.restart_daemon(d)
                self.assertEqual(d.metrics()[key], stamp)  # nothing was forgotten
                d.ctl("run", "backup", "alice")
                self.assertGreater(d.metrics()[key], stamp)
                self.database("bob")
                d.ctl("run", "backup", "bob")
                p.wait_silence("T3BackupMissing")

    def test_job(self):
        """Another job than backup fails."""
        with Daemon({}, section("plugin", "reports", {"module": "backup", "to": os.path.join(process.folder(), "to"),
                                                      "database": f"{self.home}/%n.sqlite", "every": "1d"}),
                    users={"alice": self.stub.port}) as d, Alarm(d) as p:
            wait.until(lambda: p.query('t3ops_job_runs_total{task="reports",outcome="failed"} == 0'), what="the counter in Prometheus")
            os.unlink(os.path.join(self.home, "alice.sqlite"))
            d.ctl("run", "reports", "alice", check=False)
            p.wait_alert("T3JobFailed", task="reports", outcome="failed", severity="warning")

    def test_watchdog(self):
        unit = Unit(self.stub)
        brisk = {**LEG, "fresh": "0s", "watchdog": "1500ms", "late": "600ms", "heartbeat": "200ms", "timeout": "700ms"}
        sections = (unit.command("restart", "restart") + section("plugin", "probe_t3serve", {**brisk, "websocket": False}) +
                    section("plugin", "watchdog", {"restart_command": "restart", "patience": "1s", "grace": "1s",
                                                   "max_restarts": 2}))
        with Daemon({}, sections, users={"alice": self.stub.port}) as d, Alarm(d) as p:
            wait.until(lambda: p.query('t3ops_watchdog_restarts_total{user="alice"} == 0'), what="the counter in Prometheus")
            self.stub.stall()
            p.wait_alert("T3WatchdogRestarted", user="alice", severity="info")
            d.wait_log(r"event=verdict_healed ", 60)
            unit.broken = {"restart"}
            self.stub.stall()
            p.wait_alert("T3WatchdogFailed", 90, user="alice", severity="warning")
            p.wait_alert("T3WatchdogExhausted", 90, user="alice", severity="critical")
            self.stub.resume()
            p.wait_silence("T3WatchdogExhausted")

    def test_drill(self):
        with Lab(retain=2) as lab, Alarm(lab.daemon) as p:
            lab.backup()
            lab.bad_backup()
            lab.ask("drill", "alice")
            p.wait_alert("T3BackupDrillFailed", user="alice", severity="warning")
            lab.backup()
            lab.ask("drill", "alice")
            p.wait_silence("T3BackupDrillFailed")

    def test_upgrade(self):
        """Two users of different versions; one is frozen, moved to a broken version, moved back, and left in between."""
        with Fleet(NEW, others={"bob": self.stub.port}, stop_command="stop", start_command="start",
                   start_timeout="20s") as fleet, Alarm(fleet.daemon) as p:
            fleet.check("0.0.33-without-cookie")
            p.wait_alert("T3UpgradeRejected", user="alice", severity="info")
            fleet.ask("freeze", "alice")
            p.wait_alert("T3UpgradeFrozen", 150, user="alice", severity="info")
            fleet.ask("unfreeze", "alice")
            p.wait_silence("T3UpgradeFrozen")
            fleet.live["0.0.34"] = "0.0.34-cannot-pair"
            fleet.on["started"] = lambda: fleet.unit.broken.add("start")
            fleet.ask("run", "alice", f"--to={fleet.prefixes['0.0.34']}")
            p.wait_alert("T3UpgradeRollbackFailed", user="alice", severity="critical")
            fleet.unit.broken.clear()
            fleet.ask("run", "alice")
            p.wait_alert("T3UpgradeRolledBack", user="alice", severity="warning")
            p.wait_silence("T3UpgradeRollbackFailed")
            fleet.ask("status")
            os.unlink(os.path.join(fleet.dir, "bob/current"))
            os.symlink(fleet.prefixes[LATEST], os.path.join(fleet.dir, "bob/current"))
            fleet.ask("status")
            p.wait_alert("T3FleetSkew", 150, severity="info")
            self.assertEqual({(r["metric"]["user"], r["metric"]["version"]) for r in p.query("t3ops_upgrade_version_info == 1")},
                             {("alice", NEW), ("bob", LATEST)})
            self.assertEqual({r["metric"]["last_good"] for r in p.query('t3ops_upgrade_version_info{user="alice"} == 1')}, {NEW})
            self.assertEqual({r["metric"]["by"] for r in p.query("t3ops_upgrade_managed == 1")}, {"t3ops"})
            fleet.change(mint=["/bin/false"])
            fleet.check(LATEST)
            p.wait_alert("T3UpgradeGateBroken", user="alice", severity="warning")

    def test_rollout(self):
        """Over several users: the second one fails, is rolled back, and everybody is frozen."""
        version = "0.0.34"
        with Installation(NEW, ("alice", "bob"), canary="alice") as lab, Alarm(lab.daemon) as p:
            lab.seats["bob"].on["start"] = lambda: lab.live.update({version: f"{version}-cannot-pair"})
            self.assertEqual(lab.roll(version)[0], 0)
            p.wait_alert("T3UpgradeRolledBack", 150, user="bob", severity="warning")
            self.assertTrue(lab.wait_idle().startswith("rolled_back: bob"))
            self.assertEqual(lab.versions(), {"alice": version, "bob": NEW})
            for user in ("alice", "bob"):
                p.wait_alert("T3UpgradeFrozen", 150, user=user, severity="info")
            self.assertEqual({r["metric"]["user"] for r in p.query('t3ops_upgrade_last_timestamp_seconds{outcome="rolled_back"} > 0')},
                             {"bob"})
            lab.ask("unfreeze")
            p.wait_silence("T3UpgradeFrozen")


if __name__ == "__main__":
    unittest.main()
