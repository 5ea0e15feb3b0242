# SPDX-License-Identifier: MIT
"""A certificate authority of the lab's own, made with openssl on the spot."""
import os
import ssl
import subprocess
import time

# `openssl ca` alone takes a date of the past: x509 -days of newer versions is never negative.
_CA = """\
[ca]
default_ca = lab
[lab]
database = {where}/issued.txt
rand_serial = yes
new_certs_dir = {where}
default_md = sha256
unique_subject = no
policy = names
[names]
commonName = supplied
"""


def _date(days):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))


class Authority:
    def __init__(self, where):
        self.where = where
        self.ca = os.path.join(where, "ca.pem")
        self._key = os.path.join(where, "ca.key")
        self._openssl("req", "-x509", *self._new_key(self._key), "-subj", "/CN=t3ops lab", "-days", "2", "-out", self.ca,
                      "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
        self._write("issued.txt", "")
        self._conf = self._write("ca.conf", _CA.format(where=where))

    def _write(self, name, text):
        path = os.path.join(self.where, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        return path

    @staticmethod
    def _new_key(path):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path

    def _openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.where)

    def issue(self, name, *alternatives, days=2):
        """A certificate for these names: paths of (certificate, key, both in one file).  It expired if days is negative."""
        cert, key, both = (os.path.join(self.where, f"{name}.{end}") for end in ("pem", "key", "both.pem"))
        request = os.path.join(self.where, name + ".csr")
        extensions = self._write(name + ".ext", "subjectAltName=" + ",".join(alternatives) + "\nbasicConstraints=CA:FALSE\n")
        self._openssl("req", "-new", *self._new_key(key), "-subj", "/CN=" + name, "-out", request)
        self._openssl("ca", "-batch", "-notext", "-config", self._conf, "-in", request, "-cert", self.ca, "-keyfile", self._key,
                      "-startdate", _date(min(days, 0) - 1), "-enddate", _date(days), "-extfile", extensions, "-out", cert)
        with open(both, "w", encoding="ascii") as out:
            for part in (cert, key):
                with open(part, encoding="ascii") as f:
                    out.write(f.read())
        return cert, key, both

    def client(self):
        """A TLS context that trusts this authority alone."""
        return ssl.create_default_context(cafile=self.ca)
