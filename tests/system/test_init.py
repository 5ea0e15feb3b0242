#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""t3opsctl init: what it asks, writes and refuses; and each snippet in the real proxy, with requests through it."""
import json
import os
import re
import subprocess
import unittest

from lab import account, process, wait, ws
from lab.fresh import HOST, Fresh, init, makefile_dir, which
from lab.origin import Origin
from lab.stub import NEW, T3Stub

PROXIES = ("traefik", "caddy", "nginx", "haproxy", "cloudflared")
SIGN_INS = ("authentik", "authelia", "oauth2-proxy", "cloudflare-access", "tailscale")
REFUSED = {("haproxy", "authelia"), ("cloudflared", "authelia"), ("cloudflared", "tailscale")}


def files_in(root):
    return {os.path.join(f, n)[len(root):] for f, _, names in os.walk(root) for n in names}


class Files(unittest.TestCase):
    def setUp(self):
        self.root = process.folder()
        self.etc = makefile_dir("sysconfdir")

    def run_init(self, *words, stdin=""):
        return init(self.root, "--account", account.NAME, *words, stdin=stdin)

    def text(self, name):
        with open(f"{self.root}{self.etc}/{name}", encoding="utf-8") as f:
            return f.read()

    def test_every_pair_passes_the_check_or_is_refused(self):
        for proxy in PROXIES:
            for sign_in in SIGN_INS:
                with self.subTest(proxy=proxy, sign_in=sign_in):
                    f = Fresh(proxy, sign_in) if (proxy, sign_in) not in REFUSED else None
                    if not f:
                        status, _, errors = self.run_init("--yes", "--host", HOST, "--proxy", proxy, "--sign-in", sign_in)
                        self.assertEqual(status, 2)
                        self.assertRegex(errors, r"init: --sign-in \S+: .*(take another proxy|put nginx)")
                        continue
                    try:
                        status, out, errors = f.init("--yes")
                        self.assertEqual((status, errors), (0, ""), out)
                        for name in files_in(f.root):
                            with open(f.root + name, encoding="utf-8") as written:
                                self.assertNotRegex(written.read(), r"(?m)@[A-Z_]+@|^%", name)
                    finally:
                        f.stop()
        self.assertEqual(files_in(self.root), set())

    def test_questions_and_flags_are_the_same(self):
        users = f"alice={account.NAME}:4711"
        status, out, errors = self.run_init(stdin=f"no dots\n{HOST}\nnginx\nauthelia\n\n\nhttps://auth.lab.test\nno\n{users}\n")
        self.assertEqual(status, 0, out + errors)
        self.assertIn("expected a host name", errors)
        self.assertRegex(out, r"Sign-in \(authentik authelia .*\) \[.*\]: ")
        asked = {name: self.text(name[len(self.etc) + 1:]) for name in files_in(self.root)}
        self.root = process.folder()
        status, out, errors = self.run_init("--yes", "--host", HOST, "--proxy=nginx", "--sign-in", "authelia", "--users", users,
                                            "--portal", "https://auth.lab.test", "--cloudflare", "no")
        self.assertEqual((status, errors), (0, ""), out)
        self.assertEqual({name: self.text(name[len(self.etc) + 1:]) for name in files_in(self.root)}, asked)
        self.assertNotIn("probe_cloudflare", self.text("t3ops/t3ops.conf"))
        self.assertIn(f"alice={account.NAME}\n", self.text("t3ops/users"))
        self.assertEqual(self.text(f"t3-serve/{account.NAME}.env"), "T3_PORT=4711\n")

    FLAGS = ("--yes", "--host", HOST, "--proxy", "nginx", "--sign-in", "authentik")

    def test_writes_over_nothing(self):
        users = ("--users", account.NAME)
        self.assertEqual(self.run_init(*self.FLAGS, *users)[0], 0)
        status, out, _ = self.run_init(*self.FLAGS)  # the table is kept, and the same again changes nothing
        self.assertEqual(status, 0)
        self.assertEqual(re.findall(r"(?m)^wrote", out), [])
        with open(f"{self.root}{self.etc}/t3ops/t3ops.conf", "a", encoding="utf-8") as f:
            f.write("# mine\n")
        os.unlink(f"{self.root}{self.etc}/t3ops/snippets/nginx.conf")
        before = files_in(self.root)
        status, _, errors = self.run_init(*self.FLAGS)
        self.assertEqual(status, 1)
        self.assertRegex(errors, r"t3ops\.conf: it is there and has another text; --force")
        self.assertEqual(files_in(self.root), before)
        self.assertIn("# mine", self.text("t3ops/t3ops.conf"))
        self.assertEqual(self.run_init(*self.FLAGS, *users, "--force")[0], 0)
        self.assertNotIn("# mine", self.text("t3ops/t3ops.conf"))

    def test_again_while_it_runs(self):
        """Where t3ops listens already stays, though nobody else could bind it."""
        with Origin() as taken:
            users = ("--users", account.NAME)
            self.assertEqual(self.run_init(*self.FLAGS, *users, "--listen", f"127.0.0.1:{taken.port}")[0], 0)
            self.assertEqual(self.run_init(*self.FLAGS, *users, "--force")[0], 0)
            self.assertIn(f'listen          = "127.0.0.1:{taken.port}"', self.text("t3ops/t3ops.conf"))

    def test_env_files_and_tables_that_are_there_stay(self):
        os.makedirs(f"{self.root}{self.etc}/t3-serve")
        env = f"{self.root}{self.etc}/t3-serve/{account.NAME}.env"
        with open(env, "w", encoding="utf-8") as f:
            f.write("# of the administrator\nT3_PORT=4123\nMORE=1\n")
        status, out, errors = self.run_init(*self.FLAGS)
        self.assertEqual((status, errors), (0, ""), out)
        self.assertIn(f"{account.NAME}={account.NAME}\n", self.text("t3ops/users"))  # found by its env file
        self.assertIn("MORE=1", self.text(f"t3-serve/{account.NAME}.env"))
        os.makedirs(f"{self.root}/etc", exist_ok=True)
        with open(f"{self.root}/etc/ttyd-user-map", "w", encoding="utf-8") as f:
            f.write(f"carol={account.NAME}\n")
        status, out, errors = self.run_init(*self.FLAGS, "--force")
        self.assertEqual(status, 0, errors)
        self.assertIn('users           = "/etc/ttyd-user-map"', self.text("t3ops/t3ops.conf"))

    def test_nothing_is_written_that_t3ops_refuses(self):
        status, _, errors = self.run_init(*self.FLAGS, "--users", account.NAME, "--resolver", "https://resolver.example/")
        self.assertEqual(status, 1)
        self.assertRegex(errors, rf"(?m)^{self.etc}/t3ops/t3ops\.conf:\d+: plugin probe_cloudflare: resolver = ")
        self.assertEqual(files_in(self.root), set())
        status, out, _ = self.run_init(*self.FLAGS, "--users", account.NAME, "--dry-run")
        self.assertEqual((status, files_in(self.root)), (0, set()))
        self.assertIn(f"==> {self.etc}/t3ops/t3ops.conf <==", out)

    def test_wrong_flags(self):
        for words, said in ((("--host", "x y.z"), "expected a host name"), (("--proxy", "apache"), "expected one of traefik caddy"),
                            (("--users", "alice=root"), "root cannot be a user"), (("--listen", "here:1"), "numeric address"),
                            (("--nonsense", "1"), "unexpected argument"), (("--host",), "a value is missing"),
                            (("--users", 'a"b=c'), "without blanks"), (("--t3", "/x\ny"), "no quotes"),
                            (("--sign-in", "tailscale", "--users", "alice"), "by e-mail address")):
            status, _, errors = init(self.root, *self.FLAGS, "--users", account.NAME, *words)
            self.assertEqual(status, 2, words)
            self.assertIn(said, errors)
        status, _, errors = init(self.root, "--yes")
        self.assertEqual(status, 2)
        self.assertIn("--host: needs a value, for none was found here", errors)


