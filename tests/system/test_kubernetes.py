#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The manifests for Kubernetes: each is what the schema of its kind allows, has no field that it does not know, and says what
t3ops needs."""
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

from lab import account, process
from lab.daemon import plugin_dir
from lab.s3 import folder as npm_dir

FILES = ("prober.yaml", "traefik.yaml")
NEEDED = ("kubernetes-models", "@kubernetes-models/traefik", "typescript", "yaml")


def missing():
    if not shutil.which("node"):
        return ["node"]
    return [name for name in NEEDED if not os.path.isdir(os.path.join(npm_dir(), "node_modules", name))]


class Kubernetes(unittest.TestCase):
    def check(self, *texts):
        """The objects of each text by kind and name, and what was said if they are not valid."""
        folder = process.folder()
        os.symlink(os.path.join(npm_dir(), "node_modules"), os.path.join(folder, "node_modules"))
        paths = []
        for i, text in enumerate(texts):
            paths.append(os.path.join(folder, f"{i}.yaml"))
            with open(paths[-1], "w", encoding="utf-8") as f:
                f.write(text)
        done = subprocess.run(["node", os.path.join(process.source_dir(), "tests/lab/manifests.cjs"), folder, *paths],
                              capture_output=True, text=True, timeout=300, check=False)
        found = json.loads(done.stdout) if done.returncode == 0 else []
        return [{(o["kind"], o["metadata"]["name"]): o for o in objects} for objects in found], done.stderr

    def texts(self):
        found = []
        for name in FILES:
            with open(os.path.join(process.source_dir(), "etc/kubernetes", name), encoding="utf-8") as f:
                found.append(f.read())
        return found

    def test_they_are_valid(self):
        (prober, traefik), said = self.check(*self.texts())
        self.assertEqual(said, "")
        self.prober(prober)
        self.traefik(traefik)

    def prober(self, objects):
        """Its configuration is correct, and all that it names is mounted."""
        pod = objects["Deployment", "t3ops-prober"]["spec"]["template"]
        (container,) = pod["spec"]["containers"]
        mounts = {m["mountPath"]: m["name"] for m in container["volumeMounts"]}
        self.assertEqual(set(mounts.values()), {v["name"] for v in pod["spec"]["volumes"]})
        self.assertEqual(container["args"], ["-c", "/etc/t3ops/t3ops.conf"])
        text = objects["ConfigMap", "t3ops-prober"]["data"]["t3ops.conf"]
        for path in re.findall(r'(?m)^\w+ += "(/\S+)"', text):
            self.assertTrue(any(path.startswith(mount) for mount in mounts), path)
        for kind, name in (("Service", "t3ops-prober"), ("NetworkPolicy", "t3ops-prober")):
            spec = objects[kind, name]["spec"]
            labels = spec["selector"] if kind == "Service" else spec["podSelector"]["matchLabels"]
            self.assertEqual(labels, pod["metadata"]["labels"])
        self.conf(text)

    def conf(self, text):
        folder = process.folder()
        with open(os.path.join(folder, "probe-key"), "w", encoding="ascii") as f:
            f.write("sixteen-bytes-or-more\n")
        os.chmod(f.name, 0o640)
        text = re.sub('(?m)^user .*', f'user = "{account.NAME}"', text.replace("/etc/t3ops-secret/", f"{folder}/"))
        for where in ("/run/t3ops", "/var/lib/t3ops"):
            text = text.replace(f'"{where}', f'"{folder}')
        path = os.path.join(folder, "t3ops.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f'{text}\nplugin_dir = "{plugin_dir()}"\n')
        done = subprocess.run([process.program("core/t3ops"), "-t", "-c", path], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("process prober", done.stdout)
        self.assertNotIn("process proxy", done.stdout)

    def traefik(self, objects):
        """Everything is signed in but /probe/, where no identity passes and no rule of a lower priority comes first."""
        probe, outpost, rest = objects["IngressRoute", "t3"]["spec"]["routes"]
        self.assertIn("PathPrefix(`/probe/`)", probe["match"])
        self.assertGreater(probe["priority"], rest["priority"])
        self.assertGreater(outpost["priority"], rest["priority"])
        self.assertEqual([m["name"] for m in probe["middlewares"]], ["t3-no-identity"])
        self.assertEqual([m["name"] for m in rest["middlewares"]], ["t3-sign-in"])
        header = "X-authentik-username"
        self.assertEqual(objects["Middleware", "t3-no-identity"]["spec"]["headers"]["customRequestHeaders"], {header: ""})
        self.assertEqual(objects["Middleware", "t3-sign-in"]["spec"]["forwardAuth"]["authResponseHeaders"], [header, "X-authentik-jwt"])
        self.assertEqual(objects["EndpointSlice", "t3ops-1"]["metadata"]["labels"]["kubernetes.io/service-name"], "t3ops")
        ports = {s["port"] for route in (probe, rest) for s in route["services"]}
        self.assertEqual(ports, {p["port"] for p in objects["Service", "t3ops"]["spec"]["ports"]})

    def test_what_is_wrong_is_found(self):
        prober, traefik = self.texts()
        for text, wrong in ((prober.replace("replicas: 1 ", 'replicas: "1" '), "must be integer"),
                            (prober.replace("image:", "imagee:"), "imagee"),
                            (traefik.replace("kind: Rule", "kind: Rulee", 1), "one of the allowed values"),
                            (traefik.replace("authResponseHeaders:", "authHeaders:"), "authHeaders"),
                            (traefik.replace("kind: IngressRoute", "kind: IngressRout"), "there is no IngressRout")):
            found, said = self.check(text)
            self.assertEqual(found, [], wrong)
            self.assertIn(wrong, said)


if __name__ == "__main__":
    if missing():
        print("skipped, not installed:", *missing(), "(scripts/install-packages test)")
        sys.exit(77)
    unittest.main()
