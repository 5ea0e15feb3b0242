# SPDX-License-Identifier: MIT
"""The demonstration behind scripts/demo: the whole path on this machine, t3ops in the middle of it,
users on it.  Cuts the path in one place after the other, lets a page give up politely and another one be
reloaded, asks t3ops each time which segment broke, and compares.  Exit status 0 only if every verdict was right.

    python3 -m lab.demo [--keep]
"""
import argparse
import contextlib
import dataclasses
import datetime
import glob
import os
import sqlite3
import stat
import sys
import time

from lab import account, path, process, wait
from lab.daemon import Daemon, section
from lab.page import PING_EVERY
from lab.stub import LATEST, NEW, OLD, T3Stub
from lab.user import User

VERSIONS = {"alice": NEW, "bob": OLD, "carol": LATEST}
LEG_TIMING = {"heartbeat": "2s", "late": "1s", "watchdog": "5s", "reconnect_min": "300ms", "reconnect_max": "2s"}
USER_FACTOR = 0.2 * wait.SLOW  # of the times of t3's page: a Ping every second.  Its upgrades are never abandoned: a stalled
# server that goes on would find those, and what it finds is still called a drop.
VERDICT_LIMIT = 40
HEAL_LIMIT = 60
QUIET = 6  # seconds without a verdict that say that none comes
PICTURE = """
  user -> last mile -> edge (haproxy)  -> tunnel (haproxy) -> traefik (nginx) -> t3ops -> t3stub, one a user
          relay        "cloudflare"       "tunnel"            TLS, identity      proxy    "serve(NAME)"
"""


def say(text=""):
    print(text, flush=True)


class Cut:
    """One thing to do, and what t3ops has to say about it: truth None for nothing at all."""

    def __init__(self, title, truth, break_, heal=lambda: None):
        self.title = title
        self.truth = [truth] if truth else []
        self.break_ = break_
        self.heal = heal
        self.verdicts = []
        self.cut_at = 0.0

    @property
    def match(self):
        """The verdict that names the guilty segment and nothing else."""
        return next((v for v in self.verdicts if v["segments"] == self.truth), None)

    @property
    def right(self):
        """None of its verdicts may leave the guilty one out, the last word must be exact."""
        if not self.truth:
            return not self.verdicts
        return bool(self.match) and all(self.truth[0] in v["segments"] for v in self.verdicts) and \
            self.verdicts[-1]["segments"] == self.truth

    @property
    def delay(self):
        return _wall(self.match["time"]) - self.cut_at if self.match else None


