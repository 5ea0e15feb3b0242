# SPDX-License-Identifier: MIT
"""A real Prometheus and a real Alertmanager with all that is shipped, on one t3ops.  Each alert that is waited for has to
arrive at its receiver, or to be held back by a better one, and its section of the runbook is followed while it fires."""
import re

from lab import runbook, wait
from lab.prometheus import Alertmanager, Prometheus

RECEIVERS = {"critical": "/pager", "warning": "/mail"}
SECTIONS = runbook.sections("alerts.md")


class Alarm(Prometheus):
    def __init__(self, daemon, **more):
        """more: of lab.prometheus.Prometheus."""
        self.told = Alertmanager()
        self.shell = runbook.Shell(daemon)
        super().__init__(daemon.monitor, self.told.address, **more)

    def __enter__(self):
        self.told.__enter__()
        return super().__enter__()

    def __exit__(self, *how):
        super().__exit__(*how)
        self.told.__exit__(*how)

    def wait_alert(self, name, limit=60, **labels):
        found = super().wait_alert(name, limit, **labels)
        self.arrives(found)
        self.follow(found)
        return found

    def arrives(self, labels):
        alert = wait.until(lambda: self.told.alert(labels), what=f"{labels} at the Alertmanager")
        assert alert["annotations"]["runbook_url"] == f"docs/runbooks/alerts.md#{labels['alertname'].lower()}", alert
        assert not re.search("<no value>|ERROR", str(alert["annotations"])), alert
        where = RECEIVERS.get(labels["severity"])
        if where:
            wait.until(lambda: self.inhibits(labels) or self.told.told(where, labels["alertname"]), what=f"{labels} at {where}")

    def inhibits(self, labels):
        """Whether another alert holds it back; on a busy machine it may be gone for a moment."""
        alert = self.told.alert(labels)
        return alert and alert["status"]["inhibitedBy"]

    def follow(self, labels):
        """What the section says, in the place of whoever is told."""
        section = SECTIONS[labels["alertname"]]
        for command in runbook.commands(section):
            self.shell.run(command, alice=labels.get("user", "alice"), probe_internal=labels.get("leg", "probe_internal"))
        for query in runbook.queries(section):
            wait.until(lambda query=query: self.query(query), what=f"{labels['alertname']}: {query}")
