#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""t3opsctl plugins: what is configured, where it runs, and what went wrong with it, also before this monitor."""
import json
import unittest

from lab import http, wait
from lab.daemon import Daemon, plugin_dir_with, section
from lab.origin import Origin

ALICE = {"X-authentik-username": "alice"}
SECTIONS = (section("plugin", "stuck", {"module": "sample_stuck"}) + 'plugin "probe_t3serve" { heartbeat = "1s" }\n'
            'plugin "session_check" {}\nplugin "auto_pair" {}\ncommand "mint" { argv = {"/bin/false"} }\n')


class List(unittest.TestCase):
    def rows(self):
        return {p["name"]: p for p in json.loads(self.daemon.ctl("-j", "plugins"))["plugins"]}

    def test_all_of_it(self):
        with Origin() as origin, Daemon({"plugin_dir": plugin_dir_with("sample_stuck"), "process_watchdog": "1s"}, SECTIONS,
                                        users={"alice": origin.port, "bob": origin.port}) as self.daemon:
            d = self.daemon
            d.wait_log("event=leg_.* plugin=probe_t3serve user=bob")
            rows = self.rows()
            self.assertEqual(list(rows), ["stuck", "probe_t3serve", "session_check", "auto_pair"])
            self.assertEqual({k: rows["stuck"][k] for k in ("plugin", "version", "abi", "kind", "processes", "restarts")},
                             {"plugin": "sample_stuck", "version": "1.0", "abi": "1.0", "kind": "request plugin", "processes": {"proxy": 1}, "restarts": 0})
            self.assertEqual((rows["probe_t3serve"]["kind"], rows["probe_t3serve"]["processes"]), ("leg", {"prober": 1}))
            wait.until(lambda: self.rows()["probe_t3serve"]["legs"] == 2, what="both legs")
            self.assertEqual(rows["stuck"]["slow"], {"callbacks": 0, "longest_seconds": 0, "longest_callback": "", "last": None})
            self.assertEqual(rows["stuck"]["ended"], {"processes": 0, "callback": "", "last": None})
            self.assertNotIn("legs", rows["stuck"])
            http.get(d.proxy, "/slow", ALICE)
            http.get(d.proxy, "/slow", ALICE)
            wait.until(lambda: self.rows()["stuck"]["slow"]["callbacks"] == 2, what="both callbacks")
            with http.Connection(d.proxy) as c:
                c.send(http.build("GET", "/stuck", ALICE))
                wait.until(lambda: self.rows()["stuck"]["ended"]["processes"] == 1, what="the end of the proxy")
            wait.until(lambda: [self.rows()["stuck"][k] for k in ("restarts", "processes")] == [1, {"proxy": 1}], what="the next proxy")
            self.told()
            self.after_a_reload()

    def told(self):
        rows, said = self.rows(), self.daemon.ctl("plugins")
        self.assertEqual(rows["stuck"]["restarts"], 1)
        self.assertEqual((rows["stuck"]["slow"]["longest_callback"], rows["stuck"]["ended"]["callback"]), ("on_request", "on_request"))
        self.assertGreaterEqual(rows["stuck"]["slow"]["longest_seconds"], 0.1)
        self.assertEqual(rows["auto_pair"]["slow"]["callbacks"], 0)
        self.assertRegex(said, r"(?m)^SECTION +PLUGIN +VERSION +ABI +KIND +PROCESSES$")
        self.assertRegex(said, r"(?m)^stuck +sample_stuck +1\.0 +1\.0 +request plugin +proxy 1$")
        self.assertRegex(said, r"(?m)^    1 restart; 2 callbacks over budget, the longest on_request with \d+ ms, last at \d{4}-")
        self.assertRegex(said, r"; 1 process ended inside it, the last one in on_request, last at \d{4}-")
        self.assertRegex(said, r"(?m)^probe_t3serve +probe_t3serve .* leg +prober 1\n    2 legs$")
        self.assertIn("this t3ops has ABI 1.0\n", said)

    def after_a_reload(self):
        """The next monitor reads them in the journal."""
        before = self.daemon.processes()["monitor"]
        self.daemon.options["journal_retain"] = "40d"
        self.daemon.write_conf()
        self.assertIn("event=reloaded", self.daemon.reload())
        wait.until(lambda: self.daemon.processes()["monitor"] != before, what="another monitor")
        wait.until(lambda: self.rows()["stuck"]["slow"]["callbacks"] == 2, what="the callbacks of before")
        row = self.rows()["stuck"]
        self.assertEqual((row["ended"]["processes"], row["ended"]["callback"], row["slow"]["longest_callback"]), (1, "on_request", "on_request"))
        self.assertGreaterEqual(row["slow"]["longest_seconds"], 0.1)

    def test_none(self):
        with Daemon() as d:
            self.assertEqual(d.ctl("plugins"), "no plugin is configured\n")


if __name__ == "__main__":
    unittest.main()
