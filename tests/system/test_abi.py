#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plugins of every frozen ABI load and work: one built from the frozen header, and the binary that was built when it
was frozen.  The contract itself only grows."""
import base64
import glob
import os
import platform
import re
import shutil
import unittest

from lab import http, process
from lab.daemon import Daemon, plugin_dir, section
from lab.origin import Origin

ABI = os.path.join(process.source_dir(), "tests/abi")
HEADER = os.path.join(process.source_dir(), "core/plugin.h")
SECTION = section("plugin", "old", {"module": "frozen_1_0", "word": "hi there", "number": 8})


def tokens(path):
    """The header without comments and layout."""
    with open(path, encoding="ascii") as f:
        text = re.sub(r"/\*.*?\*/", " ", f.read(), flags=re.S)
    return re.findall(r"\w+|[^\w\s]", text)


def version(path):
    with open(path, encoding="ascii") as f:
        return tuple(int(n) for n in re.findall(r"^#define T3OPS_ABI_M(?:AJ|IN)OR (\d+)", f.read(), re.M))


def structs(path):
    """{name: [members]}"""
    text = " ".join(tokens(path))
    return {m.group(1): [s.strip() for s in m.group(2).split(";") if s.strip()]
            for m in re.finditer(r"\bstruct (\w+) \{ (.*?) \}", text)}


class Header(unittest.TestCase):
    def test_this_version_is_as_frozen(self):
        major, minor = version(HEADER)
        frozen = os.path.join(ABI, f"plugin-{major}.{minor}.h")
        if not os.path.exists(frozen):
            self.skipTest(f"ABI {major}.{minor} is not frozen yet")
        self.assertEqual(tokens(HEADER), tokens(frozen), "core/plugin.h has changed: before the release of this ABI run "
                         "`make freeze-abi`, after it raise T3OPS_ABI_MINOR or T3OPS_ABI_MAJOR")

    def test_structs_only_grow(self):
        now = structs(HEADER)
        for path in glob.glob(ABI + "/plugin-*.h"):
            if version(path)[0] != version(HEADER)[0]:
                continue
            for name, members in structs(path).items():
                with self.subTest(header=os.path.basename(path), struct=name):
                    self.assertEqual(now[name][:len(members)], members)


class Plugins(unittest.TestCase):
    def folder(self):
        return shutil.copytree(plugin_dir(), os.path.join(process.folder(), "plugins"))

    def works(self, folder):
        with Origin() as origin, Daemon({"plugin_dir": folder}, SECTION, users={"alice": origin.port}) as d:
            alice = {"X-authentik-username": "alice", "X-Frozen": "ice"}
            r = http.get(d.proxy, "/frozen", alice)
            self.assertEqual((r.status, r.header("x-frozen")), (200, "1.0"))
            self.assertEqual(r.text(), "name=old word=hi there list=2:b number=8 yes=1 pause=10000000 header=ice user=alice "
                             f"port={origin.port} found=1 address=127.0.0.1 error=-111 step=2 reason=4 service=1 ready=1 frozen=1\n")
            page = http.get(d.proxy, "/frozen/page", {**alice, "Accept": "text/html"})
            self.assertEqual(page.status, 418)
            self.assertIn('<a href="/frozen">the other one</a>', page.text())
            self.assertEqual(http.get(d.proxy, "/other", alice).json()["target"], "/other")
            metrics = d.metrics()
            self.assertEqual(metrics['t3ops_frozen_requests_total{plugin="old",method="GET"}'], 3)
            self.assertEqual(metrics['t3ops_frozen_seconds_count{plugin="old"}'], 1)
            self.assertEqual(metrics['t3ops_frozen_ticks{plugin="old"}'], 3)
            d.wait_log(r"event=frozen_started .*plugin=old .*message=\"a plugin of ABI 1\.0\"")

    def test_built_from_the_frozen_header(self):
        folder = self.folder()
        shutil.copy(process.program("tests/abi/frozen_1_0.so"), folder)
        self.works(folder)

    @unittest.skipUnless(platform.machine() == "x86_64", "the binary is for x86_64")
    def test_built_when_it_was_frozen(self):
        folder = self.folder()
        path = os.path.join(folder, "frozen_1_0.so")
        with open(ABI + "/plugin-1.0-x86_64.so.b64", encoding="ascii") as f, open(path, "wb") as out:
            out.write(base64.b64decode(f.read()))
        os.chmod(path, 0o644)
        self.works(folder)


if __name__ == "__main__":
    unittest.main()
