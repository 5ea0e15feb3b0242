#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""New versions come through a channel: found, installed side by side, proven, and removed when nobody needs them.  What
is older, or of another channel, is refused; what was half installed is installed anew; t3's own updater is left alone."""
import json
import os
import re
import shutil
import subprocess
import time
import unittest

from lab import account, process, wait
from lab.fleet import Fleet
from lab.installation import Installation
from lab.registry import NpmRegistry, Registry, package
from lab.stub import LATEST, NEW, NEXT, OLD


class Lab(Fleet):
    def __init__(self, version=NEW, channels=None, **upgrade):
        self.registry = Registry(**(channels or {"latest": LATEST}))
        self.versions = os.path.join(process.folder(), "versions")
        self.options = {"channel": "latest", "versions": self.versions, "stop_command": "stop", "start_command": "start",
                        "start_timeout": "20s", **self.registry.options(), **upgrade}
        super().__init__(version, **self.options)

    def prefix(self, version):
        return os.path.join(self.versions, "alice", version)

    def there(self):
        return sorted(os.listdir(os.path.join(self.versions, "alice")))

    def status(self):
        return self.ask("status", "alice")[1]


class Channel(unittest.TestCase):
    def test_check(self):
        """resolve, install, gate, and no switch."""
        with Lab() as lab:
            status, row, said = lab.ask("check", "alice")
            self.assertEqual((status, row["verdict"], row["version"]), (0, "accepted", LATEST), said)
            self.assertEqual((row["candidate"], lab.there()), (lab.prefix(LATEST), [LATEST]))
            self.assertEqual((lab.installed(), lab.unit.done), (lab.prefixes[NEW], []))
            row = lab.status()
            self.assertEqual((row["current"], row["running"], row["last_good"], row["candidate"]), (NEW, NEW, NEW, LATEST))
            facts = {"version": NEW, "last_good": NEW, "candidate": LATEST}
            wait.until(lambda: json.loads(lab.daemon.get("/users").text())[0].get("facts") == facts, what="the versions on the page")
            self.assertEqual(lab.ask("check", "alice")[0], 0)
            self.assertEqual(lab.registry.asked, [LATEST])  # once

    def test_known_after_a_reload(self):
        """The next monitor shows what the one before it knew."""
        with Lab() as lab:
            self.assertEqual(lab.ask("check", "alice")[0], 0)
            key = ('t3ops_upgrade_version_info{plugin="upgrade",user="alice",version="%s",last_good="%s",candidate="%s"}' %
                   (NEW, NEW, LATEST))
            wait.until(lambda: lab.daemon.metrics().get(key) == 1, what="the versions")
            pid = lab.daemon.processes()["monitor"]
            lab.change(**{**lab.options, "window_from": "02:00", "window_to": "03:00"})
            wait.until(lambda: lab.daemon.processes().get("monitor", pid) != pid, what="another monitor")
            wait.until(lambda: lab.daemon.metrics().get(key) == 1, what="the versions in the next monitor")

    def test_schedule(self):
        """A run proves what is new, once, and moves nobody; the next version makes the one before it go."""
        with Lab() as lab:
            for _ in range(2):
                lab.daemon.ctl("upgrade", "now", "alice")
            self.assertEqual((lab.registry.asked, lab.ask("report", "alice")[1]["verdict"]), ([LATEST], "accepted"))
            lab.registry["latest"] = NEXT
            lab.daemon.ctl("upgrade", "now", "alice")
            self.assertEqual((lab.there(), lab.installed()), ([NEXT], lab.prefixes[NEW]))

    def test_dry_run(self):
        with Lab() as lab:
            for action, then in (("check", "; move nobody"), ("run", ", move the user")):
                status, row, said = lab.ask(action, "alice", "--dry-run")
                self.assertEqual((status, row["version"], row["source"]), (0, LATEST, "channel"), said)
                self.assertRegex(row["plan"], rf"^install it \(about \d+ MiB, \d+ MiB are free\), prove it{then}$")
            self.assertEqual((lab.there(), lab.registry.asked, lab.unit.done), ([], [], []))
            self.assertEqual(lab.ask("run", "alice", f"--to={NEW}", "--dry-run")[1]["plan"][:10], "install it")

    def test_run_and_keep(self):
        """What the link leads to and what a rollback would bring back stay; the others go."""
        with Lab() as lab:
            self.assertEqual(lab.ask("run", "alice")[0], 0)
            self.assertEqual((lab.installed(), lab.stub.version), (lab.prefix(LATEST), LATEST))
            lab.registry["latest"] = NEXT
            self.assertEqual(lab.ask("run", "alice")[0], 0)
            self.assertEqual(lab.installed(), lab.prefix(NEXT))
            self.assertEqual(lab.there(), [LATEST, NEXT])
            self.assertEqual(lab.status()["rollback_to"], LATEST)
            lab.registry["latest"] = "0.0.34"
            self.assertEqual(lab.ask("check", "alice")[0], 0)
            self.assertEqual(lab.there(), [LATEST, NEXT, "0.0.34"])

    def test_pin(self):
        with Lab() as lab:
            self.assertEqual(lab.ask("pin", "alice", f"--to={NEXT}", "--why=a fix")[0], 0)
            self.assertEqual(lab.status()["pinned"], NEXT)
            status, row, said = lab.ask("check", "alice")
            self.assertEqual((status, row["version"], lab.registry.asked), (0, NEXT, [NEXT]), said)
            self.assertIn("expected a version", lab.ask("pin", "alice", "--to=/x")[2])
            self.assertEqual(lab.ask("unpin", "alice")[0], 0)
            self.assertEqual(lab.ask("check", "alice", "--dry-run")[1]["version"], LATEST)


