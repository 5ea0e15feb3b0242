#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The processes as processes: crashes, stalls, reloads and upgrades, with a user's WebSocket open all the while."""
import os
import pwd
import re
import signal
import socket
import unittest

from lab import account, http, process, wait, ws
from lab.daemon import Daemon, plugin_dir_with, section
from lab.stub import NEW, T3Stub

ALICE = [("X-authentik-username", "alice")]


def sections(directory):
    """Something to do for every process."""
    return ('plugin "probe_echo" {}\n'
            'plugin "probe_t3serve" { heartbeat = "200ms" segments = {"serve"} }\n'
            + section("plugin", "backup", {"to": directory, "every": "1h"})
            + section("command", "nothing", {"argv": ["/bin/true"]}))


class Processes(unittest.TestCase):
    def setUp(self):
        self.stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(self.stub.process.kill)
        self.daemon = Daemon({"process_watchdog": "1s"}, sections(process.folder()), users={"alice": self.stub.port})
        self.addCleanup(self.stop)
        self.cookie = [("Cookie", self.stub.cookie())]

    def stop(self):
        if self.daemon.process.alive():
            self.daemon.stop()

    def open(self):
        return ws.WebSocket(self.daemon.proxy, "/ws", ALICE + self.cookie)

    def change(self, number):
        """A configuration that makes a new proxy necessary."""
        self.daemon.options["first_byte_timeout"] = f"{number + 10}s"
        self.daemon.write_conf()

    def restarted(self, process, old):
        return wait.until(lambda: self.daemon.processes().get(process) not in (None, old), what=f"a new {process}")

    def test_killing_any_process_but_the_proxy_drops_no_tunnel(self):
        with self.open() as w:
            w.heartbeat()
            for process in ("prober", "jobs", "monitor", "helper"):
                with self.subTest(process=process):
                    pid = self.daemon.processes()[process]
                    os.kill(pid, signal.SIGKILL)
                    self.restarted(process, pid)
                    w.heartbeat()
                    self.daemon.wait_log(rf'event=process_exited pid={pid} .*exit_code=137 .*child={process}\b')
            w.heartbeat()
        self.assertNotIn("event=tunnel_dropped", self.daemon.log().split("event=process_exited")[0])

    def test_a_killed_proxy_is_back_on_the_same_address_with_its_counters(self):
        def served():
            return self.daemon.metrics()['t3ops_requests_total{class="2xx"}']

        self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)
        before = wait.until(served, what="the first count")
        pid = self.daemon.processes()["proxy"]
        os.kill(pid, signal.SIGKILL)
        self.restarted("proxy", pid)
        self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)
        wait.until(lambda: served() == before + 1, what="the count goes on")

    def test_only_the_helper_keeps_privileges(self):
        if os.geteuid() != 0:
            self.skipTest("privileges can be dropped by root only")
        nobody = pwd.getpwnam(account.NAME)
        for process, pid in self.daemon.processes().items():
            with self.subTest(process=process), open(f"/proc/{pid}/status", encoding="ascii") as f:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
                if process == "helper":
                    self.assertEqual(status["Uid"].split(), ["0"] * 4)
                    continue
                self.assertEqual(status["Uid"].split(), [str(nobody.pw_uid)] * 4)
                self.assertEqual(status["Gid"].split(), [str(nobody.pw_gid)] * 4)
                self.assertLessEqual(set(status["Groups"].split()), {str(nobody.pw_gid)})
                self.assertEqual(int(status["CapPrm"], 16), 0)

    def test_memory_is_shared_with_its_owner_only(self):
        for name, pid in self.daemon.processes().items():
            with self.subTest(process=name), open(f"/proc/{pid}/maps", encoding="utf-8") as f:
                maps = f.read()
                self.assertLessEqual(len(re.findall("memfd:t3ops-users", maps)), 1)
                self.assertEqual("memfd:t3ops-tunnels" in maps, name == "proxy")

    def test_a_frozen_process_is_killed_and_named(self):
        pid = self.daemon.processes()["prober"]
        with self.open() as w:
            os.kill(pid, signal.SIGSTOP)
            self.daemon.wait_log(r"event=process_killed .*prober")
            self.restarted("prober", pid)
            w.heartbeat()

    def test_crash_loop_backs_off(self):
        for _ in range(3):
            pid = self.daemon.processes()["jobs"]
            os.kill(pid, signal.SIGKILL)
            self.restarted("jobs", pid)
        pauses = [float(p) for p in re.findall(r"event=restart_scheduled\b.*\bdelay_ms=([\d.]+)", self.daemon.log())]
        self.assertEqual(len(pauses), 3, self.daemon.log())
        self.assertEqual(pauses, sorted(pauses))
        self.assertGreater(pauses[2], pauses[0])

    def test_three_reloads_under_an_open_websocket(self):
        with self.open() as w:
            first = self.daemon.processes()
            for number in range(3):
                self.change(number)
                self.assertIn("event=reloaded", self.daemon.reload())
                w.heartbeat()
                self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)
                wait.until(lambda: len(self.daemon.children()) == 5, what="the old proxy to leave")
            self.assertNotIn(first["proxy"], self.daemon.children())
            for process in ("prober", "jobs", "monitor", "helper"):
                self.assertIn(first[process], self.daemon.children(), f"{process} had no reason to go")
            w.heartbeat()
            w.close(1000)
        self.assertNotIn("event=tunnel_dropped", self.daemon.log())

    def test_reload_without_a_change_replaces_nothing(self):
        before = sorted(self.daemon.children())
        self.assertIn("event=reloaded", self.daemon.reload())
        self.assertEqual(sorted(self.daemon.children()), before)

    def test_bad_config_on_reload_changes_nothing(self):
        before = sorted(self.daemon.children())
        with self.open() as w:
            self.daemon.sections += "# a comment\nno_such_option = 1\n"
            self.daemon.write_conf()
            line = len(self.daemon.options) + self.daemon.sections.count("\n")
            log = self.daemon.reload()
            self.assertIn("event=reload_refused", log)
            self.assertIn(f"t3ops.conf:{line}", log)
            self.assertIn("no_such_option", log)
            self.assertEqual(sorted(self.daemon.children()), before)
            w.heartbeat()

    def test_a_process_that_cannot_start_refuses_the_reload(self):
        before = sorted(self.daemon.children())
        self.daemon.options["trusted_proxies"] = ["10.0.0.1/8"]
        self.daemon.write_conf()
        log = self.daemon.reload()
        self.assertIn("event=reload_refused", log)
        self.assertIn("10.0.0.1/8", log)
        wait.until(lambda: sorted(self.daemon.children()) == before, what="the attempt to leave")
        self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)

    def test_upgrade_in_place_keeps_pid_tunnel_and_address(self):
        pid = self.daemon.pid
        with self.open() as w:
            mark = len(self.daemon.log())
            self.daemon.process.send_signal(signal.SIGUSR2)
            self.daemon.wait_log(r"event=upgraded", after=mark)
            w.heartbeat()
            self.assertEqual(self.daemon.pid, pid)
            self.assertTrue(self.daemon.process.alive())
            self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)
            w.close(1000)
        self.assertNotIn("event=tunnel_dropped", self.daemon.log())

    def test_a_signal_to_the_whole_group_is_an_orderly_end(self):
        with self.open() as w:
            w.heartbeat()
            self.daemon.process.signal_group(signal.SIGTERM)
            self.assertEqual(w.wait_close(), 1001)
        self.assertEqual(self.daemon.process.wait(), 0)
        self.assertNotRegex(self.daemon.log(), r"level=error|event=(process_exited|restart_scheduled|message_refused)")
        self.assertEqual(len(re.findall("event=process_stopped", self.daemon.log())), 5)

    def test_a_process_that_is_asked_to_end_alone_is_started_again(self):
        pid = self.daemon.processes()["jobs"]
        os.kill(pid, signal.SIGTERM)
        self.restarted("jobs", pid)

    def test_end(self):
        with self.open() as w:
            self.assertEqual(self.daemon.stop(), 0)
            self.assertEqual(w.wait_close(), 1001)
        self.assertFalse(self.daemon.process.alive())


