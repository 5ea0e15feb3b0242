/* SPDX-License-Identifier: MIT */
/* What can be known of a t3 server that hangs, before it is restarted.  Runs as the user, and sees what the user may
 * see. */
#ifndef T3OPS_PLUGINS_WATCHDOG_EVIDENCE_H
#define T3OPS_PLUGINS_WATCHDOG_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

#include "plugin.h"

/* Writes TO/USER/hang-YYYYMMDDTHHMMSSZ.txt, readable by the user only: pressure of the machine, the sockets at the
 * server's port with what waits in them, the processes that hold these (argv, state, threads and what each waits for,
 * descriptors), and the user's processes by CPU time.  The newest `keep` files stay.  path: of the file.  0 or
 * -errno; -ETIMEDOUT: it took longer than limit_us, as it does when the memory of a process waits for a disk, and the
 * file ends where it was then. */
int evidence_save(const char *to, const struct t3ops_user *user, int keep, uint64_t limit_us, char *path,
                  size_t size);

#endif
