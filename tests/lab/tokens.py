# SPDX-License-Identifier: MIT
"""A sign-in that signs: an issuer of tokens and its key set, made by python3-jwcrypto, which shares no code with what
t3ops verifies them with; and forgeries, made by hand."""
import base64
import hashlib
import hmac
import json
import sys
import threading
import time

from lab.origin import Origin, answer

sys.path.append("/usr/lib/python3/dist-packages")  # Debian's, for a python3 that is not
try:
    from jwcrypto import jwk, jwt
except ImportError:
    jwk = jwt = None

ISSUER, AUDIENCE = "https://issuer.example.com", "t3-app"
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def key_for(algorithm, kid, size=2048):
    """A key pair, or a secret, that this algorithm can be used with."""
    if algorithm.startswith("HS"):
        return jwk.JWK.generate(kty="oct", size=512, kid=kid)
    if algorithm.startswith("ES"):
        return jwk.JWK.generate(kty="EC", crv=CURVES[algorithm], kid=kid)
    return jwk.JWK.generate(kty="RSA", size=size, kid=kid)


def key_set(*keys, **members):
    """The public halves, as an issuer publishes them; members: of each, beside its own."""
    return json.dumps({"keys": [{**k.export_public(as_dict=True), "use": "sig", **members} for k in keys]}).encode()


def claims(user="alice", **members):
    """Valid ones for five minutes; a member that is None is left out."""
    now = int(time.time())
    all_ = {"iss": ISSUER, "aud": AUDIENCE, "sub": "4711", "iat": now, "nbf": now, "exp": now + 300, "email": user, **members}
    return {k: v for k, v in all_.items() if v is not None}


def sign(key, algorithm, body, **header):
    head = {"alg": algorithm, "typ": "JWT", "kid": key.get("kid"), **header}
    token = jwt.JWT(header={k: v for k, v in head.items() if v is not None}, claims=body, algs=[algorithm])
    token.make_signed_token(key)
    return token.serialize()


def encode(data):
    data = data if isinstance(data, bytes) else (data if isinstance(data, str) else json.dumps(data)).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unsigned(body, signature="", **header):
    """alg none, and whatever else nobody would sign."""
    return f"{encode({'alg': 'none', **header})}.{encode(body)}.{signature}"


def by_secret(secret, body, **header):
    """HS256 with any bytes for a secret: a public key, for instance."""
    text = f"{encode({'alg': 'HS256', **header})}.{encode(body)}"
    return f"{text}.{encode(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


class Issuer:
    """Publishes `published` at /jwks; with `speak` somebody else answers: speak(connection)."""

    def __init__(self, published=b"{}", headers=()):
        self.published, self.headers = published, list(headers)
        self.speak = None
        self.gate = threading.Event()
        self.gate.set()
        self.origin = Origin({"/jwks": self._answer})

    def _answer(self, c, _request):
        self.gate.wait(60)
        if self.speak:
            return self.speak(c)
        c.send(answer(self.published, headers=self.headers))
        return True

    @property
    def url(self):
        return f"http://127.0.0.1:{self.origin.port}/jwks"

    @property
    def asked(self):
        return len(self.origin.requests("/jwks"))

    def stop(self):
        self.gate.set()
        self.origin.stop()
