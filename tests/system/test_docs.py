#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The manual: clean mdoc, and nothing missing that the code has: options, events, reasons, metrics, commands."""
import glob
import os
import re
import shutil
import subprocess
import unittest

from lab import links, logfmt, process, wait
from lab.daemon import Daemon, plugin_dir

SOURCE = process.source_dir()
MAN = f"{process.build_dir()}/docs/man"


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def part(page, heading):
    """From a heading to the next one."""
    found = re.search(rf"^\.S[hs] {re.escape(heading)}\n(.*?)(?=^\.S[hs] |\Z)", page, re.M | re.S)
    if not found:
        raise AssertionError(f"no part \"{heading}\"")
    return found.group(1)


def plugin_page(plugin):
    return text_of(f"{SOURCE}/plugins/{plugin}/t3ops-{plugin}.8")


def plugins():
    return sorted(os.path.basename(p)[:-3] for p in glob.glob(f"{plugin_dir()}/*.so"))


def metrics_in(*patterns):
    names = set()
    for pattern in patterns:
        for path in glob.glob(f"{SOURCE}/{pattern}", recursive=True):
            names |= set(re.findall(r'"(t3(?:ops|probe)_[a-z_]+)"', text_of(path)))
    return names - {"t3ops_plugin_"}


def senders(router, order, ident):
    """The processes whose event the router passes on."""
    body = re.search(r"event_senders\(.*?^}", router, re.M | re.S).group(0)
    for labels, answer in re.findall(r"((?:\tcase [^:]*:\n)+)\t\treturn ([^;]*);", body):
        for first, last in re.findall(r"EVENT_(\w+)(?: \.\.\. EVENT_(\w+))?:", labels):
            if order.index(first) <= order.index(ident) <= order.index(last or first):
                return ["supervisor"] if answer.startswith("0") else [p.lower() for p in re.findall(r"ONLY\((\w+)\)", answer)]
    return ["proxy", "prober", "jobs", "monitor", "helper"]


def listed(page, heading):
    return set(re.findall(r"^\.It Li (\w+)", part(page, heading), re.M))


class Pages(unittest.TestCase):
    def test_lint(self):
        if not shutil.which("mandoc"):
            self.skipTest("mandoc is not installed")
        pages = sorted(glob.glob(f"{MAN}/*.[0-9]") + glob.glob(f"{SOURCE}/plugins/*/*.[0-9]"))
        self.assertGreaterEqual(len(pages), 6 + len(plugins()))  # one may be left out where its library is missing
        done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *pages], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_references(self):
        pages = glob.glob(f"{MAN}/*.[0-9]") + glob.glob(f"{SOURCE}/plugins/*/*.[0-9]")
        names = {os.path.basename(p) for p in pages}
        for page in pages:
            for name, number in re.findall(r"^\.Xr (\S+) (\d)", text_of(page), re.M):
                if name.startswith("t3ops"):
                    self.assertIn(f"{name}.{number}", names, page)

    def test_index(self):
        """docs/README.md leads to every page."""
        linked = {os.path.normpath(os.path.join("docs", p)) for p in re.findall(r"\]\(([^)#:]+)", text_of(f"{SOURCE}/docs/README.md"))}
        pages = {os.path.relpath(p, SOURCE) for p in glob.glob(f"{SOURCE}/docs/**/*.md", recursive=True)} - {"docs/README.md"}
        self.assertEqual(pages - linked, set())
        self.assertEqual({p for p in linked if not os.path.exists(f"{SOURCE}/{p}")}, set())

    def test_links(self):
        self.assertEqual(links.broken(glob.glob(f"{SOURCE}/*.md") + links.pages_in(f"{SOURCE}/docs")), [])


