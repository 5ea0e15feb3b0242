#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""t3opsctl doctor against the lab: nothing is wrong; then each check, one after another, finds what was broken."""
import json
import os
import re
import shutil
import socket
import subprocess
import time
import unittest

from lab import account, path, process, wait
from lab.daemon import Daemon, plugin_dir_with, section
from lab.origin import Origin, answer
from lab.prometheus import Prometheus
from lab.stub import NEW, T3Stub

LEG = {"heartbeat": "200ms", "late": "600ms", "watchdog": "1500ms", "timeout": "2s", "reconnect_min": "100ms",
       "reconnect_max": "300ms", "fresh": "0s"}
OF_THE_MACHINE = {("clock", ""), ("unit", "")}  # this one's clock and systemd are not the lab's


@unittest.skipIf(path.missing(), f"not installed: {path.missing()}")
class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stub = T3Stub(NEW, dead_ms=0)
        cls.path = path.Path().start()
        cls.to = process.folder()
        cls.daemon = Daemon({}, cls.sections(), users={"alice": cls.stub.port})
        cls.path.connect(cls.daemon.proxy)
        cls.wait_up()

    @classmethod
    def sections(cls, mint=None, legs=None, to=None):
        return (section("command", "mint", {"argv": mint or cls.stub.mint_argv()}) + 'plugin "probe_echo" {}\n'
                'plugin "session_check" {}\nplugin "auto_pair" {}\n' + (cls.path.leg_sections(**LEG) if legs is None else legs) +
                section("plugin", "backup", {"to": to or cls.to, "database": f"{cls.stub.base}/userdata/state.sqlite"}))

    @classmethod
    def wait_up(cls):
        def states():
            return {leg["name"]: leg["state"] for leg in cls.daemon.status()["legs"]}

        legs = set(re.findall(r'plugin "(probe_\w+)"', cls.sections())) - {"probe_echo"}
        wait.until(lambda: set(states()) == legs and set(states().values()) == {"up"}, 60, "all legs are up")

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()
        cls.path.stop()
        cls.stub.process.kill()

    def doctor(self, *words, conf=None):
        """(exit status, {(check, subject): finding}) of t3opsctl doctor."""
        done = subprocess.run([process.program("core/t3opsctl"), "doctor", "-j", "-c", conf or self.daemon.conf, "--daemon",
                               process.program("core/t3ops"), *words], capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.stderr, "")
        for word in ("credential\"", "T3STUB_TOKEN"):
            self.assertNotIn(word, done.stdout)
        rank = ("ok", "skip", "warn", "fail")  # of several of one name, the worst
        return done.returncode, {(f["check"], f["subject"]): f
                                 for f in sorted(json.loads(done.stdout), key=lambda f: rank.index(f["result"]))}

    def wrong(self, *words, **more):
        """{(check, subject): (result, text)} of what is neither well nor of this machine; each says what to do."""
        status, found = self.doctor(*words, **more)
        wrong = {k: f for k, f in found.items() if f["result"] in ("warn", "fail") and k not in OF_THE_MACHINE}
        self.assertEqual(status == 1, any(f["result"] == "fail" for f in wrong.values()), wrong)
        for f in wrong.values():
            self.assertNotEqual(f["advice"], "", f)
        return {k: (f["result"], f["text"]) for k, f in wrong.items()}

    def other_conf(self, options=None, sections=None):
        """The file of the running daemon with something else in it."""
        text, was = None, (self.daemon.options, self.daemon.sections, self.daemon.conf)
        self.daemon.options = {**self.daemon.options, **(options or {})}
        self.daemon.sections = sections or self.daemon.sections
        self.daemon.conf = os.path.join(process.folder(), "other.conf")
        try:
            self.daemon.write_conf(text)
            return self.daemon.conf
        finally:
            self.daemon.options, self.daemon.sections, self.daemon.conf = was

    KNOWN = {("config", ""): "trusted_upstreams", ("name", "probe_cloudflare"): "does not leave the house"}

    def test_green(self):
        status, found = self.doctor()
        self.assertEqual(status, 3 if any(f["result"] == "warn" for f in found.values()) else 0)
        wrong = self.wrong()
        # The lab's name and t3 servers are those of this machine.
        self.assertEqual({k for k, (result, _) in wrong.items() if result == "fail"}, set(), wrong)
        self.assertEqual({k for k in wrong if k not in self.KNOWN}, set(), wrong)
        self.assertRegex(found["server", "alice"]["text"], r"^t3 0\.0\.28, cookie t3_session$")
        self.assertIn("it is not used", found["mint", "alice"]["text"])
        self.assertRegex(found["sign_in", "probe_internal"]["text"], r"leads to https://t3\.lab\.test:\d+/outpost")
        for check in ("config", "daemon", "trust", "users"):
            self.assertEqual(found[check, ""]["result"] if check != "config" else "ok", "ok", found[check, ""])
        for leg in ("probe_cloudflare", "probe_internal"):
            for check in ("leg", "probe", "websocket", "http2", "sign_in", "forged"):
                self.assertEqual(found[check, leg]["result"], "ok", found[check, leg])
        self.assertEqual(found["disk", "backup"]["result"], "ok")
        self.assertEqual(found["leg", "probe_t3serve alice"]["result"], "ok")

    def test_words(self):
        done = subprocess.run([process.program("core/t3opsctl"), "doctor", "-c", self.daemon.conf, "--daemon",
                               process.program("core/t3ops")], capture_output=True, text=True, timeout=300, check=False)
        self.assertIn(done.returncode, (0, 3))
        self.assertRegex(done.stdout, r"(?m)^ok    mint\(alice\) +a pairing credential was made")
        self.assertRegex(done.stdout, r"(?m)^0 broken, \d+ warnings?, \d+ well, \d+ skipped$")
        done = subprocess.run([process.program("core/t3opsctl"), "doctor", "-c", self.daemon.conf, "--daemon", "/nowhere/t3ops"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertRegex(done.stdout, r"(?m)^FAIL  config +/nowhere/t3ops: No such file or directory\n +-> make install, or say")
        for words, said in ((("--nonsense",), "unexpected argument"), (("--timeout", "x"), "expected 1 to 600"),
                            (("-c",), "unexpected argument")):
            done = subprocess.run([process.program("core/t3opsctl"), "doctor", *words], capture_output=True, text=True,
                                  timeout=60, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)

    def only(self, wrong, *keys):
        """What failed is that, and nothing else."""
        self.assertEqual({k for k, (result, _) in wrong.items() if result == "fail"}, set(keys), wrong)

    def test_config(self):
        conf = self.other_conf({"header_timeout": "fast"})
        status, found = self.doctor(conf=conf)
        self.assertEqual((status, found["config", ""]["result"]), (1, "fail"))
        self.assertRegex(found["config", ""]["text"], rf"^{conf}:\d+: header_timeout = \"fast\"")
        self.assertEqual(found["others", ""]["result"], "skip")
        conf = self.other_conf({"plugin_dir": plugin_dir_with("wrong_major")}, self.daemon.sections + 'plugin "wrong_major" {}\n')
        self.assertRegex(self.doctor(conf=conf)[1]["config", ""]["text"], r"wrong_major.*ABI")
        status, found = self.doctor("--daemon", "/bin/true")
        self.assertEqual((status, found["config", ""]["result"]), (1, "fail"))
        self.assertIn("no answer that can be read", found["config", ""]["text"])

    def test_users(self):
        table = os.path.join(process.folder(), "users")
        with open(table, "w", encoding="utf-8") as f:
            f.write(f"alice={account.NAME}@127.0.0.1:{self.stub.port}\nbob=\n")
        wrong = self.wrong(conf=self.other_conf({"users": table}))
        self.only(wrong, ("users", ""))
        self.assertIn("line 2", wrong["users", ""][1])

    def test_permissions(self):
        os.chmod(self.daemon.users_file, 0o646)
        try:
            self.only(self.wrong(), ("permissions", "users"))
        finally:
            os.chmod(self.daemon.users_file, 0o644)
        os.chmod(self.daemon.control, 0o666)
        try:
            self.only(self.wrong(), ("permissions", "control"))
        finally:
            os.chmod(self.daemon.control, 0o660)
        conf = self.other_conf()
        os.chmod(conf, 0o666)
        self.only(self.wrong(conf=conf), ("permissions", "config"))
        self.only(self.wrong(conf=self.other_conf({"state_dir": "/nowhere/at/all"})), ("permissions", "state_dir"))

    def test_trust(self):
        wrong = self.wrong(conf=self.other_conf({"trusted_proxies": ["10.0.0.0/8"]}))
        self.assertEqual(wrong["trust", "10.0.0.0/8"][0], "warn")
        self.only(self.wrong(conf=self.other_conf({"trusted_proxies": []})), ("trust", ""))

    def test_daemon(self):
        self.only(self.wrong("-s", "/nowhere/control.sock"), ("daemon", ""))

    def test_not_reported_yet(self):
        """Right after a start, while a leg makes its first attempt."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            leg = section("plugin", "probe_internal", {"url": "ws://t3.lab.test/probe/ws", "segments": ["dispatch"], "timeout": "60s",
                                                       "address": "127.0.0.1:%d" % silent.getsockname()[1]})
            daemon = Daemon({}, leg, users={"alice": self.stub.port})
            try:
                _, found = self.doctor("--timeout", "1", conf=daemon.conf)
            finally:
                daemon.stop()
            self.assertEqual([found["leg", "probe_internal"][k] for k in ("result", "text")], ["warn", "has not reported yet"])

    def test_segment_of_its_own(self):
        """Where that is meant there is nothing to correct."""
        legs = self.path.leg_sections(**LEG) + section("plugin", "attic", {"module": "probe_tcp", "address": f"127.0.0.1:{self.stub.port}", "segments": ["attic"]})
        conf = self.other_conf(sections=self.sections(legs=legs))
        self.assertEqual({k for k in self.wrong(conf=conf) if k not in (*self.KNOWN, ("leg", "attic"))}, set())
        done = subprocess.run([process.program("core/t3opsctl"), "doctor", "-j", "-c", conf, "--daemon", process.program("core/t3ops")],
                              capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual([f["result"] for f in json.loads(done.stdout) if 'segment "attic"' in f["text"]], ["ok"])

    def test_server(self):
        self.stub.process.stall()
        try:
            wait.until(lambda: any(leg["name"] == "probe_t3serve" and leg["state"] == "down"
                                   for leg in self.daemon.status()["legs"]), 60, "its leg is down")
            wrong = self.wrong("--timeout", "2")
            self.only(wrong, ("server", "alice"), ("leg", "probe_t3serve alice"))
        finally:
            self.stub.process.resume()
            self.wait_up()

    def test_mint(self):
        for argv, said in ((["/bin/false"], "ended with 1"), (["/bin/echo", "{}"], "no credential"), (["/no/such"], "ended with 127")):
            wrong = self.wrong(conf=self.other_conf(sections=self.sections(mint=argv)))
            self.only(wrong, ("mint", "alice"))
            self.assertIn(said, wrong["mint", "alice"][1])

    def test_listens_for_everybody(self):
        with T3Stub(NEW, host="0.0.0.0", dead_ms=0) as stub:
            table = os.path.join(process.folder(), "users")
            with open(table, "w", encoding="utf-8") as f:
                f.write(f"alice={account.NAME}@127.0.0.1:{stub.port}\n")
            self.assertEqual(self.wrong(conf=self.other_conf({"users": table}))["listener", "alice"][0], "warn")

    def test_name(self):
        self.path.resolver.cut()
        try:
            wrong = self.wrong("--timeout", "3")
            self.assertEqual(wrong["name", "probe_cloudflare"][0], "fail")
            self.assertEqual(wrong["probe", "probe_cloudflare"][0], "fail")
            self.assertNotIn(("probe", "probe_internal"), wrong)
        finally:
            self.path.resolver.start()
        self.path.name_at("127.0.0.77")
        try:
            _, found = self.doctor("--timeout", "3")
            self.assertIn("127.0.0.77 by DNS over HTTPS", found["name", "probe_cloudflare"]["text"])
        finally:
            self.path.name_at("127.0.0.1")

    def test_walled_off(self):
        self.path.wall(True)
        try:
            wrong = self.wrong()
            for leg in ("probe_cloudflare", "probe_internal"):
                self.assertEqual(wrong["probe", leg][0], "fail")
                self.assertIn("walled off", wrong["probe", leg][1])
        finally:
            self.path.wall(False)
            self.wait_up()

    def test_tunnel_cut(self):
        self.path.tunnel.cut()
        try:
            wait.until(lambda: any(leg["state"] == "down" for leg in self.daemon.status()["legs"]), 60, "a leg is down")
            wrong = self.wrong()
            self.only(wrong, ("leg", "probe_cloudflare"), ("probe", "probe_cloudflare"), ("sign_in", "probe_cloudflare"))
        finally:
            self.path.tunnel.start()
            self.wait_up()

    def leg_at(self, origin):
        leg = section("plugin", "probe_internal", {"url": "ws://t3.lab.test/probe/ws", "address": f"127.0.0.1:{origin.port}",
                                                  "segments": ["traefik", "dispatch"]})
        return self.other_conf(sections=self.sections(legs=leg))

    def test_upgrade_lost_sign_in_open_identity_forged_clock_off(self):
        """A proxy that passes no Upgrade on, asks nobody, and believes what clients say; its clock is another one."""
        old = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() - 500))
        healthz = lambda c, r: c.send(answer(b'{"status":"ok"}', headers=[("Date", old)]))  # noqa: E731
        session = lambda c, r: c.send(answer(  # noqa: E731
            b'{"authenticated":false,"auth":{"sessionCookieName":"t3_session"}}' if r.header("x-authentik-username") else b"who?"))
        with Origin({"/probe/healthz": healthz, "/api/auth/session": session}) as origin:
            wrong = self.wrong(conf=self.leg_at(origin))
            self.only(wrong, *((check, "probe_internal") for check in ("websocket", "sign_in", "forged", "clock")))
            self.assertIn("Upgrade was lost", wrong["websocket", "probe_internal"][1])

    def test_somebody_else_answers(self):
        with Origin({}) as origin:
            wrong = self.wrong(conf=self.leg_at(origin))
            self.assertIn("something else than t3ops", wrong["probe", "probe_internal"][1])

    def test_websockets_over_http2(self):
        with path.Path(http2=True) as edge:
            edge.connect(self.daemon.proxy)
            _, found = self.doctor(conf=self.other_conf(sections=self.sections(legs=edge.leg_sections(**LEG))))
            self.assertEqual(found["http2", "probe_cloudflare"]["result"], "warn")
            self.assertEqual(found["http2", "probe_internal"]["result"], "ok")

    def test_disk(self):
        wrong = self.wrong(conf=self.other_conf(sections=self.sections(to="/nowhere/at/all")))
        self.only(wrong, ("disk", "backup"))

    def in_namespace(self, prepare, *words):
        """{(check, subject): finding} where mounts of this test's own are in place: made by a line of shell."""
        if not account.ROOT:
            self.skipTest("only root can mount")
        argv = [process.program("core/t3opsctl"), "doctor", "-j", "-c", self.daemon.conf, "--daemon", process.program("core/t3ops"),
                *words]
        done = subprocess.run(["unshare", "-m", "sh", "-c", f"{prepare} || exit 99; exec \"$@\"", "sh", *argv], capture_output=True,
                              text=True, timeout=300, check=False)
        if done.returncode == 99:
            self.skipTest(f"no mounts here: {done.stderr}")
        return {(f["check"], f["subject"]): f for f in json.loads(done.stdout)}

    def test_disk_full(self):
        found = self.in_namespace(f"mount -t tmpfs -o size=64k tmpfs {self.to}")
        self.assertEqual(found["disk", "backup"]["result"], "fail")
        self.assertIn("2 copies of all databases need", found["disk", "backup"]["text"])

    def test_units(self):
        """systemd is not the first process here, so a stand-in answers for systemctl."""
        folder = process.folder()
        systemctl = os.path.join(folder, "systemctl")
        with open(systemctl, "w", encoding="utf-8") as f:
            f.write('#!/bin/sh\n[ "$2" = t3ops.service ] && echo active && exit 0\necho inactive\nexit 3\n')
        os.chmod(systemctl, 0o755)
        if not os.path.exists("/usr/bin/systemctl") or not os.path.isdir("/run/systemd"):
            self.skipTest("there is nothing of systemd to put the stand-in over")
        prepare = (f"mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system && "
                   f"mount --bind {systemctl} /usr/bin/systemctl")
        found = self.in_namespace(prepare)
        self.assertEqual(found["unit", "t3ops.service"]["result"], "ok")
        unit = found["unit", f"t3-serve@{account.NAME}.service"]
        self.assertEqual((unit["result"], unit["text"]), ("fail", "inactive"))
        self.assertIn("systemctl enable --now t3-serve@", unit["advice"])

    @unittest.skipUnless(shutil.which("prometheus"), "prometheus is not installed")
    def test_alerts(self):
        with Prometheus(self.daemon.monitor) as prometheus:
            wait.until(lambda: prometheus.query("t3ops_build_info"), 60, "its metrics")
            _, found = self.doctor("--prometheus", "http://%s:%d" % prometheus.address)
            self.assertEqual([found[k, ""]["result"] for k in ("alerts", "scrape")], ["ok", "ok"])
        without = lambda c, r: c.send(answer(b'{"status":"success","data":{"groups":[]}}'))  # noqa: E731
        nothing = lambda c, r: c.send(answer(b'{"status":"success","data":{"result":[]}}'))  # noqa: E731
        with Origin({"/api/v1/rules": without, "/api/v1/query": nothing}) as origin:
            self.only(self.wrong("--prometheus", f"http://127.0.0.1:{origin.port}"), ("alerts", ""), ("scrape", ""))
        self.only(self.wrong("--prometheus", "http://127.0.0.1:1"), ("alerts", ""))


if __name__ == "__main__":
    unittest.main()
