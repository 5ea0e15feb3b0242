/* SPDX-License-Identifier: MIT */
/* Who may be a t3 server, and who pretended; see upstream_dialer.h. */
#include "process/upstream_dialer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/dir_owner.h"
#include "obs/event.h"
#include "users/user_target.h"

static void on_impostor(void *arg, const struct dial_target *target, uid_t found)
{
	struct upstream_dialer *d = arg;
	struct event e;
	char where[80];

	series_add(d->impostors, 1);
	event_init(&e, EVENT_UPSTREAM_IMPOSTOR, (uint8_t)d->process->id);
	if (!throttle_passes(&d->throttle, target->user, "impostor", e.mono_us, &e.count))
		return;
	event_set(e.user, target->user);
	dial_target_name(target, where, sizeof where);
	snprintf(e.text, sizeof e.text, "a process of uid %u answers at %s, expected uid %u; nothing was sent to it",
	         (unsigned)found, where, (unsigned)target->owner);
	process_emit(d->process, &e);
}

/* Values that are no networks were refused with the configuration. */
static void trusted_read(struct cidr_list *out, const struct text_list *networks)
{
	for (size_t i = 0; i < networks->n; i++)
		cidr_list_add(out, networks->items[i]);
}

struct upstream_dialer *upstream_dialer_new(struct process *process, const struct text_list *trusted)
{
	static const struct t3ops_metric family = {
	    .name = "t3ops_upstream_impostors_total",
	    .type = T3OPS_COUNTER,
	    .labels = {"process"},
	    .help = "Connections to t3 servers that a process of another account had accepted."};
	struct upstream_dialer *d = calloc(1, sizeof *d);
	int r;

	if (!d)
		return NULL;
	r = socket_owner_open(&d->dialer.owners);
	if (r < 0) {
		free(d);
		errno = -r;
		return NULL;
	}
	d->dialer.loop = process->loop;
	d->process = process;
	trusted_read(&d->trusted, trusted);
	if (!process->metrics) /* that of a job's run: what it answers says it */
		return d;
	d->dialer.on_impostor = on_impostor;
	d->dialer.arg = d;
	d->impostors = metrics_series(process->metrics, &family, NULL, NULL,
	                              (const char *[]){process_name(process->id)});
	return d;
}

void upstream_dialer_free(struct upstream_dialer *d)
{
	if (!d)
		return;
	socket_owner_close(&d->dialer.owners);
	cidr_list_fini(&d->trusted);
	free(d);
}

int upstream_dialer_target(const struct upstream_dialer *d, const struct user *user, struct dial_target *out)
{
	return user_target(user, &d->trusted, out);
}

/* ---- the check of a configuration ----------------------------------------------------------------------------- */

static void row_check(const struct process_config *config, const struct config_faults *f, const struct user *user,
                      const struct dial_target *target, struct socket_owner *owners)
{
	const char *users = config->core.users;

	if (target->path[0] != '\0' && !target->has_owner && !dir_owner_may_be_known(target->path))
		config_fault_warn(
		    f, CONF_CORE, NULL, "users",
		    "users = \"%.200s\": %s: the row has no OS user, and others than its owner and root "
		    "can write to the directory of %s, or replace or make it, so it is sent "
		    "nothing: write OS_USER@unix:%s, or use a directory below one of root's alone",
		    users, user->name, target->path, target->path);
	if (target->as_it_is || target->len == 0)
		return;
	if (!socket_owner_is_local(owners, (const struct sockaddr *)&target->address))
		config_fault_warn(f, CONF_CORE, NULL, "users",
		                  "users = \"%.200s\": %s: %s is not an address of this machine, so nobody can tell "
		                  "whose t3 server answers there, and it is sent nothing: add it to "
		                  "trusted_upstreams",
		                  users, user->name, user->host);
	else if (user->os_user[0] == '\0' && target->path[0] == '\0')
		config_fault_warn(
		    f, CONF_CORE, NULL, "users",
		    "users = \"%.200s\": %s: the row has no OS user, so nobody can tell whose t3 server "
		    "answers at %s port %u, and it is sent nothing: write OS_USER@%s:%u, or add the "
		    "address to trusted_upstreams",
		    users, user->name, user->host, user->port, user->host, user->port);
}

void upstream_dialer_check(const struct process_config *config, const struct user_list *users,
                           const struct config_faults *f)
{
	struct cidr_list trusted = {0};
	struct socket_owner owners;
	struct dial_target target;
	bool asks = false;

	if (socket_owner_open(&owners) < 0)
		return;
	trusted_read(&trusted, &config->core.trusted_upstreams);
	for (size_t i = 0; i < users->n; i++)
		if (user_target(&users->rows[i], &trusted, &target) == 0) {
			row_check(config, f, &users->rows[i], &target, &owners);
			asks = asks || (target.len > 0 && target.has_owner && !target.as_it_is);
		}
	if (asks && !socket_owner_works(&owners))
		config_fault_warn(
		    f, CONF_CORE, NULL, "users",
		    "users = \"%.200s\": this kernel does not say whose process accepts a connection, so "
		    "nothing is sent to t3 servers here: load its modules inet_diag and tcp_diag, use "
		    "Unix sockets, or add their addresses to trusted_upstreams",
		    config->core.users);
	cidr_list_fini(&trusted);
	socket_owner_close(&owners);
}
