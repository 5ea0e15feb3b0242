# SPDX-License-Identifier: MIT
"""Makes the recordings of tests/recordings anew: plays rows of lab/faults.py as lab/play.py does, and keeps of those
that were right what t3ops recorded of their incidents, and what it said.

    make recordings [RECORDINGS="--only 'edge|wan' --speed 3 --jobs 2"]
"""
import argparse
import multiprocessing
import os
import re
import sys

from lab import faults, play, process, recording
from lab.world import missing as world_missing

# Every kind of verdict, of evidence, and of what happens to the host.
ROWS = (
    "kill the edge", "the edge takes no new connections", "the edge's certificate expired",
    "kill the tunnel", "stall the tunnel", "silence towards the tunnel, one direction", "large messages die in the tunnel", "the tunnel flaps",
    "kill Traefik", "stall Traefik", "Traefik takes no new connections",
    "cut between Traefik and t3ops", "kill the proxy of t3ops",
    "the uplink is lost", "the uplink is silent, and a server stalls besides",
    "the resolver is gone", "the name leads where nobody is",
    "stall alice's server", "restart bob's old server", "alice's server flaps", "two servers stall",
    "large answers of alice's server die",
    "cut alice's last mile", "silence on alice's last mile", "two last miles are cut", "alice's last mile is silent upwards",
    "t3ops stands still for 30 s", "the machine of t3ops is suspended for 60 s",
    "the prober's own way to Traefik is cut", "the prober is killed as alice's server stalls",
    "kill alice's and bob's location", "the second uplink is silent", "kill the tunnel under thirty users",
)


class Recorded(play.Plays):
    """Rows whose recordings are kept."""

    def __init__(self, speed, folder):
        super().__init__(speed)
        self.folder = folder
        self.seen = set()  # incidents of this world
        self.broken = []

    def once(self, row):
        world = self.world
        outcome = super().once(row)
        if self.world is not world:
            self.seen = set()
        incidents = {v["incident"] for v in self.world.daemon.verdicts()} - self.seen
        self.seen |= incidents
        if outcome.right:
            self.incidents_keep(outcome.row, sorted(incidents))
        return outcome

    def incidents_keep(self, row, incidents):
        for number, incident in enumerate(incidents):
            text = recording.export_when_over(self.world, incident)
            name = recording.name_of(row.name) + (f"-{number + 1}" if number > 0 else "")
            if "\nincomplete " in text:
                print(f"    {name}: not kept, for the monitor was replaced meanwhile", flush=True)
            elif not recording.keep(self.folder, name, text):
                self.broken.append(name)
                print(f"    {name}: its replay says something else", flush=True)


def play_share(rows, args, number):
    plays = Recorded(args.speed, args.folder)
    try:
        right = [plays.row(row).right for row in rows]
    finally:
        plays.stop()
        process.end_all()
    sys.exit(0 if all(right) and not plays.broken else 1)


def main():
    parser = argparse.ArgumentParser(prog="make recordings", description="Makes recordings of the lab's incidents.")
    parser.add_argument("folder", help="where they are kept")
    parser.add_argument("--speed", type=float, default=5, help="seconds of t3ops in one of ours")
    parser.add_argument("--only", default="", help="regular expression: rows to play")
    parser.add_argument("--jobs", type=int, default=1, help="paths to play on at a time")
    args = parser.parse_args()
    if world_missing():
        print("recordings: missing here: " + " ".join(world_missing()))
        return 77
    args.folder = os.path.abspath(args.folder)
    rows = [r for r in faults.ROWS if r.name in ROWS and re.search(args.only, r.name)]
    print(play.HEAD, flush=True)
    fork = multiprocessing.get_context("fork")
    jobs = [fork.Process(target=play_share, args=(play.share(rows, n, args.jobs), args, n)) for n in range(args.jobs)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    return 0 if all(job.exitcode == 0 for job in jobs) else 1


if __name__ == "__main__":
    sys.exit(main())
