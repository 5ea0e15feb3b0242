# SPDX-License-Identifier: MIT
"""Who watches three paths, and what that costs: the prober of t3ops, and blackbox_exporter asked as Prometheus asks it."""
import time
import urllib.request
from pathlib import Path

import proxies
from measure import context_switches, cpu_seconds_of, private_kib

SECONDS = 100
EVERY = 10  # t3ops' heartbeat by default, and the pause between two scrapes


class T3opsLegs(proxies.T3ops):
    """Three legs to its own probe endpoint, as shipped: with a fresh connection and a large message now and then."""
    name = "t3ops-legs"
    options = ""

    @property
    def plugins(self):
        legs = "".join(f'plugin "leg{n}" {{ module = "probe_internal" url = "ws://localhost:{self.port}/probe/ws" address = "127.0.0.1" '
                       f'segments = {{"path{n}", "dispatch"}} {self.options} }}\n' for n in range(3))
        return 'plugin "probe_echo" {}\n' + legs

    def pid(self):
        for task in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            if Path(f"/proc/{task}/comm").read_text().strip() == "prober":
                return int(task)
        raise RuntimeError("there is no prober")

    def watch(self):
        time.sleep(SECONDS)


class T3opsPermanent(T3opsLegs):
    """The permanent connections alone."""
    name = "t3ops-permanent"
    options = 'fresh = "0s" large_beat = "0s"'


class Blackbox(proxies.Proxy):
    """Three new connections with every scrape."""
    name = "blackbox"
    ready = "/"

    def command(self):
        conf = self.folder / "blackbox.yml"
        conf.write_text("modules: {http_2xx: {prober: http, timeout: 5s}}\n")
        return ["prometheus-blackbox-exporter", f"--config.file={conf}", f"--web.listen-address=127.0.0.1:{self.port}"]

    def pid(self):
        return self.process.pid

    def scrape(self):
        for _ in range(3):
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/probe?module=http_2xx&target="
                                   f"http://127.0.0.1:{self.backend}/small", timeout=10).read()

    def watch(self):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            self.scrape()
            time.sleep(EVERY)


ALL = {kind.name: kind for kind in (T3opsLegs, T3opsPermanent, Blackbox)}


def watching(contender):
    """Of the one process that does it, for an hour of it; what starting costs is not counted."""
    pid = contender.pid()
    time.sleep(EVERY)
    cpu, switches, began = cpu_seconds_of(pid), context_switches(pid), time.monotonic()
    contender.watch()
    seconds = time.monotonic() - began
    return {"CPU-s an hour": (cpu_seconds_of(pid) - cpu) / seconds * 3600,
            "context switches a minute": (context_switches(pid) - switches) / seconds * 60,
            "private MiB": private_kib(pid) / 1024}
