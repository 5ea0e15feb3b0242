# SPDX-License-Identifier: MIT
"""A stand-in for a package manager: channels with versions, and programs that resolve and install them as options of upgrade
want them."""
import os
import stat

from lab import account, process

INSTALL = """#!/bin/sh
# install VERSION PREFIX
. {folder}/hook
echo "$1" >> {folder}/asked
mkdir -p "$2/bin" || exit 1
printf '#!/bin/sh\\nexec env T3STUB_VERSION=%s {stub} "$@"\\n' "$1" > "$2/bin/t3"
chmod 755 "$2/bin/t3"
head -c {bytes} /dev/zero > "$2/ballast"
"""


class Registry:
    """registry["latest"] = VERSION publishes it.  hook: shell text that the installer runs first."""

    def __init__(self, **channels):
        self.dir = account.give(process.folder())
        self.installer = os.path.join(self.dir, "install")
        self.write("install", INSTALL.format(folder=self.dir, stub=account.program("tests/lab/t3stub"), bytes=100000))
        os.chmod(self.installer, stat.S_IRWXU | 0o055)
        self.hook("")
        for channel, version in channels.items():
            self[channel] = version

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o644)

    def __setitem__(self, channel, version):
        self.write("channel-" + channel, version + "\n")

    def hook(self, text):
        self.write("hook", text + "\n")

    @property
    def asked(self):
        """Versions whose installation was begun, in order."""
        try:
            with open(os.path.join(self.dir, "asked"), encoding="utf-8") as f:
                return f.read().split()
        except FileNotFoundError:
            return []

    def options(self):
        return {"resolve": ["cat", f"{self.dir}/channel-%c"], "install": [self.installer, "%v", "%p"]}
