# SPDX-License-Identifier: MIT
"""Debian packages in a machine of their own: installed, upgraded under whoever is connected, removed, purged."""
import glob
import os
import re
import shutil
import subprocess

from lab import links, machine, process, wait, ws
from lab.daemon import LOCAL, quote
from lab.origin import Origin
from lab.talk import RawEcho

ALICE = [("X-authentik-username", "alice")]
PAGES = 100
LISTENING = r'event=listening\b.*\blistener=proxy\b.*\baddress="?([0-9.]+):(\d+)\b'
STATE, CONF, BACKUPS = "/var/lib/t3ops", "/etc/t3ops", "/var/backups/t3-state"


def why_not():
    """Why they cannot be made or installed here; None: they can."""
    for name in ("dh_installsysusers", "dpkg-deb"):
        if not shutil.which(name):
            return f"{name} is not installed"
    return machine.why_not()


def say(*argv, cwd="/", env=None):
    done = subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=900, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)}: {done.returncode}\n{done.stdout[-6000:]}")
    return done.stdout


def from_installed(source, root):
    """Of what `make install` laid out in root; {name: path}."""
    work = process.folder()
    tree, laid_out = f"{work}/t3ops", f"{work}/root"
    shutil.copytree(f"{source}/etc/debian", f"{tree}/debian")
    shutil.copytree(root, laid_out, symlinks=True)
    if not glob.glob(f"{root}/usr/lib/*/t3ops/identity_jwt.so"):  # configure found no cjose
        os.unlink(f"{tree}/debian/t3ops-plugin-identity-jwt.install")
    units = say("pkg-config", "--variable=systemdsystemunitdir", "systemd").strip()
    if units.startswith("/lib/"):  # where debhelper of that day looks for them
        shutil.copytree(f"{laid_out}/usr/lib/systemd", f"{laid_out}/lib/systemd")
        shutil.rmtree(f"{laid_out}/usr/lib/systemd")
    with open(f"{tree}/debian/changelog", "w", encoding="utf-8") as f:
        f.write("t3ops (0.1.0-1) unstable; urgency=medium\n\n  * Test.\n\n -- T <t@t3ops.invalid>  Fri, 27 Nov 2026 00:00:00 +0000\n")
    say("debian/rules", "binary", cwd=tree,
        env={**os.environ, "T3OPS_INSTALLED": laid_out, "DEB_BUILD_OPTIONS": "nocheck noautodbgsym nostrip", "MAKEFLAGS": ""})
    return of_folder(work)


def of_folder(folder):
    return {os.path.basename(path).partition("_")[0]: path for path in glob.glob(f"{folder}/*.deb")}


def contents(deb):
    """Its files, as absolute paths."""
    rows = [line.split(None, 5) for line in say("dpkg-deb", "--contents", deb).splitlines()]
    return {row[5].partition(" -> ")[0].removeprefix(".") for row in rows if not row[0].startswith("d")}


def again(deb, version, change=None):
    """The same package as another version; change is called with where its files are."""
    work = process.folder()
    say("dpkg-deb", "--raw-extract", deb, f"{work}/tree")
    path = f"{work}/tree/DEBIAN/control"
    with open(path, encoding="utf-8") as f:
        text = f.read()
    old = re.search(r"(?m)^Version: (.*)$", text).group(1)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(f"Version: {old}\n", f"Version: {version}\n").replace(f"(= {old})", f"(= {version})"))
    if change:
        change(f"{work}/tree")
    name = os.path.basename(deb).replace(old, version)
    say("dpkg-deb", "--build", "--root-owner-group", "-Znone", f"{work}/tree", f"{work}/{name}")
    return f"{work}/{name}"


def complete(test, debs, root):
    """Each file of `make install` is in one of them, and only in one; beside it are what Debian asks for and the packages' own."""
    held = [re.sub(r"(/man/.*)\.gz$", r"\1", path) for deb in debs.values() for path in contents(deb)]
    held = sorted(re.sub("^/lib/", "/usr/lib/", path) for path in held)
    expected = {f"/{path}" for path in laid_out_files(root)} - {"/usr/share/doc/t3ops/LICENSE"}
    own = {path for path in held if re.search("/(changelog.Debian.gz|copyright)$|^/usr/share/lintian/", path)}
    test.assertEqual(held, sorted(expected | own))
    unpacked = process.folder()
    for deb in debs.values():
        say("dpkg-deb", "--extract", deb, unpacked)
    test.assertEqual(links.broken(links.pages_in(f"{unpacked}/usr/share/doc/t3ops")), [])


