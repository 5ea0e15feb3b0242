#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gate: a version of t3 is proven on a copy of a real database, in namespaces of its own, by what pairs users.
Good ones are accepted; each kind of broken one is rejected with its reason; a gate that is broken itself rejects
nothing; and nothing outside the copy changes."""
import contextlib
import os
import socket
import sys
import threading
import unittest

from lab import account, http, process
from lab.fleet import Fleet, Prefixes
from lab.picture import picture
from lab.stub import LATEST, NEW, OLD, RENAMED

PAGE = {"Accept": "text/html", "X-authentik-username": "alice"}


class Accepted(unittest.TestCase):
    def test_migrates_forward(self):
        with Fleet(OLD) as fleet:
            fleet.stub.sql("INSERT INTO orchestration_events(body) VALUES ('one'), ('two')")
            fleet.stub.cookie()
            status, row, said = fleet.check(LATEST)
            self.assertEqual((status, row["verdict"]), (0, "accepted"), said)
            self.assertEqual((row["version"], row["installed_version"], row["migration"]), (LATEST, OLD, "30 -> 37"))
            self.assertEqual(row["sessions_lost"], "1")
            self.assertIn("pairing endpoint was /api/auth/bootstrap, is /api/auth/browser-session", row["contract"])
            self.assertRegex(row["contract"], r"session cookie's name was t3_session, is t3_session_\d+_[0-9a-f]{12}")
            self.assertIn("keys of the session's JSON was auth authenticated expiresAt role sessionMethod", row["contract"])
            self.assertIn("-auth_sessions.role", row["schema"])
            self.assertIn("+auth_sessions.scopes", row["schema"])
            self.assertRegex(row["rollback"], "needs the database of before: the installed version fails on the migrated one")
            self.assertEqual(fleet.stub.version, OLD)
            self.assertEqual(fleet.ask("report", "alice")[1]["contract"], row["contract"])
            self.assertEqual(fleet.ask("status", "alice")[1]["installed"], fleet.prefixes[OLD])

    def test_renamed_cookie(self):
        """On loopback, too: whatever its name, the cookie is the one that the server set."""
        with Fleet(NEW) as fleet:
            status, row, said = fleet.check(RENAMED)
            self.assertEqual((status, row["verdict"]), (0, "accepted"), said)
            self.assertRegex(row["contract"], r"session cookie's name was t3_session, is t3_session_\d+_[0-9a-f]{12}")

    def test_two_way(self):
        with Fleet(NEW) as fleet:
            status, row, said = fleet.check(LATEST)
            self.assertEqual((status, row["verdict"]), (0, "accepted"), said)
            self.assertIn("by the program alone", row["rollback"])
            self.assertEqual((row["schema"], row["sessions_lost"]), ("the same", "0"))

    def test_nothing_changes(self):
        """Neither the user's files nor anything beside them, and the server that runs serves on."""
        with Fleet(OLD) as fleet:
            cookie = fleet.stub.cookie()
            home = account.give(process.folder())
            self.assertTrue(fleet.prefixes[LATEST])  # installed
            before = picture(fleet.stub.base), picture(home), picture(fleet.prefixes.dir)
            pid = fleet.stub.process.pid
            self.assertEqual(fleet.check(LATEST)[0], 0)
            self.assertEqual(before, (picture(fleet.stub.base), picture(home), picture(fleet.prefixes.dir)))
            self.assertEqual(sorted(os.listdir(os.path.join(fleet.dir, "alice"))), ["current", "state.json"])
            self.assertEqual(fleet.stub.process.pid, pid)
            answer = http.get(fleet.stub.address, "/api/auth/session", {"Cookie": cookie})
            self.assertTrue(answer.json()["authenticated"])


