#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The flight recorder: a staged fault is exported, and its replay says word for word what t3ops said."""
import contextlib
import glob
import json
import os
import re
import signal
import sqlite3
import time
import unittest

from lab import process, recording, wait, ws
from lab.daemon import Daemon
from lab.stub import NEW, T3Stub

ALICE = [("X-authentik-username", "alice")]
SECTIONS = ('plugin "probe_echo" {}\n'
            'plugin "probe_t3serve" { heartbeat = "200ms" late = "300ms" watchdog = "1s" reconnect_min = "100ms" }\n')


class Case(unittest.TestCase):
    def setUp(self):
        self.stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(self.stub.process.kill)
        self.daemon = Daemon({"ping_timeout": "500ms"}, SECTIONS, users={"alice": self.stub.port})
        self.addCleanup(self.daemon.stop)
        self.daemon.wait_log(r"event=leg_up .*user=alice")

    def only_verdict(self, state):
        wait.until(lambda: [v["state"] for v in self.daemon.standing()] == [state], what=f"one verdict that is {state}")
        return self.daemon.standing()[0]

    def stalled_and_back(self):
        """A fault with its end; the verdict."""
        with ws.WebSocket(self.daemon.proxy, "/ws", ALICE + [("Cookie", self.stub.cookie())]) as w:
            w.heartbeat()
            self.stub.stall()
            try:
                self.only_verdict("standing")
            finally:
                self.stub.resume()
            verdict = self.only_verdict("healed")
            w.close(1001)
        return verdict


class Replay(Case):
    def test_word_for_word(self):
        verdict = self.stalled_and_back()
        text = recording.export(self.daemon, verdict["incident"])
        path = recording.write(text)
        self.assertEqual(recording.replay(path, str(verdict["id"])),
                         recording.verdict_of(self.daemon.ctl("-j", "show", str(verdict["id"]))))
        self.assertEqual(recording.compact(recording.replay(path)), recording.said(text))
        self.assertEqual([json.loads(v)["state"] for v in recording.said(text)][-1], "healed")
        # what t3ops said is no part of what is read
        self.assertEqual(recording.replay(recording.write(recording.without_verdicts(text))), recording.replay(path))
        self.assertNotRegex(recording.without_verdicts(text), r"kind=verdict|\"serve\(alice\)\"|infra")

    def test_another_fact_is_another_verdict(self):
        verdict = self.stalled_and_back()
        text = recording.export(self.daemon, verdict["incident"])
        before = recording.replay(recording.write(text))
        altered = re.sub(r"^(fact \S+ event kind=leg_(?:up|alive) .*)user=alice", r"\1user=bob", text, flags=re.M)
        self.assertNotEqual(altered, text)
        after = recording.replay(recording.write(altered))
        self.assertNotEqual(after, before)
        self.assertEqual({v["state"] for v in json.loads(after)}, {"standing"})

    def test_a_file_that_explains_itself(self):
        verdict = self.stalled_and_back()
        text = recording.export(self.daemon, verdict["incident"])
        lines = text.splitlines()
        self.assertEqual(lines[0], "t3ops-recording 1")
        explained = set(re.findall(r"^#   (\w+) ", text, re.M))
        self.assertLessEqual({line.split(" ")[0] for line in lines[1:] if line[0] != "#"}, explained)
        kinds = {line.split(" ")[2] for line in lines if re.match(r"(story|fact) ", line)}
        self.assertLessEqual({k.removeprefix("tick_") for k in kinds}, explained)
        self.assertIn("event", kinds)
        self.assertRegex(text, r"(?m)^story -\d+\.\d{6} event kind=leg_up .*plugin=probe_t3serve user=alice")
        self.assertRegex(text, r"(?m)^(fact|story) \S+ (tick_)?sample mono_us=")
        self.assertTrue(text.isascii())
        self.assertLess(max(map(len, lines)), 4096)

    def test_nothing_confidential(self):
        verdict = self.stalled_and_back()
        text = recording.export(self.daemon, verdict["incident"])
        self.assertNotIn(self.stub.cookie().partition("=")[2], text)
        self.assertNotRegex(text, r"(?i)cookie=|token=|path=/|user_agent")


