# SPDX-License-Identifier: MIT
"""Child processes that never outlive the test: started in a group of their own with their output
in a file, ended at exit at the latest, killed by the kernel if the test itself is killed."""
import atexit
import ctypes
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from lab import wait

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
STUB, STUB_SOURCES = "tests/lab/t3stub", "tests/lab/t3"
_running = []
_folders = []


def build_dir():
    return os.environ.get("T3OPS_BUILD") or os.getcwd()


def source_dir():
    here = os.path.dirname(os.path.abspath(__file__))
    return os.environ.get("T3OPS_SRC") or os.path.dirname(os.path.dirname(here))


def install(root):
    """`make install` of the build below root.  One at a time: what it installs it may have to make first."""
    made_by_make = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "DESTDIR")
    folder = os.open(build_dir(), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        done = subprocess.run(["make", "-s", "-C", build_dir(), "install", "DESTDIR=" + root], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False, timeout=600,
                              env={k: v for k, v in os.environ.items() if k not in made_by_make})
    finally:
        os.close(folder)
    if done.returncode != 0:
        raise AssertionError(f"make install ended with {done.returncode}:\n{done.stdout}")


def stale(path, sources):
    """Whether a file of that folder was changed after the program was built."""
    return max(entry.stat().st_mtime for entry in os.scandir(sources)) > os.stat(path).st_mtime


def program(relative):
    """A program of the build tree, as core/t3ops or tests/lab/t3stub."""
    path = os.path.join(build_dir(), relative)
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path}: not built (make check builds the lab's programs)")
    if relative == STUB and stale(path, os.path.join(source_dir(), STUB_SOURCES)):
        raise RuntimeError(f"{path} is older than its sources: make {STUB} (make alone does not build it)")
    return path


def folder():
    """A new temporary folder, removed at exit.  Short, for the sake of Unix socket paths."""
    path = tempfile.mkdtemp(prefix="t3lab.", dir="/tmp")
    os.chmod(path, 0o755)
    _folders.append(path)
    return path


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def state(pid):
    """As in proc(5): R, S, T, Z; None: it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rpartition(")")[2].split()[0]
    except OSError:
        return None


def parent(pid):
    """0: it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return int(f.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


class Process:
    """One program, running from the constructor on; stdout and stderr go to one file."""

    def __init__(self, argv, name=None, env=None, cwd=None, log=None, as_account=False):
        from lab import account  # which needs this module

        self.name = name or os.path.basename(argv[0])
        self.log_path = log or os.path.join(folder(), self.name + ".log")
        with open(self.log_path, "ab") as out:
            self.child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd, start_new_session=True,
                env={**os.environ, **(env or {})}, preexec_fn=_die_with_parent,
                **(account.popen_options() if as_account else {}))
        self.pid = self.child.pid
        _running.append(self)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    @property
    def returncode(self):
        """As of subprocess.Popen; None: it runs.  One that ended stays a zombie until kill(), so that its number stays
        its own: on a busy machine numbers come round within minutes, and a signal to a group would meet strangers."""
        if self.child.returncode is None:
            info = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if info is None:
                return None
            return info.si_status if info.si_code == os.CLD_EXITED else -info.si_status
        return self.child.returncode

    def alive(self):
        return self.returncode is None

    def adopted(self):
        """Of a service (lab/service.py): pids of processes that outlived the one that started them."""
        return []

    def wait_log(self, pattern, limit=30, after=0):
        """Waits for the pattern in the log beyond the offset `after`; returns the match."""

        def seen():
            match = re.compile(pattern, re.M).search(self.log(), after)
            if not match and not self.alive():
                match = re.compile(pattern, re.M).search(self.log(), after)
                if not match:
                    raise AssertionError(f"{self.name} ended with {self.returncode} before /{pattern}/:\n{self.log()}")
            return match

        return wait.until(seen, limit, f"/{pattern}/ in the log of {self.name}")

    def send_signal(self, number):
        """To this process alone."""
        if self.alive():
            os.kill(self.pid, number)

    def signal_group(self, number):
        """To it and its children (nginx and its workers)."""
        if self.child.returncode is not None:
            return  # reaped: the number may be somebody else's
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass

    def stall(self):
        self.signal_group(signal.SIGSTOP)

    def resume(self):
        self.signal_group(signal.SIGCONT)

    def wait(self, limit=30):
        """Waits for its end and returns the exit status (negative: the signal)."""
        wait.until(lambda: not self.alive(), limit, f"the end of {self.name}")
        return self.returncode

    def stop(self, number=signal.SIGTERM, limit=30):
        """Asks it to end, then kills what is left.  Returns the exit status."""
        try:
            if self.alive():
                self.resume()
                self.send_signal(number)
                wait.until(lambda: not self.alive(), limit, f"the end of {self.name} after signal {int(number)}")
        finally:
            self.kill()
        return self.returncode

    def kill(self):
        """Ends it and what is left of its group."""
        self.signal_group(signal.SIGKILL)
        self.child.wait()
        if self in _running:
            _running.remove(self)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.kill()
        if kind and not issubclass(kind, SystemExit):
            self.print_log()

    def print_log(self):
        sys.stdout.flush()
        print(f"---- log of {self.name} ----\n{self.log()}---- end of the log of {self.name} ----", file=sys.stderr)


def end_all():
    """At exit, which a child of fork does not have."""
    for p in list(_running):
        p.kill()
    for path in _folders:
        shutil.rmtree(path, ignore_errors=True)


def _terminated(number, _frame):
    sys.exit(128 + number)


atexit.register(end_all)
signal.signal(signal.SIGTERM, _terminated)