def rpm_complete(test, source, root):
    """The RPM spec lays out the same: each file of `make install` is in one package of it."""
    top = process.folder()
    libdir = os.path.dirname(glob.glob(f"{root}/usr/lib/*/t3ops")[0]).removeprefix(root)
    defines = {"_topdir": top, "installed": root, "_libdir": libdir, "_libexecdir": "/usr/libexec", "__os_install_post": "%{nil}",
               "debug_package": "%{nil}", "_build_id_links": "none"}
    say("rpmbuild", "-bb", "--quiet", "--nodeps", *(word for k, v in defines.items() for word in ("--define", f"{k} {v}")),
        f"{source}/etc/rpm/t3ops.spec")
    made = glob.glob(f"{top}/RPMS/*/*.rpm")
    held = [line.split()[-1] for path in made for line in say("rpm", "--query", "--list", "--verbose", "--package", path).splitlines()
            if not line.startswith("d")]
    test.assertEqual(sorted(held), sorted(f"/{path}" for path in laid_out_files(root)))


def laid_out_files(root):
    return [os.path.relpath(os.path.join(where, name), root) for where, _, names in os.walk(root) for name in names]


class Installed(machine.Machine):
    """The machine with t3ops on it."""

    def install(self, *debs):
        """What dpkg said."""
        inside = []
        for deb in debs:
            shutil.copy(deb, f"{self.root}/tmp/")
            inside.append(f"/tmp/{os.path.basename(deb)}")
        return self.run("dpkg", "--force-depends", "--install", *inside).stdout

    def configure(self, port, plugins, sections=""):
        options = {"listen": ["127.0.0.1:0"], "status_listen": "127.0.0.1:0", "users": f"{CONF}/users", "trusted_proxies": ["127.0.0.0/8"],
                   "identity_header": "X-authentik-username", "trusted_local_users": ["root"], "trusted_upstreams": LOCAL,
                   "user": "t3ops", "state_dir": STATE, "control": "/run/t3ops/control.sock", "log_level": "info",
                   "plugin_dir": os.path.dirname(next(p for p in plugins if p.endswith("/probe_echo.so")))}
        self.write(f"{CONF}/t3ops.conf", "".join(f"{k} = {quote(v)}\n" for k, v in options.items()) +
                   'plugin "probe_echo" {}\n' + sections)
        self.write(f"{CONF}/users", f'{{"alice": {{"os_user": "nobody", "port": {port}}}}}\n')

    def proxy(self):
        found = re.search(LISTENING, self.log("t3ops"))
        return found.group(1), int(found.group(2))

    def main_pid(self):
        return int(self.show("t3ops", "MainPID"))


class Pages:
    """Open WebSockets of a user."""

    def __init__(self, proxy):
        self.all = [ws.WebSocket(proxy, "/ws", ALICE) for _ in range(PAGES)]
        self.rounds = 0

    def talk(self):
        self.rounds += 1
        for n, page in enumerate(self.all):
            page.send_frame(ws.TEXT, f"{self.rounds}:{n}", mask=False)
        for n, page in enumerate(self.all):
            if page.text() != f"{self.rounds}:{n}":
                raise AssertionError(f"page {n} lost something")

    def closed(self):
        return [page.wait_close() for page in self.all]


def life(test, debs):
    """debs: {name: path} of t3ops and its plugins."""
    origin = Origin({"/ws": RawEcho()})
    test.addCleanup(origin.stop)
    files = {name: contents(path) for name, path in debs.items()}
    both = ("t3ops", "t3ops-plugin-backup")
    with Installed() as m:
        m.install(*(debs[name] for name in debs))
        _is_new(test, m)
        m.configure(origin.port, files["t3ops"])
        _without_root(test, m)
        m.configure(origin.port, files["t3ops"], f'plugin "backup" {{ to = "{BACKUPS}" }}\n')
        m.run("systemctl", "enable", "--now", "t3ops")
        pages = Pages(m.proxy())
        pages.talk()
        _upgraded(test, m, pages, [again(debs[name], "0.1.0-2") for name in both])
        _plugin_changed(test, m, pages, again(debs["t3ops-plugin-backup"], "0.1.0-3"))
        _bad_upgrade(test, m, pages, again(debs["t3ops"], "0.1.0-4", _break))
        test.assertNotRegex(m.log("t3ops"), "event=tunnel_(dropped|closed)")
        _removed(test, m, pages, files)
        _purged(test, m)


