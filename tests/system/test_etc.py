#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is installed beside the daemon, judged by the programs that will read it."""
import os
import re
import shutil
import subprocess
import unittest

from lab import account, process
from lab.daemon import plugin_dir

SOURCE = process.source_dir()
BUILD = process.build_dir()


def run(*argv, cwd=None):
    """(exit status, everything it said)"""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def need(test, name):
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not path:
        test.skipTest(f"{name} is not installed")
    return path


class Config(unittest.TestCase):
    def check(self, text):
        path = os.path.join(process.folder(), "t3ops.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(re.sub(r'(?m)^user +=.*', f'user = "{account.NAME}"', text))
            f.write(f'plugin_dir = "{plugin_dir()}"\n')
        return run(process.program("core/t3ops"), "-t", "-c", path)

    def test_shipped(self):
        status, said = self.check(text_of(f"{BUILD}/etc/t3ops.conf"))
        self.assertEqual(status, 0, said)

    def test_shipped_with_everything(self):
        """Every section that is commented, and every option that is in one that is not."""
        text = re.sub(r'(?m)^#((plugin|command|notify|leg_defaults| {4}|}).*)$', r"\1", text_of(f"{BUILD}/etc/t3ops.conf"))
        text = re.sub(r"(?m)^    #(\w+ +=)", r"    \1", text)
        status, said = self.check(text)
        self.assertEqual(status, 0, said)
        for name in ("backup", "watchdog", "upgrade", "export_otlp"):
            self.assertIn(f"plugin {name}", said)
            self.assertNotRegex(text, rf'(?m)^#.*plugin "{name}"')
        self.assertRegex(said, r"plugin probe_cloudflare: .*segments wan cloudflare tunnel traefik dispatch")
        self.assertIn("plugin probe_internal", said)

    def test_vantage(self):
        key = os.path.join(process.folder(), "probe-key")
        with open(key, "w", encoding="ascii") as f:
            f.write("sixteen-bytes-or-more\n")
        os.chmod(key, 0o640)
        text = re.sub(r'(?m)^probe_key_file += ".*"', f'probe_key_file = "{key}"', text_of(f"{BUILD}/etc/vantage.conf"))
        status, said = self.check(text)
        self.assertEqual(status, 0, said)
        self.assertNotIn("process proxy", said)
        status, said = self.check(text.replace('"vps"', '"a place"'))
        self.assertNotEqual(status, 0)
        self.assertIn('vantage = "a place": expected a name of at most 31 letters', said)

    def test_readme(self):
        blocks = re.findall(r"```conf\n(.*?)```", text_of(f"{SOURCE}/README.md"), re.S)
        self.assertTrue(blocks)
        for block in blocks:
            status, said = self.check(block)
            self.assertEqual(status, 0, said)


class Units(unittest.TestCase):
    def test_proxy_may_apply_its_sandbox(self):
        unit = text_of(f"{BUILD}/etc/systemd/t3ops.service")
        allowed = " ".join(re.findall(r"(?m)^SystemCallFilter=(.*)", unit)).split()
        for name in ("seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"):
            self.assertIn(name, allowed)

    def test_verify(self):
        analyze = need(self, "systemd-analyze")
        folder = process.folder()
        unit = text_of(f"{BUILD}/etc/systemd/t3ops.service")
        self.assertNotIn("@", re.sub(r"(?m)^#.*|@system-service", "", unit))
        # The programs are not installed yet: any program will do.
        unit = re.sub(r"(?m)^(Exec\w+=)\S+/t3ops\b", r"\1/bin/true", unit)
        with open(f"{folder}/t3ops.service", "w", encoding="utf-8") as f:
            f.write(unit)
        shutil.copy(f"{BUILD}/etc/systemd/t3-serve@.service", f"{folder}/t3-serve@.service")
        for name in ("t3ops.service", "t3-serve@alice.service"):
            source = f"{folder}/{name.replace('alice', '')}"
            target = shutil.copy(source, f"{folder}/{name}") if "alice" in name else source
            status, said = run(analyze, "verify", "--man=no", "--recursive-errors=no", target)
            mine = [l for l in said.splitlines() if os.path.basename(target).split(".")[0] in l]
            if status != 0 and not mine:
                self.skipTest(f"systemd-analyze does not work here: {said.strip()[:200]}")
            self.assertEqual((status, mine), (0, []), said)

    def test_exposure(self):
        """As systemd-analyze judges the units, in tenths of a point: none gets worse unnoticed."""
        analyze, folder = need(self, "systemd-analyze"), process.folder()
        for name, most in (("t3ops.service", 31), ("t3-serve@alice.service", 39)):
            with self.subTest(name):
                shutil.copy(f"{BUILD}/etc/systemd/{name.replace('alice', '')}", f"{folder}/{name}")
                status, said = run(analyze, "security", "--no-pager", "--offline=true", f"--threshold={most}", f"{folder}/{name}")
                if "exposure level" not in said:
                    self.skipTest(f"systemd-analyze does not know --offline here: {said.strip()[:200]}")
                self.assertEqual(status, 0, said)

    def test_each_restriction_says_whom_it_could_hurt(self):
        for name in ("t3ops.service", "t3-serve@.service"):
            rights = text_of(f"{BUILD}/etc/systemd/{name}").split("# ---- rights")[1].split("\n[Install]")[0]
            block = ""
            for line in rights.splitlines()[1:]:
                block = block + line if line.startswith("#") else block if line.strip() else ""
                self.assertTrue(line.startswith("#") or not line or block, f"{name}: {line} has no comment")
            self.assertGreater(rights.count("urts"), 5)
        loosened = set(re.findall(r"(?m)^(\w+)=", text_of(f"{SOURCE}/etc/systemd/loosen.conf.example")))
        self.assertGreater(len(loosened), 10)
        self.assertEqual(loosened - set(re.findall(r"(?m)^(\w+)=", text_of(f"{BUILD}/etc/systemd/t3-serve@.service"))), {"Delegate"})

    def test_socket_unit_is_where_the_shipped_configuration_listens(self):
        address = re.search(r"(?m)^ListenStream=(.*)$", text_of(f"{SOURCE}/etc/systemd/t3ops.socket")).group(1)
        self.assertIn(f'listen          = {{"{address}"}}', text_of(f"{BUILD}/etc/t3ops.conf"))

    def test_contents(self):
        unit = text_of(f"{BUILD}/etc/systemd/t3ops.service")
        checks, signals = re.findall(r"(?m)^ExecReload=(.*)$", unit)
        self.assertRegex(checks, r"/t3ops -t -c \S+/t3ops/t3ops\.conf$")
        self.assertEqual(signals, "/bin/kill -HUP $MAINPID")
        self.assertIn("\nType=notify\n", unit)
        for line in ("KillMode=process", "FileDescriptorStoreMax=", "RuntimeDirectoryPreserve=restart", "OOMPolicy=continue",
                     r"ExecStopPost=\S+/t3ops --end-service$", "StartLimitIntervalSec=0"):
            self.assertRegex(unit, rf"(?m)^{line}")
        serve = text_of(f"{BUILD}/etc/systemd/t3-serve@.service")
        for line in ("MemoryHigh=", "MemoryMax=", "OOMPolicy=", "SuccessExitStatus=130", "RuntimeDirectoryMode=2750",
                     r"Environment=NODE_OPTIONS=--require=\S+/t3-serve/unix-listen\.cjs"):
            self.assertRegex(serve, rf"(?m)^{line}")

    @unittest.skipUnless(account.ROOT, "SKIP: only root can make accounts, and give directories away")
    def test_sysusers_and_tmpfiles(self):
        """In a root that has nothing yet, twice: what is there stays."""
        root = process.folder()
        os.mkdir(f"{root}/etc")
        for _ in range(2):
            for name, *argv in (("sysusers.d", "systemd-sysusers"), ("tmpfiles.d", "systemd-tmpfiles", "--create")):
                status, said = run(need(self, argv[0]), *argv[1:], f"--root={root}", f"{BUILD}/etc/{name}/t3ops.conf")
                self.assertEqual(status, 0, said)
                self.assertNotRegex(said, r"t3ops\.conf:\d+")
        accounts = {row.split(":")[0]: row.split(":") for row in text_of(f"{root}/etc/passwd").splitlines()}
        groups = {row.split(":")[0]: row.split(":")[2] for row in text_of(f"{root}/etc/group").splitlines()}
        wanted = {"t3ops", *(f"t3ops-{p}" for p in ("proxy", "prober", "monitor", "jobs"))}
        self.assertLessEqual(wanted, set(accounts))
        for name in wanted:
            self.assertRegex(accounts[name][6], "/nologin$")
            self.assertLess(int(accounts[name][2]), 1000)
        for path, mode, user, group in self.directories():
            found = os.stat(root + path)
            owner = int(accounts[user][2]) if user != "root" else 0
            self.assertEqual((oct(found.st_mode & 0o7777), found.st_uid, found.st_gid),
                             (oct(mode), owner, int(groups[group]) if group != "root" else 0), path)

    def directories(self):
        """Of tmpfiles.d: (path, mode, user, group)"""
        rows = [line.split() for line in text_of(f"{BUILD}/etc/tmpfiles.d/t3ops.conf").splitlines() if line.startswith("d ")]
        conf = text_of(f"{BUILD}/etc/t3ops.conf")
        for option in ("state_dir", "to"):  # what the shipped configuration needs before the first start
            self.assertIn(re.search(rf'(?m)^ *{option} += "(.*)"', conf).group(1), [row[1] for row in rows])
        return [(path, int(mode, 8), user, group) for _, path, mode, user, group in rows]

    def test_sudoers(self):
        visudo = need(self, "visudo")
        path = shutil.copy(f"{BUILD}/etc/sudoers.d/t3ops", process.folder())
        os.chmod(path, 0o440)
        status, said = run(visudo, "-c", "-f", path)
        self.assertEqual(status, 0, said)


RULES = ("t3ops-rules.yml", "t3ops-fleet-rules.yml")
RULE_TESTS = ("t3ops-rules-test.yml", "t3ops-rules-long-test.yml", "t3ops-fleet-rules-test.yml")


class Prometheus(unittest.TestCase):
    def test_rules_and_jobs(self):
        promtool = need(self, "promtool")
        folder = f"{SOURCE}/etc/prometheus"
        for argv in (("check", "config", "prometheus.yml"), ("check", "rules", *RULES),
                     *(("test", "rules", tests) for tests in RULE_TESTS)):
            status, said = run(promtool, *argv, cwd=folder)
            self.assertEqual(status, 0, said)
        status, said = run(need(self, "amtool"), "check-config", "alertmanager.yml", cwd=folder)
        self.assertEqual(status, 0, said)
        jobs = text_of(f"{folder}/prometheus.yml")
        for name in ("t3ops", "node"):
            self.assertIn(f"job_name: {name}\n", jobs)
        rules = "".join(text_of(f"{folder}/{name}") for name in RULES)
        tested = "".join(text_of(f"{folder}/{tests}") for tests in RULE_TESTS)
        for name in re.findall(r"alert: (\w+)", rules):
            self.assertIn(f"alertname: {name}\n", tested)
        for names in re.findall(r'alertname=~?"([^"]+)"', text_of(f"{folder}/alertmanager.yml")):
            for name in names.split("|"):
                self.assertIn(f"alert: {name}\n", rules)


if __name__ == "__main__":
    unittest.main()
