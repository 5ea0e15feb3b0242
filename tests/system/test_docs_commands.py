#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every command of the README, the tutorial, the how-to pages and the runbooks is run here, in a root of its own or against a t3ops of the
lab; what cannot be (a package manager, somebody else's unit) is named below, one by one."""
import glob
import os
import re
import shlex
import subprocess
import unittest

from lab import account, logfmt, process
from lab.daemon import Daemon, plugin_dir, section
from lab.fresh import init
from lab.stub import NEW, T3Stub

SOURCE = process.source_dir()
RUNBOOKS = sorted(os.path.relpath(p, SOURCE) for p in glob.glob(f"{SOURCE}/docs/runbooks/*.md"))
PAGES = ["README.md", "docs/tutorial.md", *sorted(os.path.relpath(p, SOURCE) for p in glob.glob(f"{SOURCE}/docs/howto/*.md")), *RUNBOOKS]

# What other programs do, with what is checked of it here.
OTHERS = ("apt-get ", "autoreconf -fi", "make && make install", "make uninstall", "make dist", "sha256sum --check ", "nginx -t", "haproxy -c -f ", "tailscale serve ",
          "ls /etc/t3ops ", "ssh -L 9108:127.0.0.1:9108 ", "sleep ", "install -d /etc/t3-serve",
          "echo T3_PORT=3773 | sudo tee /etc/t3-serve/alice.env", "head -c 24 /dev/urandom | base64 | sudo install ",
          "systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload", "systemctl daemon-reload", "systemctl status t3ops", "journalctl -u t3ops", "sed -i 's,docs/runbooks/,https://wiki.example.com/")
UNITS = {"t3ops", "t3-serve@alice", "caddy", "nginx", "haproxy", "cloudflared"}


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def commands_of(page):
    """Lines of ```sh blocks; in the README and the runbooks also those indented by four; without sudo, prompt and remarks."""
    text = text_of(f"{SOURCE}/{page}")
    lines = [line for block in re.findall(r"(?ms)^```sh\n(.*?)^```", text) for line in block.splitlines()]
    if page == "README.md":
        lines += re.findall(r"(?m)^    (\$ \S.*|(?:scripts/|\./configure|make |auto|apt-get |t3ops|systemd-|systemctl ).*)$", text)
    elif page in RUNBOOKS:
        lines += re.findall(r"(?m)^    ((?:\$ |sudo |t3ops|systemctl |journalctl |sed ).*)$", text)
    bare = [re.sub(r"\s+#.*$", "", line.removeprefix("$ ").removeprefix("sudo ")).strip() for line in lines]
    return [line for line in bare if line and not line.startswith("browser")]


ALL = [(page, line) for page in PAGES for line in commands_of(page)]


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stub = T3Stub(NEW, dead_ms=0)
        sections = (section("command", "mint", {"argv": cls.stub.mint_argv()}) + 'plugin "probe_echo" {}\nplugin "probe_t3serve" {}\n'
                    'plugin "session_check" {}\nplugin "auto_pair" {}\n' +
                    section("plugin", "backup", {"to": process.folder(), "database": cls.stub.database}))
        cls.daemon = Daemon({}, sections, users={"alice": cls.stub.port})

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()
        cls.stub.process.kill()

    def run_ctl(self, line):
        words = shlex.split(line.partition(" > ")[0])[1:]
        if words[0] == "init":
            given = words[1:]
            more = [] if "--host" in given else ["--host", "t3.example.com", "--proxy", "nginx", "--sign-in", "authentik"]
            if "--users" not in given:
                more += ["--users", "alice"]
            status, out, errors = init(process.folder(), "--yes", "--account", account.NAME, *given, *more)
            self.assertEqual(status, 0, f"{line}\n{out}{errors}")
            return
        if words[0] == "doctor":
            words += ["-c", self.daemon.conf, "--daemon", process.program("core/t3ops")]
        if words[0] == "watch" or "-f" in words:
            return  # they never end
        done = subprocess.run([process.program("core/t3opsctl"), "-s", self.daemon.control, *words], capture_output=True,
                              text=True, timeout=300, check=False)
        # Nothing has dropped, and there is no section for upgrades here: an answer, and no usage error.
        self.assertNotEqual(done.returncode, 2, f"{line}\n{done.stderr}")
        self.assertNotIn("no such command", done.stderr, line)

    def test_t3opsctl(self):
        lines = {line for _, line in ALL if line.startswith("t3opsctl ")}
        self.assertGreater(len(lines), 25)
        for line in sorted(lines):
            with self.subTest(line):
                self.run_ctl(line)

    def test_t3ops(self):
        for line in {line for _, line in ALL if line.startswith("t3ops ")}:
            with self.subTest(line):
                if line.startswith("t3ops replay "):
                    continue  # it takes a recording: test_incident.py
                words = [self.daemon.conf if w.endswith("t3ops.conf") else w for w in shlex.split(line)[1:]]
                done = subprocess.run([process.program("core/t3ops"), *words], capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_units(self):
        for page, line in ALL:
            if line.startswith("systemctl ") and line not in OTHERS:
                with self.subTest(page=page, line=line):
                    words = [w for w in shlex.split(line)[1:] if not w.startswith("-")]
                    self.assertIn(words[0], ("enable", "disable", "start", "stop", "restart", "reload", "kill"))
                    self.assertIn(words[-1].removesuffix(".service"), UNITS)
                    if words[-1].startswith("t3"):
                        unit = words[-1].partition("@")
                        self.assertTrue(os.path.exists(f"{SOURCE}/etc/systemd/{unit[0]}{unit[1]}.service.in"))

    def test_events_that_runbooks_look_for(self):
        known = set(logfmt.events())
        with open(f"{SOURCE}/core/tbl/log_event.h", encoding="utf-8") as f:
            known |= set(re.findall(r"^LOG_EVENT\((\w+),", f.read(), re.M))
        for page in RUNBOOKS:
            for name in re.findall(r"\bevents -k (\w+)", text_of(f"{SOURCE}/{page}")):
                self.assertIn(name, logfmt.events(), page)
            for names in re.findall(r"\bevent=\(?([\w|]+)", text_of(f"{SOURCE}/{page}")):
                self.assertLessEqual(set(names.split("|")), known, page)

    def test_targets(self):
        made = "".join(text_of(path) for path in [f"{SOURCE}/Makefile.am", *glob.glob(f"{SOURCE}/tests/**/local.am", recursive=True)])
        for page in glob.glob(f"{SOURCE}/*.md") + glob.glob(f"{SOURCE}/docs/**/*.md", recursive=True):
            for target in re.findall(r"(?m)^    make ([a-z][\w-]*)(?: |$)", text_of(page)):
                self.assertTrue(target in ("check", "install", "distcheck") or re.search(rf"(?m)^{target}:", made), f"{page}: make {target}")

    def test_scripts(self):
        for page, line in ALL:
            if line.startswith("scripts/"):
                with self.subTest(page=page, line=line):
                    path, *words = shlex.split(line)
                    self.assertTrue(os.access(f"{SOURCE}/{path}", os.X_OK))
                    for word in words:
                        if not re.match(r"\w+@", word):  # somebody's key
                            self.assertIn(word, text_of(f"{SOURCE}/{path}"))
            elif line.startswith("./configure "):
                for word in shlex.split(line)[1:]:
                    self.assertRegex(word, r"^--(sysconfdir|localstatedir|runstatedir)=/|^--help$")

    def test_nothing_is_left_out(self):
        known = ("t3opsctl ", "t3ops ", "systemctl ", "scripts/", "./configure ")
        for page, line in ALL:
            self.assertTrue(line.startswith(known) or line.startswith(OTHERS), f"{page}: {line}: nothing here knows this command")

    def test_configurations(self):
        for page in PAGES[1:]:
            for number, block in enumerate(re.findall(r"(?ms)^```conf\n(.*?)^```", text_of(f"{SOURCE}/{page}"))):
                with self.subTest(page=page, number=number):
                    folder = process.folder()
                    key = f"{folder}/key"
                    with open(key, "w", encoding="ascii") as f:
                        f.write("0123456789abcdef\n")
                    os.chmod(key, 0o600)
                    block = block.replace('"/etc/t3ops/probe-key"', f'"{key}"').replace('"wan2"                ', '"lo"')
                    block = re.sub(r'(?m)^user +=.*\n', "", block)
                    with open(f"{folder}/t3ops.conf", "w", encoding="utf-8") as f:
                        f.write(f'user = "{account.NAME}"\nplugin_dir = "{plugin_dir()}"\n{block}')
                    done = subprocess.run([process.program("core/t3ops"), "-t", "-c", f"{folder}/t3ops.conf"], capture_output=True,
                                          text=True, timeout=60, check=False)
                    self.assertEqual(done.returncode, 0, done.stderr)

    def test_links_and_files(self):
        for page in PAGES:
            text = text_of(f"{SOURCE}/{page}")
            for target in re.findall(r"\]\(([^)#:]+)", text):
                path = os.path.normpath(os.path.join(SOURCE, os.path.dirname(page), target))
                self.assertTrue(os.path.exists(path), f"{page}: {target}")
            for name in re.findall(r"/etc/t3ops/snippets/([\w.-]+\w)", text):
                self.assertTrue(os.path.exists(f"{SOURCE}/etc/init/{name}"), f"{page}: {name}")


if __name__ == "__main__":
    unittest.main()
