# SPDX-License-Identifier: MIT
"""Who the lab's users are: the caller, or nobody where the caller is root (t3ops runs nothing for a
user as root).  nobody can read only what lies outside of the caller's home: programs and plugins are
copied."""
import functools
import getpass
import os
import pwd
import shutil

from lab import process

ROOT = os.geteuid() == 0
NAME = "nobody" if ROOT else getpass.getuser()


# Whose processes the lab's proxies are.
PEERS = [getpass.getuser()]


def give(path):
    """A file or folder of the lab becomes the account's own."""
    if ROOT:
        entry = pwd.getpwnam(NAME)
        os.chown(path, entry.pw_uid, entry.pw_gid)
    return path


def popen_options():
    """For subprocess: run as the account."""
    if not ROOT:
        return {}
    entry = pwd.getpwnam(NAME)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@functools.cache
def program(relative):
    """A program of the build tree that the account can start."""
    path = process.program(relative)
    if not ROOT:
        return path
    return shutil.copy(path, process.folder())


@functools.cache
def copied(folder):
    """A folder of the build tree that the account can read."""
    if not ROOT:
        return folder
    return shutil.copytree(folder, os.path.join(process.folder(), "copied"))
