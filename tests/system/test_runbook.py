#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/runbooks/drop-attribution.md: after a drop that the lab made, every command and every query of it has an answer, and
the first one names the segment that was cut.  Those of alerts.md: test_alerts.py."""
import re
import shutil
import time
import unittest

from lab import ports, runbook, wait, ws
from lab.daemon import Daemon, section
from lab.prometheus import Prometheus
from lab.relay import Relay
from lab.stub import NEW, T3Stub

PAGE = runbook.text_of("drop-attribution.md")
LEG = {"heartbeat": "100ms", "late": "200ms", "watchdog": "500ms", "reconnect_min": "100ms", "reconnect_max": "200ms"}


class Attribution(unittest.TestCase):
    def setUp(self):
        stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(stub.process.kill)
        port = ports.free()
        self.line = self.enterContext(Relay(("127.0.0.1", port)))
        leg = {"module": "probe_internal", "url": "ws://t3.example.com/probe/ws", **LEG}
        sections = "".join((
            'plugin "probe_echo" {}\n', section("plugin", "probe_t3serve", LEG),
            section("plugin", "outer", {**leg, "address": "%s:%d" % self.line.address, "segments": ["tunnel", "dispatch"]}),
            section("plugin", "inner", {**leg, "address": f"127.0.0.1:{port}", "segments": ["dispatch"]})))
        self.daemon = self.enterContext(Daemon({"ping_timeout": "300ms", "listen": [f"127.0.0.1:{port}"]}, sections,
                                               users={"alice": stub.port}))
        for name in ("outer", "inner", "probe_t3serve"):
            self.daemon.wait_log(f"event=leg_up .*plugin={name}")
        self.headers = [("X-authentik-username", "alice"), ("Cookie", stub.cookie())]
        self.shell = runbook.Shell(self.daemon)

    def page(self):
        page = self.enterContext(ws.WebSocket(self.line.address, "/ws", self.headers))
        page.heartbeat()
        return page

    def cut(self):
        """Alice's page, with the tunnel; when it was."""
        ws.polite_visit(self.line.address, self.headers)
        self.page()
        self.line.cut()
        at = time.strftime("%H:%M")
        wait.until(lambda: [v["users"] for v in self.daemon.standing()] == [["alice"]], what="a verdict that names alice")
        return at

    def heal(self):
        self.line.heal()
        self.page()
        wait.until(lambda: self.daemon.standing()[0]["state"] == "healed", what="the end of the verdict")

    @unittest.skipUnless(shutil.which("prometheus"), "prometheus is not installed")
    def test_queries(self):
        with Prometheus(self.daemon.monitor) as p:
            wait.until(lambda: p.query("t3probe_connected == 1"), what="legs in Prometheus")
            open_ = runbook.queries(PAGE)
            self.assertGreater(len(open_), 5)
            self.cut()
            self.assertTrue(wait.until(lambda: p.query("t3ops_user_affected == 1"), what="the user in Prometheus"))
            open_ = [q for q in open_ if not p.query(q)]
            self.heal()
            for query in open_:  # what is counted when a verdict ends
                wait.until(lambda q=query: p.query(q), 60, f"an answer to {query}")

    def test_commands(self):
        at = self.cut()
        self.heal()
        found = runbook.commands(PAGE)
        self.assertEqual(found[0], "t3opsctl why alice --at 14:03")
        said = [self.shell.run(command.replace("14:03", at)) for command in found]
        for text in said[:3]:  # with a time, the user's last one, the last one
            self.assertRegex(text, r"(?m)^.*\btunnel\b")
            self.assertIn("alice", text)


class Words(unittest.TestCase):
    """Of all runbooks, those that are only mentioned in a sentence as well."""

    def test_commands_exist(self):
        with Daemon(sections='plugin "probe_echo" {}\n') as d:
            shell = runbook.Shell(d)
            known = set(re.findall(r"^ {7}([a-z]+)", shell.run("t3opsctl --help"), re.M)) | {"backup", "upgrade", "watchdog"}
            for name in ("drop-attribution.md", "alerts.md", "restore.md", "version-bump.md"):
                text = runbook.text_of(name)
                mentioned = re.findall(r"`(?:sudo )?t3opsctl (?:-j )?([^`]+)`", text, re.S) + \
                    re.findall(r"^ {4,}(?:sudo )?t3opsctl (?:-j )?(.*)$", text, re.M)
                self.assertTrue(mentioned, name)
                for words in mentioned:
                    self.assertIn(words.split()[0], known, f"{name}: {words}")
                    if kind := re.search(r"events -k\s+(\w+)", words):
                        d.ctl("events", "-k", kind.group(1))  # refuses what is no kind
                for event in re.findall(r"event=(\w+)", text):
                    self.assertRegex(self.manual(), rf"(?m)^\.It Li {event}$", f"{name}: {event}")

    @staticmethod
    def manual():
        """Events, and what is only logged."""
        text = ""
        for page in ("t3ops-events.7", "t3ops.8"):
            with open(f"{runbook.process.build_dir()}/docs/man/{page}", encoding="utf-8") as f:
                text += f.read()
        return text


if __name__ == "__main__":
    unittest.main()
