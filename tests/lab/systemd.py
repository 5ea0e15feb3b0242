# SPDX-License-Identifier: MIT
"""A real systemd for one service: a user instance in a mount namespace of its own, where the system looks booted with it.

    d = Daemon({}, ECHO, service=Unit)      # the service as the shipped unit says, as far as a user instance can
"""
import os
import re
import shutil
import signal
import subprocess
import time

from lab import account, process, wait

# What the shipped unit says about the life of the service; the rest is about its rights.
KEYS = ("Type", "NotifyAccess", "Restart", "RestartSec", "KillMode", "FileDescriptorStoreMax", "ExecStopPost", "OOMPolicy")
PROGRAM = shutil.which("systemd", path="/usr/bin:/bin:/usr/lib/systemd:/lib/systemd")


class Manager:
    """Its own until it ends with the test."""

    def __init__(self):
        self.dir = process.folder()
        os.makedirs(f"{self.dir}/systemd/user")
        self.env = {**os.environ, "XDG_RUNTIME_DIR": self.dir}
        self.process = process.Process(
            ["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec \"$0\" --user",
             PROGRAM], "systemd", {"XDG_RUNTIME_DIR": self.dir})
        try:
            wait.until(lambda: not self.process.alive() or self.ctl("is-system-running").stdout.strip() in ("running", "degraded"),
                       what="systemd")
        except wait.TooLate:
            self.process.kill()
        self.works = self.process.alive()

    def ctl(self, *words):
        return subprocess.run(["nsenter", "--mount", f"--target={self.process.pid}", "systemctl", "--user", *words], env=self.env, capture_output=True, text=True, timeout=120, check=False)

    def end(self):
        self.ctl("exit")
        self.process.kill()


def why_not():
    """Why there can be none here; None: there can."""
    if not account.ROOT:
        return "a mount namespace is root's"
    if not PROGRAM or not shutil.which("systemctl") or not shutil.which("nsenter"):
        return "systemd is not installed"
    m = Manager()
    works, log = m.works, m.process.log()
    m.end()
    return None if works else f"systemd does not run here: {log.strip()[-200:]}"


class Unit(process.Process):
    def __init__(self, argv, name, env=None, **extra):
        # pylint: disable=super-init-not-called
        self.name = name
        self.log_path = os.path.join(process.folder(), name + ".log")
        with open(self.log_path, "ab"):
            pass
        self.manager = Manager()
        with open(f"{process.build_dir()}/etc/systemd/t3ops.service", encoding="utf-8") as f:
            shipped = dict(re.findall(r"(?m)^(\w+)=(.*)$", f.read()))
        lines = {k: shipped[k] for k in KEYS} | {k: str(v) for k, v in extra.items()}
        lines["ExecStopPost"] = lines["ExecStopPost"].replace(lines["ExecStopPost"].split()[0], process.program("core/t3ops"))
        with open(f"{self.manager.dir}/systemd/user/{name}.service", "w", encoding="utf-8") as f:
            f.write(f"[Unit]\nStartLimitIntervalSec={shipped['StartLimitIntervalSec']}\n[Service]\n")
            f.writelines(f"{k}={v}\n" for k, v in lines.items())
            f.writelines(f'Environment="{k}={v}"\n' for k, v in {"T3OPS_BUILD": process.build_dir(), **(env or {})}.items())
            f.write(f"StandardOutput=append:{self.log_path}\nStandardError=append:{self.log_path}\n")
            f.write("ExecStart=" + " ".join(f'"{a}"' for a in argv) + "\n")
        self.manager.ctl("daemon-reload")
        self.group = None
        self.stopped = False
        process._running.append(self)  # pylint: disable=protected-access
        started = self.manager.ctl("start", name)
        if started.returncode != 0:
            raise AssertionError(started.stderr + self.log())

    def show(self, what):
        return self.manager.ctl("show", "-P", what, self.name).stdout.strip()

    @property
    def pid(self):
        """0: there is none."""
        return int(self.show("MainPID") or 0)

    @property
    def returncode(self):
        return None if self.alive() else int(self.show("ExecMainStatus") or 0)

    def alive(self):
        return not self.stopped and self.show("ActiveState") not in ("inactive", "failed")

    def members(self):
        """All processes of the control group."""
        path = self.show("ControlGroup")
        self.group = path or self.group
        for root in ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
            try:
                with open(f"{root}{self.group}/cgroup.procs", encoding="ascii") as f:
                    return [int(p) for p in f.read().split()]
            except OSError:
                continue
        return []

    def adopted(self):
        return [p for p in self.members() if p != self.pid and process.parent(p) == self.manager.process.pid]

    def send_signal(self, number):
        os.kill(self.pid, number)

    def signal_group(self, number):
        for pid in self.members():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def stop(self, number=signal.SIGTERM, limit=60):
        self.members()
        self.manager.ctl("stop", self.name)
        self.stopped = True
        try:
            wait.until(lambda: not self.members(), limit, "the end of all processes")
            return int(self.show("ExecMainStatus") or 0)
        finally:
            self.kill()

    def kill(self):
        self.stopped = True
        self.signal_group(signal.SIGKILL)
        time.sleep(0.1)
        self.manager.end()
        if self in process._running:  # pylint: disable=protected-access
            process._running.remove(self)  # pylint: disable=protected-access
