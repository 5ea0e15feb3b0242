#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""export_otlp: what happens reaches an OTLP receiver, whole, once and in order, whatever the receiver does."""
import json
import os
import socket
import subprocess
import time
import unittest

from lab import account, certs, otlp, process, wait
from lab.daemon import Daemon, section
from lab.otlp import Answer, Receiver, attributes
from lab.stub import NEW, T3Stub

ECHO = 'plugin "probe_echo" {}\n'
LEGS = 'plugin "probe_t3serve" { heartbeat = "200ms" late = "300ms" watchdog = "1s" reconnect_min = "100ms" }\n'
SECRET = "Bearer sesame-sesame-opens-it"


def export(url, **options):
    return section("plugin", "export_otlp", {"url": url, "batch_delay": "20ms", "max_backoff": "300ms", **options})


def secret_file(text, mode=0o600):
    path = os.path.join(process.folder(), "headers")
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    os.chmod(account.give(path), mode)
    return path


class Case(unittest.TestCase):
    def receiver(self, *answers, **more):
        r = Receiver(**more)
        self.addCleanup(r.stop)
        r.answers = list(answers)
        return r

    def daemon(self, receiver, sections=ECHO, users=None, **options):
        d = Daemon({"ping_timeout": "500ms"}, sections + export(receiver.url, **options), users=users)
        d.__enter__()
        self.addCleanup(d.__exit__, None, None, None)
        return d

    def records(self, d, outcome, signal="logs"):
        return d.metrics().get(f't3ops_export_otlp_records_total{{plugin="export_otlp",signal="{signal}",outcome="{outcome}"}}', 0)

    def conforms(self, receiver):
        """Everything that was sent is what OpenTelemetry's definitions say."""
        if otlp.missing():
            self.skipTest(otlp.missing())
        self.assertGreater(len(receiver.requests), 0)
        self.assertEqual(otlp.faults(receiver.requests), [])


class Records(Case):
    def test_every_event_is_a_log_record(self):
        r = self.receiver()
        with Daemon({}, ECHO + export(r.url, resource=["site=office"]), users={}) as d:
            wait.until(lambda: r.logs("process_started"), what="a record of a process")
            d.reload()
            found = wait.until(lambda: r.logs("reloaded"), what="a record of the reload")[0]
        self.assertEqual(found["severityText"], "INFO2")
        self.assertIn("event=reloaded", found["body"]["stringValue"])
        self.assertEqual(attributes(found)["t3ops.process"], "supervisor")
        resource = {a["key"]: a["value"]["stringValue"]
                    for a in json.loads(r.requests[0]["body"])["resourceLogs"][0]["resource"]["attributes"]}
        self.assertEqual((resource["service.name"], resource["host.name"], resource["site"]),
                         ("t3ops", socket.gethostname(), "office"))
        self.assertLess(abs(int(found["timeUnixNano"]) / 1e9 - time.time()), 3600)
        self.conforms(r)

    def test_level(self):
        r = self.receiver()
        d = self.daemon(r, level="notice")
        d.reload()
        wait.until(lambda: r.logs("reloaded"), what="a record of the reload")
        self.assertEqual({x["severityText"] for x in r.logs()} - {"INFO2", "WARN", "ERROR"}, set())

    def test_an_incident_is_a_trace(self):
        stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(stub.process.kill)
        r = self.receiver()
        d = self.daemon(r, ECHO + LEGS, {"alice": stub.port})
        d.wait_log(r"event=leg_up .*user=alice")
        stub.stall()
        self.addCleanup(stub.resume)
        d.wait_log(r"event=verdict .*segments=serve\(alice\)")
        d.wait_log(r"event=leg_down .*user=alice")
        self.assertEqual(r.spans(), [])
        stub.resume()
        d.wait_log(r"event=verdict_healed")
        spans = wait.until(r.spans, what="the spans of the incident")
        self.assertEqual(len({s["traceId"] for s in spans}), 1)
        by_name = {s["name"]: s for s in spans}
        self.assertEqual(sorted(by_name), ["heal", "incident", "leg_down", "verdict"])
        root = by_name["incident"]
        self.assertNotIn("parentSpanId", root)
        self.assertEqual(by_name["verdict"]["parentSpanId"], root["spanId"])
        self.assertEqual(by_name["heal"]["parentSpanId"], by_name["verdict"]["spanId"])
        self.assertEqual(by_name["leg_down"]["parentSpanId"], root["spanId"])
        self.assertEqual(attributes(by_name["verdict"])["t3ops.segments"], "serve(alice)")
        self.assertEqual(by_name["heal"]["status"]["code"], 1)
        self.assertEqual(int(root["startTimeUnixNano"]), int(by_name["verdict"]["startTimeUnixNano"]))
        for s in spans:
            self.assertLessEqual(int(s["startTimeUnixNano"]), int(s["endTimeUnixNano"]), s["name"])
        verdict = wait.until(lambda: r.logs("verdict"), what="the record of the verdict")[0]
        self.assertEqual(verdict["traceId"], root["traceId"])
        self.conforms(r)

    def test_a_trace_goes_on_after_a_monitor_is_replaced(self):
        stub = T3Stub(NEW, dead_ms=0)
        self.addCleanup(stub.process.kill)
        r = self.receiver()
        d = self.daemon(r, ECHO + LEGS, {"alice": stub.port})
        d.wait_log(r"event=leg_up .*user=alice")
        stub.stall()
        self.addCleanup(stub.resume)
        d.wait_log(r"event=verdict .*segments=serve\(alice\)")
        trace = wait.until(lambda: r.logs("verdict"), what="the record of the verdict")[0]["traceId"]
        monitor = d.processes()["monitor"]
        os.kill(monitor, 9)
        wait.until(lambda: d.processes().get("monitor", monitor) != monitor, what="the monitor that came after")
        stub.resume()
        d.wait_log(r"event=verdict_healed")
        spans = wait.until(r.spans, what="the spans of the incident")
        self.assertEqual({s["traceId"] for s in spans}, {trace})
        self.assertIn("verdict", {s["name"] for s in spans})

    def test_nothing_is_lost_by_a_reload(self):
        r = self.receiver(Answer(503, [("Retry-After", "3600")]))
        d = self.daemon(r)
        d.wait_log("event=export_failed")
        first = r.requests[0]["body"]
        d.write_conf(d_conf(d).replace('"20ms"', '"30ms"'))
        monitor = d.processes()["monitor"]
        d.reload()
        wait.until(lambda: d.processes().get("monitor", monitor) != monitor, what="the monitor that came after")
        names = [x["eventName"] for x in json.loads(first)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]]
        wait.until(lambda: all(r.logs(n) for n in names), what="the records that an earlier monitor had not sent")