def _wall(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Demo:
    def __init__(self):
        self.path = path.Path()
        self.dir = process.folder()
        self.stubs = {}
        self.users = {}
        self.lines = {}
        self.daemon = None
        self.backups = None

    # ---- life

    def start(self):
        self._start_servers()
        self.path.start()
        self._start_t3ops()
        self.path.connect(self.daemon.proxy)
        self._start_users()

    def stop(self):
        for user in self.users.values():
            user.stop()
        if self.daemon:
            self.daemon.stop()
        self.path.stop()
        for stub in self.stubs.values():
            stub.process.kill()

    def _start_servers(self):
        for name, version in VERSIONS.items():
            home = os.path.join(self.dir, name)
            os.mkdir(home, 0o755)
            account.give(home)
            self.stubs[name] = T3Stub(version, os.path.join(home, ".t3"), dead_ms=150)
            self._write_t3(home, self.stubs[name])

    @staticmethod
    def _write_t3(home, stub):
        """The user's own `t3` program, as the mint command starts it."""
        program = os.path.join(home, "t3")
        with open(program, "w", encoding="ascii") as f:
            f.write(f'#!/bin/sh\nT3STUB_VERSION={stub.version} exec {stub.program} "$@"\n')
        os.chmod(program, stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)

    def _sections(self):
        mint = [self.dir + "/%n/t3", "auth", "pairing", "create", "--base-dir", self.dir + "/%n/.t3", "--ttl", "5m",
                "--json"]
        self.backups = process.folder()
        return (section("command", "mint", {"argv": mint, "timeout": "20s"}) + section("plugin", "session_check", {}) +
                section("plugin", "auto_pair", {}) + section("plugin", "probe_echo", {}) +
                self.path.leg_sections(**LEG_TIMING) +
                section("plugin", "backup", {"to": self.backups, "database": self.dir + "/%n/.t3/userdata/state.sqlite",
                                             "at": "03:30", "retain": 6}))

    def _start_t3ops(self):
        options = {"log_level": "info", "page_heartbeat": f"{round(5000 * USER_FACTOR)}ms", "ping_timeout": "2s"}
        self.daemon = Daemon(options, self._sections(), {name: stub.port for name, stub in self.stubs.items()})

    def _start_users(self):
        for name in self.stubs:
            self.lines[name] = self.path.last_mile(name)
            self.users[name] = User(name, self.lines[name].address, self.path.host, self.path.tls, VERSIONS[name],
                                    USER_FACTOR)
            self.users[name].client = dataclasses.replace(self.users[name].client, upgrade_patience=1000)
            self.users[name].start()

    # ---- state

    def troubles(self):
        """What is not well now, as a list of words; empty: everything is up."""
        status = self.daemon.status()
        found = [f"leg {leg['name']}{'(' + leg['user'] + ')' if leg['user'] else ''} {leg['state']}"
                 for leg in status["legs"] if leg["state"] != "up"]
        if len(status["legs"]) < 2 + len(self.users):
            found.append("legs missing")
        found += [f"user {u.user} is off ({u.last_error})" for u in self.users.values() if not u.connected]
        if status["incident"]:
            found.append("an incident is open")
        return found

    def wait_well(self, limit=HEAL_LIMIT):
        """Everything is up, and every user has been answered since: a tunnel that has been silent since
        before the heal would be counted as a late victim of what was cut before."""
        try:
            wait.until(lambda: not self.troubles(), limit, "everything is up")
            for user in self.users.values():
                user.wait_pong(limit)
        except wait.TooLate as e:
            raise wait.TooLate(f"{e}: {'; '.join(self.troubles())}") from None

    def verdicts_after(self, serial):
        """Oldest first."""
        return [v for v in reversed(self.daemon.verdicts()) if v["serial"] > serial]

    def last_serial(self):
        return max((v["serial"] for v in self.daemon.verdicts()), default=0)

    # ---- the cuts

    def cuts(self):
        p, alice = self.path, self.stubs["alice"].process
        return [
            Cut("alice presses F5", None, self.users["alice"].reload),
            Cut("kill the edge (haproxy)", "cloudflare", p.edge.cut, p.edge.heal),
            Cut("kill the tunnel (haproxy)", "tunnel", p.tunnel.cut, p.tunnel.heal),
            Cut("kill Traefik (nginx)", "traefik", p.traefik.cut, p.traefik.heal),
            Cut("stall alice's t3 (SIGSTOP)", "serve(alice)", alice.stall, alice.resume),
            Cut("cut alice's last mile for a moment", "exonerated", self.blink, self.lines["alice"].heal),
            Cut("bob's Wi-Fi is silent until his page gives up", "last_mile(bob)", lambda: self.hole("bob")),
            Cut("carol's t3 answers no Ping, her page gives up", "serve(carol)", self.stubs["carol"].mute,
                lambda: self.stubs["carol"].mute(False)),
        ]

    def blink(self):
        """What is cut and back by itself was a drop, since her browser says goodbye otherwise, as for an F5; a page that
        stays away may have been closed."""
        self.lines["alice"].cut()
        self.lines["alice"].heal()

    def hole(self, name):
        """The page closes politely, as it does at the end of its patience; its Pings and that close arrive when the line
        is back."""
        user = self.users[name]
        before = user.count("gave_up")
        self.lines[name].stall()
        try:
            wait.until(lambda: user.count("gave_up") > before, VERDICT_LIMIT, f"{name}'s page gives up")
        finally:
            self.lines[name].heal()

    def run(self, cut):
        serial = self.last_serial()
        say(f"\n== {cut.title}")
        cut.cut_at = time.time()
        cut.break_()

        def named():
            cut.verdicts = self.verdicts_after(serial)
            return cut.match

        try:
            if cut.truth:
                wait.until(named, VERDICT_LIMIT, "the right verdict")
        except wait.TooLate as e:
            say(f"   {e}")
        finally:
            cut.heal()
        self.wait_well()
        if not cut.truth:
            time.sleep(QUIET * wait.SLOW)
        cut.verdicts = self.verdicts_after(serial)
        for verdict in cut.verdicts:
            show(verdict, cut.cut_at)
        if not cut.verdicts:
            say("   no verdict")

    def backup(self):
        """Takes one now; returns how many users' backups can be read back whole."""
        say("\n== back up every user's database: t3opsctl backup now")
        for line in self.daemon.ctl("backup", "now").splitlines():
            say("   " + line)
        files = sorted(glob.glob(self.backups + "/*/*.sqlite"))  # beside them is the manifest
        for name in files:
            say(f"   {name}  {os.path.getsize(name)} bytes, {sessions_in(name)} browser sessions in it")
        return sum(sessions_in(name) > 0 for name in files)


def sessions_in(database):
    """What a backup is worth: the users' sessions, read from a database that is whole; 0 if it is not."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        if db.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            return 0
        return db.execute("SELECT count(*) FROM auth_sessions").fetchone()[0]


def evidence_line(row):
    """One piece of evidence: what it is, then what is not empty of its facts."""
    row = dict(row)
    words = [str(row.pop("what", "")), str(row.pop("name", ""))]
    if "failed" in row:
        words.append("failed:" if row.pop("failed") else "worked:")
    for key, value in row.items():
        if isinstance(value, float):
            value = f"{value:.3f}"
        if isinstance(value, list):
            value = ",".join(map(str, value))
        if value not in ("", None, False, 0):
            words.append(f"{key}={value}")
    return " ".join(w for w in words if w)


def show(verdict, cut_at):
    say(f"   verdict: {verdict['verdict']}   {_wall(verdict['time']) - cut_at:.1f} s after the cut, "
        f"{verdict['delay_seconds']:.1f} s after the first drop")
    say(f"     {verdict['text']}")
    for row in verdict["evidence"]:
        say("     - " + evidence_line(row))


def table(cuts, backed_up):
    say("\n" + f"{'what was done':46} {'truth':16} {'verdict':28} {'after':>7}")
    for cut in cuts:
        told = ", ".join(dict.fromkeys(v["verdict"] for v in cut.verdicts)) or "none"
        delay = f"{cut.delay:.1f} s" if cut.match else "-"
        truth = cut.truth[0] if cut.truth else "none"
        say(f"{cut.title:46} {truth:16} {told:28} {delay:>7}  {'right' if cut.right else 'WRONG'}")
    say(f"{'backup of every database':46} {len(VERSIONS)!s:16} {backed_up!s:28} {'':>7}  "
        f"{'right' if backed_up == len(VERSIONS) else 'WRONG'}")
    return all(cut.right for cut in cuts) and backed_up == len(VERSIONS)


def announce(demo):
    monitor = "http://%s:%d" % demo.daemon.monitor
    say(PICTURE)
    resolve = f"{demo.path.host}:{demo.path.ports['edge']}:127.0.0.1"
    say(f"  public    {demo.path.url}")
    say(f"            curl -L --cacert {demo.path.ca.ca} --resolve {resolve} -b authentik_session=alice {demo.path.url}/")
    say("  proxy     http://%s:%d" % demo.daemon.proxy)
    say(f"  page      {monitor}/")
    say(f"  monitor   {monitor}/status  {monitor}/verdicts  {monitor}/metrics")
    say(f"  timings   pages run {1 / USER_FACTOR:g} times as fast as t3's: a Ping every {PING_EVERY * USER_FACTOR:g} s, not "
        f"{PING_EVERY:g} s")
    say(f"            legs: heartbeat {LEG_TIMING['heartbeat']}, late after {LEG_TIMING['late']}, given up after "
        f"{LEG_TIMING['watchdog']}; shipped: 10s, 2s, 20s")
    say("            make lab plays the shipped timings")
    say(f"  config    {demo.daemon.conf}")
    say(f"  control   {process.build_dir()}/core/t3opsctl -s {demo.daemon.control} why")


def play(demo):
    demo.start()
    announce(demo)
    begun = time.monotonic()
    demo.wait_well()
    say(f"\nall {len(demo.users)} users are paired and connected, all legs are up ({time.monotonic() - begun:.1f} s)")
    cuts = demo.cuts()
    for cut in cuts:
        demo.run(cut)
    return table(cuts, demo.backup())


def keep(demo):
    say("\nrunning until Ctrl-C")
    try:
        while demo.daemon.process.alive():
            time.sleep(1)
        say("t3ops ended")
    except KeyboardInterrupt:
        say("")


def main(words=None):
    parser = argparse.ArgumentParser(prog="scripts/demo",
                                     description="Shows a verdict for every segment on this machine.")
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    args = parser.parse_args(words)
    if path.missing():
        say("not installed: " + " ".join(path.missing()))
        return 77
    demo = Demo()
    try:
        right = play(demo)
        if args.keep:
            keep(demo)
        demo.stop()
    except (AssertionError, OSError) as e:
        if demo.daemon and demo.daemon.process:
            demo.daemon.process.print_log()
        say(f"demo: {type(e).__name__}: {e}")
        right = False
    say("every verdict was right" if right else "NOT every verdict was right")
    return 0 if right else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