YAML = """
import sys, yaml
class Loader(yaml.SafeLoader):
    pass
Loader.add_multi_constructor("!", lambda loader, suffix, node: suffix)  # of Authentik's blueprints
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as f:
        assert isinstance(yaml.load(f, Loader), dict), path
"""


class Shapes(unittest.TestCase):
    """Of the snippets for programs that Debian does not have: they are YAML, at least."""

    def test_yaml(self):
        python = next((p for p in ("python3", "/usr/bin/python3")
                       if subprocess.run([p, "-c", "import yaml"], capture_output=True, check=False).returncode == 0), None)
        if not python:
            self.skipTest("no python has yaml")
        seen = set()
        for proxy in ("traefik", "cloudflared"):
            for sign_in in SIGN_INS:
                if (proxy, sign_in) in REFUSED:
                    continue
                f = Fresh(proxy, sign_in)
                self.addCleanup(f.stop)
                self.assertEqual(f.init("--yes")[0], 0)
                folder = f.path("t3ops/snippets")
                paths = [f"{folder}/{n}" for n in os.listdir(folder) if n.endswith((".yml", ".yaml"))]
                done = subprocess.run([python, "-c", YAML, *paths], capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                seen |= {os.path.basename(p) for p in paths}
        self.assertEqual(seen, {"traefik.yml", "cloudflared.yml", "authentik.yaml", "authelia.yml"})


class FirstVerdict(unittest.TestCase):
    """The tutorial: init, the proxy with its snippet, doctor, something breaks, a verdict."""

    @unittest.skipUnless(which("nginx"), "nginx is not installed")
    def test_tutorial(self):
        with T3Stub(NEW, dead_ms=0) as t3, Fresh("nginx", "authentik", "--cloudflare", "no", t3=t3) as f:
            def legs():
                return {leg["name"]: leg["state"] for leg in json.loads(f.ctl("-j", "legs")[1])}

            wait.until(lambda: set(legs().values()) == {"up"}, 60, "all legs are up")
            self.assertEqual(set(legs()), {"probe_internal", "probe_dispatch", "probe_sso", "probe_t3serve"})
            status, out = f.ctl("doctor", "-c", f.conf, "--daemon", process.program("core/t3ops"), check=False)
            self.assertIn(status, (0, 3), out)
            self.assertNotIn("FAIL", out)
            self.assertRegex("".join(f.get("/", user="alice", page=True).all("set-cookie")), r"t3_session=")  # paired by itself
            t3.process.kill()
            found = wait.until(lambda: json.loads(f.ctl("-j", "verdicts", "--standing")[1]), 60, "a verdict")
            self.assertEqual(found[-1]["verdict"], "serve(alice)")
            self.assertIn("serve(alice)", f.ctl("why", "alice")[1])
            t3.start()


class Snippets(unittest.TestCase):
    """The same story for each proxy and sign-in."""

    def play(self, proxy, sign_in):
        if not which(proxy):
            self.skipTest(f"{proxy} is not installed" + ("" if proxy != "traefik" else "; Debian has no package of it"))
        with Fresh(proxy, sign_in) as f:
            r = f.get("/who")
            if f.stand_in:
                self.assertEqual(r.status, 302, r)
                self.assertRegex(r.header("location"), r"^https://(t3\.lab\.test/(outpost|oauth2)|auth\.lab\.test/)")
                self.assertEqual(f.get("/who", forged="bob").status, 302)
            else:
                self.assertEqual(r.status, 403, r)
                self.assertEqual(f.get("/who", source="127.0.0.9", forged="bob").status, 403)
            self.assertEqual(f.get("/who", user="alice").text(), "alice")
            self.assertEqual(f.get("/who", user="bob").text(), "bob")
            if f.stand_in:
                self.assertEqual(f.get("/who", user="alice", forged="bob").text(), "alice")
            self.assertEqual(f.get("/probe/healthz").status, 200)
            self.assertNotIn("alice", f.get("/probe/../who", forged="alice", source="127.0.0.9").text())
            with f.web_socket("/probe/ws") as leg:
                self.assertEqual(leg.ask("ping"), "ping")
            with f.web_socket("/ws", user="alice") as page:
                self.assertEqual(page.ask("hello"), "alice")
            if f.stand_in:
                with self.assertRaises(ws.Refused):
                    f.web_socket("/ws", forged="alice")
            if proxy == "haproxy" and sign_in != "tailscale":
                self.assertFalse(f.offers_http2_websockets())

    def test_nginx(self):
        for sign_in in SIGN_INS:
            with self.subTest(sign_in):
                self.play("nginx", sign_in)

    def test_caddy(self):
        for sign_in in SIGN_INS:
            with self.subTest(sign_in):
                self.play("caddy", sign_in)

    def test_haproxy(self):
        for sign_in in SIGN_INS:
            if ("haproxy", sign_in) not in REFUSED:
                with self.subTest(sign_in):
                    self.play("haproxy", sign_in)

    def test_traefik(self):
        for sign_in in SIGN_INS:
            if sign_in != "tailscale":
                with self.subTest(sign_in):
                    self.play("traefik", sign_in)

    def test_cloudflared(self):
        program = which("cloudflared")
        if not program:
            self.skipTest("cloudflared is not installed; Debian has no package of it")
        for sign_in in ("authentik", "oauth2-proxy", "cloudflare-access"):
            f = Fresh("cloudflared", sign_in)
            try:
                self.assertEqual(f.init("--yes")[0], 0)
                done = subprocess.run([program, "tunnel", "--config", f.snippet("cloudflared.yml"), "ingress", "validate"],
                                      capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            finally:
                f.stop()


if __name__ == "__main__":
    unittest.main()