class Spy(unittest.TestCase):
    def test_what_it_can_reach(self):
        """A candidate that tries: files are read-only, nothing outside of loopback, no other process, no secrets, no
        server behind a Unix socket, no terminal, no shared memory, and no more memory than it is given."""
        with Fleet(NEW) as fleet, socket.socket(socket.AF_UNIX) as listener:
            outside = account.give(process.folder())
            listener.bind(os.path.join(outside, "agent.sock"))
            os.chmod(os.path.join(outside, "agent.sock"), 0o777)
            listener.listen()
            hidden = os.path.join(outside, ".claude")
            os.mkdir(hidden, 0o755)
            with open(os.path.join(hidden, "key"), "w", encoding="utf-8") as f:
                f.write("secret")
            evil = os.path.join(fleet.prefixes.dir, "evil")
            os.makedirs(os.path.join(evil, "bin"))
            said = os.path.join(fleet.stub.base, "userdata/said")
            Prefixes.write(os.path.join(evil, "bin/t3"), f"""
                [ "$1" = serve ] || exec {fleet.prefixes[NEW]}/bin/t3 "$@"
                {{
                touch {outside}/touched && echo wrote
                cat {hidden}/key && echo read
                kill -0 {fleet.stub.process.pid} && echo signalled
                grep -v -e lo: -e face -e Receive /proc/net/dev && echo device
                env | grep -i -e key= -e token= && echo environment
                {sys.executable} -c 'import socket; socket.socket(socket.AF_UNIX).connect("{outside}/agent.sock")' && echo connected
                ls /dev/pts | grep '[0-9]' && echo terminal
                ls -A /dev/shm | grep . && echo shared
                touch /dev/shm/mine || echo no shared memory of its own
                df -kP /tmp /run /dev/shm {hidden} | awk 'NR > 1 && $2 > 1048576 && $1 == "rehearsal" {{ print "memory" }}'
                echo "processes $(ls /proc | grep -c '^[0-9]')"
                }} > {said} 2>&1
                cat {said} >&2
                grep -q -e wrote -e read -e signalled -e device -e environment -e connected -e terminal -e shared \\
                    -e memory {said} && echo "Error: it reached out: $(tr -s '[:space:]' ' ' < {said} | head -c 90)" && exit 3
                exec {fleet.prefixes[NEW]}/bin/t3 "$@" """)
            fleet.change(hidden=[hidden])
            status, row, message = fleet.ask("check", "alice", f"--to={evil}")
            self.assertEqual((status, row.get("verdict")), (0, "accepted"), message)
            self.assertFalse(os.path.exists(os.path.join(outside, "touched")))
            self.assertFalse(os.path.exists(said))

    def test_sockets_that_come_and_go(self):
        """Each is hidden by its path, where it may be no more.  To look that up takes a while here."""
        outside, over = process.folder(), threading.Event()
        for n in range(10):
            os.symlink("./" * 2000 + (f"slow{n - 1}" if n else ""), os.path.join(outside, f"slow{n}"))
        listeners = [socket.socket(socket.AF_UNIX) for _ in range(40)]
        paths = [os.path.join(outside, f"{n}.sock") for n in range(len(listeners))]

        def come_and_go():
            while not over.is_set():
                for path in paths:
                    os.rename(path, path + ".gone")
                for path in paths:
                    os.rename(path + ".gone", path)

        with Fleet(NEW) as fleet, contextlib.ExitStack() as stack:
            for n, listener in enumerate(listeners):
                stack.enter_context(listener).bind(os.path.join(outside, f"slow9/{n}.sock"))
            thread = threading.Thread(target=come_and_go)
            stack.callback(thread.join)
            stack.callback(over.set)
            thread.start()
            status, row, said = fleet.check(LATEST)
            self.assertEqual((status, row["verdict"]), (0, "accepted"), said)


