/* SPDX-License-Identifier: MIT */
/*
 * A connection to a t3 server that counts only once it is known whose process has accepted it: on this machine every
 * account can listen where a t3 server does not.  The kernel is asked for the uid at the other end of the accepted
 * socket, once a connection; as long as nobody has accepted it, again and again, at most every 50 ms, until its owner
 * gives up.  Of a Unix socket it is the uid that the kernel
 * keeps of whoever began to listen (SO_PEERCRED).  Nothing is ever sent from here.
 *
 *   CONNECTING --> CHECKING --> (done: accepted by its owner)
 *        '------------'-------> (done: an error)
 */
#ifndef T3OPS_NET_DIAL_H
#define T3OPS_NET_DIAL_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "net/socket_owner.h"
#include "plugin.h"

#define DIAL_PATH_SIZE 108 /* of sockaddr_un */

/* Where a user's t3 server is, and whose it must be. */
struct dial_target {
	const char *user;                /* for reports; borrowed while the dial begins */
	char path[DIAL_PATH_SIZE];       /* of a Unix socket, "": none */
	struct sockaddr_storage address; /* where there is none, or nobody listens there */
	socklen_t len;                   /* 0: nowhere else */
	bool as_it_is;                   /* whoever answers at the address is trusted */
	bool has_owner;                  /* else nobody is, unless as_it_is; at the path, whose directory it is */
	uid_t owner;
};

/* What all dials of a process share. */
struct dialer {
	struct ev_loop *loop;
	struct socket_owner owners;
	/* The process of another account has accepted: its uid is found. */
	void (*on_impostor)(void *arg, const struct dial_target *target, uid_t found);
	void *arg;
};

/*   0              connected, and accepted by whom it should be
 *   -EKEYREJECTED  by somebody else: found
 *   -ENOKEY        nobody knows whose process should: the target has no owner, or is not on this machine
 *   -ETIMEDOUT     the limit passed
 *   else           as connect(2), or -ECONNRESET: it ended before anybody had accepted it */
struct dial_callbacks {
	/* At the address; who accepts is not known yet.  Must not end the dial.  May be NULL. */
	void (*connected)(void *arg);
	void (*done)(void *arg, int error);
};

/* Zeroed is idle; it must not move while it is not. */
struct dial {
	struct dialer *dialer;
	struct dial_target target; /* without user */
	char user[T3OPS_USER_NAME_SIZE];
	struct ev_io io;
	struct ev_timer again, limit;
	uint64_t pause_us; /* before the kernel is asked again */
	int fd;
	bool at_path; /* it is connected there */
	const struct dial_callbacks *cb;
	void *arg;
};

/* 0: one of the callbacks follows, never from inside; or -errno.  limit_us: 0: none. */
int dial_start(struct dial *d, struct dialer *dialer, const struct dial_target *target, uint64_t limit_us,
               const struct dial_callbacks *cb, void *arg);
/* The descriptor, non-blocking and CLOEXEC, which is the caller's from then on; in or after done(0). */
int dial_take(struct dial *d);
/* Ends it at any time; closes what was not taken. */
void dial_stop(struct dial *d);

/* What an error of a dial means, one line. */
const char *dial_error_text(int error);
/* "127.0.0.1 port 3773", or the path. */
void dial_target_name(const struct dial_target *target, char *out, size_t size);

#endif
