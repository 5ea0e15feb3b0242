#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The life of verdicts: they outlive the monitor that gave them, and a host that stands still is told apart from a
fault of the path."""
import contextlib
import json
import os
import signal
import sqlite3
import time
import unittest

from lab import wait, ws
from lab.daemon import Daemon
from lab.stub import NEW, T3Stub

ALICE = [("X-authentik-username", "alice")]
SECTIONS = ('plugin "probe_echo" {}\n'
            'plugin "probe_t3serve" { heartbeat = "200ms" late = "300ms" watchdog = "1s" reconnect_min = "100ms" }\n')
FREEZE = 5  # seconds; a shorter one makes nobody give up


class Case(unittest.TestCase):
    def setUp(self):
        self.stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(self.stub.process.kill)
        self.daemon = Daemon({"ping_timeout": "500ms"}, SECTIONS, users={"alice": self.stub.port})
        self.addCleanup(self.daemon.stop)
        self.daemon.wait_log(r"event=leg_up .*user=alice")

    def only_verdict(self, state):
        """The one verdict there is, once it is in that state."""
        wait.until(lambda: [v["state"] for v in self.daemon.standing()] == [state], what=f"one verdict that is {state}")
        return self.daemon.standing()[0]


class Restarts(Case):
    def standing_metric(self):
        return self.daemon.metrics().get('t3ops_verdict_standing{kind="fault",segment="serve",user="alice"}')

    def goes_on(self, replace):
        """A verdict that stands while the monitor is replaced: still there, and healed by what heals the fault."""
        self.stub.stall()
        self.addCleanup(self.stub.resume)
        before = self.only_verdict("standing")
        self.assertEqual(before["segments"], ["serve(alice)"])
        monitor = self.daemon.processes()["monitor"]
        replace()
        wait.until(lambda: self.daemon.processes().get("monitor", monitor) != monitor, what="the monitor that came after")
        after = self.only_verdict("standing")
        self.assertEqual({k: after[k] for k in before}, before)
        self.assertEqual(self.daemon.verdicts()[0]["state"], "standing")
        self.assertEqual(self.standing_metric(), 1)
        self.stub.resume()
        healed = self.only_verdict("healed")
        self.assertEqual(self.standing_metric(), 0)
        self.assertEqual((healed["id"], healed["revision"]), (before["id"], before["revision"]))
        self.daemon.wait_log(rf"event=verdict_healed .*verdict={before['id']}\b")
        self.assertNotIn("event=verdict_expired", self.daemon.log())

    def test_a_killed_monitor(self):
        self.goes_on(lambda: os.kill(self.daemon.processes()["monitor"], signal.SIGKILL))

    def test_a_monitor_with_another_configuration(self):
        def replace():
            self.daemon.options["ping_timeout"] = "600ms"
            self.daemon.write_conf()
            self.daemon.reload()
        self.goes_on(replace)

    def test_an_upgrade(self):
        self.goes_on(lambda: self.daemon.process.send_signal(signal.SIGUSR2))

    def test_all_of_t3ops(self):
        def replace():
            self.daemon.stop()
            self.daemon.start()
        self.goes_on(replace)

    def test_revisions_are_no_verdicts_of_their_own(self):
        """A fault that hurts one more user, and comes back: one verdict, counted once."""
        def counted():
            return self.daemon.metrics()['t3ops_verdicts_total{kind="fault",segment="serve"}']
        self.stub.stall()
        self.assertEqual(self.only_verdict("standing")["times"], 1)
        wait.until(lambda: counted() == 1, what="a verdict that is counted")
        self.stub.resume()
        self.only_verdict("healed")
        self.stub.stall()
        wait.until(lambda: self.daemon.standing()[0]["times"] == 2, what="the same verdict again")
        self.stub.resume()
        self.assertGreater(self.daemon.standing()[0]["revision"], 1)
        self.assertEqual(counted(), 1)

    def works_on_disk(self):
        """Whether the journal knows since when the fault works again."""
        with contextlib.closing(sqlite3.connect(f"{self.daemon.state_dir}/journal.sqlite", timeout=60)) as db:
            return any(json.loads(text)["works_us"] > 0 for text, in db.execute("SELECT text FROM memory"))

    def test_a_killed_monitor_while_it_may_be_over(self):
        """A fault that came back and works again is held for a while: also by the next monitor, and it has not expired."""
        self.stub.stall()
        self.only_verdict("standing")
        self.stub.resume()
        self.only_verdict("healed")
        self.stub.stall()
        wait.until(lambda: self.daemon.standing()[0]["times"] == 2, what="the same verdict again")
        mark = len(self.daemon.log())
        self.stub.resume()
        self.daemon.wait_log(r"event=leg_up .*user=alice", after=mark)
        wait.until(lambda: self.daemon.standing()[0]["works_time"], what="a verdict that says since when it works")
        held = self.only_verdict("standing")
        self.assertIn("2 times; it works since", self.daemon.ctl("top", "--once", "--interval", "0.1"))
        wait.until(self.works_on_disk, what="the journal to have it, too")  # what comes at once is written together
        monitor = self.daemon.processes()["monitor"]
        os.kill(monitor, signal.SIGKILL)
        wait.until(lambda: self.daemon.processes().get("monitor", monitor) != monitor, what="the monitor that came after")
        after = self.daemon.standing()[0]
        self.assertEqual({k: after[k] for k in held}, held)
        self.assertNotIn("event=verdict_expired", self.daemon.log())

    def test_ids_go_on(self):
        self.stub.stall()
        first = self.only_verdict("standing")
        self.stub.resume()
        self.only_verdict("healed")
        monitor = self.daemon.processes()["monitor"]
        os.kill(monitor, signal.SIGKILL)
        wait.until(lambda: self.daemon.processes().get("monitor", monitor) != monitor, what="the monitor that came after")
        self.stub.stall()  # the same fault within a minute: there again, not new
        self.addCleanup(self.stub.resume)
        again = self.only_verdict("standing")
        self.assertEqual((again["id"], again["times"]), (first["id"], 2))


class Ours(Case):
    def test_a_stop_of_t3ops_is_a_drop_of_its_own(self):
        """Who was connected was hurt by nobody but t3ops; back, they are well."""
        with ws.WebSocket(self.daemon.proxy, "/ws", ALICE + [("Cookie", self.stub.cookie())]) as w:
            w.heartbeat()
            self.daemon.stop()
        self.daemon.start()
        v = self.only_verdict("standing")
        self.assertEqual((v["segments"], v["users"], v["users_absent"]), (["dispatch"], ["alice"], 1))
        self.assertIn("alice lost 1 WebSocket (lost_by_us: t3ops stopped", v["text"])
        with ws.WebSocket(self.daemon.proxy, "/ws", ALICE + [("Cookie", self.stub.cookie())]) as w:
            w.heartbeat()
            self.only_verdict("healed")
            w.close(1001)

    def test_a_late_drop_is_reported_when_it_shows(self):
        """Cut, which may be a user who left; back by itself, which says that it was a drop."""
        ws.polite_visit(self.daemon.proxy, ALICE + [("Cookie", self.stub.cookie())])
        mark = len(self.daemon.log())
        with ws.WebSocket(self.daemon.proxy, "/ws", ALICE + [("Cookie", self.stub.cookie())]) as w:
            w.heartbeat()
            w.drop()
            first = self.daemon.wait_log(r"process=proxy .*event=tunnel_closed tunnel=(\d+) .*", after=mark)
            self.assertEqual(self.daemon.metrics()['t3ops_tunnel_drops_total{page="cut"}'], 0)
        with ws.WebSocket(self.daemon.proxy, "/ws", ALICE + [("Cookie", self.stub.cookie())]) as w:
            w.heartbeat()
            late = self.daemon.wait_log(r"process=monitor .*event=tunnel_dropped tunnel=(\d+) .*", after=mark)
            w.close(1001)
        self.assertEqual(first.group(1), late.group(1))
        wait.until(lambda: self.daemon.metrics()['t3ops_tunnel_drops_total{page="cut"}'] == 1, what="the counter")
        self.assertIn("event=tunnel_dropped", self.daemon.ctl("events", "-k", "tunnel_dropped"))


class Host(Case):
    def test_a_frozen_proxy_is_the_host(self):
        """A user is cut while the proxy stands still: `host`, whatever looked dead meanwhile."""
        proxy = self.daemon.processes()["proxy"]
        ws.polite_visit(self.daemon.proxy, ALICE + [("Cookie", self.stub.cookie())])
        with ws.WebSocket(self.daemon.proxy, "/ws", ALICE + [("Cookie", self.stub.cookie())]) as w:
            w.heartbeat()
            os.kill(proxy, signal.SIGSTOP)
            try:
                w.drop()
                time.sleep(FREEZE)
            finally:
                os.kill(proxy, signal.SIGCONT)
        with ws.WebSocket(self.daemon.proxy, "/ws", ALICE + [("Cookie", self.stub.cookie())]) as w:
            w.heartbeat()
            wait.until(self.daemon.standing, what="a verdict")
            v = self.only_verdict("healed")
            w.close(1001)
        self.assertEqual((v["segments"], v["users"]), (["host"], ["alice"]))
        self.assertRegex(v["text"], r"t3ops itself \(proxy\) was frozen for \d+\.\d s: alice lost 1 WebSocket")
        self.daemon.wait_log(r"process=proxy .*event=loop_lag")

    def test_a_frozen_prober_convicts_nobody(self):
        prober = self.daemon.processes()["prober"]
        os.kill(prober, signal.SIGSTOP)
        time.sleep(FREEZE)  # at rest it looks at the clock each 2 s: so much of it may go unseen
        os.kill(prober, signal.SIGCONT)
        self.daemon.wait_log(r"process=prober .*event=loop_lag")
        with ws.WebSocket(self.daemon.proxy, "/ws", ALICE + [("Cookie", self.stub.cookie())]) as w:
            w.heartbeat()
        time.sleep(1.5)  # longer than a round of evidence
        self.assertEqual(self.daemon.standing(), [])


if __name__ == "__main__":
    unittest.main()
