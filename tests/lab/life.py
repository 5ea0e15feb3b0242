# SPDX-License-Identifier: MIT
"""Ordinary life: five users who reload, open and close tabs and private windows, close their laptops, change networks,
lose their browsers, while t3ops is reloaded and upgraded.  Nothing is broken, so no verdict may come.  Exit status 0 only
if none did.

    make life [LIFE="--minutes 60 --speed 10 --seed 1 --far 2"]
"""
import argparse
import heapq
import random
import signal
import sys
import time

from lab import play
from lab.stub import LATEST, NEW, NEXT, OLD
from lab.world import Person, World
from lab.world import missing as world_missing

PEOPLE = {
    "alice": Person(NEW, False, "127.0.0.11"),
    "bob": Person(OLD, False, "127.0.0.12"),
    "carol": Person(LATEST, True, "127.0.0.13"),
    "dave": Person(NEXT, False, "127.0.0.14"),
    "erin": Person(NEXT, True, "127.0.0.15"),
}
MEAN_PAUSE = 8  # seconds between two things that somebody does
LONGEST_SLEEP = 600
TABS = 3


class Life:
    def __init__(self, world, seed=1, log=print):
        self.world = world
        self.random = random.Random(seed)
        self.log = log
        self.asleep = {}  # user: whether the connections are gone for good
        self.later = []  # (when, order, function)
        self.done = {}  # how often each thing was done
        self.addresses = 20

    # ---- what people do; each says False if it makes no sense now

    def reload(self, user):
        if user.pages:
            user.reload(self.random.choice(user.pages))

    def open_tab(self, user):
        if len(user.pages) >= TABS:
            return False
        user.open(self.random.choice(["/", "/thread/1", "/settings"]))
        return True

    def close_tab(self, user):
        if not user.pages:
            return False
        user.close(self.random.choice(user.pages))
        return True

    def private_window(self, user):
        tab = user.open(private=True)
        self.after(self.random.uniform(5, 60), lambda: tab in user.pages and user.close(tab))

    def work(self, user):
        """The server sends something that is acknowledged, for a while."""
        connected = [p for p in user.pages if p.connected]
        if not connected:
            return False
        every = self.random.uniform(1, 6)
        user.request("stub.chunks", {"every_ms": int(every * 1000 * self.world.factor), "bytes": 800, "count": 20}, connected[0])
        return True

    def large_answer(self, user):
        connected = [p for p in user.pages if p.connected]
        if not connected:
            return False
        user.request("stub.bytes", {"bytes": 500_000}, connected[0])
        return True

    def close_laptop(self, user):
        """Briefly, so that its connections outlive it, or for long.  Programs stand still before the network goes."""
        name, seconds = user.user, self.random.expovariate(1 / 90) + 3
        line = self.world.lines[name]
        user.sleep()
        if seconds > 60:
            line.vanish()
        else:
            line.stall()
        self.asleep[name] = True
        self.after(min(seconds, LONGEST_SLEEP), lambda: self.open_laptop(user))

    def open_laptop(self, user):
        self.world.lines[user.user].heal()
        user.wake()
        del self.asleep[user.user]

    def change_network(self, user):
        name = user.user
        self.addresses += 1
        fresh = self.world.path.last_mile(name, f"127.0.2.{self.addresses % 250 + 1}")
        self.world.lines[name].vanish()
        self.world.lines[name] = fresh
        user.move(fresh.address)

    def browser_dies(self, user):
        user.crash()
        self.after(self.random.uniform(2, 20), lambda: user.open())

    def come_back(self, user):
        if user.pages:
            return False
        user.open()
        return True

    # ---- what the operator does

    def reload_t3ops(self):
        self.world.daemon.reload()

    def upgrade_t3ops(self):
        mark = len(self.world.daemon.log())
        self.world.daemon.process.send_signal(signal.SIGUSR2)
        self.world.daemon.process.wait_log(r"\bevent=(reloaded|upgraded|ready)\b", 60, mark)

    # ---- the hour

    def after(self, seconds, action):
        heapq.heappush(self.later, (self.world.lapse.now() + seconds, len(self.later) + random.random(), action))

    def step(self):
        what = self.random.choices(
            (self.reload, self.open_tab, self.close_tab, self.private_window, self.work, self.large_answer, self.close_laptop,
             self.change_network, self.browser_dies, self.come_back), (30, 15, 12, 8, 15, 5, 12, 6, 3, 30))[0]
        awake = [u for u in self.world.users.values() if u.user not in self.asleep]
        if not awake:
            return
        user = self.random.choice(awake)
        if what(user) is not False:
            self.note(f"{user.user} {what.__name__}", what.__name__)

    def note(self, text, name):
        self.done[name] = self.done.get(name, 0) + 1
        self.log(f"{time.strftime('%H:%M:%S', time.gmtime(self.world.lapse.now()))} {text}")

    def live(self, seconds):
        """Returns the verdicts that came."""
        w = self.world
        serial, end = w.last_serial(), w.lapse.now() + seconds
        operator = iter(sorted(self.random.uniform(0.1, 0.9) * seconds for _ in range(max(2, int(seconds / 600)))))
        next_operator, n = next(operator), 0
        begun = w.lapse.now()
        while w.lapse.now() < end:
            w.pause(self.random.expovariate(1 / MEAN_PAUSE))
            while self.later and self.later[0][0] <= w.lapse.now():
                heapq.heappop(self.later)[2]()
            if next_operator is not None and w.lapse.now() - begun >= next_operator:
                what = self.upgrade_t3ops if n % 2 else self.reload_t3ops
                what()
                self.note(what.__name__, what.__name__)
                next_operator, n = next(operator, None), n + 1
            self.step()
        self.everybody_back()
        return w.verdicts_after(serial)

    def everybody_back(self):
        while self.later:
            heapq.heappop(self.later)[2]()
        for user in self.world.users.values():
            if not user.pages:
                user.open()
        self.world.wait_well()
        self.world.pause(15)


def main(text=None):
    parser = argparse.ArgumentParser(prog="make life", description="Ordinary life, of which no verdict may come.")
    parser.add_argument("--minutes", type=float, default=60, help="of t3ops' time")
    parser.add_argument("--speed", type=float, default=10, help="seconds of t3ops in one of ours")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--far", type=int, default=0, help="users who come over another location than the legs")
    args = parser.parse_args(text)
    if world_missing():
        print("life: missing here: " + " ".join(world_missing()))
        return 77
    world = World(args.speed, PEOPLE, far=tuple(PEOPLE)[:args.far])
    try:
        world.start()
        world.wait_well()
        began = time.monotonic()
        life = Life(world, args.seed)
        verdicts = world.true_of_machine(life.live(args.minutes * 60), began)
    finally:
        play.stop(world)
    print("done: " + ", ".join(f"{n} x{c}" for n, c in sorted(life.done.items())))
    for v in verdicts:
        print(f"FALSE {v['time']} {v['verdict']}: {v['text']}")
    print(f"{len(verdicts)} false convictions in {args.minutes:g} minutes of ordinary life")
    return 1 if verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
