#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shipped alert rules and routes in a real Prometheus and Alertmanager that scrape a real t3ops: each condition is
brought about, the alert must fire with its labels and arrive where its severity belongs, and what its section of the runbook
tells to type must work meanwhile (lab/alarm.py).  A minute of the rules is a second here.  More: test_alerts_upkeep.py."""
import getpass
import os
import re
import shutil
import signal
import subprocess
import unittest

from lab import account, certs, http, ports, process, runbook, timelapse, wait, ws
from lab.alarm import Alarm
from lab.daemon import Daemon, plugin_dir_with, section
from lab.origin import Origin, answer
from lab.relay import Relay
from lab.stub import NEW, T3Stub
from lab.prometheus import RULES, text_of
from test_legs import HANDLERS, HOST, TlsOrigin

NOT_SELF = "nobody" if getpass.getuser() != "nobody" else "root"
NOT_BROUGHT_ABOUT = {"T3OpsOverflow"}  # queues that are full, for which everything else would have to fail first
LEG = {"heartbeat": "100ms", "late": "200ms", "watchdog": "500ms", "reconnect_min": "100ms", "reconnect_max": "200ms"}


@unittest.skipUnless(shutil.which("prometheus") and shutil.which("prometheus-alertmanager"),
                     "prometheus or prometheus-alertmanager is not installed")
class Alerts(unittest.TestCase):
    def setUp(self):
        self.stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(lambda: self.stub.process.kill())

    def daemon(self, **more):
        backup = {"to": os.path.join(process.folder(), "to"), "every": "1d"}
        sections = ('plugin "probe_echo" {}\n' + section("plugin", "probe_t3serve", LEG) + section("plugin", "backup", backup))
        users = {"alice": self.stub.port, "bob": {"os_user": account.NAME, "port": self.stub.port}}
        return Daemon({"ping_timeout": "300ms", "restart_pause_max": "10s"}, sections, users=users, **more)

    def test_legs_and_verdicts(self):
        with self.daemon() as d, Alarm(d) as p:
            d.wait_log(r"event=leg_up .*user=alice")
            wait.until(lambda: p.query('t3probe_connected{leg=~"probe_t3serve.*"} == 1'), what="the leg in Prometheus")
            self.stub.stop()
            p.wait_alert("T3ProbeLegDown", severity="critical")
            p.wait_alert("T3Verdict", kind="fault")
            self.stub.start()
            p.wait_silence("T3ProbeLegDown")
            for _ in range(3):
                mark = len(d.log())
                self.stub.stop()
                d.wait_log(r"event=leg_down .*user=alice", after=mark)
                self.stub.start()
                d.wait_log(r"event=leg_up .*user=alice", after=mark)
            p.wait_alert("T3ProbeDropBurst", severity="warning")

    def test_segments(self):
        """A shared segment with a user behind it, and that user's server: each alert names what the verdict says, and nothing
        else stands."""
        port = ports.free()
        with Relay(("127.0.0.1", port)) as line:
            leg = {"module": "probe_internal", "url": "ws://t3.example.com/probe/ws", **LEG}
            sections = "".join((
                'plugin "probe_echo" {}\n', section("plugin", "probe_t3serve", LEG),
                section("plugin", "outer", {**leg, "address": "%s:%d" % line.address, "segments": ["tunnel", "dispatch"]}),
                section("plugin", "inner", {**leg, "address": f"127.0.0.1:{port}", "segments": ["dispatch"]})))
            with Daemon({"ping_timeout": "300ms", "listen": [f"127.0.0.1:{port}"]}, sections, users={"alice": self.stub.port}) as d:
                for name in ("outer", "inner", "probe_t3serve"):
                    d.wait_log(f"event=leg_up .*plugin={name}")
                headers = [("X-authentik-username", "alice"), ("Cookie", self.stub.cookie())]
                ws.polite_visit(line.address, headers)
                with Alarm(d) as p, ws.WebSocket(line.address, "/ws", headers) as page:
                    page.heartbeat()
                    line.cut()
                    down = p.wait_alert("T3SegmentDown", segment="tunnel", severity="critical")
                    wait.until(lambda: p.told.alert(down)["annotations"]["description"].startswith("Affected users: alice."),
                               what="the user in the alert")
                    self.stands(p, {("fault", "tunnel", None)}, {("alice", "tunnel")})
                    page = wait.until(lambda: p.told.told("/pager", "T3SegmentDown"), what="a page")[0]
                    self.assertEqual(page["annotations"]["summary"], "tunnel is down")
                    p.wait_alert("T3ProbeLegDown", leg="outer")
                    wait.until(lambda: p.told.inhibited("T3ProbeLegDown"), what="the leg's alert, which says the same")
                    self.assertEqual(p.told.told("/pager", "T3ProbeLegDown"), [])
                    line.heal()
                    with ws.WebSocket(line.address, "/ws", headers) as again:
                        again.heartbeat()
                        p.wait_silence("T3SegmentDown")
                        again.close(1001)
                    self.stands(p, set(), set())
                    self.stub.stop()
                    p.wait_alert("T3ServeDown", user="alice", severity="warning")
                    self.stands(p, {("fault", "serve", "alice")}, set())
                    self.assertNotIn("T3SegmentDown", [a["alertname"] for a in p.firing()])
                    self.stub.start()
                    p.wait_silence("T3ServeDown")
                    self.stands(p, set(), set())

    def stands(self, p, verdicts, users):
        """Exactly these are 1 in Prometheus; what does not stand is 0, or not there."""
        for metric, labels, expected in (("t3ops_verdict_standing", ("kind", "segment", "user"), verdicts),
                                         ("t3ops_user_affected", ("user", "segment"), users)):
            def found(metric=metric, labels=labels):
                return {tuple(r["metric"].get(n) or None for n in labels) for r in p.query(f"{metric} != 0")}
            wait.until(lambda e=expected, f=found: f() == e, what=f"{metric} of {expected}")
        self.assertEqual(p.query("t3ops_verdict_standing != 0 and t3ops_verdict_standing != 1"), [])
        self.assertEqual(bool(p.query("t3ops_verdict_suspects == 1")), bool(verdicts))

    def test_user_drops(self):
        """One user's connection is cut again and again while everything between works.  Time runs ten times as fast: what
        comes back within a minute of its end would be the same verdict."""
        lapse = timelapse.Timelapse(10)
        if timelapse.missing():
            self.skipTest("missing: " + " ".join(timelapse.missing()))
        port = ports.free()
        inner = section("plugin", "probe_internal", {"url": "ws://t3.example.com/probe/ws", "address": f"127.0.0.1:{port}",
                                                     "segments": ["dispatch"], "heartbeat": "2s", "late": "4s", "watchdog": "10s"})
        with Daemon({"listen": [f"127.0.0.1:{port}"], "user_path": ["last_mile", "dispatch", "serve"]}, 'plugin "probe_echo" {}\n' +
                    'plugin "probe_t3serve" {}\n' + inner, users={"alice": self.stub.port}, env=lapse.env()) as d, Alarm(d) as p:
            d.wait_log(r"event=leg_up .*user=alice")
            d.wait_log("event=leg_up .*plugin=probe_internal")
            headers = [("X-authentik-username", "alice"), ("Cookie", self.stub.cookie())]
            ws.polite_visit(d.proxy, headers)
            for number in range(3):
                with ws.WebSocket(d.proxy, "/ws", headers) as page:
                    page.heartbeat()
                    page.drop()
                with ws.WebSocket(d.proxy, "/ws", headers) as page:
                    page.heartbeat()
                    page.close(1001)
                    wait.until(lambda n=number: [v["state"] for v in d.standing()].count("healed") == n + 1 and
                               d.metrics().get('t3ops_user_verdicts_total{user="alice",segment="exonerated"}') == n + 1,
                               60, "the end of a verdict that exonerates infra")
                lapse.pause(70)
            found = p.wait_alert("T3UserDrops", user="alice", severity="info")
            self.assertEqual(p.query('t3ops_verdict_standing{kind="exonerated"} == 1'), [])
            self.assertNotIn("T3SegmentDown", [a["alertname"] for a in p.firing()], found)

    def test_host(self):
        """The machine was suspended: its clocks have a gap."""
        lapse = timelapse.Timelapse(2)
        if timelapse.missing():
            self.skipTest("missing: " + " ".join(timelapse.missing()))
        with Daemon({}, 'plugin "probe_echo" {}\n', env=lapse.env()) as d, Alarm(d) as p:
            wait.until(lambda: p.query('t3ops_events_total{kind="machine_suspended"} == 0'), what="the counter in Prometheus")
            lapse.jump(realtime=600, boottime=600)
            d.wait_log("event=machine_suspended")
            p.wait_alert("T3HostPressure", kind="machine_suspended", severity="warning")

    def test_certificate(self):
        ca = certs.Authority(process.folder())
        cert, key, _ = ca.issue("soon", "DNS:" + HOST, days=5)
        far = TlsOrigin(cert, key, HANDLERS)
        self.addCleanup(far.stop)
        leg = section("plugin", "probe_internal", {"url": f"wss://{HOST}/echo", "address": f"127.0.0.1:{far.port}", "ca_file": ca.ca,
                                                   "segments": ["traefik"], **LEG, "fresh": "200ms", "large_beat": "0s"})
        with Daemon({}, leg) as d, Alarm(d) as p:
            p.wait_alert("T3CertExpiring", leg="probe_internal", severity="warning")
            cert, key, _ = ca.issue("renewed", "DNS:" + HOST, days=60)
            far.context.load_cert_chain(cert, key)
            p.wait_silence("T3CertExpiring")

    def test_metrics_without_room(self):
        options = {"plugin_dir": plugin_dir_with("sample_metric")}
        with Daemon(options, section("plugin", "sample_metric", {}), users={"alice": self.stub.port}) as d, Alarm(d) as p:
            wait.until(lambda: p.query("t3ops_metrics_dropped_total == 0"), what="the counter in Prometheus")
            http.get(d.proxy, "/", {"X-authentik-username": "alice"})
            p.wait_alert("T3MetricsDropped", severity="warning")

    def test_vantage(self):
        """Nobody answers where another t3ops should."""
        key = os.path.join(process.folder(), "key")
        with open(key, "w", encoding="ascii") as f:
            f.write("what-both-know-and-nobody-else\n")
        os.chmod(key, 0o640)
        account.give(key)
        there = section("plugin", "there", {"module": "probe_vantage", "url": f"http://127.0.0.1:{ports.free()}", "leg": "leg",
                                            "key_file": key, "segments": ["wan_there", "tunnel"]})
        with Daemon({}, there) as d, Alarm(d) as p:
            p.wait_alert("T3VantageUnheard", plugin="there", severity="warning")
            self.assertNotIn("T3ProbeLegDown", [a["alertname"] for a in p.firing()])  # nothing is known of it

    def test_brown_out(self):
        """The way to t3ops becomes slow for a while; nothing breaks."""
        port = ports.free()
        with Relay(("127.0.0.1", port)) as line:
            patient = {**LEG, "late": "5s", "watchdog": "10s", "fresh": "0s", "address": "%s:%d" % line.address}
            sections = 'plugin "probe_echo" {}\n' + section(
                "plugin", "probe_internal", {"url": "ws://t3.example.com/probe/ws", "segments": ["traefik", "dispatch"], **patient})
            with Daemon({"listen": [f"127.0.0.1:{port}"]}, sections) as d, Alarm(d) as p:
                key = 't3ops_leg_rtt_seconds_count{leg="probe_internal"}'
                wait.until(lambda: d.metrics().get(key, 0) >= 20, what="usual round trips")
                line.down.delay = 0.8
                p.wait_alert("T3BrownOut", segment="traefik or dispatch", severity="warning")
                line.heal()
                p.wait_silence("T3BrownOut")
                self.assertNotIn("event=leg_down", d.log())

    def test_processes_and_users(self):
        with self.daemon() as d, Alarm(d) as p:
            wait.until(lambda: p.query('t3ops_process_up{process="jobs"} == 1'), what="processes in Prometheus")
            self.assertEqual([a for a in p.firing() if not a["alertname"].startswith("T3Backup")], [])
            for _ in range(5):  # the pause before it is started again grows to 1.6 s
                pid = d.processes()["jobs"]
                os.kill(pid, signal.SIGKILL)
                wait.until(lambda pid=pid: d.processes().get("jobs", pid) != pid, what="another jobs process")
            os.kill(d.processes()["jobs"], signal.SIGKILL)
            p.wait_alert("T3OpsProcessRestarts", process="jobs")
            p.wait_alert("T3OpsProcessDown", process="jobs")
            d.write_users("{ this is not a table")
            p.wait_alert("T3UserTableBroken")
            d.write_users({"alice": self.stub.port})
            p.wait_silence("T3UserTableBroken")
            p.wait_silence("T3OpsProcessDown")
            d.process.stop(signal.SIGTERM)
            p.wait_alert("T3OpsDown", job="t3ops")

    def test_impostor(self):
        """Where alice's t3 server should be, a process of another account answers."""
        with Origin() as other, Daemon({"trusted_upstreams": []}, 'plugin "probe_echo" {}\n',
                                       users={"alice": {"os_user": NOT_SELF, "port": other.port}}) as d, Alarm(d) as p:
            wait.until(lambda: p.query("sum(t3ops_upstream_impostors_total) == 0"), what="the counter in Prometheus")
            self.assertEqual(http.get(d.proxy, "/", {"X-authentik-username": "alice"}).status, 503)
            p.wait_alert("T3UpstreamImpostor", severity="critical")

    def test_pairing(self):
        sections = section("command", "mint", {"argv": ["/bin/false"]}) + 'plugin "auto_pair" {}\n'
        with Daemon({}, sections, users={"alice": self.stub.port}) as d, Alarm(d) as p:
            wait.until(lambda: p.query('t3ops_pair_total{result="mint_failed"} == 0'), what="the counter in Prometheus")
            http.get(d.proxy, "/", {"Accept": "text/html", "X-authentik-username": "alice"})
            p.wait_alert("T3PairingBroken", severity="critical")
            d.sections = sections.replace('"/bin/false"', ", ".join(f'"{word}"' for word in self.stub.mint_argv()))
            d.write_conf()
            d.reload()
            wait.until(lambda: http.get(d.proxy, "/", {"Accept": "text/html", "X-authentik-username": "alice"}).status == 302,
                       what="a pairing that works")
            p.wait_silence("T3PairingBroken")

    def test_walls(self):
        """One that stands before a leg, and one that is open."""
        def sign_in(c, _):
            c.send(answer(b"", "302 Found", [("Location", "https://sso.lab.test/start")]))

        with Origin({"/probe/ws": sign_in, "/open": lambda c, _: c.send(answer(b"in"))}) as front:
            at = f"127.0.0.1:{front.port}"
            sections = section("plugin", "walled", {"module": "probe_internal", "url": f"ws://{at}/probe/ws", "address": at,
                                                    "segments": ["traefik"], **LEG})
            sections += section("plugin", "probe_sso", {"url": f"http://{at}/open", "location": "https://sso.lab.test/*",
                                                        "segments": ["traefik", "sso"], **LEG})
            with Daemon({}, sections) as d, Alarm(d) as p:
                p.wait_alert("T3ProbeWalledOff", leg="walled", severity="warning")
                p.wait_alert("T3WallOpen", plugin="probe_sso", severity="critical")
                front.handlers["/open"] = sign_in
                p.wait_silence("T3WallOpen")

    def test_control_socket(self):
        control = os.path.join(process.folder(), "control.sock")
        d = Daemon({"sandbox": "off", "control": control, "plugin_dir": plugin_dir_with("sample_hostile")},
                   section("plugin", "sample_hostile", {"control": control}), users={"alice": self.stub.port})
        self.addCleanup(d.stop)
        with Alarm(d) as p:
            wait.until(lambda: p.query("t3ops_control_refused_total == 0"), what="the counter in Prometheus")
            http.get(d.proxy, "/control", {"X-authentik-username": "alice"})
            p.wait_alert("T3ControlRefused", severity="critical")
            self.assertRegex(d.log(), 'event=control_refused .*hint="look at what that process did')

    def test_journal(self):
        d = self.daemon(start=False)
        os.mkdir(os.path.join(d.state_dir, "journal.sqlite"))  # it cannot be opened
        d.start()
        with d, Alarm(d) as p:
            wait.until(lambda: p.query("t3ops_journal_lost_total"), what="the counter in Prometheus")
            d.reload()
            p.wait_alert("T3JournalLost", severity="warning")


