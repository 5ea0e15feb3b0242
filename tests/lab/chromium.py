# SPDX-License-Identifier: MIT
"""A real browser: Debian's Chromium, headless, driven over the DevTools protocol.

    with Chromium(path) as browser:
        alice = browser.profile("alice")
        tab = alice.open()
        tab.wait("t3.state == 'connected'")
"""
import base64
import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import threading

from lab import confidential, page, process, wait, ws

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
         # Those do not know that the page's time runs faster.
         "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
         "--disable-dev-shm-usage", "--no-default-browser-check", "--password-store=basic", "--mute-audio",
         "--disable-features=Translate,OptimizationHints,MediaRouter", "--remote-debugging-port=0"]


def program():
    return next((shutil.which(n) for n in NAMES if shutil.which(n)), None)


def page_file(version, factor):
    """lab/page.html as the page of that version; its path."""
    client = page.CLIENTS[version]
    config = {"factor": factor, "patience": client.patience, "upgradePatience": client.upgrade_patience,
              "numberIds": client.number_ids, "reportsActivity": client.reports_activity,
              "waitsForOnline": client.waits_for_online}
    with open(os.path.join(os.path.dirname(__file__), "page.html"), encoding="utf-8") as f:
        text = f.read().replace("CONFIG;", json.dumps(config) + ";")
    path = os.path.join(process.folder(), "page.html")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def _key_hash(certificate):
    """Of the public key, as --ignore-certificate-errors-spki-list wants it."""
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-pubkey", "-noout"], check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=key, check=True, capture_output=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


class ProtocolError(AssertionError):
    """DevTools refused a command."""


class DevTools:
    """Commands and events over one WebSocket; a thread reads."""

    def __init__(self, port, target):
        self.ws = ws.WebSocket(("127.0.0.1", port), target, {"Origin": None}, host=f"127.0.0.1:{port}", timeout=None)
        self.last = 0
        self.answers = {}
        self.listeners = {}  # session: function(method, params)
        self.changed = threading.Condition()
        self.over = False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            while not self.over:
                if not self.ws.readable(1):
                    continue
                message = json.loads(self.ws.text(limit=600))
                if "id" in message:
                    with self.changed:
                        self.answers[message["id"]] = message
                        self.changed.notify_all()
                elif message.get("sessionId") in self.listeners:
                    self.listeners[message["sessionId"]](message["method"], message.get("params", {}))
        except (OSError, EOFError, ValueError, ws.Closed):
            pass
        with self.changed:
            self.over = True
            self.changed.notify_all()

    def call(self, method, session=None, limit=60, **params):
        with self.changed:
            self.last += 1
            number = self.last
            message = {"id": number, "method": method, "params": params}
            if session:
                message["sessionId"] = session
            self.ws.send(json.dumps(message))
            self.changed.wait_for(lambda: number in self.answers or self.over, limit * wait.SLOW)
            if number not in self.answers:
                raise ProtocolError(f"{method}: no answer")
            answer = self.answers.pop(number)
        if "error" in answer:
            raise ProtocolError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def close(self):
        self.over = True
        self.ws.conn.close()


@dataclasses.dataclass
class Document:
    """An answer that a tab showed as its page."""
    url: str
    status: int


