# SPDX-License-Identifier: MIT
"""Everything at once, for the lab's faults: some users with servers of several versions, the path with a relay
in every segment, and t3ops in the middle of it with the timings that are shipped, whose time runs `speed`
times as fast.  Times are seconds of that world everywhere, unless they are called real."""
import asyncio
import dataclasses
import datetime
import os
import re
import signal
import stat
import subprocess
import threading
import time

from lab import account, chromium, http, loop, path, process, timelapse, wait
from lab.daemon import Daemon, section
from lab.relay import Relay
from lab.stub import LATEST, NEW, OLD, T3Stub
from lab.user import User

LAG = 0.05  # real seconds by which the machine may be late before t3ops may call it frozen
TRIES = 3  # of what goes wrong while the machine is late
EDGE_IDLE = 100  # the edge ends a WebSocket that is silent for so long


@dataclasses.dataclass(frozen=True)
class Person:
    """A user of the lab: the version of the server, how the browser speaks, the address it comes from."""
    version: str
    http2: bool
    address: str


PEOPLE = {
    "alice": Person(NEW, False, "127.0.0.11"),
    "bob": Person(OLD, False, "127.0.0.12"),
    "carol": Person(LATEST, True, "127.0.0.13"),
}


def missing():
    """What a world needs and this machine or build does not have, as words."""
    return path.missing() + timelapse.missing()


class Machine(threading.Thread):
    """Watches the machine that plays the world: how late a thread of it is, and the loop of its lines and pages, by
    which a page that gives up seems to have dawdled.  Real seconds."""

    PAUSE = 0.01

    def __init__(self):
        super().__init__(name="machine", daemon=True)
        self.late, self.loop_late = [], []  # (when, by how much), if at all
        self.over = False

    def start(self):
        super().start()
        loop.shared().spawn(self._watch_loop())

    def run(self):
        while not self.over:
            begun = time.monotonic()
            time.sleep(self.PAUSE)
            self._note(self.late, begun)

    async def _watch_loop(self):
        while not self.over:
            begun = time.monotonic()
            await asyncio.sleep(self.PAUSE)
            self._note(self.loop_late, begun)

    def _note(self, late, begun):
        now = time.monotonic()
        if now - begun > 2 * self.PAUSE:
            late.append((now, now - begun - self.PAUSE))

    def lag(self, since):
        """The longest of the machine since then (time.monotonic())."""
        return longest(self.late, since)

    def lag_of_all(self, since):
        """The loop's, too."""
        return max(self.lag(since), longest(self.loop_late, since))


def longest(late, since):
    return max((by for when, by in late if when >= since), default=0)