class Start(unittest.TestCase):
    def test_only_processes_with_work_are_started(self):
        with Daemon({}, 'plugin "probe_echo" {}\n', users={}) as d:
            self.assertEqual(sorted(d.processes()), ["monitor", "proxy"])

    def test_a_port_in_use_is_one_clear_line(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
            d = Daemon({"listen": [f"127.0.0.1:{port}"]}, 'plugin "probe_echo" {}\n', start=False)
            d.process = process.Process([process.program("core/t3ops"), "-c", d.conf], "t3ops")
            self.assertEqual(d.process.wait(), 1)
            self.assertRegex(d.log(), rf"level=error .*127\.0\.0\.1:{port}.*Address already in use")

    def test_a_state_dir_has_one_daemon(self):
        with Daemon({}, 'plugin "probe_echo" {}\n', users={}) as first:
            second = Daemon({"state_dir": first.state_dir}, 'plugin "probe_echo" {}\n', users={}, start=False)
            second.process = process.Process([process.program("core/t3ops"), "-c", second.conf], "t3ops")
            self.assertEqual(second.process.wait(), 1)
            told = f"state_dir {first.state_dir}: another t3ops uses it, pid {first.pid}; give each its own"
            self.assertRegex(second.log(), f"level=error .*event=start_failed .*{re.escape(told)}")
            for number, event in ((signal.SIGHUP, "reloaded"), (signal.SIGUSR2, "upgraded")):
                mark = len(first.log())
                first.process.send_signal(number)
                first.wait_log(f"event={event}", after=mark)
                second.process = process.Process([process.program("core/t3ops"), "-c", second.conf], "t3ops")
                self.assertEqual(second.process.wait(), 1)
            self.assertIn(told, second.log())
        second.start()
        self.assertEqual(second.stop(), 0)

    def test_a_state_dir_of_another_daemon_is_no_place_to_move_to(self):
        with Daemon({}, 'plugin "probe_echo" {}\n', users={}) as first, \
                Daemon({}, 'plugin "probe_echo" {}\n', users={}) as second:
            own, second.options["state_dir"] = second.state_dir, first.state_dir
            second.write_conf()
            self.assertIn(f"another t3ops uses it, pid {first.pid}", second.reload())
            second.options["state_dir"] = own + "/../state"
            second.write_conf()
            self.assertIn("event=reloaded", second.reload())

    def test_systemd_is_told(self):
        folder = process.folder()
        path = os.path.join(folder, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(path)
            os.chmod(path, 0o777)
            s.settimeout(30)

            def told(word):
                return wait.until(lambda: word in s.recv(4096).decode(), what=word)

            with Daemon({}, 'plugin "probe_echo" {}\n', env={"NOTIFY_SOCKET": path}) as d:
                told("READY=1")
                d.process.send_signal(signal.SIGHUP)
                told("RELOADING=1")
                told("READY=1")
            told("STOPPING=1")


class WhileReloading(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon({"restart_pause_max": "100ms", "plugin_dir": plugin_dir_with("sample_pause")},
                             'plugin "probe_echo" {}\n', users={})
        self.addCleanup(self.daemon.stop)

    def test_a_proxy_is_restarted_with_the_active_sockets(self):
        """The new proxy, which listens elsewhere, stands still before it is ready."""
        mark, (proxy,) = len(self.daemon.log()), self.daemon.pids("proxy")
        self.daemon.options["listen"] = ["127.0.0.2:0"]
        self.daemon.sections += 'plugin "sample_pause" {}\n'
        self.daemon.write_conf()
        self.daemon.process.send_signal(signal.SIGHUP)
        coming = wait.until(lambda: [p for p in self.daemon.pids("proxy") if process.state(p) == "T"],
                            what="the new proxy")[0]
        os.kill(proxy, signal.SIGKILL)
        self.daemon.wait_log("event=process_started .*child=proxy", after=mark)
        os.kill(coming, signal.SIGKILL)
        self.daemon.wait_log("event=reload_refused", after=mark)
        self.assertEqual(http.get(self.daemon.proxy, "/healthz").status, 200)


class CommandLine(unittest.TestCase):
    def run_t3ops(self, *words):
        p = process.Process([process.program("core/t3ops"), *words], "t3ops")
        return p.wait(), p.log()

    def test_version_help_and_usage_errors(self):
        for words, status, word in ((["--version"], 0, "t3ops 0"), (["--help"], 0, "usage"), (["--nonsense"], 2, "Try: t3ops --help"),
                                    (["stray"], 2, "t3ops: unexpected argument: stray\nTry: t3ops --help\n"), (["-c", "/no/such/file"], 1, "t3ops: /no/such/file: No such file or directory; the package's example is ")):
            with self.subTest(words=words):
                got, log = self.run_t3ops(*words)
                self.assertEqual(got, status)
                self.assertIn(word, log)

    def test_check(self):
        d = Daemon({}, 'plugin "probe_echo" {}\n', start=False)
        got, log = self.run_t3ops("-t", "-c", d.conf)
        self.assertEqual(got, 0, log)
        self.assertIn("plugin probe_echo", log)
        d.sections = '/* a\n comment */ watchdog = "never"\nplugin "nothing_like_it" {}\n'
        d.write_conf()
        got, log = self.run_t3ops("-t", "-c", d.conf)
        self.assertEqual(got, 1)
        self.assertIn(f"t3ops.conf:{len(d.options) + 2}", log)
        self.assertIn("nothing_like_it", log)


if __name__ == "__main__":
    unittest.main()