class Everybody(unittest.TestCase):
    def test_through_the_channel(self):
        """A rollout over all users takes one version for all of them, installed for each."""
        registry, versions = Registry(latest=LATEST), os.path.join(process.folder(), "versions")
        with Installation(OLD, ("alice", "bob"), channel="latest", versions=versions, **registry.options()) as lab:
            self.assertEqual(lab.ask("run")[0], 0)
            self.assertEqual(lab.wait_idle(), "done: 2 moved, 0 had it already, 0 frozen")
            self.assertEqual({n: s.installed for n, s in lab.seats.items()},
                             {n: os.path.join(versions, n, LATEST) for n in lab.seats})
            self.assertEqual(registry.asked, [LATEST, LATEST])


class Guards(unittest.TestCase):
    def test_older(self):
        with Lab(LATEST, channels={"latest": NEW}) as lab:
            status, _, said = lab.ask("run", "alice")
            self.assertEqual(status, 1)
            self.assertIn(f"{NEW} is older than {LATEST}, which the user has: ask for it with --downgrade", said)
            self.assertEqual((lab.registry.asked, lab.unit.done), ([], []))
            status, row, said = lab.ask("check", "alice", "--downgrade")
            self.assertEqual((status, row["verdict"]), (0, "accepted"), said)

    def test_older_than_the_database(self):
        """The link says OLD; the database has been migrated by a newer one already."""
        with Lab(OLD, channels={"latest": NEW}) as lab:
            self.assertEqual(lab.ask("check", "alice")[0], 0)
            lab.stub.sql("INSERT INTO effect_sql_migrations(migration_id, name) VALUES (40, 'far ahead')")
            status, _, said = lab.ask("check", "alice", "--again")
            self.assertEqual(status, 1)
            self.assertIn(f"{NEW} knows the database up to migration 32, and the user's is at 40", said)

    def test_bad_channel(self):
        with Lab(channels={"latest": "no version at all"}) as lab:
            self.assertIn("resolve: it printed no version: no version at all", lab.ask("check", "alice")[2])
            lab.registry["latest"] = "../../../etc"
            self.assertIn("resolve: it printed no version", lab.ask("check", "alice")[2])
            os.unlink(os.path.join(lab.registry.dir, "channel-latest"))
            self.assertRegex(lab.ask("check", "alice")[2], "resolve: cat: exit code 1: .*No such file")


