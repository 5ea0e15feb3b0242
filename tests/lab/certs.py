# SPDX-License-Identifier: MIT
"""A certificate authority of the lab's own, made with openssl on the spot."""
import os
import ssl
import subprocess


class Authority:
    def __init__(self, where):
        self.where = where
        self.ca = os.path.join(where, "ca.pem")
        self._key = os.path.join(where, "ca.key")
        self._openssl("req", "-x509", *self._new_key(self._key), "-subj", "/CN=t3ops lab", "-days", "2", "-out", self.ca,
                      "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")

    @staticmethod
    def _new_key(path):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path

    def _openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.where)

    def issue(self, name, *alternatives, days=2):
        """A certificate for these names: paths of (certificate, key, both in one file).  It expired if days is negative."""
        cert, key, both = (os.path.join(self.where, f"{name}.{end}") for end in ("pem", "key", "both.pem"))
        request = os.path.join(self.where, name + ".csr")
        extensions = os.path.join(self.where, name + ".ext")
        with open(extensions, "w", encoding="ascii") as f:
            f.write("subjectAltName=" + ",".join(alternatives) + "\nbasicConstraints=CA:FALSE\n")
        self._openssl("req", "-new", *self._new_key(key), "-subj", "/CN=" + name, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._key, "-CAcreateserial", "-days", str(days),
                      "-extfile", extensions, "-out", cert)
        with open(both, "w", encoding="ascii") as out:
            for part in (cert, key):
                with open(part, encoding="ascii") as f:
                    out.write(f.read())
        return cert, key, both

    def client(self):
        """A TLS context that trusts this authority alone."""
        return ssl.create_default_context(cafile=self.ca)
