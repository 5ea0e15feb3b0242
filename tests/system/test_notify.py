#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that are told of verdicts: real ones, hostile ones, through a live t3ops."""
import json
import os
import stat
import subprocess
import unittest

from lab import account, process, wait
from lab.daemon import Daemon, section
from lab.stub import NEW, T3Stub

SECTIONS = ('plugin "probe_echo" {}\n'
            'plugin "probe_t3serve" { heartbeat = "200ms" late = "300ms" watchdog = "1s" reconnect_min = "100ms" }\n')


class Notify(unittest.TestCase):
    def setUp(self):
        self.stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(self.stub.process.kill)
        self.dir = process.folder()
        account.give(self.dir)
        self.daemon = None

    def program(self, body, name="program"):
        """A script that the helper may run; $DIR is a directory that it may write to."""
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\nDIR={self.dir}\n{body}\n")
        os.chmod(path, 0o755)
        return path

    def keeper(self, name="kept"):
        """One that keeps what it reads, a line each: {name}.1, .2, ..."""
        return self.program(f'n=$(ls "$DIR" | grep -c "^{name}[.]"); cat >"$DIR/.new-{name}"; mv "$DIR/.new-{name}" "$DIR/{name}.$((n + 1))"', "keep-" + name)

    def kept(self, name="kept"):
        names = sorted((n for n in os.listdir(self.dir) if n.startswith(name + ".")), key=lambda n: int(n.rpartition(".")[2]))
        found = []
        for n in names:
            with open(os.path.join(self.dir, n), encoding="utf-8") as f:
                found.append(f.read())
        return found

    def start(self, **sections):
        self.notifies = {name: {"retry_min": "100ms", "retry_max": "200ms", **options} for name, options in sections.items()}
        self.daemon = Daemon({"ping_timeout": "500ms"}, self.sections(), users={"alice": self.stub.port})
        self.addCleanup(self.daemon.stop)
        self.daemon.wait_log(r"event=leg_up .*user=alice")

    def sections(self):
        return SECTIONS + "".join(section("notify", name, options) for name, options in self.notifies.items())

    def state(self):
        return [v["state"] for v in self.daemon.standing()]

    def break_it(self):
        self.stub.stall()
        self.addCleanup(self.stub.resume)
        wait.until(lambda: "standing" in self.state(), what="a verdict")

    def heal_it(self):
        self.stub.resume()
        wait.until(lambda: set(self.state()) == {"healed"}, what="the end of the verdict")

    def metric(self, outcome, name="n"):
        return self.daemon.metrics()[f't3ops_notifications_total{{notify="{name}",outcome="{outcome}"}}']

    # ---- what is told

    def test_given_and_healed_as_json(self):
        self.start(n={"argv": [self.keeper()], "revised": False})
        self.break_it()
        wait.until(lambda: len(self.kept()) == 1, what="the first notification")
        self.heal_it()
        wait.until(lambda: len(self.kept()) == 2, what="the second one")
        given, healed = map(json.loads, self.kept())
        self.assertEqual([n["notification"] for n in (given, healed)], ["given", "healed"])
        self.assertEqual((given["version"], given["severity"], given["host"]), (1, "warning", os.uname().nodename))
        verdict = self.daemon.verdicts()[0]
        self.assertEqual({k: healed["verdict"][k] for k in ("id", "segments", "users", "ended_time", "evidence")},
                         {k: verdict[k] for k in ("id", "segments", "users", "ended_time", "evidence")})
        self.assertIn("serve(alice)", given["verdict"]["segments"])
        self.daemon.wait_log(r"process=helper event=command_done requester=monitor command=n exit_code=0")
        wait.until(lambda: self.metric("sent") == 2, what="both counted")
        self.assertEqual((self.metric("failed"), self.metric("dropped")), (0, 0))

    def test_as_text_and_by_filter(self):
        self.start(text={"argv": [self.keeper("text")], "format": "text", "segments": ["serve"], "min_severity": "warning"},
                   other={"argv": [self.keeper("other")], "segments": ["tunnel"]},
                   severe={"argv": [self.keeper("severe")], "min_severity": "critical"},
                   first={"argv": [self.keeper("first")], "healed": False, "revised": False})
        self.break_it()
        self.heal_it()
        wait.until(lambda: len(self.kept("text")) >= 2 and self.kept("first"), what="what is wanted")
        self.assertRegex(self.kept("text")[0], r"^\S+: serve\(alice\) \(given, warning\)\n.+\nSince: \S+Z\nEvidence: t3opsctl show \d+\n$")
        self.assertRegex(self.kept("text")[-1], r"\(healed, warning\)\n(.|\n)*\nEnded: \S+Z, after ")
        self.assertEqual((self.kept("other"), self.kept("severe"), len(self.kept("first"))), ([], [], 1))

    def test_who_it_runs_as(self):
        self.start(n={"argv": [self.program('id -u >"$DIR/uid"; pwd >"$DIR/pwd"; env >"$DIR/env"')]})
        self.break_it()
        wait.until(lambda: self.metric("sent") == 1, what="its run")
        with open(os.path.join(self.dir, "uid"), encoding="ascii") as f:
            self.assertEqual(int(f.read()), os.stat(self.daemon.state_dir).st_uid)
        with open(os.path.join(self.dir, "env"), encoding="utf-8") as f:
            self.assertNotIn("T3OPS_", f.read())

    # ---- programs that fail

    def test_one_that_fails_at_first(self):
        keep = self.keeper()
        self.start(n={"argv": [self.program(f'[ -e "$DIR/ready" ] || {{ echo not yet >&2; exit 7; }}; exec {keep}')], "revised": False})
        self.break_it()
        wait.until(lambda: self.metric("failed") >= 2, what="attempts that fail")
        self.daemon.wait_log(r'event=command_failed requester=monitor command=n exit_code=7 \S+ error="stderr: not yet')
        self.assertEqual(self.daemon.metrics()['t3ops_notifications_waiting{notify="n"}'], 1)
        with open(os.path.join(self.dir, "ready"), "w", encoding="ascii"):
            pass
        wait.until(lambda: self.kept(), what="the attempt that succeeds")
        self.assertEqual(json.loads(self.kept()[0])["notification"], "given")
        wait.until(lambda: self.daemon.metrics()['t3ops_notifications_waiting{notify="n"}'] == 0, what="an empty queue")

    def given_up(self, body, pattern, **options):
        self.start(n={"argv": [self.program(body) if body else "/no/such/program"], "timeout": "500ms", "retry_for": "1s", "revised": False, **options})
        self.break_it()
        self.daemon.wait_log(r"event=command_failed requester=monitor command=n " + pattern)
        self.daemon.wait_log(r'event=notification_dropped .*command=n .*error="its program failed \d+ times, until retry_for had passed"')
        wait.until(lambda: self.metric("dropped") >= 1, what="the count of what was dropped")
        self.heal_it()  # the monitor is well

    def test_one_that_hangs(self):
        self.given_up("exec sleep 600", r'exit_code=137 \S+ error="killed after its timeout of 500ms"')

    def test_one_that_is_not_there(self):
        self.given_up(None, r'exit_code=127 .*error="stderr: cannot start /no/such/program: No such file or directory"')

    def test_one_that_ends_at_once(self):
        self.given_up("exit 1", "exit_code=1 ")

    def test_one_that_kills_itself_and_leaves_children(self):
        self.given_up('sleep 600 & yes >/dev/null & kill -SEGV $$', "exit_code=139 ")

    def test_one_that_writes_without_end(self):
        self.given_up('yes error >&2 & exec yes', r'exit_code=137 \S+ error="killed after its timeout of 500ms; stderr: error')

    def test_one_try_only(self):
        self.given_up("exit 1", "exit_code=1 ", retry_for="0s")
        self.assertEqual(self.metric("failed"), self.metric("dropped"))

    def test_much_output_and_no_look_at_stdin_is_fine(self):
        self.start(n={"argv": [self.program("head -c 3000000 /dev/zero; exec <&-; exit 0")]})
        self.break_it()
        wait.until(lambda: self.metric("sent") >= 1, what="its run")
        self.assertEqual(self.metric("failed"), 0)

    def test_one_section_s_failure_is_not_another_s(self):
        self.start(bad={"argv": [self.program("exec sleep 600", "hang")], "timeout": "60s"}, good={"argv": [self.keeper()], "revised": False})
        self.break_it()
        self.heal_it()
        wait.until(lambda: len(self.kept()) == 2, what="what the good one is told")
        self.assertGreaterEqual(self.daemon.metrics()['t3ops_notifications_waiting{notify="bad"}'], 1)

    def test_a_full_queue_says_so(self):
        self.start(n={"argv": [self.program("exit 1")], "queue": 1, "retry_max": "60s", "retry_min": "60s"})
        self.break_it()
        self.heal_it()
        self.break_it()
        self.stub.resume()  # what recurs heals only when it has worked for a while
        self.daemon.wait_log(r'level=error process=monitor event=notification_dropped .*command=n .*verdict=\d+ error="more than 1 wait"')
        self.assertLessEqual(self.daemon.metrics()['t3ops_notifications_waiting{notify="n"}'], 2)
        wait.until(lambda: "command=n" in self.daemon.ctl("events", "-k", "notification_dropped"), what="it in the journal")

    # ---- what outlives what

    def test_what_waits_outlives_reload_and_restart(self):
        keep = self.keeper()
        self.start(n={"argv": [self.program("exit 1")], "revised": False})
        self.break_it()
        wait.until(lambda: self.metric("failed") >= 1, what="an attempt that fails")
        self.notifies["n"]["argv"] = [self.program("exit 2", "another")]
        self.daemon.sections = self.sections()
        self.daemon.write_conf()
        self.daemon.reload()
        self.daemon.wait_log(r"event=command_failed requester=monitor command=n exit_code=2")
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.daemon.state_dir, "notifications.json")).st_mode), 0o600)
        self.notifies["n"]["argv"] = [keep]
        self.daemon.stop()
        self.daemon.sections = self.sections()
        self.daemon.write_conf()
        self.daemon.start()
        wait.until(lambda: self.kept(), what="what waited")
        self.assertEqual(json.loads(self.kept()[0])["notification"], "given")
        self.heal_it()
        wait.until(lambda: json.loads(self.kept()[-1])["notification"] == "healed", what="the end of what it was told of")

    def test_a_helper_that_dies(self):
        keep = self.keeper()
        self.start(n={"argv": [self.program(f'[ -e "$DIR/second" ] && exec {keep}; touch "$DIR/second"; exec sleep 600')], "timeout": "60s", "revised": False})
        self.break_it()
        wait.until(lambda: os.path.exists(os.path.join(self.dir, "second")), what="a program that runs")
        os.kill(self.daemon.processes()["helper"], 9)
        monitor = self.daemon.processes()["monitor"]
        os.kill(monitor, 9)  # else it waits for the helper's answer until the timeout
        wait.until(lambda: self.kept(), what="the second attempt")

    # ---- the check of the configuration

    def check(self, options, **core):
        d = Daemon(core, section("notify", "n", options), start=False)
        r = subprocess.run([process.program("core/t3ops"), "-t", "-c", d.conf], capture_output=True, text=True, check=False)
        return r.returncode, r.stdout + r.stderr

    def test_what_the_check_says(self):
        closed = self.program("exit 0", "closed")
        os.chmod(closed, 0o600)
        for options, code, said in (
                ({"argv": ["/bin/true", "%{x}"]}, 0, "notify n: /bin/true %{x}"),
                ({"argv": ["/no/such/program"]}, 0, 'notify n: argv: "/no/such/program": there is no such program'),
                ({"argv": ["/tmp"]}, 0, 'notify n: argv: "/tmp": not a program'),
                ({"argv": [closed]}, 0, f'notify n: argv: "{closed}" cannot be run by account'),
                ({"argv": ["/bin/true"], "segments": ["tunel", "dns"]}, 0,
                 'warning: notify n: segments: no verdict names "tunel": it is neither in user_path nor in a leg\'s segments; '
                 'did you mean "tunnel"?'),
                ({"argv": ["true"]}, 1, 'expected the program\'s absolute path'),
                ({"argv": ["/bin/true"], "format": "xml"}, 1, 'notify n: format = "xml": expected one of: json text'),
                ({"argv": ["/bin/true"], "min_severity": "bad"}, 1, "expected one of: info warning critical"),
                ({"argv": ["/bin/true"], "retry_min": "10m"}, 1, "expected less than retry_max"),
                ({"argv": ["/bin/true"], "queue": 0}, 1, "queue"),
                ({}, 1, "argv")):
            with self.subTest(options=options):
                found, text = self.check(options)
                self.assertEqual(found, code, text)
                self.assertIn(said, text)

    @unittest.skipUnless(os.geteuid() == 0, "only root becomes others")
    def test_accounts_that_the_check_refuses(self):
        for user, said in (("root", "expected an account that is not root"), ("no-such-account", "no such account on this machine")):
            code, text = self.check({"argv": ["/bin/true"], "user": user})
            self.assertEqual(code, 1)
            self.assertIn(f'notify n: user = "{user}": {said}', text)


if __name__ == "__main__":
    unittest.main()