class Runbook(unittest.TestCase):
    def test_every_alert_has_a_section(self):
        rules = "".join(map(text_of, RULES))
        alerts = re.findall(r"alert: (\w+)", rules)
        sections = runbook.sections("alerts.md")
        self.assertEqual(sorted(alerts), sorted(sections))
        for alert in alerts:
            self.assertIn(f'runbook_url: "docs/runbooks/alerts.md#{alert.lower()}"\n', rules)
            severity = re.search(rf"alert: {alert}\n.*?severity: (\w+)", rules, re.S).group(1)
            self.assertIn(f"*{severity}.*  ", sections[alert])
            self.assertEqual((len(runbook.commands(sections[alert])), len(runbook.queries(sections[alert]))), (1, 1), alert)

    def test_every_alert_is_brought_about(self):
        """Here, beside, or by several t3ops."""
        tested = ""
        for name in ("test_alerts.py", "test_alerts_upkeep.py", "test_fleet.py"):
            with open(os.path.join(process.source_dir(), "tests/system", name), encoding="utf-8") as f:
                tested += f.read()
        for alert in re.findall(r"alert: (\w+)", "".join(map(text_of, RULES))):
            if alert not in NOT_BROUGHT_ABOUT:
                self.assertTrue(re.search(rf'\.wait_alert\("{alert}"', tested), alert)

    def test_address_of_the_documentation(self):
        """The command at its head."""
        folder, command = process.folder(), runbook.commands(runbook.text_of("alerts.md").split("\n# ")[0])[0]
        for name in RULES:
            shutil.copy(os.path.join(process.source_dir(), "etc/prometheus", name), folder)
        subprocess.run(["/bin/sh", "-c", command], cwd=folder, check=True)
        for name in RULES:
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                text = f.read()
            self.assertEqual(text.count("alert: "), text.count('runbook_url: "https://wiki.example.com/t3ops/alerts.md#'))


if __name__ == "__main__":
    unittest.main()