class States(Case):
    def test_open(self):
        """Of an incident that goes on: the recording so far."""
        self.stub.stall()
        self.addCleanup(self.stub.resume)
        verdict = self.only_verdict("standing")
        text = recording.export(self.daemon, verdict["incident"])
        self.assertRegex(text, r"(?m)^end state=open ")
        self.assertEqual(recording.compact(recording.replay(recording.write(text))), recording.said(text))

    def test_after_a_restart(self):
        """It outlives the monitor; that one ended in the middle of it, it says."""
        self.stub.stall()
        self.addCleanup(self.stub.resume)
        verdict = self.only_verdict("standing")
        self.daemon.stop()
        self.daemon.start()
        text = recording.export(self.daemon, verdict["incident"])
        self.assertRegex(text, r'(?m)^incomplete why="the monitor was replaced or stopped')
        done = recording.replay_run(recording.write(text))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("it is incomplete, so that a replay would say something else: "
                      "incomplete why=\"the monitor was replaced", done.stderr)

    def ended_early(self, text):
        self.assertRegex(text, r'(?m)^incomplete why="t3ops was killed, or could not write its journal')
        self.assertRegex(text, r"(?m)^end state=incomplete ")
        done = recording.replay_run(recording.write(text))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("it is incomplete", done.stderr)

    def test_killed(self):
        """Nobody could say that it is not whole; it says so nevertheless."""
        self.stub.stall()
        self.addCleanup(self.stub.resume)
        verdict = self.only_verdict("standing")
        self.assertRegex(recording.export(self.daemon, verdict["incident"]), r"(?m)^end state=open ")
        monitor = self.daemon.processes()["monitor"]
        os.kill(monitor, signal.SIGKILL)
        wait.until(lambda: self.daemon.processes().get("monitor", monitor) != monitor, what="the monitor that came after")
        self.ended_early(recording.export(self.daemon, verdict["incident"]))

    def test_a_piece_is_missing(self):
        self.stub.stall()
        self.addCleanup(self.stub.resume)
        verdict = self.only_verdict("standing")
        for _ in range(2):  # each writes what there is
            time.sleep(0.3)
            recording.export(self.daemon, verdict["incident"])
        self.daemon.stop()
        with contextlib.closing(sqlite3.connect(f"{self.daemon.state_dir}/journal.sqlite")) as db, db:
            self.assertEqual(db.execute("DELETE FROM recordings WHERE piece = 1").rowcount, 1)
        self.daemon.start()
        self.ended_early(recording.export(self.daemon, verdict["incident"]))

    def test_unknown(self):
        with self.assertRaisesRegex(AssertionError, "there is no recording of that incident"):
            recording.export(self.daemon, 77)

    def test_a_late_answer_alone_is_not_kept(self):
        os.kill(self.daemon.processes()["prober"], signal.SIGSTOP)
        time.sleep(0.1)
        os.kill(self.daemon.processes()["prober"], signal.SIGCONT)
        verdict = self.stalled_and_back()
        self.assertEqual(recording.said(recording.export(self.daemon, verdict["incident"]))[0].count('"incident"'), 1)


class Programs(Case):
    """What the server's programs do meanwhile is in the recording, and none of their secrets."""

    def in_a_unit(self, pid):
        """Puts the process into a cgroup that is called as that of t3-serve@alice."""
        found = glob.glob("/sys/fs/cgroup/cgroup.procs") + sorted(glob.glob("/sys/fs/cgroup/*/cgroup.procs"))
        for hierarchy in map(os.path.dirname, found):
            unit = os.path.join(hierarchy, f"t3lab-{os.getpid()}@alice.service")
            try:
                os.mkdir(unit)
            except OSError:
                continue
            self.addCleanup(wait.until, lambda: self.gone(unit), what="the cgroup is empty")
            try:
                with open(f"{unit}/cgroup.procs", "w", encoding="ascii") as f:
                    f.write(str(pid))
                return
            except OSError:
                continue
        self.skipTest("no cgroup can be made here")

    @staticmethod
    def gone(unit):
        try:
            os.rmdir(unit)
        except OSError:
            return not os.path.exists(unit)
        return True

    def test_of_a_server_that_stands_still(self):
        self.in_a_unit(self.stub.process.pid)
        self.addCleanup(self.stub.process.kill)
        self.stub.stall()
        self.addCleanup(self.stub.resume)
        verdict = self.only_verdict("standing")
        own = rf"(?m)^story \S+ process user=alice pid={self.stub.process.pid} state=T cpu=\d+\.\d\d rss_bytes=\d+ argv="
        wait.until(lambda: re.search(own, recording.export(self.daemon, verdict["incident"])), what="that program in the recording")
        text = recording.export(self.daemon, verdict["incident"])
        self.assertEqual(recording.compact(recording.replay(recording.write(text))), recording.said(text))


