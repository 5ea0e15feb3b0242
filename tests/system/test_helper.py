#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the helper starts, for whom, and what is written down about it."""
import os
import re
import subprocess
import unittest

from lab import account, http, process, wait
from lab.daemon import Daemon, plugin_dir_with, section

ALICE = [("X-authentik-username", "alice")]
REFUSALS_MAX = 20


class Commands(unittest.TestCase):
    def start(self, option=None, **commands):
        sections = "".join(section("command", name, {"argv": argv, "timeout": "500ms"}) for name, argv in commands.items())
        sections += section("plugin", "sample_asks", {"command": option} if option else {})
        self.daemon = Daemon({"plugin_dir": plugin_dir_with("sample_asks")}, sections, users={"alice": 1})
        self.addCleanup(self.daemon.stop)

    def ask(self, command, user="alice"):
        return http.get(self.daemon.proxy, f"/ask/{command}/{user}", ALICE).text()

    def events(self, kind):
        """The lines that the helper logged."""
        return re.findall(rf"process=helper event={kind} (.*)", self.daemon.log())

    def test_every_run_is_written_down(self):
        self.start("mint", mint=["/bin/true"])
        self.assertEqual(self.ask("mint"), "ran 0")
        self.assertRegex(self.events("command_done")[0],
                         r"^requester=proxy command=mint user=alice exit_code=0 duration_ms=[\d.]+$")
        wait.until(lambda: "command=mint" in self.daemon.ctl("events", "-k", "command_done"), what="the run in the journal")

    def test_one_that_fails(self):
        self.start("mint", mint=["/bin/sh", "-c", "echo no luck >&2; exit 3"])
        self.assertEqual(self.ask("mint"), "ran 3")
        self.assertRegex(self.events("command_failed")[0],
                         r'^requester=proxy command=mint user=alice exit_code=3 duration_ms=\S+ error="stderr: no luck\\n"$')
        self.assertEqual(self.events("command_done"), [])
        self.assertIn("level=warning process=helper event=command_failed", self.daemon.log())
        wait.until(lambda: "no luck" in self.daemon.ctl("events", "-k", "command_failed"), what="the run in the journal")

    def test_one_that_writes_too_much(self):
        self.start("mint", mint=["/bin/sh", "-c", "echo so >&2; exec cat /dev/zero"])
        self.assertEqual(self.ask("mint"), "E2BIG 137")
        self.assertRegex(self.events("command_failed")[0], r'error="killed, for it wrote more than 32K to stdout; stderr: so\\n"$')

    def test_one_whose_program_is_not_there(self):
        self.start("mint", mint=["/no/such/program"])
        self.assertEqual(self.ask("mint"), "ran 127")
        self.assertRegex(self.events("command_failed")[0],
                         r'exit_code=127 .*error="stderr: cannot start /no/such/program: No such file or directory"$')

    def test_one_that_takes_too_long(self):
        self.start("mint", mint=["/bin/sleep", "600"])
        self.assertEqual(self.ask("mint"), "ETIMEDOUT 137")
        self.assertRegex(self.events("command_failed")[0],
                         r'exit_code=137 duration_ms=\S+ error="killed after its timeout of 500ms"$')

    def test_nobody_but_the_table_s_users(self):
        self.start("mint", mint=["/bin/true"])
        self.assertEqual(self.ask("mint", "mallory"), "ENOENT 0")
        self.assertRegex(self.events("command_refused")[0],
                         r'^requester=proxy command=mint user=mallory error="the user table has no such user')
        self.assertEqual(self.events("command_done"), [])

    def test_nothing_that_no_option_of_the_process_s_plugins_names(self):
        self.start("other", mint=["/bin/true"], other=["/bin/true"])
        self.assertEqual(self.ask("other"), "ran 0")
        self.assertEqual(self.ask("mint"), "EPERM 0")
        self.assertRegex(self.events("command_refused")[0], r'command=mint user=alice error="the proxy may have the command of a plugin that provides pairing')
        self.assertEqual(self.daemon.metrics()['t3ops_commands_refused_total{requester="proxy"}'], 1)
        self.daemon.sections = self.daemon.sections.replace('command = "other"', 'command = "mint"')
        self.daemon.write_conf()
        self.assertIn("event=reloaded", self.daemon.reload())
        self.assertEqual(self.ask("mint"), "ran 0")

    def test_the_proxy_mints_and_nothing_else(self):
        """Whatever the options of request plugins name: who takes the proxy over restarts nobody's server with it."""
        self.start("mint", mint=["/bin/true"], restart=["/bin/true"])
        self.daemon.sections += section("plugin", "sample_request", {"command": "restart"})
        self.daemon.options["plugin_dir"] = plugin_dir_with("sample_request", "sample_asks")
        self.daemon.write_conf()
        log = self.daemon.reload()
        self.assertIn("event=reloaded", log)
        self.assertRegex(log, 'event=config_warning .*plugin sample_request: command = .*the proxy may have only the command of a plugin that provides pairing')
        self.assertEqual((self.ask("restart"), self.ask("mint")), ("EPERM 0", "ran 0"))
        self.assertRegex(self.events("command_refused")[0], r'command=restart user=alice error="the proxy may have the command of a plugin that provides pairing started')
        self.assertEqual(self.daemon.metrics()['t3ops_commands_refused_total{requester="proxy"}'], 1)

    def test_one_user_only_so_often(self):
        """A proxy that was taken over mints no more than an honest one could need."""
        self.start("mint", mint=["/bin/true"])
        got = [self.ask("mint") for _ in range(40)]
        self.assertEqual(got, ["ran 0"] * 30 + ["EAGAIN 0"] * 10)
        self.assertRegex(self.events("command_refused")[0], r'command=mint user=alice error="more than 30 programs in a minute for this user"')
        self.assertEqual(len(self.events("command_done")), 30, "every run is an event")

    def test_a_flood_of_refusals_is_counted(self):
        self.start("mint", mint=["/bin/true"])
        for _ in range(REFUSALS_MAX + 10):
            self.assertEqual(self.ask("mint", "mallory"), "ENOENT 0")
        self.assertEqual(len(self.events("command_refused")), REFUSALS_MAX)


