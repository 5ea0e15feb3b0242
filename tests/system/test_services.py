#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pairing service outside of the proxy: a plugin that pairs as a leg in the prober, and as a job in a process of
its own.  auto_pair is loaded wherever it is needed, and the helper runs the mint command for whoever may ask."""
import subprocess
import unittest

from lab import process, wait
from lab.daemon import Daemon, plugin_dir_with, section
from lab.stub import NEW, T3Stub

PAIR = section("plugin", "auto_pair", {})


class Services(unittest.TestCase):
    def daemon(self, stubs, options=None):
        sections = (section("command", "mint", {"argv": stubs["alice"].mint_argv()}) + PAIR +
                    section("plugin", "sample_pairs", {"heartbeat": "200ms", "reconnect_min": "200ms", **(options or {})}))
        return Daemon({"plugin_dir": plugin_dir_with("sample_pairs")}, sections, {n: s.port for n, s in stubs.items()})

    def test_a_leg_pairs(self):
        with T3Stub(NEW, dead_ms=0) as stub, self.daemon({"alice": stub}) as d:
            leg = wait.until(lambda: next((leg for leg in d.status()["legs"] if leg.get("rtt_seconds")), None),
                             what="a leg whose session is alive")
            self.assertEqual((leg["name"], leg["user"], leg["state"]), ("sample_pairs", "alice", "up"))

    def test_a_job_pairs(self):
        with T3Stub(NEW, dead_ms=0) as stub, self.daemon({"alice": stub}) as d:
            self.assertEqual(d.ctl("run", "sample_pairs", "alice"), "1 of 1 done\n")
            line = d.wait_log(r"event=job_done .*plugin=sample_pairs.*").group(0)
            for fact in ("endpoint=/api/auth/browser-session", "session=alive", "itself=alice", "stranger=refused", "limit=-110"):
                self.assertIn(fact, line)
            self.assertNotIn("t3_session=", d.log())

    def test_a_job_pairs_nobody_else(self):
        with T3Stub(NEW, dead_ms=0) as stub, self.daemon({"alice": stub, "bob": stub}, {"stranger": "bob"}) as d:
            self.assertEqual(d.ctl("run", "sample_pairs", "alice"), "1 of 1 done\n")
            line = d.wait_log(r"event=job_done .*plugin=sample_pairs.*").group(0)
            self.assertIn("stranger=refused", line)
            d.wait_log(r"event=command_refused .*user=bob")

    def test_a_failed_pairing_fails_the_job(self):
        with T3Stub(NEW, dead_ms=0) as stub:
            with self.daemon({"alice": stub}) as d:
                stub.stop()
                done = subprocess.run([process.program("core/t3opsctl"), "-s", d.control, "run", "sample_pairs"],
                                      capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn("1 of 1 failed; alice: ", done.stderr)

    def test_where_it_is_loaded(self):
        with T3Stub(NEW, dead_ms=0) as stub, self.daemon({"alice": stub}) as d:
            out = subprocess.run([process.program("core/t3ops"), "-t", "-c", d.conf], capture_output=True, text=True,
                                 timeout=60, check=True).stdout
            self.assertRegex(out, r"plugin auto_pair: version \S+, processes proxy, prober, jobs")
            self.assertRegex(out, r"plugin sample_pairs: version \S+, processes prober, jobs")


if __name__ == "__main__":
    unittest.main()