def d_conf(d):
    with open(d.conf, encoding="utf-8") as f:
        return f.read()


class Hostile(Case):
    """Receivers that do not take it."""

    def test_too_many_requests(self):
        """429 with Retry-After: the same again, not before."""
        r = self.receiver(Answer(429, [("Retry-After", "2")]))
        d = self.daemon(r, traces=False)
        d.wait_log("event=export_failed .*http_status=429")
        wait.until(lambda: r.taken("logs"), what="the batch again")
        self.assertGreaterEqual(r.requests[1]["time"] - r.requests[0]["time"], 2)
        self.assertEqual(r.requests[0]["body"], r.requests[1]["body"])
        d.wait_log("event=export_restored")
        self.conforms(r)

    def test_answers_that_are_worth_another_try(self):
        r = self.receiver(Answer(502), Answer(503), Answer(504), Answer(close=True))
        d = self.daemon(r, traces=False)
        wait.until(lambda: r.taken("logs"), what="the batch at last")
        self.assertEqual({x["body"] for x in r.requests[:5]}, {r.requests[0]["body"]})
        d.wait_log("event=export_restored")
        self.assertEqual(d.log().count("event=export_failed"), 1)
        self.assertEqual(self.records(d, "refused"), 0)

    def test_answers_that_are_not(self):
        for status in (500, 400, 401, 302):
            with self.subTest(status):
                r = self.receiver(Answer(status, [("Location", "/elsewhere")]))
                d = self.daemon(r, traces=False)
                d.wait_log(rf'event=export_dropped .*error="\d+ records of logs are lost .*HTTP status {status}')
                self.assertGreater(self.records(d, "refused"), 0)
                d.reload()
                wait.until(lambda r=r: r.logs("reloaded"), what="what comes after")

    def test_one_that_hangs(self):
        r = self.receiver(Answer(hang=3600))
        d = self.daemon(r, traces=False, timeout="300ms")
        d.wait_log("event=export_failed")
        wait.until(lambda: len(r.requests) > 1, what="another try")
        self.assertEqual(r.requests[0]["body"], r.requests[1]["body"])

    def test_one_that_is_not_there(self):
        r = self.receiver()
        r.stop()
        d = self.daemon(r)
        d.wait_log(r"event=export_failed .*error=.*(C|c)onnect")
        d.reload()  # and everything else goes on

    def test_a_huge_answer(self):
        r = self.receiver(Answer(200, body=b" " * 1000000))
        d = self.daemon(r, traces=False)
        d.wait_log("event=export_dropped")
        d.reload()
        wait.until(lambda: r.logs("reloaded"), what="what comes after")

    def test_a_partial_success(self):
        said = {"partialSuccess": {"rejectedLogRecords": "1", "errorMessage": "too old\n\x1b[31m"}}
        r = self.receiver(Answer(body=json.dumps(said).encode()))
        d = self.daemon(r, traces=False)
        d.wait_log(r'event=export_dropped .*error="1 records of logs are lost .*rejected them: too old\?\?\[31m')
        self.assertEqual(self.records(d, "rejected"), 1)

    def test_nonsense(self):
        for body in (b"", b"no JSON", b"[]", b'{"partialSuccess": 7}', b'{"partialSuccess": {"rejectedLogRecords": -5}}',
                     b'{"partialSuccess": {"rejectedLogRecords": 1e99}}', b'{"partialSuccess": {"rejectedLogRecords": "9999999999999"}}'):
            with self.subTest(body):
                r = self.receiver(Answer(body=body))
                d = self.daemon(r, traces=False)
                wait.until(lambda d=d: self.records(d, "sent") > 0, what="records that were taken")

    def test_too_large_a_batch(self):
        """413: in parts, and all of them arrive."""
        r = self.receiver(Answer(413))
        d = self.daemon(r, traces=False, batch_delay="1s")
        wait.until(lambda: r.taken("logs"), what="parts")
        whole = json.loads(r.requests[0]["body"])["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
        self.assertGreater(len(whole), 1)
        wait.until(lambda: all(record["body"] in [x["body"] for x in r.logs()] for record in whole), what="all parts")
        self.assertEqual(self.records(d, "refused"), 0)

    def test_batches_grow_again(self):
        """413 down to single records: what is small then is not so for ever."""
        r = self.receiver(*(Answer(413) for _ in range(12)))
        d = self.daemon(r, traces=False, batch_delay="1s")
        def several():
            d.reload()
            return any(q["body"].count('"timeUnixNano"') > 1 for q in r.taken("logs"))
        wait.until(several, what="a request with several records")
        self.assertGreater(self.records(d, "refused"), 0)

    def test_a_full_queue_drops_the_oldest(self):
        r = self.receiver(Answer(503, [("Retry-After", "3600")]))
        d = self.daemon(r, traces=False, queue="64K", level="debug", users={})
        d.wait_log("event=export_failed")
        def dropped():
            d.reload()
            return self.records(d, "overflow") > 0
        wait.until(dropped, limit=120, what="a full queue")
        d.wait_log('event=export_dropped .*error=".*the queue is full')
        self.assertLessEqual(d.metrics()['t3ops_export_otlp_queue_bytes{plugin="export_otlp",signal="logs"}'], 65536)


class Secrets(Case):
    def test_headers_over_tls(self):
        authority = certs.Authority(process.folder())
        r = self.receiver(certificate=authority.issue("otel", "IP:127.0.0.1")[:2])
        path = secret_file(f"# of the receiver\nAuthorization: {SECRET}\n\nX-Scope-OrgID: office\r\n")
        d = self.daemon(r, headers_file=path, ca_file=account.give(authority.ca))
        wait.until(lambda: r.taken("logs"), what="a request")
        self.assertEqual((r.requests[0]["headers"]["Authorization"], r.requests[0]["headers"]["X-Scope-OrgID"]),
                         (SECRET, "office"))
        self.assertNotIn(SECRET, d.log())
        self.assertFalse(any(SECRET in x["body"] for x in r.requests))

    def test_an_untrusted_certificate(self):
        authority = certs.Authority(process.folder())
        r = self.receiver(certificate=authority.issue("otel", "IP:127.0.0.1")[:2])
        d = self.daemon(r)
        d.wait_log("event=export_failed .*certificate")
        self.assertEqual(r.requests, [])


class Check(unittest.TestCase):
    """t3ops -t"""

    def checked(self, **options):
        d = Daemon({}, ECHO + section("plugin", "export_otlp", {"url": "http://127.0.0.1:4318", **options}), start=False)
        done = subprocess.run([process.program("core/t3ops"), "-c", d.conf, "-t"], capture_output=True, text=True, timeout=60,
                              check=False)
        return done.returncode, done.stdout + done.stderr

    def test_values(self):
        for options, wanted in (({"level": "loud"}, "error, warning, notice"),
                                ({"url": "http://127.0.0.1:4318/?key=sesame1234"}, "without query"),
                                ({"url": "http://127.0.0.1:4318/v1/traces/"}, "must be without /v1/logs and /v1/traces"),
                                ({"resource": ["nothing"]}, "NAME=VALUE"),
                                ({"headers_file": secret_file("no header sesame123\n")}, "line 1 is not a header"),
                                ({"headers_file": secret_file("A: b\nHost: sesame123\n")}, "line 2 sets"),
                                ({"headers_file": secret_file("A: b\n", 0o644)}, "chmod o=")):
            with self.subTest(options):
                status, said = self.checked(**options)
                self.assertNotEqual(status, 0, said)
                self.assertIn(wanted, said)
                self.assertNotRegex(said, r"sesame123\b")

    def test_warnings(self):
        for options, wanted in (({"headers_file": secret_file("A: b\n")}, "without TLS"),
                                ({"logs": False, "traces": False}, "sends nothing")):
            with self.subTest(options):
                status, said = self.checked(**options)
                self.assertEqual(status, 0, said)
                self.assertIn(wanted, said)


if __name__ == "__main__":
    unittest.main()
