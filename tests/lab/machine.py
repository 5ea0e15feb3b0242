# SPDX-License-Identifier: MIT
"""A machine inside this one: systemd is its first process, its files are this machine's and what it writes is its own, its
network and its users are this machine's.  Root only.

    with Machine() as m:
        m.run("dpkg", "--install", deb)
        m.run("systemctl", "start", "t3ops")
"""
import glob
import os
import shutil
import subprocess

from lab import account, process, wait

PROGRAM = shutil.which("systemd", path="/usr/lib/systemd:/lib/systemd")
GROUPS = "/sys/fs/cgroup"
# What would look after the hardware, the kernel or the whole of this machine.
MASKED = ("dev-hugepages.mount", "dev-mqueue.mount", "kmod-static-nodes.service", "modprobe@.service", "sys-fs-fuse-connections.mount",
          "sys-kernel-config.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "systemd-binfmt.service",
          "systemd-modules-load.service", "systemd-random-seed.service", "systemd-remount-fs.service", "systemd-sysctl.service",
          "systemd-sysusers.service", "systemd-tmpfiles-setup.service", "systemd-udev-trigger.service", "systemd-udevd.service",
          "systemd-update-utmp.service", "paths.target", "timers.target", "sockets.target.wants")
BOOT = r"""
set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,ro,bind proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=0755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
if [ -d /sys/fs/cgroup/systemd ]; then
    mount -t tmpfs tmpfs sys/fs/cgroup
    mkdir sys/fs/cgroup/systemd sys/fs/cgroup/unified
    mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
    mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
else
    mount -t cgroup2 cgroup2 sys/fs/cgroup
fi
mount -t tmpfs -o mode=0755 tmpfs dev
mkdir dev/pts dev/hugepages dev/mqueue
mkdir -m 1777 dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done
for unit in $2; do ln -sfn /dev/null etc/systemd/system/$unit; done
rm -f var/lib/man-db/auto-update usr/sbin/policy-rc.d
pivot_root . mnt
exec chroot . sh -c 'umount -l /mnt && exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin "$0" --system --unit=basic.target' "$3"
"""


def why_not():
    """Why there can be none here; None: try it."""
    if not account.ROOT:
        return "namespaces and mounts are root's"
    for name in ("unshare", "nsenter", "systemctl"):
        if not shutil.which(name):
            return f"{name} is not installed"
    with open("/proc/filesystems", encoding="ascii") as f:
        if "\toverlay\n" not in f.read():
            return "the kernel has no overlay file system"
    return None if PROGRAM else "systemd is not installed"


class Machine:
    def __init__(self):
        self.dir = process.folder()
        self.groups = [f"{root}/t3lab-{os.getpid()}" for root in (f"{GROUPS}/systemd", f"{GROUPS}/unified", GROUPS)
                       if os.path.exists(f"{root}/cgroup.procs")]
        for path in self.groups:
            os.mkdir(path)
        into = "".join(f"echo $$ >{path}/cgroup.procs; " for path in self.groups)
        self.process = process.Process(
            ["sh", "-c", into + 'exec unshare --mount --pid --cgroup --uts --ipc --fork --kill-child sh -c "$@"', "sh",
             BOOT, "machine", self.dir, " ".join(MASKED), PROGRAM], "machine")
        self.pid = 0
        try:
            wait.until(self.booted, what="the machine to boot")
        except BaseException:
            self.process.print_log()
            self.end()
            raise

    def booted(self):
        if not self.process.alive():
            raise AssertionError(f"the machine did not boot: {self.process.log()}")
        self.pid = self.first_process()
        if not self.pid or not os.path.exists(f"{self.root}/run/systemd/private"):
            return False
        return self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")

    def first_process(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
            return int((f.read().split() or ["0"])[0])

    @property
    def root(self):
        return f"/proc/{self.pid}/root"

    def argv(self, *words):
        """What runs that command in it, from outside."""
        return ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--cgroup", "--uts", "--ipc", "env", "-i",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *words]

    def run(self, *words, check=True, limit=300):
        done = subprocess.run(self.argv(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=limit, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(words)}: {done.returncode}\n{done.stdout}")
        return done

    def write(self, path, text):
        with open(self.root + path, "w", encoding="utf-8") as f:
            f.write(text)

    def exists(self, path):
        return os.path.lexists(self.root + path)

    def show(self, unit, what):
        return self.run("systemctl", "show", f"--property={what}", "--value", unit).stdout.strip()

    def log(self, unit):
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}").stdout

    def end(self):
        self.process.kill()
        for group in self.groups:
            wait.until(lambda path=group: self.groups_removed(path), what="the machine's last process to end")

    @staticmethod
    def groups_removed(path):
        inner = glob.glob(f"{path}/**/", recursive=True)
        for folder in sorted(inner, key=len, reverse=True):
            try:
                os.rmdir(folder)
            except OSError:
                return False
        return True

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            print(self.run("journalctl", "--no-pager", "--output=cat", "--lines=200").stdout, self.process.log(), self.run("systemctl", "status", "--no-pager", "-l", "t3ops", check=False).stdout, flush=True)
        self.end()
