#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The whole life of the shipped units under a systemd that is the first process: a start, reloads, crashes, an upgrade, a
supervisor that hangs, stops, the socket unit, credentials; and what agents under t3-serve@ can do and cannot."""
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import unittest

from lab import http, machine, ports, process, wait, ws
from lab.daemon import section
from lab.fresh import makefile_dir
from lab.origin import Origin
from lab.talk import RawEcho

ALICE = {"X-authentik-username": "alice"}
ECHO = [("X-authentik-username", "echo")]
TOKEN = "correct-horse-battery-staple"
# What an agent asks of its machine: its name, and the shell's line that has to succeed.
NEEDS = {
    "jit": "node -e 'for (let i = 0; i < 1e5; i++) Math.sqrt(i)'",
    "sandboxes of user namespaces with a /proc of their own": "unshare --user --map-root-user --pid --fork --mount-proc true",
    "home": "touch ~/probe && rm ~/probe",
    "the network": "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", int(\"'$PROBE_PORT'\")))'",
    "compilers": "echo 'int main(void) { return 0; }' >/tmp/a.c && cc -o /tmp/a.out /tmp/a.c && /tmp/a.out",
    "git": "! command -v git >/dev/null || git init -q ~/repository",
    "debuggers": "setarch -R true",
    "how much memory there is": "grep -q MemTotal /proc/meminfo",
}
# What it is refused.
REFUSED = {
    "programs of root": "test $(id -u) = 0 || grep -q 'NoNewPrivs:.0' /proc/self/status",
    "capabilities": "! grep -q 'CapBnd:.0000000000000000' /proc/self/status",
    "the /tmp of others": "test -e /tmp/not-for-agents",
    "processes of others": "test -d /proc/1",
    "odd sockets": "python3 -c 'import socket; socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)'",
    "setgid files": "touch ~/g && chmod 2755 ~/g",
    "devices": "test -e /dev/lab",
}
WRAPPER = """#!/bin/sh
# What the unit's t3 is here: first an agent that tries everything, then the lab's stand-in.
if [ "$1" = serve ]; then
	: >~/agent
%s
	echo >~/agent-done
