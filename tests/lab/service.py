# SPDX-License-Identifier: MIT
"""A service as systemd runs it: Type=notify, Restart=on-failure, and the store of descriptors with systemd's limits.

It believes the main process alone (NotifyAccess=main) and follows MAINPID= to another one of the service; keeps a
descriptor once, by FDNAME, up to FileDescriptorStoreMax=, and drops it on a hang-up; hands all of them to the next
main process, behind the sockets of a socket unit; and at a stop signals the main process alone (KillMode=process), kills
it after stop_s, and closes the store.  ExecStopPost= is not
played: it is the real systemd's (test_systemd.py).

    with Daemon({}, ECHO, service=Service) as d:
        os.kill(d.pid, signal.SIGKILL)
        d.wait_log("event=ready", after=mark)
"""
import array
import ctypes
import fcntl
import os
import select
import signal
import socket
import struct
import threading
import time

from lab import process, wait

_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def _stat(pid):
    """(state, parent, session), None: it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            words = f.read().rpartition(")")[2].split()
    except OSError:
        return None
    return words[0], int(words[1]), int(words[3])


class Service(process.Process):
    def __init__(self, argv, name, env=None, store_max=512, restart_s=0.1, kill_mode="process", stop_s=90, sockets=(), watchdog_s=0):
        # pylint: disable=super-init-not-called
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)  # orphans of the service are this process's, as they are PID 1's
        self.argv, self.name, self.env = argv, name, env or {}
        self.store_max, self.restart_s, self.kill_mode, self.stop_s = store_max, restart_s, kill_mode, stop_s
        folder = process.folder()
        self.log_path = os.path.join(folder, name + ".log")
        with open(self.log_path, "ab"):
            pass  # it is there
        self.store = []  # (name, descriptor)
        self.sockets = list(sockets)  # of a socket unit, which outlive the service
        self.watchdog_s, self.heard = watchdog_s, None  # when the main process last said that it is alive
        self.sessions = set()
        self.told = []  # all that the main process said, without descriptors
        self.mains = []  # (pid, pidfd), the last one is the main process
        self.stopping = self.over = False
        self.starts = 0
        self.status = None
        self.lock = threading.RLock()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(os.path.join(folder, "notify"))
        os.chmod(os.path.join(folder, "notify"), 0o777)
        self.socket.setblocking(False)
        self.launch()
        process._running.append(self)  # pylint: disable=protected-access
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    # ---- the main process

    def launch(self):
        self.starts += 1
        rows = self.rows()
        env = {**os.environ, **self.env, "NOTIFY_SOCKET": self.socket.getsockname()}
        if rows:
            env.update(LISTEN_FDS=str(len(rows)), LISTEN_FDNAMES=":".join(n for n, _ in rows))
        if self.watchdog_s:
            env["WATCHDOG_USEC"] = str(int(self.watchdog_s * 1e6))
        pid = os.fork()
        if pid == 0:
            self.exec_main(env)
        self.sessions.add(pid)
        self.heard = None
        for _, fd in self.mains:
            os.close(fd)
        self.mains = [(pid, os.pidfd_open(pid))]

    def rows(self):
        """What it is started with: (name, descriptor)"""
        return [("t3ops.socket", s.fileno()) for s in self.sockets] + self.store

    def exec_main(self, env):
        try:
            os.setsid()
            process._die_with_parent()  # pylint: disable=protected-access
            for number in range(1, 65):
                if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
                    signal.signal(number, signal.SIG_DFL)
            out = os.open(self.log_path, os.O_WRONLY | os.O_APPEND)
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
            os.dup2(out, 1)
            os.dup2(out, 2)
            high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 1000) for _, fd in self.rows()]
            for n, fd in enumerate(high):
                os.dup2(fd, 3 + n)
            os.closerange(3 + len(high), 1000)
            env["LISTEN_PID"] = str(os.getpid())
            os.execve(self.argv[0], self.argv, env)
        finally:
            os._exit(203)

    @property
    def pid(self):
        return self.mains[-1][0]

    @property
    def returncode(self):
        return self.status if self.over else None

    def is_member(self, pid):
        found = _stat(pid)
        return found is not None and found[2] in self.sessions and found[0] != "Z"

    def members(self):
        """The control group."""
        return [int(p) for p in os.listdir("/proc") if p.isdigit() and self.is_member(int(p))]

    def adopted(self):
        """Processes whose parent has ended."""
        return [p for p in self.members() if p != self.pid and (_stat(p) or (0, 0, 0))[1] == os.getpid()]

    # ---- what it says

    def receive(self):
        while True:
            try:
                data, control, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(12) + socket.CMSG_SPACE(253 * 4))
            except (BlockingIOError, OSError):
                return
            fds, sender = array.array("i"), 0
            for level, kind, payload in control:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    fds.frombytes(payload[:len(payload) - len(payload) % 4])
                elif level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                    sender = struct.unpack("iII", payload)[0]
            kept = sender == self.pid and self.obey(dict(line.split("=", 1) for line in data.decode().splitlines()), list(fds))
            for fd in [] if kept else fds:
                os.close(fd)

    def obey(self, said, fds):
        """Whether it keeps the descriptors."""
        self.told.append(said)
        if "WATCHDOG" in said or "READY" in said:
            self.heard = time.monotonic()
        if said.get("FDSTOREREMOVE") == "1":
            for row in [r for r in self.store if r[0] == said["FDNAME"]]:
                self.drop(row)
        if "MAINPID" in said and int(said["MAINPID"]) != self.pid and self.is_member(int(said["MAINPID"])):
            self.mains.append((int(said["MAINPID"]), os.pidfd_open(int(said["MAINPID"]))))
        if said.get("FDSTORE") != "1":
            return False
        name = said.get("FDNAME", "stored")
        assert 0 < len(name) <= 255 and ":" not in name and name.isascii() and name.isprintable(), name
        for fd in fds:
            os.set_inheritable(fd, False)
            known = {(os.fstat(f).st_dev, os.fstat(f).st_ino) for _, f in self.store}
            if (os.fstat(fd).st_dev, os.fstat(fd).st_ino) in known or len(self.store) >= self.store_max:
                os.close(fd)
            else:
                self.store.append((name, fd))
        return True

    def drop(self, row):
        self.store.remove(row)
        os.close(row[1])

    def look(self):
        """Hung up?"""
        poll = select.poll()
        for _, fd in self.store:
            poll.register(fd, 0)
        hung = {fd for fd, events in poll.poll(0) if events & (select.POLLHUP | select.POLLERR)}
        for row in [r for r in self.store if r[1] in hung]:
            self.drop(row)

    def watch(self):
        if self.watchdog_s and self.heard and time.monotonic() - self.heard > self.watchdog_s:
            self.heard = None
            os.kill(self.pid, signal.SIGKILL)

    def names(self):
        with self.lock:
            return sorted(n for n, _ in self.store)

    # ---- its life

    def run(self):
        while not self.over:
            poll = select.poll()
            poll.register(self.socket, select.POLLIN)
            poll.register(self.mains[-1][1], select.POLLIN)
            poll.poll(20)
            with self.lock:
                if self.over:
                    return
                ended = select.select([self.mains[-1][1]], [], [], 0)[0]
                self.receive()
                self.look()
                self.watch()
                self.reap()
                if ended and self.mains[-1][1] in ended:
                    self.main_ended()

    def reap(self):
        """Those that were the main process once."""
        for row in self.mains[:-1]:
            if os.waitpid(row[0], os.WNOHANG)[0]:
                self.mains.remove(row)
                os.close(row[1])

    def main_ended(self):
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, os.WNOHANG)[1])
        self.status = status
        if self.kill_mode != "process":
            self.kill_members()
        if self.stopping or status == 0:
            self.end()
            return
        self.lock.release()  # whoever asks meanwhile
        time.sleep(self.restart_s)
        self.lock.acquire()
        if self.stopping or self.over:
            self.end()
            return
        self.look()
        self.launch()

    def kill_members(self):
        for pid in self.members():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def end(self):
        if self.over:
            return
        self.over = True
        for row in list(self.store):
            self.drop(row)
        self.socket.close()
        for _, fd in self.mains:
            os.close(fd)

    def alive(self):
        return not self.over

    def send_signal(self, number):
        if self.over:
            return
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass  # the next one is not there yet

    def signal_group(self, number):
        for pid in self.members():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def stop(self, number=signal.SIGTERM, limit=30):
        """systemctl stop: what is left of it after a while is a failure."""
        self.stopping = True
        try:
            if self.alive():
                self.send_signal(number)
                end = time.monotonic() + self.stop_s
                wait.until(lambda: not self.alive() or time.monotonic() > end, limit + self.stop_s, f"the end of {self.name}")
                self.send_signal(signal.SIGKILL)
                wait.until(lambda: not self.alive(), limit, f"the end of {self.name}")
            wait.until(lambda: not self.members(), limit, f"the end of all processes of {self.name}")
        finally:
            self.kill()
        return self.status

    def kill(self):
        self.stopping = True
        with self.lock:
            self.end()
        self.kill_members()
        wait.until(lambda: not self.members(), what=f"the end of {self.name}")
        if self in process._running:  # pylint: disable=protected-access
            process._running.remove(self)  # pylint: disable=protected-access