class Rejected(unittest.TestCase):
    def rejects(self, version, reason, installed=NEW, again=True):
        with Fleet(installed) as fleet:
            fleet.stub.sql("INSERT INTO orchestration_events(body) VALUES ('one'), ('two'), ('three')")
            status, row, said = fleet.check(version)
            self.assertEqual((status, row["verdict"]), (1, "rejected"), said)
            self.assertRegex(row["reason"], reason)
            self.assertEqual(row["control"], "works")
            self.assertIn(fleet.prefixes[version], fleet.state()["rejected"])
            self.assertEqual(fleet.installed(), fleet.prefixes[installed])
            if again:
                status, row, said = fleet.check(version)
                self.assertEqual((status, row), (1, {}))
                self.assertRegex(said, "was rejected: .*; --again proves it once more")

    def test_renamed_endpoint(self):
        self.rejects("0.0.34-renamed-endpoint", "it does not pair: the t3 server knows none of the configured endpoints")

    def test_without_cookie(self):
        self.rejects("0.0.33-without-cookie", "it does not pair: the t3 server took the credential but set no cookie")

    def test_loses_rows(self):
        self.rejects("0.0.34-loses-rows", "the migration loses rows of table orchestration_events: it had 3 and has 1")

    def test_crashes(self):
        self.rejects("0.0.34-crashes", r"the server ended with exit code 1: TypeError: undefined")

    def test_cannot_pair(self):
        self.rejects("0.0.34-cannot-pair", "it does not pair: the t3 server answered 500 to a fresh credential")

    def test_hangs(self):
        self.rejects("0.0.34-hangs", "no HTTP answer within start_timeout")


class Broken(unittest.TestCase):
    """A sabotaged gate rejects nothing."""

    def is_broken(self, fleet, reason):
        with fleet:
            status, row, said = fleet.check(LATEST)
            self.assertEqual((status, row["verdict"]), (1, "gate_broken"), said)
            self.assertRegex(row["reason"], reason)
            self.assertNotIn("rejected", fleet.state())

    def test_no_mint(self):
        self.is_broken(Fleet(NEW, mint=["/bin/false"]), "the installed version fails there, too: it does not pair: the mint")

    def test_port_taken(self):
        taken = "import socket,subprocess,sys; s=socket.socket(); s.bind((\"0.0.0.0\",int(sys.argv[-1]))); s.listen(); " \
                "sys.exit(subprocess.call(sys.argv[1:]))"
        fleet = Fleet(NEW)
        serve = ["/usr/bin/env", "python3", "-c", taken, f"{fleet.dir}/%n/current/bin/t3", "serve", "--base-dir", fleet.stub.base,
                 "--host", "127.0.0.1", "--port", "%p"]
        fleet.change(serve=serve)
        self.is_broken(fleet, "fails there, too: the server ended with exit code 1: Error: listen .*in use")

    def test_no_copy(self):
        with Fleet(NEW) as fleet:
            fleet.stub.stop()
            with open(fleet.stub.database, "r+b") as f:
                f.write(b"x" * 4096)
            status, row, said = fleet.check(LATEST)
            self.assertEqual((status, row["verdict"]), (1, "gate_broken"), said)
            self.assertRegex(row["reason"], "no copy of the database: .*damaged")


class Known(unittest.TestCase):
    def test_freeze(self):
        with Fleet(NEW) as fleet:
            self.assertEqual(fleet.ask("status", "alice")[1]["frozen"], "no")
            self.assertEqual(fleet.ask("freeze", "alice", "--why=holidays", "--hours=2", "--who=anna")[0], 0)
            row = fleet.ask("status", "alice")[1]
            self.assertEqual((row["frozen"], row["frozen_by"]), ("holidays", "anna"))
            self.assertRegex(row["frozen_until"], r"^\d{4}-\d\d-\d\d \d\d:\d\d \w+$")
            self.assertEqual(fleet.ask("unfreeze", "alice")[0], 0)
            self.assertEqual(fleet.ask("status", "alice")[1]["frozen"], "no")
            for words, said in ((("freeze", "alice", "--hours=x"), "expected a number of hours"),
                                (("report", "alice"), "nothing has been checked for this user yet"),
                                (("check", "alice"), "expected the prefix of a version"),
                                (("check", "alice", "--to=/nonexistent"), "/nonexistent: No such file"),
                                (("check", "alice", f"--to={fleet.dir}/alice"), "upgrade's own directory")):
                status, _, error = fleet.ask(*words)
                self.assertEqual(status, 1, words)
                self.assertIn(said, error)


if __name__ == "__main__":
    unittest.main()
