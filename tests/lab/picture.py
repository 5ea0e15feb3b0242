# SPDX-License-Identifier: MIT
"""What a folder looks like, to tell whether anything in it has changed."""
import hashlib
import os


def picture(folder):
    """Every file below with its contents, owner, mode and time; but for what readers of a database share with its writer."""
    found = {}
    for at, _, names in os.walk(folder):
        for name in [".", *(n for n in names if not n.endswith("-shm"))]:
            path = os.path.join(at, name)
            st = os.lstat(path)
            digest = ""
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as f:
                    digest = hashlib.sha256(f.read()).hexdigest()
            found[path] = (digest, st.st_uid, st.st_mode, st.st_mtime_ns, st.st_ino)
    return found