fi
exec "%s" "$@"
"""


def sanitized():
    with open(f"{process.build_dir()}/Makefile", encoding="utf-8") as f:
        return "-fsanitize=address" in f.read()


def why_not():
    if sanitized():
        return "a build with sanitizers has no other unit, and is slow to install"
    return machine.why_not()


WHY_NOT = why_not()


class Units(unittest.TestCase):
    """One machine for all of it: its name says the order."""

    @classmethod
    def setUpClass(cls):
        try:
            cls.m = machine.Machine()
        except AssertionError as e:
            raise unittest.SkipTest(f"SKIP: systemd does not boot here: {str(e)[-300:]}") from None
        cls.addClassCleanup(cls.m.end)
        cls.origin = Origin({"/ws": RawEcho()})
        cls.addClassCleanup(cls.origin.stop)
        cls.port, cls.status_port, cls.t3_port = ports.free(3)
        cls.etc, cls.state = makefile_dir("sysconfdir"), "/var/lib/t3ops-lab"
        cls.m.run("mount", "--make-rshared", "/")  # as on any machine that has booted; credentials are mounted
        cls.install()
        cls.conf()
        cls.m.run("systemctl", "daemon-reload")

    @classmethod
    def install(cls):
        m = cls.m
        process.install(m.root)
        m.run("systemd-sysusers")
        m.run("systemd-tmpfiles", "--create", f"{makefile_dir('tmpfilesdir')}/t3ops.conf")
        m.run("useradd", "--create-home", "--shell", "/bin/sh", "alice")
        m.run("install", "-d", "-o", "t3ops", "-g", "t3ops", "-m", "1770", cls.state)
        m.run("install", "-d", f"{cls.etc}/t3ops", f"{cls.etc}/t3-serve", "/etc/systemd/system/t3ops.service.d",
              "/etc/systemd/system/t3-serve@.service.d", "/etc/systemd/system/t3ops.socket.d")
        stub = "/usr/local/libexec/t3stub"
        os.makedirs(os.path.dirname(m.root + stub), exist_ok=True)
        shutil.copy(process.program(process.STUB), m.root + stub)
        tries = "".join(f'\t( {line} ) >/dev/null 2>&1 && echo "{name}" >>~/agent\n' for name, line in {**NEEDS, **REFUSED}.items())
        m.write("/usr/local/bin/t3", WRAPPER % (tries, stub))
        m.run("chmod", "755", "/usr/local/bin/t3", stub)
        m.run("touch", "/tmp/not-for-agents", "/dev/lab")

    @classmethod
    def conf(cls, **more):
        options = {
            "listen": f"127.0.0.1:{cls.port}", "status_listen": f"127.0.0.1:{cls.status_port}", "user": "t3ops", "workers": "2",
            "trusted_proxies": "127.0.0.0/8", "trusted_local_users": "root", "users": f"{cls.etc}/t3ops/users",
            "upstream_env": f"{cls.etc}/t3-serve/%u.env", "state_dir": cls.state, "control": "/run/t3ops/control.sock",
            "trusted_upstreams": "127.0.0.0/8", "status_hosts": "lab", **more}
        lists = ("listen", "trusted_proxies", "trusted_local_users", "trusted_upstreams", "status_hosts")
        text = "".join(f'{k} = {{"{v}"}}\n' if k in lists else f'{k} = "{v}"\n' for k, v in options.items())
        text = text.replace('workers = "2"', "workers = 2")
        text += section("command", "mint", {"argv": ["/usr/local/bin/t3", "auth", "pairing", "create", "--base-dir", "%h/.t3",
                                                     "--ttl", "5m", "--json"]})
        text += 'plugin "probe_echo" {}\nplugin "session_check" {}\nplugin "auto_pair" {}\n'
        cls.m.write(f"{cls.etc}/t3ops/t3ops.conf", text)
        cls.m.write(f"{cls.etc}/t3ops/users", '{"alice": {"os_user": "alice"}, "echo": {"os_user": "alice", "port": %d}}'
                    % cls.origin.port)
        cls.m.write(f"{cls.etc}/t3-serve/alice.env",
                    f"T3_PORT={cls.t3_port}\nT3STUB_VERSION=0.0.28\nPROBE_PORT={cls.origin.port}\nNODE_OPTIONS=\n")

    def run(self, result=None):
        """With the journal, if it fails."""
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(f"---- journal\n{self.m.run('journalctl', '--no-pager', '--output=short-precise', '--lines=80').stdout}", file=sys.stderr)

    def drop_in(self, unit, text):
        self.m.write(f"/etc/systemd/system/{unit}.d/lab.conf", text)
        self.m.run("systemctl", "daemon-reload")

    def show(self, what, unit="t3ops"):
        return self.m.show(unit, what)

    @property
    def main(self):
        """The supervisor, as numbered in the machine."""
        return int(self.show("MainPID"))

    def signal(self, number):
        self.m.run("kill", f"-{int(number)}", str(self.main))

    def journal(self, *more):
        return self.m.run("journalctl", "--no-pager", "--unit=t3ops", "--output=cat", *more).stdout

    def wait_main(self, old):
        wait.until(lambda: self.main not in (0, old) and self.show("ActiveState") == "active", 60, "the next supervisor")

    def get(self, path, headers=()):
        return http.get(("127.0.0.1", self.port), path, headers)

    def open(self, n=5):
        self.pages = [ws.WebSocket(("127.0.0.1", self.port), "/ws", ECHO) for _ in range(n)]

    def talk(self):
        for n, page in enumerate(self.pages):
            page.send_frame(ws.TEXT, f"{n}", mask=False)
            self.assertEqual(page.text(), f"{n}")
        self.assertEqual(self.get("/healthz").status, 200)

    def stopped(self):
        for page in self.pages:
            self.assertEqual(page.wait_close(), 1001)
        group = self.show("ControlGroup")
        self.assertEqual((self.show("ActiveState"), self.show("Result"), group), ("inactive", "success", ""))
        self.assertEqual(self.m.run("pgrep", "-x", "t3ops", check=False).stdout, "")

    def test_1_life(self):
        self.m.run("systemctl", "start", "t3ops")
        self.assertEqual((self.show("ActiveState"), self.show("StatusText")), ("active", "serving"))
        self.open()
        self.talk()
        with self.subTest("journal"):
            line = self.m.run("journalctl", "--no-pager", "--unit=t3ops", "--output=json", "--output-fields=MESSAGE,PRIORITY,_COMM",
                              "--grep=event=ready").stdout
            self.assertIn('"PRIORITY":"5"', line)
            self.assertRegex(line, r'"MESSAGE":"level=notice process=supervisor event=ready')
        with self.subTest("reload"):
            self.m.run("systemctl", "reload", "t3ops")
            wait.until(lambda: "event=reloaded" in self.journal(), what="the reload")
            self.talk()
            with open(f"{self.m.root}{self.etc}/t3ops/t3ops.conf", "a", encoding="ascii") as f:
                f.write("no_such_option = 1\n")
            self.assertNotEqual(self.m.run("systemctl", "reload", "t3ops", check=False).returncode, 0)
            self.assertIn("no_such_option", self.journal())
            self.conf()
            self.talk()
        with self.subTest("crash, and descriptors that systemd keeps over a daemon-reload"):
            self.drop_in("t3ops.service", f"[Service]\nWatchdogSec={int(4 * wait.SLOW)}\n")
            old = self.main
            self.signal(signal.SIGKILL)
            self.talk()
            self.wait_main(old)
            self.talk()
            self.assertGreater(self.journal().count("event=process_adopted"), 1)
        with self.subTest("a supervisor that hangs"):
            old = self.main
            self.signal(signal.SIGSTOP)
            self.talk()
            self.wait_main(old)
            self.talk()
            self.assertIn("Watchdog timeout", self.journal())
        with self.subTest("upgrade"):
            old = self.main
            self.m.run("systemctl", "kill", "-s", "USR2", "--kill-whom=main", "t3ops")
            wait.until(lambda: "event=upgraded" in self.journal() and self.main not in (0, old), 60, "the upgrade")
            self.talk()
        self.assertNotRegex(self.journal(), "event=tunnel_(dropped|closed)")
        self.assertEqual(self.m.run(f"{makefile_dir('bindir')}/t3opsctl", "-s", "/run/t3ops/control.sock", "status").returncode, 0)
        self.m.run("systemctl", "stop", "t3ops")
        self.stopped()

    def test_2_rights(self):
        """Group t3ops uses the control socket; others do not."""
        ask = [f"{makefile_dir('bindir')}/t3opsctl", "-s", "/run/t3ops/control.sock", "status"]
        self.m.run("systemctl", "start", "t3ops")
        self.assertNotEqual(self.m.run("runuser", "-u", "alice", "--", *ask, check=False).returncode, 0)
        self.m.run("runuser", "-u", "alice", "-G", "t3ops", "--", *ask)
        status = self.m.run("cat", f"/proc/{self.main}/status").stdout
        self.assertIn("NoNewPrivs:\t1\n", status)
        self.assertIn("CapBnd:\t00000000000000ef\n", self.mask(status))

    @staticmethod
    def mask(status):
        """The bounding set without what the unit's line has, as ef: nothing else is in it."""
        allowed = sum(1 << n for n in (0, 2, 3, 5, 6, 7))
        found = int(re.search(r"CapBnd:\t(\w+)", status).group(1), 16)
        return "CapBnd:\t00000000000000ef\n" if found and not found & ~allowed else status

    def test_3_credentials(self):
        self.m.write(f"{self.etc}/t3ops/page-token", TOKEN + "\n")
        self.m.run("chmod", "400", f"{self.etc}/t3ops/page-token")
        self.conf(page_token_file="%d/page-token")
        self.drop_in("t3ops.service", f"[Service]\nLoadCredential=page-token:{self.etc}/t3ops/page-token\n")
        self.m.run("systemctl", "restart", "t3ops")
        status = ("127.0.0.1", self.status_port)
        self.assertEqual(http.get(status, "/metrics").status, 401)
        self.assertEqual(http.get(status, "/metrics", [("Authorization", f"Bearer {TOKEN}")]).status, 200)
        self.m.run("systemctl", "reload", "t3ops")
        self.m.run(f"{makefile_dir('sbindir')}/t3ops", "-t", "-c", f"{self.etc}/t3ops/t3ops.conf")
        self.m.run("systemctl", "stop", "t3ops")
        self.conf()
        self.drop_in("t3ops.service", "")

    def test_4_socket_unit(self):
        """Nobody is refused, from before the first start on."""
        self.drop_in("t3ops.socket", f"[Socket]\nListenStream=\nListenStream=127.0.0.1:{self.port}\n")
        self.m.run("systemctl", "stop", "t3ops")
        self.m.run("systemctl", "start", "t3ops.socket")
        self.assertEqual(self.get("/healthz").status, 200)
        wait.until(lambda: self.show("ActiveState") == "active", what="the service that was started by it")
        self.assertNotIn("event=socket_unused", self.journal())
        failed, done = [], threading.Event()

        def ask():
            while not done.is_set():
                try:
                    if self.get("/healthz").status != 200:
                        failed.append("status")
                except ConnectionRefusedError as e:
                    failed.append(e)
                except (OSError, EOFError):
                    pass  # one that the stop met
        asker = threading.Thread(target=ask)
        asker.start()
        self.m.run("systemctl", "restart", "t3ops")
        done.set()
        asker.join()
        self.assertEqual(failed, [])
        self.open(1)
        self.m.run("systemctl", "stop", "t3ops.socket", "t3ops")
        self.stopped()

    def agent(self):
        """What the agent in alice's unit could do."""
        self.m.run("rm", "-f", "/home/alice/agent-done")
        self.m.run("systemctl", "restart", "t3-serve@alice")
        wait.until(lambda: self.m.exists("/home/alice/agent-done"), 60, "the agent")
        with open(f"{self.m.root}/home/alice/agent", encoding="utf-8") as f:
            return set(f.read().splitlines())

    def here(self, what):
        """What works for a user without a unit; the rest proves nothing."""
        return {name for name, line in what.items()
                if self.m.run("runuser", "-u", "alice", "--", "env", "HOME=/home/alice", f"PROBE_PORT={self.origin.port}", "sh", "-c",
                              f"cd && {line}", check=False).returncode == 0}

    def test_5_agents(self):
        could = self.agent()
        self.assertIn("home", self.here(NEEDS))
        self.assertEqual(self.here(NEEDS) - could, set(), "agents need that")
        self.assertEqual(could & set(REFUSED), set(), "agents do not need that")
        with self.subTest("pairing, through the hardened unit of t3ops"):
            wait.until(lambda: self.listens(), 60, "alice's server")
            self.m.run("systemctl", "start", "t3ops")
            first = self.get("/", {"Accept": "text/html", **ALICE})
            self.assertEqual(first.status, 302, self.journal("--lines=20"))
            self.assertIn("event=pairing_done", self.journal())
        with self.subTest("a stop is no failure"):
            self.m.run("systemctl", "stop", "t3-serve@alice", "t3ops")
            self.assertEqual(self.show("ActiveState", "t3-serve@alice"), "inactive")

    def listens(self):
        try:
            return http.get(("127.0.0.1", self.t3_port), "/api/auth/session").status == 200
        except OSError:
            return False

    def test_6_loosened(self):
        """The example gives everything back."""
        shutil.copy(f"{process.source_dir()}/etc/systemd/loosen.conf.example",
                    f"{self.m.root}/etc/systemd/system/t3-serve@.service.d/local.conf")
        self.m.run("systemctl", "daemon-reload")
        self.assertIn("setgid files", self.here(REFUSED))
        self.assertEqual(self.here(REFUSED) - self.agent(), {"processes of others"})

    def test_7_users_restart_their_own_server(self):
        """By polkit, where no sudo works."""
        if not os.path.exists("/usr/lib/polkit-1/polkitd") or not shutil.which("dbus-daemon"):
            self.skipTest("polkit is not installed")
        shutil.copy(f"{process.source_dir()}/etc/polkit-1/t3ops.rules", f"{self.m.root}/etc/polkit-1/rules.d/t3ops.rules")
        self.m.run("systemctl", "start", "dbus.socket")
        as_alice = ("runuser", "-u", "alice", "--", "setpriv", "--no-new-privs", "systemctl", "--no-ask-password")
        self.m.run(*as_alice, "restart", "t3-serve@alice")
        for unit, verb in (("t3-serve@bob", "start"), ("t3ops", "stop"), ("t3-serve@alice", "kill")):
            self.assertNotEqual(self.m.run(*as_alice, verb, unit, check=False).returncode, 0, (unit, verb))


if __name__ == "__main__":
    if WHY_NOT:
        print(f"SKIP: the units under a systemd that is the first process: {WHY_NOT}", file=sys.stderr)
        sys.exit(77)
    unittest.main()
