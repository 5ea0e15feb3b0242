#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The manual: clean mdoc, and nothing missing that the code has: options, events, reasons, metrics, commands."""
import glob
import os
import re
import shutil
import subprocess
import unittest

from lab import process
from lab.daemon import plugin_dir

SOURCE = process.source_dir()
MAN = f"{process.build_dir()}/docs/man"


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def explain(*what):
    return subprocess.run([process.program("core/t3ops"), "--plugin-dir", plugin_dir(), "--explain", *what],
                          capture_output=True, text=True, timeout=60, check=True).stdout


def options(text):
    """{name: (type and default, help)} as --explain prints them, plugins aside."""
    rows = re.findall(r"^([a-z_0-9]+): (?!.*, version )([^\n]+)\n    (.*)$", text, re.M)
    return {name: (rest, help_) for name, rest, help_ in rows}


def entries(text):
    """The same of a part of the page."""
    rows = re.findall(r"^\.It Ic (\w+)\n\((.*)\)\n\.br\n(.*)$", text, re.M)
    return {name: (rest.replace("\\e", "\\").removeprefix("\\&"), help_.removeprefix("\\&")) for name, rest, help_ in rows}


def part(page, heading):
    """From a heading to the next one."""
    found = re.search(rf"^\.S[hs] {re.escape(heading)}\n(.*?)(?=^\.S[hs] |\Z)", page, re.M | re.S)
    if not found:
        raise AssertionError(f"no part \"{heading}\"")
    return found.group(1)


def listed(page, heading):
    return set(re.findall(r"^\.It Li (\w+)", part(page, heading), re.M))


class Pages(unittest.TestCase):
    def test_lint(self):
        if not shutil.which("mandoc"):
            self.skipTest("mandoc is not installed")
        pages = sorted(glob.glob(f"{MAN}/*.[0-9]"))
        self.assertEqual(len(pages), 4)
        done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *pages], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_references(self):
        names = {os.path.basename(p) for p in glob.glob(f"{MAN}/*.[0-9]")}
        for page in names:
            for name, number in re.findall(r"^\.Xr (\S+) (\d)", text_of(f"{MAN}/{page}"), re.M):
                if name.startswith("t3ops"):
                    self.assertIn(f"{name}.{number}", names, page)

    def test_links(self):
        for page in ("README.md", "CONTRIBUTING.md", "docs/runbooks/drop-attribution.md"):
            folder = os.path.dirname(f"{SOURCE}/{page}")
            for target in re.findall(r"\]\(([^)#:]+)\)", text_of(f"{SOURCE}/{page}")):
                self.assertTrue(os.path.exists(f"{folder}/{target}"), f"{page}: {target}")


class Options(unittest.TestCase):
    def setUp(self):
        self.page = text_of(f"{MAN}/t3ops.conf.5")

    def compare(self, heading, expected):
        self.maxDiff = None
        self.assertEqual(entries(part(self.page, heading)), expected, heading)

    def test_core(self):
        core = re.search(r"Options outside sections:\n(.*?)\n\nOptions of", explain(), re.S).group(1)
        expected = options(core)
        self.compare("OPTIONS OUTSIDE SECTIONS", expected)

    def test_sections(self):
        for heading, topic in (("Command", "command"), ("Plugin", "section"), ("Options of legs", "leg"),
                               ("Options of jobs", "job")):
            self.compare(heading, options(explain(topic)))

    def test_plugins(self):
        common = {topic: set(options(explain(topic))) for topic in ("section", "leg", "job")}
        plugins = [os.path.basename(p)[:-3] for p in glob.glob(f"{plugin_dir()}/*.so")]
        self.assertIn("backup", plugins)
        for plugin in plugins:
            said = explain(plugin)
            skip = common["section"] | (common["leg"] if ": leg," in said else set())
            skip |= common["job"] if ": job," in said else set()
            self.compare(f"Plugin {plugin}", {n: row for n, row in options(said).items() if n not in skip})


class Tables(unittest.TestCase):
    def setUp(self):
        self.page = text_of(f"{MAN}/t3ops.8")

    def test_tables(self):
        for heading, table, pattern in (("EVENTS", "event_kind", r'^EVENT_KIND\(\w+, "(\w+)"'),
                                        ("LOG KEYS", "log_key", r'^LOG_KEY\((\w+),'),
                                        ("END REASONS", "close_reason", r'^REASON\(\d+, \w+, "(\w+)"'),
                                        ("REFUSALS", "reject_reason", r'^REJECT_REASON\(\w+, \d+, "(\w+)"')):
            expected = set(re.findall(pattern, text_of(f"{SOURCE}/core/tbl/{table}.h"), re.M))
            self.assertGreater(len(expected), 10)
            self.assertEqual(listed(self.page, heading), expected)

    def test_metrics(self):
        expected = {"t3ops_metrics_dropped_total"}
        for path in glob.glob(f"{SOURCE}/core/**/*.c", recursive=True) + glob.glob(f"{SOURCE}/plugins/**/*.c", recursive=True):
            expected |= set(re.findall(r'"(t3(?:ops|probe)_[a-z_]+)"', text_of(path)))
        expected.discard("t3ops_plugin_")
        self.assertEqual(listed(self.page, "METRICS"), expected)

    def test_rules_use_known_metrics(self):
        known = listed(self.page, "METRICS")
        for name in re.findall(r"\bt3(?:ops|probe)_\w+", text_of(f"{SOURCE}/etc/prometheus/t3ops-rules.yml")):
            self.assertIn(name, known)

    def test_commands(self):
        page = text_of(f"{MAN}/t3opsctl.8")
        usage = subprocess.run([process.program("core/t3opsctl"), "--help"], capture_output=True, text=True, timeout=60,
                               check=True).stdout
        commands = re.findall(r"^ {7}([a-z]+)", usage, re.M)
        self.assertIn("verdicts", commands)
        self.assertEqual(set(re.findall(r"^\.It Cm (\w+)", page, re.M)), set(commands))


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
