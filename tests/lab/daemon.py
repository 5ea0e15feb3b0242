# SPDX-License-Identifier: MIT
"""t3ops itself, from the build tree, in a temporary folder with ports of the kernel's choice.

    with Daemon({"page_heartbeat": "1s"}, 'plugin "probe_echo" {}', users={"alice": stub.port}) as d:
        http.get(d.proxy, "/healthz")

When the block ends with an exception the daemon's log is printed.  A sanitizer report in the log
fails the test, and so does a line that is not strict logfmt (lab/logfmt.py) or anything confidential
(lab/confidential.py) in what it wrote.
"""
import glob
import json
import os
import re
import shutil
import signal
import subprocess

from lab import account, confidential, http, logfmt, process, wait

_SANITIZER_LINE = re.compile(r"==\d+==")
_SANITIZER = re.compile(r"ERROR: (Address|Leak)Sanitizer|runtime error:|SUMMARY: \w+Sanitizer")


# The lab's t3 servers run as the caller, whoever their users are.
LOCAL = ["127.0.0.0/8", "::1"]


def quote(value):
    """A value as t3ops.conf writes it: text, number, bool or list."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(quote(str(v)) for v in value) + "}"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def section(kind, title, options):
    """plugin "title" { ... } or command "title" { ... }"""
    body = "".join(f"    {k} = {quote(v)}\n" for k, v in options.items())
    return f'{kind} "{title}" {{\n{body}}}\n'


def plugin_dir():
    """That of the build."""
    path = os.path.join(process.build_dir(), "plugins/modules")
    if not glob.glob(os.path.join(path, "*.so")):
        raise FileNotFoundError(f"{path}: no plugin is built there")
    return account.copied(path)


def plugin_dir_with(*names):
    """The same, in a copy, and those of tests/plugins."""
    folder = shutil.copytree(plugin_dir(), os.path.join(process.folder(), "plugins"))
    for name in names:
        shutil.copy(process.program(f"tests/plugins/{name}.so"), folder)
    return folder


class Daemon:
    def __init__(self, options=None, sections="", users=None, env=None, start=True, wrap=(), service=process.Process):
        """options: outside sections, over the lab's defaults.  sections: text of the rest of the
        file.  wrap: words before the command.  service: what runs it, lab/service.py for a service.  users: {name: port} or {name: {"os_user": ..., "port": ...}}, or the file's text."""
        self.dir = process.folder()
        self.conf = os.path.join(self.dir, "t3ops.conf")
        self.users_file = os.path.join(self.dir, "users")
        self.control = os.path.join(self.dir, "control.sock")
        self.state_dir = os.path.join(self.dir, "state")
        os.mkdir(self.state_dir, 0o700)
        account.give(self.state_dir)
        self.options = {
            "listen": ["127.0.0.1:0"], "status_listen": "127.0.0.1:0", "status_hosts": ["lab"], "control": self.control, "user": account.NAME,
            "state_dir": self.state_dir, "plugin_dir": plugin_dir(), "users": self.users_file,
            "trusted_proxies": ["127.0.0.0/8"], "trusted_local_users": account.PEERS,
            "trusted_upstreams": LOCAL, "log_level": "debug", "upstream_env": os.path.join(self.dir, "env/%u"),
        }
        self.options.update(options or {})
        os.mkdir(os.path.join(self.dir, "env"))
        with open(os.path.join(self.dir, "env", account.NAME), "w", encoding="ascii"):
            pass  # every user is to have a t3 server: none of them is absent
        self.sections = sections
        self.env = env
        self.wrap = list(wrap)
        self.service = service
        self.process = None
        self.proxy = self.monitor = None
        self.write_users(users or {})
        self.write_conf()
        if start:
            self.start()

    # ---- files

    def write_users(self, users):
        """Replaces the user table at once, as an editor would (write, then rename)."""
        if isinstance(users, dict):
            users = json.dumps({n: u if isinstance(u, dict) else {"os_user": account.NAME, "port": u} for n, u in users.items()})
        with open(self.users_file + ".new", "w", encoding="utf-8") as f:
            f.write(users)
        os.rename(self.users_file + ".new", self.users_file)

    def write_conf(self, text=None):
        """Writes the configuration from options and sections, or exactly this text."""
        if text is None:
            text = "".join(f"{k} = {quote(v)}\n" for k, v in self.options.items()) + self.sections
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(text)

    # ---- life

    def start(self, limit=30):
        self.process = self.service([*self.wrap, process.program("core/t3ops"), "-c", self.conf], "t3ops", self.env)
        try:
            self.process.wait_log(r'\bevent(?:=|":")ready\b', limit)
        except BaseException:
            self.process.print_log()
            self.process.kill()
            raise
        self.proxy = self.address("proxy")
        self.monitor = self.address("status")

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.process.log()

    def wait_log(self, pattern, limit=30, after=0):
        return self.process.wait_log(pattern, limit, after)

    def address(self, name):
        """(host, port) of the last `event=listening name=NAME` line; None if there is none."""
        found = re.findall(rf'event=listening\b.*\blistener={name}\b.*\baddress="?\[?([0-9a-fA-F.:]+?)\]?:(\d+)\b', self.log())
        return (found[-1][0], int(found[-1][1])) if found else None

    def reload(self, limit=30):
        """SIGHUP; waits until the new configuration is active.  Returns the log from then on."""
        mark = len(self.log())
        self.process.send_signal(signal.SIGHUP)
        self.process.wait_log(r'\bevent(?:=|":")(reloaded|reload_refused)\b', limit, mark)
        return self.log()[mark:]

    def upgrade(self, limit=60):
        """SIGUSR2; waits until it is over.  Returns the log from then on."""
        mark = len(self.log())
        self.process.send_signal(signal.SIGUSR2)
        self.process.wait_log(r"\bevent=(upgraded|reload_refused)\b", limit, mark)
        return self.log()[mark:]

    def replace(self, number, upgrade=None):
        """Replaces the proxy, by an upgrade or by a reload with another value of an option that it reads; unless told which,
        in turn."""
        if number % 2 if upgrade is None else upgrade:
            log, event = self.upgrade(), "upgraded"
        else:
            self.options["header_timeout"] = f"{10 + number}s"
            self.write_conf()
            log, event = self.reload(), "reloaded"
        if f"event={event}" not in log:
            raise AssertionError(f"not {event}: {log}")

    def stop(self, limit=30):
        """SIGTERM, waits, fails on a sanitizer report and on a secret in what it wrote.  Returns the exit status."""
        status = self.process.stop(signal.SIGTERM, limit)
        self.check_sanitizers()
        self.check_confidential()
        self.check_log()
        return status

    def check_log(self):
        """Every line is strict logfmt, with keys of core/tbl/log_key.h only; "==1234==" is a sanitizer's."""
        for line in self.log().splitlines():
            if line.startswith("{"):
                logfmt.check_json(line)
            elif not _SANITIZER_LINE.match(line):
                logfmt.check(line)

    def check_confidential(self):
        """Secrets that are kept on purpose are in files that nobody else may read."""
        written = [os.path.join(f, n) for f, _, names in os.walk(self.state_dir) for n in names]
        kept = [p for p in written if p.startswith(os.path.join(self.state_dir, "secrets") + "/")]
        readable = [p for p in kept if os.stat(p).st_mode & 0o077]
        if readable:
            raise AssertionError(f"others may read {readable}")
        paths = [self.process.log_path] + [p for p in written if p not in kept]
        found = confidential.found_in(paths)
        if found:
            raise AssertionError(f"something confidential was written down, behind {found}")

    def check_sanitizers(self):
        found = _SANITIZER.search(self.log())
        if found:
            raise AssertionError(f"sanitizer report in the log of t3ops: {found.group(0)}\n{self.log()}")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            self.process.print_log()
            self.process.kill()
            return
        try:
            self.stop()
        except AssertionError:
            self.process.print_log()
            raise

    # ---- questions

    def get(self, target):
        """From the monitor's page."""
        r = http.get(self.monitor, target)
        if r.status != 200:
            raise AssertionError(f"{target} of the monitor answered {r!r}")
        return r

    def status(self):
        return self.get("/status").json()

    def standing(self):
        """The verdicts that stand, or ended a few minutes ago, as they are now."""
        return json.loads(self.ctl("-j", "verdicts", "--standing"))

    def verdicts(self):
        return self.get("/verdicts").json()

    def metrics(self):
        """{'name{label="x"}': value} of the monitor's page; and the sum of a family under its bare name."""
        found = {}
        for line in self.get("/metrics").text().split("\n"):
            if line and not line.startswith("#"):
                key, _, value = line.rpartition(" ")
                found[key] = float(value)
                if "{" in key:
                    name = key[: key.index("{")]
                    found[name] = found.get(name, 0) + float(value)
        return found

    def ctl(self, *words, check=True):
        """t3opsctl on this daemon's control socket; returns its stdout."""
        done = subprocess.run([process.program("core/t3opsctl"), "-s", self.control, *words], capture_output=True,
                              text=True, timeout=60, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"t3opsctl {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def ctl_done(self, *words, limit=180):
        """What became of t3opsctl.  Asked again while another run for that user is in progress: that of a schedule, say."""
        def once():
            done = subprocess.run([process.program("core/t3opsctl"), "-s", self.control, *words], capture_output=True,
                                  text=True, timeout=limit, check=False)
            return None if "another run for this user is still in progress" in done.stderr else done
        return wait.until(once, limit, f"t3opsctl {' '.join(words)} to be done")

    def children(self):
        """Pids of the daemon's processes: its children, and those that it adopted."""
        def read():
            with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as f:
                return sorted(int(p) for p in f.read().split())

        before, now = None, read()
        while before != now:  # the kernel may leave some out while another one ends (proc(5))
            before, now = now, read()
        return sorted({*now, *self.process.adopted()})

    def pids(self, process):
        """Pids of all processes of a process, those that drain included."""
        found = []
        for pid in self.children():
            try:
                with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                    found += [pid] if f.read().strip() == process else []
            except OSError:
                continue
        return found

    def processes(self):
        """{process: pid} of the running ones, from the last ready line of each."""
        alive = set(self.children())
        found = {}
        for line in self.log().splitlines():
            m = re.search(r"\bevent=process_started\b", line)
            if not m:
                continue
            words = dict(re.findall(r"\b(\w+)=([^\s\"]+)", line))
            if int(words["pid"]) in alive:
                found[words["child"]] = int(words["pid"])
        return found
