#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two live t3ops, one of which tells the other what its leg sees: one verdict uses both, and what is not authentic, or not
heard, says nothing.

    here: outer --wan-------.
    there: leg ---wan_there-+--tunnel--> dispatch, here <-- inner
    here: there --channel--> the status pages there
"""
import contextlib
import hashlib
import hmac
import os
import re
import subprocess
import time
import unittest

from lab import account, http, ports, process, wait
from lab.daemon import Daemon, plugin_dir, section
from lab.origin import Origin, answer
from lab.relay import Relay

LEG = {"heartbeat": "200ms", "late": "400ms", "watchdog": "1s", "reconnect_min": "100ms", "reconnect_max": "200ms", "fresh": "0s"}
URL = {"url": "ws://t3.example.com/probe/ws"}


def key_file(text):
    path = os.path.join(process.folder(), "vantage-key")
    with open(path, "w", encoding="ascii") as f:
        f.write(text + "\n")
    os.chmod(path, 0o640)
    account.give(path)
    return path


class Vantage(unittest.TestCase):
    def setUp(self):
        self.stack = self.enterContext(contextlib.ExitStack())
        self.port = ports.free()
        self.tunnel = self.stack.enter_context(Relay(("127.0.0.1", self.port)))
        self.wan = self.stack.enter_context(Relay(self.tunnel.address))
        self.wan_there = self.stack.enter_context(Relay(self.tunnel.address))

    def start_there(self, key="a-key-that-both-have"):
        sections = section("plugin", "leg", {"module": "probe_internal", **URL, **LEG, "address": "%s:%d" % self.wan_there.address,
                                             "segments": ["wan_there", "tunnel", "dispatch"]})
        there = self.stack.enter_context(Daemon({"vantage": "there", "vantage_key_file": key_file(key),
                                                  "page_token_file": key_file("a-token-of-its-pages")}, sections))
        self.channel = self.stack.enter_context(Relay(there.monitor))
        return there

    def start_here(self, channel, key="a-key-that-both-have"):
        def leg(address, segments):
            return {"module": "probe_internal", **URL, **LEG, "address": "%s:%d" % address, "segments": segments}

        sections = "".join((
            'plugin "probe_echo" {}\n', section("plugin", "outer", leg(self.wan.address, ["wan", "tunnel", "dispatch"])),
            section("plugin", "inner", leg(("127.0.0.1", self.port), ["dispatch"])),
            section("plugin", "there", {"module": "probe_vantage", "url": "http://%s:%d" % channel, "leg": "leg", "timeout": "6s",
                                        "key_file": key_file(key), "segments": ["wan_there", "tunnel", "dispatch"]})))
        here = self.stack.enter_context(Daemon({"listen": [f"127.0.0.1:{self.port}"], "ping_timeout": "1s"}, sections))
        here.wait_log("event=leg_up .*plugin=outer")
        return here

    @staticmethod
    def up(daemon):
        return daemon.metrics().get('t3ops_leg_connected{leg="there"}') == 1

    def named(self, daemon):
        """What the verdicts name that stand."""
        return [v["segments"] for v in daemon.standing() if v["state"] == "standing"]

    def both(self):
        self.start_there()
        here = self.start_here(self.channel.address)
        wait.until(lambda: self.up(here), what="the leg there")
        time.sleep(1)  # answers over all legs
        return here

    def test_own_way_out(self):
        """That the tunnel works from there leaves the way out of here."""
        here = self.both()
        self.assertEqual(here.metrics()['t3ops_vantage_heard{plugin="there"}'], 1)
        self.wan.stall()
        wait.until(lambda: self.named(here) == [["wan"]], what="the verdict wan")
        self.wan.heal()
        wait.until(lambda: self.named(here) == [], what="the end of the verdict")

    def test_what_both_cross(self):
        here = self.both()
        self.tunnel.stall()
        wait.until(lambda: self.named(here) == [["tunnel"]], what="the verdict tunnel")
        self.assertFalse(self.up(here))
        self.tunnel.heal()
        wait.until(lambda: self.named(here) == [] and self.up(here), what="the end of the verdict")

    def test_silent_vantage_says_nothing(self):
        """Neither that it is cut off accuses anybody, nor what it said before acquits."""
        here = self.both()
        self.channel.stall()
        time.sleep(2)
        self.assertEqual(here.standing(), [])
        self.assertNotIn("event=leg_late incident=", here.log())
        self.wan.stall()
        wait.until(lambda: self.named(here) == [["wan", "tunnel"]], what="a verdict without the vantage")
        here.wait_log(r"event=leg_down .*plugin=there .*reason=local", 60)
        self.assertEqual(here.metrics()['t3ops_vantage_heard{plugin="there"}'], 0)
        self.assertEqual(self.named(here), [["wan", "tunnel"]])
        self.channel.heal()
        wait.until(lambda: self.up(here), 60, "the leg there")
        self.wan.heal()
        wait.until(lambda: self.named(here) == [], what="the end of the verdict")

    def test_wrong_key(self):
        there = self.start_there(key="a-key-that-one-has")
        here = self.start_here(self.channel.address)
        here.wait_log(r"event=note .*plugin=there .*it answers 403")
        self.assertFalse(self.up(here))
        self.assertEqual(here.standing(), [])
        told = http.get(there.monitor, "/testimony?leg=leg&challenge=" + 32 * "0" + "&mac=" + 64 * "0")
        self.assertEqual(told.status, 403)
        self.assertEqual(http.get(there.monitor, "/testimony?leg=leg").status, 400)
        self.assertEqual(http.get(here.monitor, "/testimony?leg=leg").status, 404)  # it has no key for others

    def impostor(self, make):
        """Who answers with what make(question's target) says, in place of the other t3ops; the log of here."""
        with Origin({"/testimony": lambda c, request: c.send(answer(make(request.target)))}) as fake:
            here = self.start_here(("127.0.0.1", fake.port))
            here.wait_log(r"event=note .*plugin=there .*nothing is known from the vantage")
            wait.until(lambda: len(fake.requests("/testimony")) > 2, what="it asks again")
            self.assertFalse(self.up(here))
            self.assertGreater(here.metrics()['t3ops_vantage_unheard_total{plugin="there",why="not_believed"}'], 1)
            return here.log()

    def test_late_news_bring_nothing_up(self):
        """An answer that took long tells of a time that is over: what it would acquit may have broken since."""
        key, asked = hashlib.sha256(b"a-key-that-both-have").digest(), []

        def genuine(c, request):
            asked.append(time.monotonic())
            if len(asked) == 1:
                time.sleep(3)
            challenge = re.search("challenge=([0-9a-f]+)", request.target).group(1)
            text = (f"t3ops-testimony 1\nchallenge {challenge}\nleg leg\nkind alive\nheld_us 0\nwaited_us 0\nstep 0\nreason 0\n"
                    "code 0\ncolo -\n")
            c.send(answer(f"{text}mac {hmac.new(key, text.encode(), 'sha256').hexdigest()}\n".encode()))

        with Origin({"/testimony": genuine}) as fake:
            here = self.start_here(("127.0.0.1", fake.port))
            here.wait_log(r"event=leg_up .*plugin=there")
            self.assertGreater(len(asked), 1)

    def test_replayed_and_altered(self):
        """A genuine answer, said again; and one whose kind was altered."""
        there, genuine = self.start_there(), []

        def first_answer(target):
            if not genuine:
                genuine.append(http.get(there.monitor, target).body)
                self.assertIn(b"\nmac ", genuine[0])
                return re.sub(rb"held_us \d+", b"held_us 1", genuine[0])
            return genuine[0]

        log = self.impostor(first_answer)
        self.assertIn("it is not by the key of key_file", log)
        time.sleep(0.1)

    def test_replayed(self):
        there, genuine = self.start_there(), []

        def recorded(target):
            if not genuine:
                genuine.append(http.get(there.monitor, target).body)
                return b""
            return genuine[0]

        self.impostor(recorded)

    def test_garbage(self):
        rows = iter([b"", b"\0" * 900, b"mac " + b"0" * 64 + b"\n", b"t3ops-testimony 1\n" * 20])
        self.impostor(lambda _: next(rows, b"x" * 3000))

    def test_it_is_checked(self):
        conf = os.path.join(process.folder(), "t3ops.conf")
        leg = {"url": "http://127.0.0.1:9", "segments": ["wan_there", "dispatch"], "key_file": key_file("short")}

        def said(options, sections):
            with open(conf, "w", encoding="utf-8") as f:
                f.write(f'user = "{account.NAME}"\nstate_dir = "{os.path.dirname(conf)}"\ncontrol = "{conf}.sock"\n'
                        f'plugin_dir = "{plugin_dir()}"\n{options}{sections}')
            done = subprocess.run([process.program("core/t3ops"), "-t", "-c", conf], capture_output=True, text=True, check=False)
            return done.returncode, done.stdout + done.stderr

        self.assertIn("expected 16 to 511 bytes in its first line", said("", section("plugin", "probe_vantage", leg))[1])
        leg["key_file"] = key_file("a-key-that-both-have")
        self.assertEqual(said("", section("plugin", "probe_vantage", leg))[0], 0)
        self.assertIn("expected the name of a leg", said("", section("plugin", "probe_vantage", {**leg, "leg": "a b"}))[1])
        status, text = said('vantage_key_file = "/does/not/exist"\n', "")
        self.assertNotEqual(status, 0)
        self.assertIn('vantage_key_file = "/does/not/exist": No such file', text)


    def test_whoever_repeats_questions_keeps_nobody_out(self):
        there = self.start_there()
        key = hashlib.sha256(b"a-key-that-both-have").digest()

        def question(number):
            challenge = "%032x" % number
            mac = hmac.new(key, f"t3ops-question 1\n{challenge}\nleg\n".encode(), hashlib.sha256).hexdigest()
            c = self.stack.enter_context(http.Connection(there.monitor))
            c.send(f"GET /testimony?leg=leg&challenge={challenge}&mac={mac} HTTP/1.1\r\nHost: lab\r\n\r\n".encode())
            return challenge, c

        asked = [question(n) for n in range(20)]
        for challenge, c in asked:
            told = c.response("GET")
            self.assertEqual(told.status, 200)
            self.assertIn(f"challenge {challenge}\n", told.text())


if __name__ == "__main__":
    unittest.main()
