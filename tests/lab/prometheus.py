# SPDX-License-Identifier: MIT
"""The shipped rules in a real Prometheus that scrapes a real t3ops, and the shipped routes in a real Alertmanager.  A
minute of the rules is a second here."""
import http.server
import json
import os
import re
import threading

from lab import http as lab_http
from lab import ports, process, wait

PROMETHEUS = os.path.join(process.source_dir(), "etc/prometheus")
RULES = ("t3ops-rules.yml", "t3ops-fleet-rules.yml")
UNITS = {"s": 1, "m": 60, "h": 3600}


def text_of(name):
    with open(os.path.join(PROMETHEUS, name), encoding="utf-8") as f:
        return f.read()


def faster(rules):
    """A minute becomes a second; what takes hours, three seconds."""
    def scaled(m):
        seconds = int(m.group(2)) * UNITS[m.group(3)]
        return f"{m.group(1)}{min(seconds // 60, 60) if seconds < 36 * 3600 else 3}s"

    rules = rules.replace("36 * 3600", "3")
    return re.sub(r"(for: |\[|offset )(\d+)([smh])", scaled, rules)


class Prometheus:
    """One that scrapes these addresses, with the shipped configuration and rules."""

    def __init__(self, target, alertmanager=None, others=(), scrape="200ms"):
        """alertmanager: its address; without one, alerts are not sent on.  others: addresses of further t3ops.  scrape: how
        often, and for how long at most."""
        self.nodes = 1 + len(others)
        self.dir = process.folder()
        self.address = ("127.0.0.1", ports.free())
        targets = '", "'.join("%s:%d" % node for node in (target, *others))
        conf = text_of("prometheus.yml").replace("127.0.0.1:9108", targets)
        if alertmanager:
            conf = conf.replace("127.0.0.1:9093", "%s:%d" % alertmanager)
        else:
            conf = re.sub(r"(?m)^alerting:\n(?: .*\n)*", "", conf)
        conf = re.sub(r"scrape_interval: \w+", f"scrape_interval: {scrape}\n    scrape_timeout: {scrape}", conf)
        conf = "global:\n  evaluation_interval: 200ms\n" + conf
        rules = [(name, faster(text_of(name))) for name in RULES]
        for name, text in (("prometheus.yml", conf), *rules):
            with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
                f.write(text)
        self.process = process.Process(
            ["prometheus", f"--config.file={self.dir}/prometheus.yml", f"--storage.tsdb.path={self.dir}/data",
             "--web.listen-address=%s:%d" % self.address], "prometheus")

    def __enter__(self):
        self.process.wait_log("Server is ready to receive web requests", 60)
        wait.until(lambda: len(self.query('up{job="t3ops"} == 1')) == self.nodes, 60, "the first scrape")
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            self.process.print_log()
        self.process.kill()

    def get(self, target):
        answer = lab_http.get(self.address, target)
        if answer.status != 200:
            raise AssertionError(f"{target}: {answer!r}")
        return json.loads(answer.text())["data"]

    def query(self, expression):
        quoted = "".join(c if c.isalnum() else f"%{ord(c):02X}" for c in expression)
        return self.get(f"/api/v1/query?query={quoted}")["result"]

    def firing(self):
        """[{labels}] of the alerts that fire now."""
        return [a["labels"] for a in self.get("/api/v1/alerts")["alerts"] if a["state"] == "firing"]

    def wait_alert(self, name, limit=60, **labels):
        def fires():
            for found in self.firing():
                if found["alertname"] == name and all(found.get(k) == v for k, v in labels.items()):
                    return found
            return None
        return wait.until(fires, limit, f"the alert {name} with {labels}")

    def wait_silence(self, name, limit=90):
        wait.until(lambda: name not in [a["alertname"] for a in self.firing()], limit, f"the end of the alert {name}")


class Receiver:
    """Takes what the Alertmanager sends: [(path, alert)]."""

    def __init__(self):
        self.got = []
        got = self.got

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                got.extend((self.path, alert) for alert in sent["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.address = self.server.server_address

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Alertmanager:
    """One with the shipped routes and inhibitions, and receivers of ours; it waits a second where it would wait ten."""

    def __init__(self):
        self.dir = process.folder()
        self.receiver = Receiver()
        self.address = ("127.0.0.1", ports.free())
        conf = text_of("alertmanager.yml").replace("127.0.0.1:8080", "%s:%d" % self.receiver.address)
        with open(os.path.join(self.dir, "alertmanager.yml"), "w", encoding="utf-8") as f:
            f.write(conf.replace("group_wait: 10s", "group_wait: 1s\n  group_interval: 1s"))
        self.process = process.Process(
            ["prometheus-alertmanager", f"--config.file={self.dir}/alertmanager.yml", f"--storage.path={self.dir}/data",
             "--cluster.listen-address=", "--web.listen-address=%s:%d" % self.address], "alertmanager")

    def __enter__(self):
        self.process.wait_log("Listening on", 60)
        wait.until(lambda: lab_http.get(self.address, "/-/ready").status == 200, 60, "the Alertmanager")
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            self.process.print_log()
        self.process.kill()
        self.receiver.close()

    def told(self, path, name):
        """The alerts of that name that were sent there."""
        return [alert for where, alert in self.receiver.got if where == path and alert["labels"]["alertname"] == name]

    def alerts(self):
        return json.loads(lab_http.get(self.address, "/api/v2/alerts").text())

    def alert(self, labels):
        """The active one with these labels, or None."""
        return next((a for a in self.alerts() if a["labels"].items() >= labels.items()), None)

    def inhibited(self, name):
        """Whether one of that name is active, and every such one is inhibited."""
        states = [a["status"]["inhibitedBy"] for a in self.alerts() if a["labels"]["alertname"] == name]
        return bool(states) and all(states)
