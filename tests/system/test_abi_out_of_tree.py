#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A plugin built outside of the tree, from what `make install` leaves and nothing else, works when it
is dropped into the plugin folder and named in the config.  The header stands alone in C99, C11, C++."""
import os
import shutil
import subprocess
import sys
import unittest

from lab import account, process
from lab.daemon import Daemon, section

PLUGIN = r"""
#include <t3ops/plugin.h>

static const struct t3ops_option options[] = {
	{"greeting", T3OPS_OPT_STRING, "hello", 0, 0, "What to say."},
	{"times", T3OPS_OPT_INT, "1", 1, 3, "How often to say it."},
};

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	(void)ctx;
	(void)r;
	return T3OPS_NEXT;
}

T3OPS_PLUGIN(greeter) = {
	T3OPS_HEAD,
	.roles = T3OPS_ROLE_PROXY,
	.name = "greeter",
	.version = "1.0",
	.summary = "Greets.",
	.options = options,
	.n_options = 2,
	.on_request = on_request,
};
"""
HEADER_ALONE = "#include <t3ops/plugin.h>\nint main(void) { return (int)sizeof(struct t3ops_plugin) == 0; }\n"


def compiler(*names):
    return next((shutil.which(n) for n in names if shutil.which(n)), None)


def run(*words, **more):
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False, **more)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class OutOfTree(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = process.folder()
        cls.root = os.path.join(cls.dir, "root")
        process.install(cls.root)
        cls.pc = cls.find("t3ops.pc")

    @classmethod
    def find(cls, name):
        for where, _, files in os.walk(cls.root):
            if name in files:
                return os.path.join(where, name)
        raise AssertionError(f"make install left no {name}")

    def pkg_config(self, *words):
        env = {**os.environ, "PKG_CONFIG_PATH": os.path.dirname(self.pc), "PKG_CONFIG_SYSROOT_DIR": self.root}
        return run("pkg-config", *words, "t3ops", env=env).split()

    def variable(self, name):
        return self.pkg_config("--variable=" + name)[0]

    def source(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        return path

    def plugin_dir(self):
        """The installed plugin folder, wherever pkg-config's sysroot puts it."""
        path = self.variable("plugindir")
        return path if path.startswith(self.root) else self.root + path

    def build(self, name, text):
        source = self.source(name + ".c", text)
        out = os.path.join(self.dir, name + ".so")
        run(compiler("cc", "gcc", "clang"), "-std=c99", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared",
            "-fvisibility=hidden", "-Wl,-z,defs", *self.pkg_config("--cflags"), source, "-o", out)
        os.chmod(out, 0o644)
        return shutil.copy(out, self.plugin_dir())

    def daemon(self, sections, start):
        folder = account.copied(self.plugin_dir()) if start else self.plugin_dir()
        return Daemon({"plugin_dir": folder}, sections, {}, start=start)

    def check(self, daemon):
        return subprocess.run([process.program("core/t3ops"), "-t", "-c", daemon.conf], capture_output=True, text=True,
                              timeout=60, check=False)

    def test_header_alone(self):
        flags = self.pkg_config("--cflags")
        for std in ("c99", "c11"):
            run(compiler("cc", "gcc", "clang"), f"-std={std}", "-pedantic-errors", "-Wall", "-Wextra", "-Werror", *flags,
                self.source("alone.c", HEADER_ALONE), "-o", os.path.join(self.dir, "alone-" + std))
        cxx = compiler("c++", "g++", "clang++")
        if cxx:
            run(cxx, "-std=c++11", "-Wall", "-Wextra", "-Werror", *flags, self.source("alone.cc", HEADER_ALONE), "-o",
                os.path.join(self.dir, "alone-cc"))

    def test_pc_tells_the_abi(self):
        self.assertEqual(self.variable("abi_major"), "1")
        self.assertEqual(self.variable("abi_minor"), "0")

    def test_dropped_in_and_named(self):
        self.build("greeter", PLUGIN)
        done = self.check(self.daemon(section("plugin", "greeter", {"greeting": "hi", "times": 2}), False))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("plugin greeter: version 1.0, process proxy", done.stdout)
        done = self.check(self.daemon("# a comment\n" + section("plugin", "greeter", {"greeting": "hi", "times": 4}), False))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r't3ops\.conf:\d+: plugin greeter: times = "4": expected 1 to 3')
        out = run(process.program("core/t3ops"), "--plugin-dir", self.plugin_dir(), "--explain", "greeter.times")
        self.assertIn("times: integer, default 1, 1 to 3", out)
        self.assertIn("How often to say it.", out)

    def test_it_runs(self):
        self.build("greeter", PLUGIN)
        with self.daemon(section("plugin", "greeter", {}), True) as daemon:
            self.assertIn("proxy", daemon.processes())

    def test_other_major_is_refused(self):
        self.build("stranger", PLUGIN.replace("greeter", "stranger").replace(".name =", ".abi_major = 2, .name =")
                   .replace("#include", '#pragma GCC diagnostic ignored "-Woverride-init"\n#include', 1))
        done = self.check(self.daemon(section("plugin", "stranger", {}), False))
        self.assertEqual(done.returncode, 1)
        self.assertIn("built for plugin ABI 2.0, this t3ops has 1.0: expected major 1; install a newer t3ops", done.stderr)


if __name__ == "__main__":
    if not compiler("cc", "gcc", "clang") or not shutil.which("pkg-config"):
        print("skipped, no compiler or pkg-config")
        sys.exit(77)
    unittest.main()