class World:
    def __init__(self, speed=5, people=None, simulated=True, sections="", options=None, legs=(), far=()):
        """people: {name: Person}.  simulated: whether simulated users are on it (lab/user.py); without, its servers have
        the page for a real browser.  sections, options: more of t3ops.conf.  legs: names of functions of lab/path.py that
        make sections of more legs.  far: names of people who come over the edge's second location."""
        self.speed = speed
        self.factor = 1 / speed
        self.lapse = timelapse.Timelapse(speed)
        self.people = people or PEOPLE
        self.dir = process.folder()
        self.path = path.Path(segments=True, http2=any(p.http2 for p in self.people.values()), factor=self.factor,
                              tunnel_idle=EDGE_IDLE, far=bool(far))
        self.stubs, self.users, self.lines, self.serve_lines = {}, {}, {}, {}
        self.simulated = simulated
        self.sections = sections
        self.options = options or {}
        self.legs = legs
        self.far = far
        self.daemon = None
        self.machine = Machine()
        self.events = []  # (user, page.Event)

    # ---- life

    def start(self):
        self.machine.start()
        for name, person in self.people.items():
            self._serve(name, person)
        self.path.start()
        self._t3ops()
        self.path.connect(self.daemon.proxy)
        for name, person in self.people.items():
            self.lines[name] = self.path.last_mile(name, person.address, name in self.far)
            if self.simulated:
                self.users[name] = self.person(name, self.lines[name])
        return self

    def _serve(self, name, person):
        home = os.path.join(self.dir, name)
        os.mkdir(home, 0o755)
        account.give(home)
        more = {} if self.simulated else {"page": chromium.page_file(person.version, self.factor)}
        stub = T3Stub(person.version, os.path.join(home, ".t3"), host="0.0.0.0", time=self.factor, **more)
        program = os.path.join(home, "t3")
        with open(program, "w", encoding="ascii") as f:
            f.write(f'#!/bin/sh\nT3STUB_VERSION={stub.version} exec {stub.program} "$@"\n')
        os.chmod(program, stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
        self.stubs[name] = stub
        self.serve_lines[name] = Relay(stub.address, f"serve {name}")

    def _t3ops(self):
        mint = [self.dir + "/%n/t3", "auth", "pairing", "create", "--base-dir", self.dir + "/%n/.t3", "--ttl", "5m", "--json"]
        sections = (section("command", "mint", {"argv": mint, "timeout": "60s"}) + section("plugin", "session_check", {}) +
                    section("plugin", "auto_pair", {}) + section("plugin", "probe_echo", {}) + self.path.leg_sections() +
                    "".join(getattr(self.path, leg)() for leg in self.legs) + self.sections)
        self.daemon = Daemon({"log_level": "info", **self.options}, sections, self.table(), env=self.lapse.env())

    def table(self, without=()):
        return {name: line.address[1] for name, line in self.serve_lines.items() if name not in without}

    def person(self, name, line):
        """Another device of that user, on that line; it is started."""
        person = self.people[name]
        return User(name, line.address, self.path.host, self.path.browser_tls(person.http2), person.version, self.factor,
                    person.http2, lambda user, event: self.events.append((user.user, event))).start()

    def stop(self):
        self.machine.over = True
        for user in self.users.values():
            user.stop()
        try:
            if self.daemon:
                self.daemon.stop()
        finally:
            self.path.stop()
            for name, stub in self.stubs.items():
                self.serve_lines[name].close()
                stub.process.kill()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind and self.daemon and self.daemon.process:
            self.daemon.process.print_log()
        self.stop()

    # ---- time

    def pause(self, seconds):
        time.sleep(seconds * self.factor)

    def until(self, condition, limit, what):
        return wait.until(condition, limit * self.factor / wait.SLOW, what)

    # ---- state

    def troubles(self):
        """What is not well now, as a list of words; empty: everything is up."""
        status = self.daemon.status()
        found = [f"leg {leg['name']}{'(' + leg['user'] + ')' if leg['user'] else ''} {leg['state']}"
                 for leg in status["legs"] if leg["state"] != "up"]
        if len(status["legs"]) < 2 + len(self.legs) + len(self.people):
            found.append("legs missing")
        found += [f"user {u.user} is off ({u.last_error})" for u in self.users.values() if not u.connected]
        if status["incident"]:
            found.append("an incident is open")
        return found

    def wait_well(self, limit=240):
        """Everything is up, and every user has been answered since."""
        try:
            self.until(lambda: not self.troubles(), limit, "everything is up")
            for user in self.users.values():
                before = user.pongs
                self.until(lambda u=user, n=before: u.pongs > n, limit, f"a Pong for {user.user}")
        except wait.TooLate as e:
            raise wait.TooLate(f"{e}: {'; '.join(self.troubles())}") from None

    def last_serial(self):
        return max((v["serial"] for v in self.daemon.verdicts()), default=0)

    def verdicts_after(self, serial):
        """Oldest first."""
        return [v for v in reversed(self.daemon.verdicts()) if v["serial"] > serial]

    def true_of_machine(self, verdicts, since):
        """Without those that say that the machine stood still, if it did (since: time.monotonic())."""
        late = self.machine.lag(since) > LAG
        return [v for v in verdicts if not (late and v["segments"] == ["host"])]

    def when(self, verdict):
        """As if nobody had set the clock."""
        at = datetime.datetime.fromisoformat(verdict["time"].replace("Z", "+00:00")).timestamp()
        return min((at - ahead for ahead in self.lapse.ahead), key=lambda t: abs(t - self.lapse.now()))

    def inseparable(self):
        """Sets of segments that t3ops -t says it cannot tell apart: of each such line, the names in it."""
        done = subprocess.run([process.program("core/t3ops"), "-c", self.daemon.conf, "-t"], capture_output=True, text=True,
                              check=False)
        names = r"\b(?:last_mile|wan|wan2|cloudflare|tunnel|traefik|dispatch|serve|dns|sso)\b"
        lines = [line.partition(" (")[0] for line in done.stdout.splitlines() if "cannot be told apart" in line]
        return [frozenset(re.findall(names, line)) for line in lines]

    # ---- what may happen to it

    def wan(self, action):
        """Does it to everything that crosses the uplink of the house: Relay method by name."""
        for name in ("wan_line", "resolver_line", "tunnel_line"):
            getattr(self.path.lines[name], action)()

    def restart(self, meanwhile=lambda: None):
        """t3ops ends and starts again, at the same address."""
        self.daemon.options["listen"] = ["%s:%d" % self.daemon.proxy]
        self.daemon.write_conf()
        self.daemon.stop()
        meanwhile()
        self.daemon.start()

    def signal_process(self, name, number):
        """To a process of t3ops."""
        for pid in self.daemon.pids(name):
            os.kill(pid, number)

    def freeze(self):
        """All of t3ops stands still."""
        self.signal_all(signal.SIGSTOP)

    def thaw(self):
        self.signal_all(signal.SIGCONT)

    def suspend(self, seconds):
        """What stood still for so long was suspended: its monotonic clock knows nothing of it.  Between freeze and thaw."""
        self.lapse.jump(monotonic=-seconds)

    def signal_all(self, number):
        for pid in [self.daemon.pid] + self.daemon.children():
            os.kill(pid, number)

    def get(self, name, target):
        """A request of the user's browser, outside of any page."""
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.users[name].cookies.items())}
        return http.get(self.lines[name].address, target, headers, host=self.path.host, tls=self.path.tls)
