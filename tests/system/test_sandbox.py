#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The sandboxes: a plugin of the proxy that was taken over gets nowhere, and everything that proxy, prober and
monitor are for still works inside them."""
import json
import os
import re
import shutil
import signal
import sys
import unittest

from lab import account, http, process, wait, ws
from lab.daemon import Daemon, plugin_dir, section
from lab.origin import Origin
from lab.talk import RawEcho

ALICE = [("X-authentik-username", "alice")]
# What each layer stops, by itself.
SECCOMP = ("write", "mkdir", "fork", "exec", "ptrace", "netlink", "listen", "kill")
LANDLOCK = ("read", "list", "write", "mkdir")


def state(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(re.findall(r"^(\w+):\s*(.*)$", f.read(), re.M))


class Sandbox(unittest.TestCase):
    def setUp(self):
        self.origin = Origin({"/ws": RawEcho()})
        self.addCleanup(self.origin.stop)

    def daemon(self, start=True, **options):
        folder = shutil.copytree(plugin_dir(), os.path.join(process.folder(), "plugins"))
        shutil.copy(process.program("tests/plugins/sample_escape.so"), folder)
        d = Daemon({"plugin_dir": folder, **options}, 'plugin "sample_escape" {}\n', users={"alice": self.origin.port},
                   start=start)
        self.addCleanup(d.stop)
        return d

    def tries(self, d, names):
        return {n: http.get(d.proxy, f"/escape/{n}").text() for n in names}

    def layers(self, d):
        seccomp, landlock = re.search(r"process=proxy event=sandbox_applied seccomp=(\w+) landlock=(\d+)", d.log()).groups()
        return seccomp == "on", int(landlock)

    def test_nothing_gets_out(self):
        d = self.daemon()
        seccomp, landlock = self.layers(d)
        denied = set(SECCOMP if seccomp else ()) | set(LANDLOCK if landlock else ())
        for name, word in self.tries(d, sorted(denied)).items():
            self.assertIn(word, ("EPERM", "EACCES"), name)
        self.assertEqual(d.metrics()['t3ops_sandbox{process="proxy",layer="seccomp"}'], seccomp)
        self.assertEqual(d.metrics()['t3ops_sandbox{process="proxy",layer="landlock"}'], landlock > 0)
        if seccomp:
            self.assertEqual(state(d.processes()["proxy"])["Seccomp"], "2")
        self.assertEqual(http.get(d.proxy, "/hello", ALICE).status, 200)

    def test_prober_monitor_and_jobs_are_confined_too(self):
        """And still do what they are for: a leg, the journal, a secret that outlives the process."""
        to = process.folder()
        account.give(to)
        d = Daemon({"restart_pause_max": "100ms"}, 'plugin "probe_t3serve" { websocket = false }\n' + section("plugin", "backup", {"to": to}),
                   users={"alice": self.origin.port})
        self.addCleanup(d.stop)
        for name in ("prober", "monitor", "jobs"):
            line = d.wait_log(rf"process={name} event=sandbox_applied seccomp=(\w+) landlock=(\d+)")
            seccomp, landlock = line.group(1) == "on", int(line.group(2)) > 0
            metrics = d.metrics()
            self.assertEqual(metrics[f't3ops_sandbox{{process="{name}",layer="seccomp"}}'], seccomp)
            self.assertEqual(metrics[f't3ops_sandbox{{process="{name}",layer="landlock"}}'], landlock)
            if seccomp:
                self.assertEqual(state(d.processes()[name])["Seccomp"], "2")
        wait.until(lambda: "process_started" in d.ctl("events"), what="the journal")
        self.assertTrue(os.path.exists(f"{d.state_dir}/journal.sqlite"))
        os.rename(d.state_dir, d.state_dir + ".old")
        os.mkdir(d.state_dir, 0o700)
        account.give(d.state_dir)
        mark = len(d.log())
        os.kill(d.processes()["monitor"], signal.SIGKILL)
        d.wait_log("event=process_started .*child=monitor", after=mark)
        wait.until(lambda: os.path.exists(f"{d.state_dir}/journal.sqlite"), what="a journal in the directory that came later")
        self.assertNotIn("journal_failed", d.log())

    def test_without_walls_all_of_it_works(self):
        """Or the test above would prove nothing."""
        d = self.daemon(sandbox="off")
        for name, word in self.tries(d, sorted(set(SECCOMP + LANDLOCK) - {"kill"})).items():
            self.assertEqual(word, "ESRCH" if name == "ptrace" else "0", name)
        self.assertNotIn("event=sandbox_applied", d.log())

    def test_front_has_no_privileges(self):
        d = self.daemon()
        s = state(d.processes()["proxy"])
        self.assertEqual(s["NoNewPrivs"], "1")
        self.assertNotIn("0", s["Uid"].split())
        self.assertEqual(int(s["CapEff"], 16) | int(s["CapPrm"], 16), 0)

    def test_user_table_is_still_followed_and_tunnels_still_move(self):
        d = self.daemon(restart_pause_max="100ms")
        with ws.WebSocket(d.proxy, "/ws", ALICE) as w:
            d.write_users({"alice": self.origin.port, "bob": self.origin.port})
            wait.until(lambda: http.get(d.proxy, "/hello", [("X-authentik-username", "bob")]).status == 200, what="the new table")
            d.options["first_byte_timeout"] = "9s"
            d.write_conf()
            self.assertIn("event=reloaded", d.reload())
            mark = len(d.log())
            d.process.send_signal(signal.SIGUSR2)
            d.wait_log("event=upgraded", after=mark)
            d.wait_log("event=tunnels_received", after=mark)
            http.get(d.proxy, "/healthz")  # the tunnel has settled
            mark = len(d.log())
            os.kill(d.processes()["proxy"], signal.SIGKILL)
            d.wait_log("event=process_started .*child=proxy", after=mark)
            w.send_frame(ws.TEXT, "still here", mask=False)
            self.assertEqual(w.text(), "still here")

    def follows(self, pattern, env_file):
        os.makedirs(os.path.dirname(env_file), exist_ok=True)
        with open(env_file, "w", encoding="ascii") as f:
            f.write(f"T3_PORT={self.origin.port}\n")
        d = Daemon({"upstream_env": pattern}, 'plugin "probe_echo" {}\n', users=f"alice={account.NAME}\n")
        self.addCleanup(d.stop)
        d.write_users(f"alice={account.NAME}\nbob={account.NAME}\n")
        bob = [("X-authentik-username", "bob")]
        wait.until(lambda: http.get(d.proxy, "/hello", bob).status == 200, what="the new table")

    def test_env_files_in_folders_of_the_users_are_read(self):
        root = process.folder()
        os.chmod(root, 0o755)
        self.follows(f"{root}/%u/t3.env", f"{root}/{account.NAME}/t3.env")

    def test_table_that_is_a_link_is_followed(self):
        d = self.daemon(start=False)
        elsewhere = os.path.join(process.folder(), "table")
        os.chmod(os.path.dirname(elsewhere), 0o755)
        os.rename(d.users_file, elsewhere)
        os.symlink(elsewhere, d.users_file)
        d.start()
        with open(elsewhere, "w", encoding="utf-8") as f:
            json.dump({n: {"os_user": account.NAME, "port": self.origin.port} for n in ("alice", "bob")}, f)
        d.write_conf()  # in the folder that is watched, or it is noticed ten seconds later
        bob = [("X-authentik-username", "bob")]
        wait.until(lambda: http.get(d.proxy, "/hello", bob).status == 200, what="the new table")

    def test_on_insists(self):
        seccomp, landlock = self.layers(self.daemon())
        d = self.daemon(start=False, sandbox="on")
        if seccomp and landlock:
            d.start()
            self.assertEqual(self.layers(d), (True, landlock))
            return
        with self.assertRaises(AssertionError):
            d.start()
        self.assertRegex(d.log(), "event=start_failed option=sandbox value=on error=")


if __name__ == "__main__":
    with Daemon({}, 'plugin "probe_echo" {}\n') as probe:
        if "this build has sanitizers" in probe.log():
            print("SKIP: a build with sanitizers has no sandbox")
            sys.exit(77)
    unittest.main()