class Options(unittest.TestCase):
    def test_faults(self):
        for options, said in (({"versions": ""}, "channel = .*: it needs the option versions"),
                              ({"candidate": "/opt/t3"}, "the option candidate names the next version already"),
                              ({"window_from": "02:00"}, "a window needs both window_from and window_to"),
                              ({"window_to": "02:00"}, "a window needs both window_from and window_to")):
            with self.assertRaisesRegex(AssertionError, said):
                Lab(**options)

    def test_window(self):
        """With the name of the time zone that it is of."""
        with Lab(window_from="00:00", window_to="23:59") as lab:
            self.assertRegex(lab.status()["window"], r"^00:00 to 23:59 \S+, now (open|closed)$")

    def test_outside_of_the_window(self):
        """Nobody is moved, unless somebody says that it is to be now."""
        soon = [time.strftime("%H:%M", time.localtime(time.time() + hours * 3600)) for hours in (2, 4)]
        with Lab(window_from=soon[0], window_to=soon[1], idle_for="0s") as lab:
            status, _, said = lab.ask("run", "alice")
            self.assertEqual((status, lab.unit.done), (1, []))
            self.assertRegex(said, rf"nobody is moved outside of the hours {soon[0]} to {soon[1]} \S+, now closed; --now")
            status, _, said = lab.ask("run", "alice", "--now")
            self.assertEqual((status, lab.stub.version), (0, LATEST), said)


class Installing(unittest.TestCase):
    def test_fails(self):
        with Lab() as lab:
            lab.registry.hook('echo "404 not found" >&2; exit 3')
            status, _, said = lab.ask("check", "alice")
            self.assertEqual(status, 1)
            self.assertRegex(said, f"{LATEST} was not installed: install: .*/install: exit code 3: 404 not found")
            self.assertEqual(lab.there(), [])
            lab.registry.hook("")
            self.assertEqual(lab.ask("check", "alice")[0], 0)

    def test_other_version(self):
        with Lab() as lab:
            lab.registry.hook(f"set -- {NEXT} $2")
            self.assertIn(f"was to be {LATEST} and says that it is {NEXT}", lab.ask("check", "alice")[2])
            self.assertEqual(lab.there(), [])

    def test_killed(self):
        """Before anything is there, with half of it, and when all is there: a version is one only when the run said so."""
        for text, when, there in (("kill -9 $PPID; exit 1", "hook", []),
                                  ('mkdir -p "$2/bin"; cp /bin/true "$2/bin/t3"; kill -9 $PPID; exit 1', "hook", [LATEST]),
                                  ("kill -9 $PPID", "after", [LATEST])):
            with self.subTest(text), Lab() as lab:
                lab.registry.hook(text, when)
                self.assertIn("signal 9", lab.ask("check", "alice")[2])
                self.assertEqual((lab.there(), lab.state()["installing"]), (there, lab.prefix(LATEST)))
                lab.registry.hook("", when)
                status, row, said = lab.ask("check", "alice")
                self.assertEqual((status, row["verdict"]), (0, "accepted"), said)
                self.assertEqual((lab.there(), lab.registry.asked[-1]), ([LATEST], LATEST))
                self.assertNotIn("installing", lab.state())

    def test_hangs(self):
        with Lab(deadline="8s") as lab:
            lab.registry.hook("sleep 1000")
            self.assertIn("did not end before the run's deadline", lab.ask("check", "alice")[2])
            self.assertEqual(lab.there(), [])

    @unittest.skipUnless(os.geteuid() == 0, "only root can mount")
    def test_no_room(self):
        """It is said before anything is fetched."""
        with Lab() as lab:
            lab.status()
            folder = os.path.dirname(lab.prefix(LATEST))
            owner = os.stat(folder)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=1m,mode=700,uid={owner.st_uid},gid={owner.st_gid}", "tmpfs",
                            folder], check=True)
            self.addCleanup(subprocess.run, ["umount", "-l", folder], check=True)
            with open(os.path.join(lab.prefixes[NEW], "ballast"), "wb") as f:
                f.write(b"x" * (2 << 20))
            status, _, said = lab.ask("check", "alice")
            self.assertEqual(status, 1)
            self.assertRegex(said, "a version takes about 2 MiB, and 1 MiB are free")
            self.assertEqual(lab.registry.asked, [])

