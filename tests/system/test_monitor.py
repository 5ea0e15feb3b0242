#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The monitor: its pages, its control socket, and t3opsctl."""
import json
import os
import shutil
import socket
import stat
import subprocess
import time
import unittest
from datetime import datetime

from lab import http, ports, process, wait, ws
from lab.daemon import Daemon, plugin_dir
from lab.origin import Origin
from lab.stub import NEW, T3Stub
from lab.talk import RawEcho

ALICE = [("X-authentik-username", "alice")]
SECTIONS = ('plugin "probe_echo" {}\n'
            'plugin "probe_t3serve" { heartbeat = "200ms" late = "300ms" watchdog = "1s" reconnect_min = "100ms" }\n')


class Monitor(unittest.TestCase):
    def setUp(self):
        self.stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(self.stub.process.kill)
        self.daemon = Daemon({"ping_timeout": "500ms"}, SECTIONS, users={"alice": self.stub.port})
        self.addCleanup(self.daemon.stop)
        self.daemon.wait_log(r"event=leg_up .*user=alice")

    def ctl(self, *words):
        return subprocess.run([process.program("core/t3opsctl"), "-s", self.daemon.control, *words], capture_output=True,
                              text=True, timeout=60, check=False)

    def drop(self):
        """A user's connection breaks; returns the newest verdict.  The same one again and again is one with a count."""
        def told():
            return [(v["id"], v["times"]) for v in self.daemon.standing()]
        known = told()
        ws.polite_visit(self.daemon.proxy, ALICE + [("Cookie", self.stub.cookie())])
        with ws.WebSocket(self.daemon.proxy, "/ws", ALICE + [("Cookie", self.stub.cookie())]) as w:
            w.heartbeat()
            w.drop()
        with ws.WebSocket(self.daemon.proxy, "/ws", ALICE + [("Cookie", self.stub.cookie())]) as w:
            w.heartbeat()  # the page lived: it is back by itself
            w.close(1001)
        wait.until(lambda: told() != known, what="a verdict")
        return self.daemon.verdicts()[0]

    def test_metrics_page(self):
        self.drop()
        page = self.daemon.get("/metrics")
        self.assertTrue(page.header("content-type").startswith("text/plain; version=0.0.4"))
        metrics = self.daemon.metrics()
        self.assertEqual(metrics['t3ops_leg_connected{leg="probe_t3serve",user="alice"}'], 1)
        self.assertEqual(metrics['t3probe_connected{leg="probe_t3serve",user="alice"}'], 1)
        self.assertGreater(metrics['t3probe_rtt_seconds_count{leg="probe_t3serve",user="alice"}'], 0)
        self.assertGreater(metrics['t3ops_verdicts_total{kind="fault",segment="last_mile or wan or cloudflare or tunnel or traefik or dispatch"}'], 0)
        self.assertEqual(metrics['t3ops_tunnel_ends_total{reason="client_eof"}'], 1)
        self.assertEqual(metrics["t3ops_tunnels_opened_total"], 3)
        if not shutil.which("promtool"):
            self.skipTest("no promtool")
        done = subprocess.run(["promtool", "check", "metrics"], input=page.text(), text=True, capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_verdict_of_a_drop(self):
        v = self.drop()
        self.assertEqual(v["segments"], ["last_mile(alice)", "wan", "cloudflare", "tunnel", "traefik", "dispatch"])
        self.assertIn("alice lost 1 WebSocket (cut", v["text"])
        self.assertTrue(any(e["what"] == "tunnel" and e["failed"] for e in v["evidence"]))
        self.assertTrue(any(e["what"] == "leg" and not e["failed"] for e in v["evidence"]))
        self.assertEqual((v["version"], v["users"]), (1, ["alice"]))
        standing = self.daemon.standing()[0]
        self.assertEqual((standing["id"], standing["state"], standing["users_absent"]), (v["id"], "healed", 0))
        self.assertEqual(self.daemon.get(f"/verdicts?after={v['serial']}").json(), [])
        self.assertEqual(len(self.daemon.get("/verdicts?limit=1").json()), 1)

    def test_other_pages(self):
        self.assertEqual(self.daemon.get("/healthz").text(), "ok\n")
        self.assertEqual(http.get(self.daemon.monitor, "/nothing").status, 404)
        self.assertEqual(http.request(self.daemon.monitor, "POST", "/status", body=b"x").status, 405)
        self.assertEqual(http.request(self.daemon.monitor, "HEAD", "/status").status, 200)
        page = http.request(self.daemon.monitor, "GET", "/status", [("Accept", "text/html,*/*")])
        self.assertEqual((page.status, page.header("location")), (302, "/"))
        page = http.get(self.daemon.monitor, "/")
        self.assertTrue(page.header("content-type").startswith("text/html"))
        self.assertIn("probe_t3serve", page.text())
        with http.Connection(self.daemon.monitor) as c:
            c.send(b"nonsense\r\n\r\n")
            self.assertEqual(c.response().status, 400)
        rows = self.daemon.status()["processes"]
        processes = {r["process"]: r["state"] for r in rows}
        self.assertEqual([r["process"] for r in rows], ["proxy", "prober", "monitor"])
        self.assertEqual(processes, {"proxy": "ready", "prober": "ready", "monitor": "ready"})

    def test_only_names_that_it_knows(self):
        """Or any web site could read them through a browser, under a name that it points to this address."""
        own = socket.gethostname()
        for host in ("127.0.0.1:9108", "127.0.0.1", "[::1]:9108", "localhost:9108", "LOCALHOST", "lab", "lab.:80", own):
            self.assertEqual(http.get(self.daemon.monitor, "/metrics", host=host).status, 200, host)
        for host in ("evil.example", "evil.example:9108", "lab.evil.example", "localhost.evil.example", "1.2.3.4.evil.example", "[::1", ""):
            answer = http.get(self.daemon.monitor, "/status", host=host)
            self.assertEqual((answer.status, "status_hosts" in answer.text()), (421, True), host)
        self.assertEqual(self.daemon.metrics()["t3ops_status_host_refused_total"], 7)
        self.assertIn("host=evil.example", self.daemon.wait_log("event=status_host_refused .*").group(0))
        self.assertEqual(self.daemon.log().count("event=status_host_refused"), 1)

    def test_scraper_finds_a_place(self):
        """However many connections others hold open."""
        held = []
        for _ in range(200):
            s = socket.create_connection(self.daemon.monitor)
            self.addCleanup(s.close)
            held.append(s)
        metrics = self.daemon.metrics()
        self.assertGreaterEqual(metrics["t3ops_status_evicted_total"], 200 - 64)
        self.assertIn("peer=127.0.0.1", self.daemon.wait_log("event=status_crowded .*").group(0))
        self.assertEqual(self.daemon.log().count("event=status_crowded"), 1)

    def test_counters_exist_from_the_start(self):
        """increase() sees the first step of a counter only if it was there before, at 0."""
        leg = ('plugin "probe_cloudflare" { url = "wss://localhost:1/probe/ws" resolver = "https://127.0.0.1:1/dns-query" }\n')
        with Daemon({}, SECTIONS + 'plugin "session_check" {}\nplugin "auto_pair" {}\ncommand "mint" { argv = {"/bin/true"} }\n' + leg,
                    users={"alice": self.stub.port}) as d:
            found = d.metrics()
            for name in ('t3ops_verdicts_total{kind="exonerated",segment="exonerated"}',
                         't3ops_verdicts_total{kind="fault",segment="dns"}', 't3ops_verdicts_total{kind="fault",segment="serve"}',
                         't3ops_tunnel_drops_total{page="unknown"}', 't3ops_tunnel_drops_total{page="cut"}',
                         't3ops_callback_slow_total{plugin="session_check",callback="on_unauthorized"}',
                         't3ops_callback_slow_total{plugin="probe_cloudflare",callback="leg_fresh"}',
                         't3ops_leg_fresh_failures_total{leg="probe_cloudflare",reason="tls"}'):
                self.assertEqual(found.get(name), 0, name)

    def test_legs_in_json(self):
        with Daemon({}, SECTIONS + 'plugin "b" { module = "probe_internal" url = "wss://localhost:1/probe/ws" address = "127.0.0.1:1" }\n'
                    'plugin "a" { module = "probe_internal" url = "wss://localhost:1/probe/ws" address = "127.0.0.1:1" }\n',
                    users={"bob": self.stub.port, "alice": self.stub.port}) as d:
            wait.until(lambda: len(d.status()["legs"]) == 4 and all(g["since"] for g in d.status()["legs"]), what="four legs")
            legs = d.status()["legs"]
            self.assertEqual([(g["name"], g["user"]) for g in legs],
                             [("a", None), ("b", None), ("probe_t3serve", "alice"), ("probe_t3serve", "bob")])
            wait.until(lambda: "rtt_seconds" in d.status()["legs"][2], what="a round trip")
            self.assertRegex(d.get("/status").text(), r'"rtt_seconds": \d\.\d{1,7}(e-\d+)?[,\s}]')

    def test_ctl_shows(self):
        self.drop()
        self.assertRegex(self.ctl("legs").stdout, r"probe_t3serve +alice +up ")
        self.assertIn("alice lost 1 WebSocket", self.ctl("verdicts").stdout)
        self.assertIn("\n    healed at ", self.ctl("verdicts", "--standing").stdout)
        self.assertIn("event=tunnel_dropped", self.ctl("events", "-k", "tunnel_dropped").stdout)

    def test_ctl_follows(self):
        for words, expected in ((["verdicts", "-f"], "alice lost"), (["events", "-f", "-k", "tunnel_opened"], "event=tunnel_opened")):
            with self.subTest(words=words), \
                    process.Process([process.program("core/t3opsctl"), "-s", self.daemon.control, *words, "-n", "1"], "ctl") as p:
                wait.until(lambda p=p: p.log(), what="what there was")
                before = p.log().count(expected)
                self.drop()
                wait.until(lambda p=p, n=before, e=expected: p.log().count(e) > n, what="news")

    def test_control_socket_takes_nonsense(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.daemon.control).st_mode), 0o660)
        for line in (b"\n", b"{}\n", b"[1]\n", b'{"command":1}\n', b'{"command":"shutdown"}\n', b"\xff\xfe\n"):
            with self.subTest(line=line), socket.socket(socket.AF_UNIX) as s:
                s.settimeout(30)
                s.connect(self.daemon.control)
                s.sendall(line)
                self.assertFalse(json.loads(s.makefile().readline())["ok"])
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(self.daemon.control)
            with self.assertRaises(OSError):
                while True:  # it is cut off, not read for ever
                    s.sendall(b"x" * 10_000)
        self.assertEqual(self.ctl("status").returncode, 0)


