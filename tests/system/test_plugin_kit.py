#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A plugin's author has what `make install` leaves and nothing else: a plugin of each kind is begun, built, tested,
checked and installed with that, and a daemon loads all of them.  A leg made so convicts its segment."""
import os
import re
import shutil
import subprocess
import sys
import unittest

from lab import account, http, process, wait
from lab.daemon import Daemon, section
from lab.origin import Origin, answer

KINDS = {"my_leg": "leg", "my_filter": "request", "my_job": "job", "my_watch": "watch"}
BRISK = {"heartbeat": "100ms", "late": "400ms", "watchdog": "3s", "timeout": "600ms", "reconnect_min": "100ms", "reconnect_max": "200ms"}
ENV = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "DESTDIR")}


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(77)


def run(*words, code=0, **more):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
                          env={**ENV, **more.pop("env", {})}, **more)
    if done.returncode != code:
        raise AssertionError(f"{' '.join(words)}: {done.returncode}, expected {code}\n{done.stdout}")
    return done.stdout


class Kit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = process.folder()
        cls.root = os.path.join(cls.dir, "root")
        process.install(cls.root)
        pc = cls.find("t3ops.pc")
        cls.env = {"PKG_CONFIG_PATH": os.path.dirname(pc), "PKG_CONFIG_SYSROOT_DIR": cls.root}
        cls.tool = cls.find("t3ops-plugin")
        cls.t3ops = cls.find("t3ops", "sbin")
        cls.plugin_dir = run("pkg-config", "--variable=plugindir", "t3ops", env=cls.env).strip()
        if not cls.plugin_dir.startswith(cls.root):  # an older pkg-config
            cls.plugin_dir = cls.root + cls.plugin_dir
        for name, kind in KINDS.items():
            run(cls.tool, "new", name, "--kind", kind, cwd=cls.dir)

    @classmethod
    def find(cls, name, folder=""):
        for where, _, files in os.walk(cls.root):
            if name in files and where.endswith(folder):
                return os.path.join(where, name)
        raise AssertionError(f"make install left no {name}")

    def make(self, name, *words, code=0):
        return run("make", "-s", "-C", os.path.join(self.dir, name), "T3OPS=" + self.t3ops, "PLUGINDIR=" + self.plugin_dir,
                   "CFLAGS=-O1 -Werror", *words, env=self.env, code=code)

    def test_each_kind_is_whole(self):
        for name in KINDS:
            with self.subTest(name):
                self.assertIn("PASSED", self.make(name, "check"))
                self.assertIn(f"{name}.so: OK\n", self.make(name, "lint"))
                self.make(name, "install")
                self.assertTrue(os.access(f"{self.plugin_dir}/{name}.so", os.R_OK))

    def sections(self, origin):
        """The sections as the files beside the plugins have them."""
        text = ""
        for name in KINDS:
            with open(f"{self.dir}/{name}/{name}.conf", encoding="utf-8") as f:
                text += f.read()
        text = re.sub(r'url +=.*', f'url = "http://127.0.0.1:{origin.port}/ready"', text)
        extra = "".join(f'    {k} = "{v}"\n' for k, v in BRISK.items() if k != "heartbeat")
        text = text.replace('"10s"\n', '"100ms"\n' + extra)
        text = re.sub(r"segments +=.*", 'segments = {"router"}', text)
        return re.sub(r"least +=.*", "least = 0", text)

    def installed(self):
        for name in KINDS:
            self.make(name, "install")
        return account.copied(self.plugin_dir)

    def test_a_daemon_runs_them(self):
        """All four; and the leg convicts what it crosses."""
        with Origin({"/ready": lambda c, r: c.send(answer(b"ready")), "/": lambda c, r: c.send(answer(b"t3"))}) as origin:
            sections = self.sections(origin)
            with Daemon({"plugin_dir": self.installed(), "ping_timeout": "400ms"}, sections, users={"alice": origin.port}) as d:
                run(self.t3ops, "-t", "-c", d.conf)
                d.wait_log(r"event=leg_up .*plugin=my_leg\b")
                r = http.get(d.proxy, "/my_filter", {"X-authentik-username": "alice"})
                self.assertEqual((r.status, r.text()), (200, "good evening, alice\n"))
                http.get(d.proxy, "/other", {"X-authentik-username": "alice"})
                self.assertEqual(origin.requests("/other")[-1].header("x-greeting"), "good evening")
                d.ctl("my_job", "now", check=False)  # root's stand-in for a user has no home
                d.wait_log(r'event=job_done plugin=my_job .*bytes=\d|event=job_failed plugin=my_job .*error="/nonexistent: No such file')
                origin.handlers["/ready"] = lambda c, r: c.send(answer(b"", "503 Service Unavailable"))
                wait.until(d.standing, what="a verdict")
                self.assertEqual(d.standing()[0]["segments"], ["router"])
                d.wait_log(r'event=event_seen .*plugin=my_watch message="verdict: router"')
                metrics = d.metrics()
                self.assertEqual(metrics['t3ops_my_watch_events_total{plugin="my_watch",kind="verdict"}'], 1)
                self.assertEqual(metrics['t3ops_my_filter_requests_total{plugin="my_filter",fate="answered"}'], 1)

    def test_what_the_tool_refuses(self):
        for words, code, said in (((), 2, "usage: t3ops-plugin new NAME"), (("make", "x"), 2, "unknown command: make"),
                                  (("new", "x"), 2, "what kind of plugin?"), (("new", "x", "--kind", "probe"), 2, "--kind probe: expected leg"),
                                  (("new", "X", "--kind", "leg"), 2, '"X" cannot be a plugin\'s name'), (("new", "--kind", "leg"), 2, '"" cannot be'),
                                  (("new", "x" * 32, "--kind", "leg"), 2, "is too long"), (("new", "a/b", "--kind", "leg"), 2, "cannot be"),
                                  (("new", "x", "y", "--kind", "leg"), 2, "unexpected argument: y"), (("new", "x", "--kind"), 2, "--kind needs a value"),
                                  (("new", "my_leg", "--kind", "leg"), 1, "my_leg exists already")):
            with self.subTest(words):
                self.assertIn(said, run(self.tool, *words, cwd=self.dir, code=code))
        self.assertRegex(run(self.tool, "--version"), r"^t3ops-plugin \d")
        elsewhere = f"{self.dir}/deep/er"
        run(self.tool, "new", "x", "--kind=job", "--dir", elsewhere)
        self.assertTrue(os.path.exists(f"{elsewhere}/x.c"))

    def test_a_failing_test_fails(self):
        copy = shutil.copytree(f"{self.dir}/my_leg", f"{self.dir}/broken")
        with open(f"{copy}/my_leg.c", "r+", encoding="utf-8") as f:
            text = f.read().replace("ctx->host->leg_down(ctx, s->leg, &end);", "(void)end;")
            f.seek(0)
            f.truncate()
            f.write(text)
        self.assertIn("FAILED", self.make("broken", "check", code=2))


class Lint(unittest.TestCase):
    """t3ops -t --plugin FILE"""

    def lint(self, path, code):
        return run(process.program("core/t3ops"), "-t", "--plugin", path, code=code)

    def compiled(self, name, text, *flags):
        folder = process.folder()
        include = os.path.join(folder, "t3ops")
        os.mkdir(include)
        shutil.copy(os.path.join(process.source_dir(), "core/plugin.h"), include)
        with open(f"{folder}/{name}.c", "w", encoding="ascii") as f:
            f.write("#include <t3ops/plugin.h>\n" + text)
        run("cc", "-shared", "-fPIC", f"-I{folder}", *flags, "-o", f"{folder}/{name}.so", f"{folder}/{name}.c")
        os.chmod(f"{folder}/{name}.so", 0o644)
        return f"{folder}/{name}.so"

    def test_our_own(self):
        folder = os.path.join(process.build_dir(), "plugins/modules")
        for name in sorted(n for n in os.listdir(folder) if n.endswith(".so")):
            self.assertIn(f"/{name}: OK\n", self.lint(os.path.join(folder, name), 0))

    def test_what_the_loader_refuses(self):
        for name, said in (("no_symbol", "exports no t3ops_plugin_no_symbol"), ("wrong_major", "built for plugin ABI 2.0, this t3ops has 1.0"),
                           ("crash_on_load", "refused: loading it ended with signal 6"), ("gone", "refused: No such file")):
            self.assertIn(said, self.lint(os.path.join(process.build_dir(), f"tests/plugins/{name}.so"), 1))
        self.assertIn("called as its plugin, NAME.so", self.lint(process.program("core/t3ops"), 1))
        self.assertIn("--plugin FILE goes with -t", run(process.program("core/t3ops"), "--plugin", "x.so", code=2))
        path = self.compiled("lax", 'T3OPS_PLUGIN(lax) = {T3OPS_HEAD, .roles = T3OPS_ROLE_LEG, .name = "lax", .version = "1", .summary = "s"};')
        self.assertIn("refused: lax: has no leg_open, which a plugin of its role needs", self.lint(path, 1))
        os.chmod(path, 0o666)
        self.assertIn(f"{path}: refused: mode 0666 lets others write", self.lint(path, 1))

    def test_what_is_doubtful(self):
        path = self.compiled("odd", r'''
int helper(void) { return 1; }
__attribute__((constructor)) static void early(void) {}
static int init(struct t3ops_ctx *c) { (void)c; return 0; }
static void on_event(struct t3ops_ctx *c, const struct t3ops_event *e) { (void)c, (void)e; }
static void leg(struct t3ops_ctx *c, struct t3ops_leg *l) { (void)c, (void)l; }
static const struct t3ops_option o[] = {{"when", T3OPS_OPT_DURATION, "10", 0, 0, "no stop"}};
static const struct t3ops_metric m[] = {{.name = "t3ops_odd", .type = T3OPS_COUNTER, .labels = {"job"}, .help = "X."}};
T3OPS_PLUGIN(odd) = {T3OPS_HEAD, .roles = T3OPS_ROLE_LEG, .name = "odd", .version = "1", .summary = "s", .options = o,
	.n_options = 1, .metrics = m, .n_metrics = 1, .init = init, .on_event = on_event, .leg_open = leg, .leg_ping = leg,
	.leg_close = leg, .leg_segments = "a b", .leg_edge = "c", .leg_target = "when", .answers = "/x y"};
''', "-z", "execstack", "-Wl,-rpath,/nowhere")
        said = self.lint(path, 3)
        self.assertIn(f"{path}: odd 1, leg, ABI 1.0: s\n", said)
        for line in ('the default of option when = "10": expected a duration', 'the help of option when is "no stop"',
                     "metric t3ops_odd: a counter, and nothing else, is called NAME_total", "metric t3ops_odd has the label job",
                     "has on_event, and not the role T3OPS_ROLE_WATCH", "has init and no stop", 'leg_target is "when"',
                     'leg_edge is "c", which is none of leg_segments', 'answers "y": expected paths',
                     "exports more than t3ops_plugin_odd: helper;", "asks for an executable stack", "looks for libraries in /nowhere",
                     "1 of its functions run as it is loaded"):
            self.assertIn(f"{path}: warning: {line}", said)
        self.assertEqual(said.count("warning: "), 13)
        self.assertNotIn("OK", said)


if __name__ == "__main__":
    for tool in ("cc", "make", "pkg-config"):
        if not shutil.which(tool):
            skip(f"{tool} is not installed")
    if subprocess.run(["pkg-config", "--exists", "cmocka"], check=False).returncode != 0:
        skip("cmocka is not installed (Debian: libcmocka-dev)")
    unittest.main()