@unittest.skipUnless(shutil.which("npm", path="/usr/local/bin:/usr/bin:/bin"), "npm is not installed")
class Npm(unittest.TestCase):
    """The real one."""

    def test_package_on_the_disk(self):
        packages = account.give(process.folder())
        with open(os.path.join(packages, f"t3-{LATEST}.tgz"), "wb") as f:
            f.write(package(LATEST))
        with Lab(install=["npm", "install", "--global", "--prefix", "%p", "--no-fund", "--no-audit", "--offline", "--cache",
                          packages + "/cache", packages + "/t3-%v.tgz"]) as lab:
            status, row, said = lab.ask("check", "alice")
            self.assertEqual((status, row["verdict"], row["candidate"]), (0, "accepted", lab.prefix(LATEST)), said)
            self.assertTrue(os.path.islink(os.path.join(lab.prefix(LATEST), "bin/t3")))

    def test_registry(self):
        """With the argv that is the default, but for where the registry and the cache are."""
        with open(os.path.join(process.source_dir(), "plugins/upgrade/upgrade.c"), encoding="utf-8") as f:
            resolve, install = re.findall(r'"(npm [^"]*)"', f.read())
        with NpmRegistry(latest=NEW, nightly=LATEST) as npm:
            where = ["--registry", npm.url, "--cache", account.give(process.folder())]
            with Lab(OLD, channel="nightly", resolve=resolve.split() + where, install=install.split() + where) as lab:
                status, row, said = lab.ask("check", "alice")
                self.assertEqual((status, row["verdict"], row["version"]), (0, "accepted", LATEST), said)
                lab.change(**{**lab.options, "channel": "latest"})
                status, row, said = lab.ask("check", "alice")
                self.assertEqual((status, row["verdict"], row["version"]), (0, "accepted", NEW), said)
                lab.change(**{**lab.options, "channel": "beta"})
                self.assertRegex(lab.ask("check", "alice")[2], "resolve: npm: exit code 1: |it printed no version")


class OwnUpdater(unittest.TestCase):
    """A server that t3's own updater runs: said, counted, and left alone."""

    def test_left_alone(self):
        with Lab() as lab:
            self.assertEqual(lab.status()["managed_by"], "t3ops, by the link")
            lab.stub.stop()
            runtime = os.path.join(lab.stub.base, "runtime")
            program = os.path.join(runtime, "versions", NEXT, "t3")
            os.makedirs(os.path.dirname(program))
            shutil.copy(lab.stub.program, program)
            with open(os.path.join(runtime, "service-state.json"), "w", encoding="utf-8") as f:
                json.dump({"protocol": 2, "activeVersion": NEXT}, f)
            for path, folders, files in os.walk(runtime):
                for name in (".", *folders, *files):
                    account.give(os.path.join(path, name))
            own = process.Process([program, "serve", "--base-dir", lab.stub.base, "--host", "127.0.0.1", "--port",
                                   str(lab.stub.port)], "own", {"T3STUB_VERSION": NEXT}, as_account=True)
            with own:
                own.wait_log("^Listening on")
                row = lab.status()
                self.assertRegex(row["managed_by"], f"t3's own updater runs this user's server with {NEXT}; `t3 service uninstall`")
                self.assertEqual((row["current"], row["running"]), (NEW, NEXT))
                for action in ("run", "rollback"):
                    status, _, said = lab.ask(action, "alice")
                    self.assertEqual(status, 1)
                    self.assertRegex(said, "t3's own updater runs this user's server|nothing to go back to")
                lab.daemon.ctl("upgrade", "now", "alice")
                self.assertEqual((lab.unit.done, lab.registry.asked, own.alive()), ([], [], True))
                lab.daemon.wait_log("event=updater_changed .*the t3 server of alice is managed by t3's own updater, so upgrade leaves")
                self.assertEqual(lab.daemon.metrics()['t3ops_upgrade_managed{plugin="upgrade",user="alice",by="t3"}'], 1)


if __name__ == "__main__":
    unittest.main()