class Successor(unittest.TestCase):
    """A monitor that comes after another one knows the legs at once, and since when they are what they are."""

    def setUp(self):
        self.stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(self.stub.process.kill)
        sections = ('plugin "probe_echo" {}\n'  # no heartbeat of its own comes while this test runs
                    'plugin "probe_t3serve" { heartbeat = "10m" watchdog = "11m" reconnect_min = "100ms" reconnect_max = "10m" }\n')
        self.daemon = Daemon({"ping_timeout": "500ms"}, sections, users={"alice": self.stub.port, "bob": ports.free()})
        self.addCleanup(self.daemon.stop)
        self.daemon.wait_log(r"event=leg_up .*user=alice")
        self.daemon.wait_log(r"event=leg_attempt_failed .*user=bob")

    def legs(self):
        return {g["user"]: (g["state"], datetime.fromisoformat(g["since"]).timestamp()) for g in self.daemon.status()["legs"]}

    def is_known_after(self, replace):
        before, monitor = self.legs(), self.daemon.processes()["monitor"]
        self.assertEqual({u: s for u, (s, _) in before.items()}, {"alice": "up", "bob": "down"})
        time.sleep(2)  # a wrong time shows
        replace()
        wait.until(lambda: self.daemon.processes().get("monitor", monitor) != monitor, what="the monitor that came after")
        wait.until(lambda: len(self.legs()) == 2, what="both legs")
        for user, (state, since) in self.legs().items():
            self.assertEqual(state, before[user][0])
            self.assertAlmostEqual(since, before[user][1], delta=1)

    def test_one_that_was_killed(self):
        self.is_known_after(lambda: os.kill(self.daemon.processes()["monitor"], 9))

    def test_one_with_another_configuration(self):
        def replace():
            self.daemon.options["journal_retain"] = "80d"  # the monitor reads it, the prober does not
            self.daemon.write_conf()
            self.daemon.reload()
        self.is_known_after(replace)


