# SPDX-License-Identifier: MIT
"""What must drop nobody, for long: reloads and upgrades under busy WebSockets, clients that POST over connections that
they keep, and a stream; then proxies, and supervisors, that are killed under WebSockets with a heartbeat.  Prints what was
lost; exit status 0 only if that is nothing.

    make soak [SOAK="--reloads 40 --upgrades 20 --kills 100 --supervisor-kills 100 --tunnels 200"]
"""
import argparse
import os
import random
import signal
import sys
import threading
import time

from lab import http, process, wait, ws
from lab.daemon import Daemon
from lab.origin import Origin, answer
from lab.poster import ALICE, GoPoster, Nginx, NodePoster, Poster
from lab.service import Service
from lab.talk import Crowd, RawEcho

ECHO = 'plugin "probe_echo" {}\n'
POST_PAUSE = 0.02  # of one client that is to send some 50 a second


def events(c, _request):
    """A stream of numbers without end."""
    c.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for n in range(1 << 30):
        text = b"data: %d\n\n" % n
        c.send(b"%x\r\n%s\r\n" % (len(text), text))
        time.sleep(0.1)


class Stream(threading.Thread):
    """One who listens to it."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.c = http.Connection(address)
        self.c.send(http.build("GET", "/events", ALICE))
        self.heard, self.error = 0, None
        self.start()

    def run(self):
        try:
            self.c.response_head()
            while True:
                self.c.read_until(b"\r\n")
                text = self.c.read_until(b"\n\n\r\n")
                if text != b"data: %d" % self.heard:
                    raise AssertionError(f"{text!r} instead of {self.heard}")
                self.heard += 1
        except (OSError, EOFError, AssertionError) as e:
            self.error = e


class Replacements:
    """Reloads and upgrades under everything at once."""

    def __init__(self, daemon, tunnels):
        self.daemon = daemon
        self.crowd = Crowd(daemon.proxy, ALICE, tunnels)
        self.crowd.start()
        self.stream = Stream(daemon.proxy)
        self.nginx = Nginx(daemon.proxy) if Nginx.path() else None
        self.posters = {"sockets": [Poster(daemon.proxy, POST_PAUSE)]}
        if self.nginx:
            self.posters["nginx"] = [Poster(self.nginx.address, POST_PAUSE)]
        self.pools = {name: kind(daemon.proxy, 8 * 2000 * POST_PAUSE) if kind.is_there() else None
                      for name, kind in (("node", NodePoster), ("go", GoPoster))}

    def replace(self, upgrade, number):
        self.daemon.replace(number, upgrade)
        time.sleep(1)

    def end(self):
        """Lines of what happened, and how much was lost."""
        self.crowd.over = True
        self.crowd.join(60)
        errors = self.crowd.errors()
        lines = [f"{len(self.crowd.members)} busy WebSockets: {len(errors)} lost {errors[:3] or ''}",
                 f"a stream: {self.stream.heard} events, {'lost: ' + repr(self.stream.error) if self.stream.error else '0 lost'}"]
        lost = len(errors) + bool(self.stream.error)
        for name, posters in self.posters.items():
            for p in posters:
                p.over = True
                p.join(60)
            wrong = [e for p in posters for e in p.lost]
            lines.append(f"POSTs by {name}: {sum(p.sent for p in posters)}, {len(wrong)} lost {wrong[:3] or ''}")
            lost += len(wrong)
        for name, pool in self.pools.items():
            if not pool:
                lines.append(f"POSTs by {name}: SKIP: there is no {name}; scripts/install-packages test")
                continue
            said = pool.end().splitlines()
            lines.append(f"POSTs by {name}: {said[-1].split()[-1]}, {len(said) - 1} lost {said[:3] if said[1:] else ''}")
            lost += len(said) - 1
        return lines, lost


def replacements(args):
    with Origin({"/ws": RawEcho(), "/post": lambda c, _: c.send(answer(b"fine")), "/events": events}) as origin, \
            Daemon({"log_level": "info", "max_tunnels_per_user": 0}, ECHO, users={"alice": origin.port}) as d:
        play = Replacements(d, args.tunnels)
        turns = [False] * args.reloads + [True] * args.upgrades
        random.shuffle(turns)
        for number, upgrade in enumerate(turns):
            play.replace(upgrade, number)
        lines, lost = play.end()
    return [f"{args.reloads} reloads and {args.upgrades} upgrades"] + lines, lost


def beat(page, number):
    """A Ping of the page, and its answer, for the t3 server echoes bytes."""
    page.send_frame(ws.TEXT, f"{number}", mask=False)
    return page.text() == f"{number}"


def kill_proxy(d):
    os.kill(d.processes()["proxy"], signal.SIGKILL)


def kill_supervisor(d):
    os.kill(d.pid, signal.SIGKILL)


def kills(who, kill, number, tunnels, period=5, service=process.Process):
    """At random moments of a heartbeat that is as long as the pages'."""
    lost, beats = 0, 0
    with Origin({"/ws": RawEcho()}) as origin, \
            Daemon({"log_level": "info", "max_tunnels_per_user": 0, "restart_pause_max": "100ms"}, ECHO,
                   users={"alice": origin.port}, service=service) as d:
        pages = [ws.WebSocket(d.proxy, "/ws", ALICE) for _ in range(tunnels)]
        for turn in range(number):
            started = d.log().count("event=process_started")
            killer = threading.Timer(random.random() * period, kill, (d,))
            killer.start()
            for n, page in enumerate(list(pages)):
                time.sleep(period / tunnels)
                try:
                    good = beat(page, turn * tunnels + n)
                except (OSError, ws.Closed):
                    good = False
                beats += 1
                if not good:
                    lost += 1
                    pages[n] = ws.WebSocket(d.proxy, "/ws", ALICE)
            killer.join()
            wait.until(lambda s=started: d.log().count("event=process_started") > s and "proxy" in d.processes(), what="a proxy")
        for page in pages:
            page.drop()
    return [f"{number} kills of the {who}, {tunnels} WebSockets with a Ping every {period} s: {beats} Pings, {lost} lost"], lost


def proxy_kills(args):
    return kills("proxy", kill_proxy, args.kills, args.tunnels)


def supervisor_kills(args):
    return kills("supervisor", kill_supervisor, args.supervisor_kills, args.tunnels, service=Service)


def main():
    parser = argparse.ArgumentParser(prog="make soak", description="What must drop nobody, for long.")
    parser.add_argument("--reloads", type=int, default=40)
    parser.add_argument("--upgrades", type=int, default=20)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--supervisor-kills", type=int, default=100)
    parser.add_argument("--tunnels", type=int, default=200)
    args = parser.parse_args()
    lost = 0
    for part in (replacements, proxy_kills, supervisor_kills):
        lines, missing = part(args)
        print("\n".join(lines), flush=True)
        lost += missing
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
