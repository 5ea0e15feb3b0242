/* SPDX-License-Identifier: MIT */
/*
 * The way to the t3 servers, for every process that sends them something secret: where a user's is, whose process it
 * must be (net/dial.h), and what is reported if another account's answers there.
 */
#ifndef T3OPS_PROCESS_UPSTREAM_DIALER_H
#define T3OPS_PROCESS_UPSTREAM_DIALER_H

#include "net/cidr.h"
#include "net/dial.h"
#include "obs/throttle.h"
#include "process/process.h"
#include "users/user_list.h"

struct upstream_dialer {
	struct dialer dialer;
	struct cidr_list trusted; /* of trusted_upstreams */
	struct process *process;
	struct series *impostors;
	struct throttle throttle;
};

/* Before the sandbox; trusted: trusted_upstreams.  NULL with errno. */
struct upstream_dialer *upstream_dialer_new(struct process *process, const struct text_list *trusted);
void upstream_dialer_free(struct upstream_dialer *d); /* NULL is fine */

/* user_target with this process's trusted_upstreams. */
int upstream_dialer_target(const struct upstream_dialer *d, const struct user *user, struct dial_target *out);

/* Warns of rows of the user table whose t3 servers cannot be trusted. */
void upstream_dialer_check(const struct process_config *config, const struct user_list *users,
                           const struct config_faults *f);

#endif