class Reload(unittest.TestCase):
    def test_a_reload_that_replaces_the_desk_tells_its_outcome(self):
        with Daemon({"ping_timeout": "500ms", "trusted_upstreams": []}, 'plugin "probe_echo" {}\n') as d:
            for n in range(5):
                monitor = d.processes()["monitor"]
                d.options["ping_timeout"] = f"{501 + n}ms"
                d.write_conf()
                self.assertEqual(d.ctl("reload"), "the new configuration is active\n")
                wait.until(lambda was=monitor: d.processes()["monitor"] != was, what="the monitor that came after")
                rows = [r["process"] for r in d.status()["processes"]]
                self.assertEqual(rows, sorted(rows, key=["proxy", "prober", "monitor"].index))  # whoever was replaced


class Watch(unittest.TestCase):
    """Plugins that watch events, in the monitor's process."""

    def plugin_dir(self):
        folder = shutil.copytree(plugin_dir(), os.path.join(process.folder(), "plugins"))
        shutil.copy(process.program("tests/plugins/sample_watch.so"), folder)
        return folder

    def test_it_sees_events(self):
        with Daemon({"plugin_dir": self.plugin_dir()}, 'plugin "probe_echo" {}\nplugin "eye" { module = "sample_watch" }\n') as d:
            d.wait_log(r'process=monitor .*event=event_watched .*message="process_started, whole"')
            monitor = d.processes()["monitor"]
            d.reload()
            d.wait_log(r'event=event_watched .*message="reloaded,')
            self.assertEqual(d.processes()["monitor"], monitor)

    def test_one_that_crashes_ends_only_the_desk(self):
        with Daemon({"plugin_dir": self.plugin_dir()},
                    'plugin "probe_echo" {}\nplugin "eye" { module = "sample_watch" crash_on = "reloaded" }\n') as d:
            before = d.processes()
            d.reload()
            d.wait_log(r"event=process_exited .*child=monitor")
            wait.until(lambda: d.processes().get("monitor", before["monitor"]) != before["monitor"], what="the monitor that came after")
            self.assertEqual(d.processes()["proxy"], before["proxy"])
            self.assertIn("event=process_exited", d.ctl("events", "-k", "process_exited"))