class Tables(unittest.TestCase):
    """What the pages list, against the tables and the sources."""

    def setUp(self):
        self.page = text_of(f"{MAN}/t3ops.8")

    def test_lists(self):
        done = subprocess.run([f"{SOURCE}/scripts/update-manual", "--check", process.build_dir()], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""), "run scripts/update-manual")

    def test_log_lines(self):
        known = listed(self.page, "LOG LINES") | listed(text_of(f"{MAN}/t3ops-events.7"), "EVENTS")
        written = set()
        for path in glob.glob(f"{SOURCE}/core/**/*.c", recursive=True):
            for call in re.findall(r"\b(?:log_write\(|log_pairs_always\(|line_send\(LOG_L_\w+,)([^;]*?)(?:kv_|;)", text_of(path)):
                written |= set(re.findall(r'"([a-z_]+)"', call))
        self.assertGreater(len(written), 30)
        self.assertEqual(written - known, set(), "add them to core/tbl/log_event.h")
        self.assertEqual(listed(self.page, "LOG LINES") - written, set(), "nothing writes these")

    def test_events(self):
        """What core/tbl/event_doc.h says of each event is what the code can write; lab/logfmt.py compares it with every line."""
        kinds = re.findall(r'^EVENT_KIND\((\w+), "(\w+)", \w+, \w+, (\w+), (\w+), (\w+), (\w+),', text_of(f"{SOURCE}/core/tbl/event_kind.h"), re.M)
        router = text_of(f"{SOURCE}/core/supervisor/router.c")
        order = [ident for ident, *_ in kinds]
        self.assertGreater(len(kinds), 60)
        for ident, name, *own in kinds:
            by, fields = logfmt.events()[name]
            self.assertLessEqual(by, set(senders(router, order, ident)) | {"supervisor"}, name)
            self.assertLessEqual(set(own) - {"none"}, fields | {"close_code"}, name)
            self.assertLessEqual(fields, logfmt.keys(), name)

    def test_every_metric_has_a_sentence(self):
        self.assertEqual(metrics_in("core/**/*.c") - listed(self.page, "METRICS"), set())

    def test_plugin_pages(self):
        self.assertIn("backup", plugins())
        for plugin in plugins():
            page, found = plugin_page(plugin), metrics_in(f"plugins/{plugin}/*.c")
            self.assertEqual(listed(page, "METRICS") if found else set(), found, plugin)
            self.assertIn(f".Nm t3ops-{plugin}\n", page)
            self.assertIn(".Sh EXAMPLES\n", page)

    def test_rules_use_known_metrics(self):
        known = listed(self.page, "METRICS") | metrics_in("plugins/**/*.c")
        known |= {"t3ops_fleet"}  # what is recorded is t3ops_fleet:NAME
        for rules in ("t3ops-rules.yml", "t3ops-fleet-rules.yml"):
            for name in re.findall(r"\bt3(?:ops|probe)_\w+", text_of(f"{SOURCE}/etc/prometheus/{rules}")):
                self.assertIn(re.sub("_count$", "", name), known)  # of a histogram

    def test_commands(self):
        page = text_of(f"{MAN}/t3opsctl.8")
        usage = subprocess.run([process.program("core/t3opsctl"), "--help"], capture_output=True, text=True, timeout=60,
                               check=True).stdout
        commands = re.findall(r"^ {7}([a-z-]+)", usage, re.M)
        self.assertIn("verdicts", commands)
        self.assertEqual(set(re.findall(r"^\.It Cm ([a-z-]+)", page, re.M)), set(commands))


def kinds_listed(page):
    """{family: (type, labels)} of a METRICS part."""
    found = re.findall(r"^\.It Li (\w+)\n.*?^\.br\n(Counter|Gauge|Histogram), (no labels\.|labels\n(?:[^\n]*\n)+?(?=\.It|\.El|\.br|\Z))", page, re.M | re.S)
    return {name: (kind.lower(), set(re.findall(r"\b[a-z_]+\b", re.sub(r"^\.Li|labels|\band\b|no labels", "", labels, flags=re.M)))) for name, kind, labels in found}


class Metrics(unittest.TestCase):
    def test_types_and_labels(self):
        """As /metrics of a daemon has them."""
        listed_kinds = kinds_listed(part(text_of(f"{MAN}/t3ops.8"), "METRICS"))
        for name in plugins():
            if ".Sh METRICS" in plugin_page(name):
                listed_kinds.update(kinds_listed(part(plugin_page(name), "METRICS")))
        with Daemon({}, 'plugin "probe_echo" {}\nplugin "probe_t3serve" { heartbeat = "200ms" }\n',
                    users={"alice": 1}) as d:
            wait.until(lambda: "t3ops_leg_failed_attempts_total" in d.get("/metrics").text(), what="a leg's metrics")
            text = d.get("/metrics").text()
        shown = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
        self.assertGreater(len(shown), 30)
        for name, kind in shown.items():
            with self.subTest(name):
                self.assertIn(name, listed_kinds)
                labels = {label for line in re.findall(rf"^{name}(?:_bucket|_sum|_count)?{{([^}}]*)}} ", text, re.M)
                          for label in re.findall(r'(\w+)="', line)} - {"le"}
                self.assertEqual(listed_kinds[name][0], kind)
                self.assertLessEqual(labels, listed_kinds[name][1])


class Architecture(unittest.TestCase):
    def test_functions_named_there_exist(self):
        sources = "".join(text_of(path) for path in glob.glob(f"{SOURCE}/core/**/*.[ch]", recursive=True))
        named = set(re.findall(r"`([a-z][a-z0-9_]+)`", text_of(f"{SOURCE}/docs/architecture.md")))
        self.assertGreater(len(named), 50)
        for name in sorted(named):
            self.assertRegex(sources, rf"(?m)^[a-z][^\n;]*\b{name}\(", name)


class Plugin(unittest.TestCase):
    def test_example_compiles(self):
        cc = shutil.which("cc")
        if not cc:
            self.skipTest("there is no compiler")
        page = text_of(f"{MAN}/t3ops-plugin.3")
        code = re.search(r"^\.Bd -literal -offset indent\n(#include.*?)^\.Ed$", page, re.M | re.S).group(1)
        folder = process.folder()
        os.mkdir(f"{folder}/t3ops")
        shutil.copy(f"{SOURCE}/core/plugin.h", f"{folder}/t3ops/plugin.h")
        with open(f"{folder}/home_space.c", "w", encoding="utf-8") as f:
            f.write(code.replace("\\e", "\\"))
        done = subprocess.run([cc, "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-I{folder}", "-o",
                               f"{folder}/home_space.so", f"{folder}/home_space.c"], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
