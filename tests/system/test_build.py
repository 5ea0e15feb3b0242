#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A build harms nobody: from a fresh tarball, in place and out of tree, it leaves what it found.  Our sources are in
core/, a name that configure scripts like to remove."""
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import unittest

from lab import links, packages, process

MADE_BY_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "DESTDIR")
ENV = {k: v for k, v in os.environ.items() if k not in MADE_BY_MAKE}
MULTIARCH = "x86_64-linux-gnu"  # any name does, but packages want that of the machine
if shutil.which("dpkg-architecture"):
    MULTIARCH = subprocess.run(["dpkg-architecture", "-qDEB_HOST_MULTIARCH"], capture_output=True, text=True, check=True).stdout.strip()
NOW = time.time()
JOBS = f"-j{os.cpu_count()}"


def run(*argv, cwd, **env):
    """What it said; it must succeed.  It lets other tests go first, which have somebody wait for them."""
    done = subprocess.run(["nice", *argv], cwd=cwd, env={**ENV, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=2700, check=False)  # on a busy machine it gets the rest
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)}: {done.returncode}\n{done.stdout[-6000:]}")
    return done.stdout


def listing(top):
    """{file: digest of its bytes}"""
    found = {}
    for where, _, files in os.walk(top):
        for name in files:
            path = os.path.join(where, name)
            with open(path, "rb") as f:
                found[os.path.relpath(path, top)] = hashlib.sha256(f.read()).hexdigest()
    return found


def compiler():
    """That of this build; without optimizing, for the objects are thrown away."""
    with open(f"{process.build_dir()}/Makefile", encoding="utf-8") as f:
        return ["CC=" + re.search(r"(?m)^CC = (.*)$", f.read()).group(1), "CFLAGS=-O0"]


class Tarball(unittest.TestCase):
    maxDiff = None
    tarballs = set()

    @classmethod
    def setUpClass(cls):
        cls.dist = f"{process.folder()}/t3ops"
        run("make", "-s", "distdir", f"distdir={cls.dist}", cwd=process.build_dir())
        run("chmod", "-R", "u+w", cls.dist, cwd="/")
        cls.before = listing(cls.dist)

    def tree(self):
        return shutil.copytree(self.dist, f"{process.folder()}/t3ops", symlinks=True)

    def sources(self, top):
        return {path: digest for path, digest in listing(top).items() if path in self.before}

    def test_in_place(self):
        tree = self.tree()
        root = f"{os.path.dirname(tree)}/root"
        said = run("./configure", "-q", "--disable-dependency-tracking", "--prefix=/usr", f"--libdir=/usr/lib/{MULTIARCH}",
                   "--sysconfdir=/etc", "--localstatedir=/var", "--runstatedir=/run", *compiler(), cwd=tree)
        self.assertEqual(said, "")
        self.assertEqual(self.sources(tree), self.before, "after configure")
        run("make", "-s", JOBS, cwd=tree)
        run("scripts/update-manual", "--check", ".", cwd=tree)  # whatever configure was told
        run("make", "-s", "install", f"DESTDIR={root}", cwd=tree)
        self.installed(root)
        self.packages(tree, root)
        self.same_tarball(tree)
        self.products_are_ignored(tree)
        run("make", "-s", "uninstall", f"DESTDIR={root}", cwd=tree)
        self.assertEqual(listing(root), {}, "after make uninstall")
        run("make", "-s", "clean", cwd=tree)
        self.assertEqual(self.sources(tree), self.before, "after make clean")
        run("make", "-s", "distclean", cwd=tree)
        self.assertEqual(listing(tree), self.before, "after make distclean")

    def same_tarball(self, build):
        """Wherever, whenever and however configured it is made."""
        run("make", "-s", "dist", cwd=build, XZ_OPT="-0", SOURCE_DATE_EPOCH="1795737600")
        (path,) = glob.glob(f"{build}/t3ops-*.tar.xz")
        with open(path, "rb") as f:
            self.tarballs.add(hashlib.sha256(f.read()).hexdigest())
        os.unlink(path)
        self.assertEqual(len(self.tarballs), 1)

    def packages(self, tree, root):
        """Those of Debian hold what make install lays out, and nobody is dropped when they are upgraded: lab/packages.py."""
        if shutil.which("rpmbuild") and glob.glob(f"{root}/usr/lib/*/t3ops/identity_jwt.so"):
            packages.rpm_complete(self, tree, root)
        else:
            print("SKIP: RPM packages: rpmbuild or cjose is not installed", file=sys.stderr)
        why_not = packages.why_not()
        if why_not:
            print(f"SKIP: Debian packages: {why_not}", file=sys.stderr)
            return
        debs = packages.from_installed(tree, root)
        packages.complete(self, debs, root)
        packages.life(self, debs)

    def products_are_ignored(self, tree):
        """git shows nobody what make made in a clone, the programs of make check included."""
        source = process.source_dir()
        if not os.path.exists(f"{source}/.gitignore") or not shutil.which("git"):
            return  # the sources are a tarball, which has no .gitignore
        made = [p for p in listing(tree) if p not in self.before]
        made += run("make", "-s", "--eval=products: ; @echo $(check_PROGRAMS) $(EXTRA_PROGRAMS)", "products", cwd=tree).split()
        self.assertGreater(len(made), 300)
        top = f"{process.folder()}/clone"
        run("git", "init", "-q", top, cwd="/")
        shutil.copy(f"{source}/.gitignore", top)
        done = subprocess.run(["git", "check-ignore", "--stdin"], cwd=top, input="\n".join(made), capture_output=True,
                              text=True, check=False)
        self.assertEqual(sorted(set(made) - set(done.stdout.split("\n"))), [])

    def installed(self, root):
        """What configure was told stands in every file that names a directory."""
        for path, text in (("usr/sbin/t3ops", None), ("usr/bin/t3opsctl", None), (f"usr/lib/{MULTIARCH}/t3ops/auto_pair.so", None),
                           (f"usr/lib/{MULTIARCH}/pkgconfig/t3ops.pc", "prefix=/usr\n"),
                           ("usr/lib/systemd/system/t3ops.service", "/usr/sbin/t3ops -c /etc/t3ops/t3ops.conf"),
                           ("usr/lib/systemd/system/t3-serve@.service", "EnvironmentFile=/etc/t3-serve/%i.env"),
                           ("usr/lib/sysusers.d/t3ops.conf", "/var/lib/t3ops"),
                           ("usr/lib/tmpfiles.d/t3ops.conf", "/run/t3ops"),
                           ("usr/share/t3ops/t3ops.conf", '"/run/t3ops/control.sock"'),
                           ("usr/share/t3ops/sudoers.d/t3ops", "/usr/libexec/t3ops/t3-mint"),
                           ("usr/share/man/man8/t3opsctl.8", "/run/t3ops/control.sock"),
                           ("usr/share/man/man8/t3ops.8", "/usr/share/doc/t3ops/"),
                           ("usr/share/doc/t3ops/README.md", None), ("usr/share/doc/t3ops/NEWS", None),
                           ("usr/share/doc/t3ops/LICENSE", None), ("usr/share/doc/t3ops/docs/runbooks/alerts.md", None),
                           ("usr/share/man/man5/t3ops.conf.5", f'"/usr/lib/{MULTIARCH}/t3ops"')):
            with open(f"{root}/{path}", "rb") as f:
                self.assertIn((text or "").encode(), f.read(), path)
        for top, _, files in os.walk(f"{root}/usr/share"):
            for name in files:
                with open(f"{top}/{name}", "rb") as f:
                    self.assertNotRegex(f.read(), rb"@\w+(dir|prefix)@", name)
        pages = links.pages_in(f"{root}/usr/share/doc/t3ops")
        self.assertGreater(sum(len(links.of(page)) for page in pages), 80)
        self.assertEqual(links.broken(pages), [])
        self.assertEqual([n for n in os.listdir(f"{root}/usr/lib/{MULTIARCH}/t3ops") if not n.endswith(".so")], [])
        said = run(f"{root}/usr/bin/t3opsctl", "--help", cwd="/")
        self.assertIn("/run/t3ops/control.sock", said)

    def test_out_of_tree(self):
        tree = self.tree()
        build, root = f"{os.path.dirname(tree)}/b", f"{os.path.dirname(tree)}/root"
        os.mkdir(build)
        run(f"{tree}/configure", "-q", "--without-systemd", "--disable-examples", "--disable-sandbox", *compiler(),
            cwd=build)
        run("make", "-s", JOBS, "core/t3opsctl", "t3ops.pc", cwd=build)
        for kind in ("SYSTEMDSYSTEMUNITDIR", "SYSUSERSDIR", "TMPFILESDIR", "EXAMPLES"):
            with self.subTest(kind):
                with open(f"{build}/Makefile", encoding="utf-8") as f:
                    self.assertNotRegex(f.read(), rf"(?m)^(WITH_)?{kind}_TRUE = *$")
        self.abi_of(f"{build}/t3ops.pc", tree)
        for path in listing(tree):
            os.utime(f"{tree}/{path}", (NOW, NOW))
        self.same_tarball(build)
        run("make", "-s", "distclean", cwd=build)
        self.assertEqual(listing(build), {})
        self.assertEqual(listing(tree), self.before)
        self.assertFalse(os.path.exists(root))

    def abi_of(self, pc, tree):
        with open(f"{tree}/core/plugin.h", encoding="utf-8") as f:
            numbers = re.findall(r"(?m)^#define T3OPS_ABI_(MAJOR|MINOR) (\d+)", f.read())
        self.assertEqual(len(numbers), 2)
        with open(pc, encoding="utf-8") as f:
            text = f.read()
        for name, number in numbers:
            self.assertIn(f"\nabi_{name.lower()}={number}\n", text)

    def test_autoreconf(self):
        if not shutil.which("autoreconf") or not shutil.which("automake"):
            self.skipTest("autoconf or automake is not installed")
        tree = self.tree()
        run("autoreconf", "-fi", cwd=tree)
        hand_written = re.compile(r"(core|plugins|etc|docs|tests|scripts)/|m4/t3ops_|[^/]+\.(am|ac|in|md)$")
        mine = {p: d for p, d in self.before.items() if hand_written.match(p) and p not in ("Makefile.in", "config.h.in")}
        self.assertGreater(len(mine), 300)
        self.assertEqual({p: d for p, d in listing(tree).items() if p in mine}, mine)


    def test_nothing_is_left_out(self):
        source = process.source_dir()
        if not os.path.exists(f"{source}/.git") or not shutil.which("git"):
            self.skipTest("the sources are no clone")
        tracked = run("git", "-c", f"safe.directory={source}", "ls-files", cwd=source).split()
        self.assertGreater(len(tracked), 300)
        self.assertEqual([p for p in tracked if p not in self.before and os.path.exists(f"{source}/{p}")], [".gitignore"])

    # ---- what configure says

    def configure(self, *argv):
        """Of the tarball: the sources may be configured in place."""
        done = subprocess.run([f"{self.dist}/configure", *compiler(), *argv], cwd=process.folder(), env=ENV,
                              capture_output=True, text=True, timeout=300, check=False)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_no_rm_reaches_core(self):
        """Whatever a macro of whatever autoconf says."""
        with open(f"{self.dist}/configure", encoding="utf-8") as f:
            text = f.read()
        guard = re.search(r"(?m)^rm \(\)\n\{\n.*?^\}\n", text, re.S)
        first_use = re.search(r"(?m)^ac_ext=c$", text[guard.start():])
        self.assertTrue(first_use, "the guard comes before the first test")
        folder = process.folder()
        for name in ("core", "conftest.dir", "with space"):
            os.mkdir(f"{folder}/{name}")
        for words in ("rm -rf core conftest*", "RM='rm -f'; $RM -r core/ 'with space'", "rm -f -r ./core", "rm -fr core"):
            run("sh", "-c", guard.group() + words, cwd=folder)
        self.assertEqual(os.listdir(folder), ["core"])

    def test_everything_missing_in_one_message(self):
        said = self.configure("PKG_CONFIG=/bin/false", "ac_cv_header_ev_h=no", "--with-llhttp-source=/nowhere")
        for package in ("libcurl4-openssl-dev", "libconfuse-dev", "libsqlite3-dev", "libjansson-dev", "libssl-dev", "libev-dev",
                        "libllhttp-dev"):
            self.assertRegex(said, rf"apt-get install.* {package}\b")
        self.assertEqual(said.count("error:"), 1)

    def test_no_such_compiler(self):
        for cc, program in (("nosuchcc", "nosuchcc"), ("nosuchcc -m64", "nosuchcc"), ("/no/such/cc", "/no/such/cc")):
            said = self.configure(f"CC={cc}")
            self.assertRegex(said, rf"error: CC={cc}: there is no program {program}; name a C compiler")
            self.assertEqual(said.count("error:"), 1)

    def test_linux_only(self):
        self.assertRegex(self.configure("--host=x86_64-unknown-freebsd14"), r"Linux only .* freebsd14")


if __name__ == "__main__":
    unittest.main()