class Journal(unittest.TestCase):
    def test_it_outlives_the_monitor(self):
        with Daemon({}, 'plugin "probe_echo" {}\n', users={}) as d:
            os.kill(d.processes()["monitor"], 9)
            wait.until(lambda: "process_exited" in d.ctl("events", check=False), what="the monitor that came after")

    def test_a_page_that_reconnects_in_a_loop_does_not_fill_it(self):
        with Origin({"/ws": RawEcho()}) as origin, Daemon({"log_level": "info"}, 'plugin "probe_echo" {}\n',
                                                          users={"alice": origin.port, "bob": origin.port}) as d:
            for _ in range(250):
                with ws.WebSocket(d.proxy, "/ws", ALICE) as w:
                    w.close(1000)
            with ws.WebSocket(d.proxy, "/ws", [("X-authentik-username", "bob")]) as w:
                w.close(1000)
            d.wait_log("level=warning .*event=journal_capped .*user=alice .*suppressed=")
            d.wait_log("event=tunnel_closed .*user=bob")
            wait.until(lambda: d.metrics()["t3ops_journal_capped_total"] > 100, what="the count of rows left out")
            kept = d.ctl("events", "-n", "2000").splitlines()
            self.assertLess(sum("user=alice" in line for line in kept), 400)
            self.assertEqual(sum("user=bob" in line for line in kept), 2)


if __name__ == "__main__":
    unittest.main()
