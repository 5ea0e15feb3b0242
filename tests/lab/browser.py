# SPDX-License-Identifier: MIT
"""What the tests with a real Chromium have in common: a world, a browser on it, and the price of what is done."""
import contextlib
import re
import sys
import time
import unittest

from lab import chromium
from lab.stub import LATEST, NEW, NEXT, OLD
from lab.world import LAG, TRIES, Person, World, missing

SPEED = 5
QUIET = 8  # seconds of t3ops in which what happened would have become a verdict


def of_version(version):
    """Decorates a test: its server is of that version."""
    def mark(test):
        test.version = version
        return test
    return mark


class Outcome(unittest.TestResult):
    """What a test came to, to be passed on or not."""

    def __init__(self):
        super().__init__()
        self.calls = []
        for name in ("addSuccess", "addFailure", "addError", "addSkip", "addExpectedFailure", "addUnexpectedSuccess"):
            setattr(self, name, lambda *words, name=name: self.calls.append((name, words)))

    @property
    def wrong(self):
        return any(name in ("addFailure", "addError") for name, _ in self.calls)

    def pass_on(self, result):
        for name, words in self.calls:
            getattr(result, name)(*words)


class Case(unittest.TestCase):
    """One world and one browser a class, one user a test: nothing of one test is left for the next.  A test that goes
    wrong while the machine is late is played again in a new world."""

    http2 = False
    versions = (LATEST, NEW, NEXT, OLD)
    options = None  # of t3ops.conf
    flags = ()  # of the browser
    again = 8  # plays that all of them may have for that: a machine that is late all the time has the suite wait no longer
    world = browser = None

    @classmethod
    def setUpClass(cls):
        names = [n for n in unittest.defaultTestLoader.getTestCaseNames(cls)]
        cls.names = {test: f"user{n}" for n, test in enumerate(names)}
        people = {cls.names[test]: Person(cls.version_of(test, n), cls.http2, f"127.0.1.{n + 1}")
                  for n, test in enumerate(names)}
        cls.world = World(SPEED, people, simulated=False, options=cls.options)
        cls.addClassCleanup(cls.world.stop)
        cls.world.start()
        cls.browser = chromium.Chromium(cls.world.path, flags=cls.flags)
        cls.addClassCleanup(cls.browser.stop)
        cls.world.wait_well()

    @classmethod
    def version_of(cls, test, n):
        return getattr(getattr(cls, test), "version", cls.versions[n % len(cls.versions)])

    def setUp(self):
        self.name = self.names[self._testMethodName]
        self.stub = self.world.stubs[self.name]
        self.line = self.world.lines[self.name]
        self.profile = self.browser.profile(self.name, self.line)
        self.addCleanup(self.close_all)

    def close_all(self):
        for tab in list(self.profile.tabs):
            tab.close()

    def run(self, result=None):
        if not self.world:  # the whole class is skipped
            super().run(result)
            return
        result.startTest(self)
        for tries in range(1, TRIES + 1):
            outcome, late = self.play()
            if not outcome.wrong or late <= LAG:
                outcome.pass_on(result)
                break
            print(f"{self.id()}: the machine was {late:.2f} s late", file=sys.stderr)
            self.anew()
            if tries == TRIES or Case.again == 0:
                result.addSkip(self, f"the machine could not keep up: it was {late:.2f} s late")
                break
            Case.again -= 1
        result.stopTest(self)

    def play(self):
        mark, began, outcome = len(self.world.daemon.log()), time.monotonic(), Outcome()
        super().run(outcome)
        if outcome.wrong:
            print(f"---- t3ops during {self.id()}\n{self.world.daemon.log()[mark:]}----", file=sys.stderr)
        return outcome, self.world.machine.lag(began)

    @classmethod
    def anew(cls):
        cls.doClassCleanups()
        cls.setUpClass()

    def connected(self, **more):
        """A tab with the page, connected."""
        tab = self.profile.open(**more)
        tab.wait_connected()
        return tab

    def pairings(self):
        """Of browsers: the legs have sessions of their own."""
        return len(re.findall(rf"event=command_done requester=proxy command=mint user={self.name} exit_code=0",
                              self.world.daemon.log()))

    @contextlib.contextmanager
    def costs(self, pairings=0, most_pairings=None, error_pages=0, drops=0, verdicts=(), may=()):
        """What the block may cost.  drops: how many, or a tuple of what is right.  verdicts: sets of segments, each of which one verdict has to name.  Where infra was
        cleared a verdict about a last mile is that.  may: what is true as well, said or not."""
        paired, errors, serial = self.pairings(), len(self.errors()), self.world.last_serial()
        mark, began = len(self.world.daemon.log()), time.monotonic()
        yield
        self.world.pause(QUIET)
        last = {v["id"]: v for v in self.world.verdicts_after(serial)}  # the last revision of each
        said = [self.named(v) for v in self.world.true_of_machine(last.values(), began) if not self.of_others(v)]
        dropped = re.findall(rf"\bevent=tunnel_dropped\b.*\buser={self.name}\b.*", self.world.daemon.log()[mark:])
        self.assertEqual(len(self.errors()) - errors, error_pages, self.errors()[errors:])
        self.assertIn(len(dropped), drops if isinstance(drops, tuple) else (drops,), dropped)
        said = [s for s in said if s not in may]
        self.assertEqual(len(said), len(verdicts), said)
        for truth in verdicts:
            self.assertTrue(any(truth == s or s == {"exonerated"} and all("last_mile" in t for t in truth) for s in said), said)
        now = self.pairings() - paired
        self.assertTrue(pairings <= now <= (pairings if most_pairings is None else most_pairings), f"{now} pairings")

    def of_others(self, verdict):
        """Whether it is about users of other tests alone, who closed their tabs."""
        return verdict["users"] and self.name not in verdict["users"]

    @staticmethod
    def named(verdict):
        return {"exonerated"} if verdict["verdict"].startswith("exonerated") else set(verdict["segments"])

    def errors(self):
        return self.profile.error_pages


def why_not():
    """Words of what is missing; empty: it can be played."""
    return " ".join(([] if chromium.program() else ["Chromium (Debian: chromium)"]) + missing())


def main():
    if why_not():
        print("skipped, missing here:", why_not())
        sys.exit(77)
    unittest.main()