class Tab:
    def __init__(self, profile, target):
        self.profile = profile
        self.devtools = profile.browser.devtools
        self.target = target
        self.documents = []
        self.session = self.devtools.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.devtools.listeners[self.session] = self._event
        for domain in ("Page", "Network", "Runtime"):
            self.call(domain + ".enable")

    def call(self, method, **params):
        return self.devtools.call(method, self.session, **params)

    def _event(self, method, params):
        if method == "Network.responseReceived" and params["type"] == "Document":
            self.documents.append(Document(params["response"]["url"], params["response"]["status"]))
        elif method in ("Network.requestWillBeSentExtraInfo", "Network.responseReceivedExtraInfo"):
            confidential.message(list(params.get("headers", {}).items()))

    @property
    def error_pages(self):
        return [d for d in self.documents if d.status >= 400]

    def js(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise ProtocolError(f"{expression}: {answer['exceptionDetails']['text']}")
        return answer["result"].get("value")

    def holds(self, expression):
        """False also while there is no page to ask."""
        try:
            return self.js(f"typeof t3 == 'object' && ({expression})")
        except ProtocolError:
            return False

    def wait(self, expression, limit=30):
        try:
            wait.until(lambda: self.holds(expression), limit, f"{expression} in {self.profile.name}'s tab")
        except wait.TooLate as e:
            raise wait.TooLate(f"{e} ({self.documents[-3:]}, {self.text()!r})") from None

    def wait_connected(self, limit=30):
        self.wait("t3.state == 'connected' && t3.pongs > 0", limit)

    def text(self):
        try:
            return self.js("document.body.innerText")[:300]
        except (ProtocolError, TypeError):
            return ""

    def navigate(self, target="/"):
        """Returns when the navigation has begun."""
        self.call("Page.navigate", url=self.profile.url + target if target.startswith("/") else target)

    def reload(self):
        before = len(self.documents)
        self.call("Page.reload")
        wait.until(lambda: len(self.documents) > before, what="the reloaded document")

    def back(self):
        entries = self.call("Page.getNavigationHistory")
        self.call("Page.navigateToHistoryEntry", entryId=entries["entries"][entries["currentIndex"] - 1]["id"])

    def freeze(self, frozen=True):
        self.call("Page.setWebLifecycleState", state="frozen" if frozen else "active")

    def offline(self, offline=True):
        self.call("Network.emulateNetworkConditions", offline=offline, latency=0, downloadThroughput=-1, uploadThroughput=-1)

    def close(self):
        self.devtools.call("Target.closeTarget", targetId=self.target)
        self.profile.tabs.remove(self)
        self.profile.closed.append(self)


class Profile:
    """A browser context: cookies of its own, signed in at the SSO."""

    def __init__(self, browser, name, address):
        self.browser = browser
        self.name = name
        self.address = address
        self.url = f"https://{browser.path.host}:{address[1]}"
        self.tabs, self.closed = [], []
        self.context = browser.devtools.call("Target.createBrowserContext")["browserContextId"]
        browser.devtools.call("Storage.setCookies", browserContextId=self.context, cookies=[
            {"name": "authentik_session", "value": name, "url": self.url, "secure": True, "httpOnly": True, "sameSite": "Lax"}])

    def open(self, target="/"):
        """A new tab; returns when it is on its way."""
        tab = self.blank()
        tab.navigate(target)
        return tab

    def blank(self):
        target = self.browser.devtools.call("Target.createTarget", url="about:blank", browserContextId=self.context)
        tab = Tab(self, target["targetId"])
        self.tabs.append(tab)
        return tab

    def cookies(self):
        found = self.browser.devtools.call("Storage.getCookies", browserContextId=self.context)["cookies"]
        return {c["name"]: c["value"] for c in found}

    @property
    def documents(self):
        return [d for tab in self.tabs + self.closed for d in tab.documents]

    @property
    def error_pages(self):
        return [d for d in self.documents if d.status >= 400]


class Visitor(Profile):
    """A browser context of nobody, for pages that are not behind the path."""

    def __init__(self, browser):  # pylint: disable=super-init-not-called
        self.browser = browser
        self.name = "visitor"
        self.url = ""
        self.tabs, self.closed = [], []
        self.context = browser.devtools.call("Target.createBrowserContext")["browserContextId"]


class Chromium:
    def __init__(self, path=None, zone=None, flags=()):
        """path: lab.path.Path, whose name it knows and whose edge it trusts; None: visitors only.  zone: the time zone
        that it is in.  flags: more of them."""
        self.path = path
        self.dir = process.folder()
        argv = [program(), *FLAGS, *flags, f"--user-data-dir={self.dir}/profile"]
        if path:
            argv += [f"--host-resolver-rules=MAP {path.host} 127.0.0.1",
                     f"--ignore-certificate-errors-spki-list={_key_hash(path.cert)}"]
        argv.append("about:blank")
        self.process = process.Process(argv, "chromium", {"HOME": self.dir, **({"TZ": zone} if zone else {})})
        try:
            where = self._devtools_address()
        except BaseException:
            self.process.print_log()
            self.process.kill()
            raise
        self.devtools = DevTools(*where)

    def _devtools_address(self):
        file = os.path.join(self.dir, "profile/DevToolsActivePort")

        def lines():
            if not self.process.alive():
                raise AssertionError(f"chromium ended with {self.process.returncode}")
            try:
                with open(file, encoding="ascii") as f:
                    found = f.read().splitlines()
            except FileNotFoundError:
                return None
            return found if len(found) == 2 else None

        port, target = wait.until(lines, 60, "Chromium's DevTools")
        return int(port), target

    def profile(self, name, line=None):
        """A fresh profile of that user; line: the relay it comes over."""
        return Profile(self, name, line.address if line else self.path.edge_address)

    def visitor(self):
        return Visitor(self)

    def stop(self):
        self.devtools.close()
        self.process.kill()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if kind:
            self.process.print_log()