def _is_new(test, m):
    """Nothing runs before there is a configuration."""
    test.assertEqual(m.run("systemctl", "is-enabled", "t3ops", check=False).stdout.strip(), "disabled")
    test.assertEqual(m.run("systemctl", "is-active", "t3ops", check=False).stdout.strip(), "inactive")
    m.run("getent", "passwd", "t3ops-proxy")
    test.assertEqual(m.run("stat", "--format=%A %U", STATE, BACKUPS).stdout.split(), ["drwxrwx--T", "t3ops", "drwx--x--x", "root"])
    test.assertEqual(os.listdir(m.root + CONF), [])
    test.assertIn("init", m.run("t3opsctl", "--help").stdout)


def _without_root(test, m):
    """As etc/container/Containerfile has it: an account of its own, nothing more, and a root file system that is read only."""
    own = "mode=0755,uid=$(id -u t3ops),gid=$(id -g t3ops)"
    contained = process.Process(m.argv(
        "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
        f"mount -t tmpfs -o {own} tmpfs {STATE} && mkdir -p /run/t3ops && mount -t tmpfs -o {own} tmpfs /run/t3ops && "
        "mount -o remount,ro,bind / && exec setpriv --reuid=t3ops --regid=t3ops --clear-groups --no-new-privs --bounding-set=-all "
        f"--inh-caps=-all /usr/sbin/t3ops -c {CONF}/t3ops.conf"), "container")
    with contained:
        contained.wait_log(r"\bevent=ready\b")
        found = re.search(LISTENING, contained.log())
        page = ws.WebSocket((found.group(1), int(found.group(2))), "/ws", ALICE)
        page.send_frame(ws.TEXT, "hello", mask=False)
        test.assertEqual(page.text(), "hello")
        page.drop()


def _upgraded(test, m, pages, debs):
    old = m.main_pid()
    binary = os.stat(f"{m.root}/usr/sbin/t3ops").st_ino
    said = m.install(*debs)
    test.assertNotIn("goes on as it was", said)
    test.assertNotIn(m.main_pid(), (0, old))
    test.assertNotEqual(os.stat(f"{m.root}/usr/sbin/t3ops").st_ino, binary)
    wait.until(lambda: "event=upgraded" in m.log("t3ops"), what="the new binary to have everything")
    test.assertNotIn("(deleted)", m.run("readlink", f"/proc/{m.main_pid()}/exe").stdout)
    pages.talk()
    test.assertEqual(m.run("systemctl", "is-enabled", "t3ops").stdout.strip(), "enabled")


def _plugin_changed(test, m, pages, deb):
    """A package with nothing but a plugin in it: t3ops looks by itself."""
    m.install(deb)
    wait.until(lambda: "event=reloaded" in m.log("t3ops"), what="t3ops to look at the new plugin")
    pages.talk()


def _break(tree):
    with open(f"{tree}/usr/sbin/t3ops", "w", encoding="ascii") as f:
        f.write("#!/bin/sh\nexit 3\n")


def _bad_upgrade(test, m, pages, deb):
    """A binary that does not start drops nobody, and dpkg's output says why."""
    old = m.main_pid()
    said = m.install(deb)
    test.assertRegex(said, r"t3ops goes on as it was: .*it exited with 3")
    test.assertEqual(m.main_pid(), old)
    test.assertRegex(m.show("t3ops", "StatusText"), "^serving; refused at .*it exited with 3")
    pages.talk()


def _removed(test, m, pages, files):
    m.write(f"{STATE}/evidence", "")
    m.run("dpkg", "--remove", *files)
    test.assertEqual(set(pages.closed()), {1001})
    test.assertEqual([p for names in files.values() for p in names if m.exists(p)], [])
    for path in (f"{CONF}/t3ops.conf", STATE, BACKUPS):
        test.assertTrue(m.exists(path), path)


def _purged(test, m):
    """What is left is named: the configuration and the state; the empty directory of backups is gone."""
    said = m.run("dpkg", "--purge", "t3ops").stdout
    test.assertRegex(said, rf"t3ops: left behind.*: {CONF} {STATE}\n")
    test.assertTrue(m.exists(f"{CONF}/t3ops.conf") and m.exists(f"{STATE}/evidence"))
    test.assertFalse(m.exists(BACKUPS))
    test.assertEqual(m.run("dpkg-query", "--show", "--showformat=${Status}", "t3ops", check=False).returncode, 1)
