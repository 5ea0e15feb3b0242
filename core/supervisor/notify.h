/* SPDX-License-Identifier: MIT */
/*
 * Tells the service manager how we are (sd_notify(3)): one datagram to the Unix socket that $NOTIFY_SOCKET names,
 * a path or, with a leading @, an abstract name.  Spoken by hand, so any manager of that protocol will do and no
 * library of one is needed.  Used by the supervisor.
 */
#ifndef T3OPS_SUPERVISOR_NOTIFY_H
#define T3OPS_SUPERVISOR_NOTIFY_H

/* state: lines NAME=VALUE, as in "READY=1\nSTATUS=serving".  0: sent, or nobody asked for it; -errno: it was not
 * delivered.  Never blocks. */
int notify_send(const char *state);
/* With a descriptor beside it, which stays the caller's. */
int notify_send_fd(const char *state, int fd);

#endif