class Jobs(unittest.TestCase):
    def test_a_job_is_written_down_too(self):
        home = process.folder()
        account.give(home)
        folder = process.folder()
        d = Daemon({}, section("plugin", "backup", {"to": folder, "every": "1h"}),
                   users={"alice": {"os_user": account.NAME, "port": 1}})
        self.addCleanup(d.stop)
        d.ctl("backup", "now", "alice", check=False)
        d.wait_log(r"level=info process=helper event=command_done plugin=backup requester=jobs user=alice exit_code=1 duration_ms=")
        d.wait_log("process=jobs event=job_failed plugin=backup user=alice")
        self.assertEqual(len(re.findall("level=(warning|error) .*user=alice", d.log())), 1)
        self.assertTrue(os.path.isdir(folder))

    def test_a_job_without_its_directory_is_told_which(self):
        theirs = account.give(process.folder())
        if os.geteuid() != 0:
            os.chmod(theirs, 0o555)
        for why, folder, path, mode in (("No such file or directory; create it", process.folder(), "missing/below", None),
                                        ("Permission denied; create it", theirs, "backups", None),
                                        ("it must belong to .*, and nobody else may write there", process.folder(), "open", 0o777)):
            path = os.path.join(folder, path)
            if mode:
                os.mkdir(path)
                os.chmod(path, mode)
            with self.subTest(path=path), \
                    Daemon({}, section("plugin", "backup", {"to": path, "every": "1h"}),
                           users={"alice": {"os_user": account.NAME, "port": 1}}) as d:
                done = subprocess.run([process.program("core/t3opsctl"), "-s", d.control, "backup", "now"], text=True,
                                      capture_output=True, timeout=60, check=False)
                self.assertRegex(done.stderr, f'alice: to = "{path}": {why}')
                d.wait_log(rf'process=helper event=command_refused plugin=backup requester=jobs user=alice error="to = .*: {why}')
                d.wait_log(rf'process=jobs event=job_failed plugin=backup user=alice .*error="to = .*: {why}')
                self.assertEqual(len(re.findall("level=(warning|error) .*user=alice", d.log())), 2)

    def test_a_schedule_is_in_utc(self):
        with Daemon({}, section("plugin", "backup", {"to": process.folder(), "every": "1h"}), users={},
                    env={"TZ": "Asia/Kathmandu"}) as d:
            d.wait_log(r"event=job_scheduled plugin=backup next=20\d\d-\d\d-\d\dT[\d:.]+Z$")

    def test_users_that_nothing_can_run_as_are_named(self):
        users = {"alice": {"os_user": account.NAME, "port": 1}, "bob": {"os_user": "no-such-bobb", "port": 2},
                 "rita": {"os_user": "root", "port": 3}}
        d = Daemon({}, section("plugin", "backup", {"to": process.folder(), "every": "1h"}), users=users)
        self.addCleanup(d.stop)
        d.wait_log(r'level=warning process=helper event=users_partial error=".*: bob: os_user \\"no-such-bobb\\": no such account on this '
                   r'machine, so no command and no job can run for this user \(and 1 more; t3ops -t names them\)"')


if __name__ == "__main__":
    unittest.main()