class Refused(unittest.TestCase):
    """Files that are none, in words."""

    def refused(self, text, why):
        done = recording.replay_run(recording.write(text))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(why, done.stderr)

    def test_no_recording(self):
        self.refused("hello\n", "it is no recording of an incident")
        self.refused("", "it is no recording of an incident")

    def test_damaged(self):
        self.refused("t3ops-recording 1\nfact +1.000000 tick wall_us=1\n", "line 2 cannot be read")
        self.refused("t3ops-recording 1\nsetup nothing\n", "line 2 cannot be read")

    def test_cut_off(self):
        self.refused("t3ops-recording 1\nsetup user_path segment=wan\nstate incident\n", "its end is missing")

    def test_no_file(self):
        done = recording.replay_run("/nonexistent")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("No such file", done.stderr)


class Fields(unittest.TestCase):
    """What the diagnosis keeps, or is told, is in a checkpoint or in an event of a recording: a field that somebody adds and
    forgets there would make replays say something else."""

    # What is written in another way, or says nothing: lists are tables of their own.
    ELSEWHERE = {
        "leg": {"chain", "def", "user"},  # found by the table
        "incident": {"drops", "n_drops", "room_for_drops", "live_tunnels", "n_live_tunnels", "room_for_live_tunnels"},
        "verdict": {"users", "absent"},
        "slow_paths": {"users"},
        "diagnosis": {"topology", "legs", "verdicts", "pressure", "host", "ends", "hurts", "browsers", "slow",  # tables
                      "ping_timeout_us", "page_heartbeat_us", "process_watchdog_us", "actions", "arg"},  # the setup
        "event": {"callback", "command", "requester", "path", "user_agent"},  # no evidence, and more than is to be told
    }
    MACROS = "NUMBER REAL FLAG ENUM LABEL TEXT NAME PART PATH STATE TESTIMONY"

    @staticmethod
    def text(pattern):
        found = []
        for path in sorted(glob.glob(f"{process.source_dir()}/core/{pattern}")):
            with open(path, encoding="utf-8") as f:
                found.append(f.read())
        return "".join(found)

    def fields_of(self, headers, struct):
        body = re.search(rf"\nstruct {struct} \{{\n(.*?)\n\}};", headers, re.S).group(1)
        body = re.sub(r"/\*.*?\*/", " ", body, flags=re.S)
        names = set()
        for declaration in body.split(";"):
            words = re.sub(r"\[[^]]*\]", "", declaration).replace("*", " ").split(",")
            names |= {w.split()[-1] for w in words if w.split()}
        return names

    def test_none_is_forgotten(self):
        headers = re.sub(r"[ \t]+", " ", self.text("diagnosis/*.h") + self.text("obs/event.h"))
        sources = self.text("diagnosis/checkpoint_*.c") + self.text("monitor/recording_event.c")
        kept = {}
        for struct, field in re.findall(rf"\b(?:{self.MACROS.replace(' ', '|')})\(struct (\w+), (\w+)", sources):
            kept.setdefault(struct, set()).add(field)
        self.assertGreater(len(kept), 20)
        for struct, fields in kept.items():
            if struct in ("located", "member", "named"):
                continue  # lines that are no struct of the diagnosis
            with self.subTest(struct=struct):
                self.assertEqual(self.fields_of(headers, struct) - self.ELSEWHERE.get(struct, set()), fields)


if __name__ == "__main__":
    unittest.main(verbosity=2)
