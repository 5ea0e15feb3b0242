/* SPDX-License-Identifier: MIT */
/* Peers by their credentials; see control_peer.h. */
#include "monitor/control_peer.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/account.h"

void control_peers_init(struct control_peers *p, struct monitor *monitor)
{
	static const struct t3ops_metric family = {
	    .name = "t3ops_control_refused_total",
	    .type = T3OPS_COUNTER,
	    .help = "Connections to the control socket that came from processes of t3ops, and were refused."};

	p->monitor = monitor;
	for (enum process_id id = PROCESS_PROXY; id < PROCESS_HELPER; id++)
		p->apart[id] = process_account_own(id, &monitor->process->config->core, &p->uids[id]) &&
		               (id != PROCESS_PROXY || p->uids[id] != geteuid());
	p->refused = metrics_series(monitor->process->metrics, &family, NULL, NULL, NULL);
}

/* Which process of t3ops it is; PROCESS_NONE: none. */
static enum process_id process_of(const struct control_peers *p, const struct ucred *peer)
{
	const struct process_list *l = &p->monitor->processes;

	for (enum process_id id = PROCESS_PROXY; id < PROCESS_HELPER; id++)
		if (p->apart[id] && peer->uid == p->uids[id])
			return id;
	for (size_t i = 0; i < l->n; i++)
		if (l->rows[i].pid == peer->pid)
			return (enum process_id)l->rows[i].process;
	return PROCESS_NONE;
}

static void refusal_report(struct control_peers *p, const struct ucred *peer, enum process_id process)
{
	struct event e;

	series_add(p->refused, 1);
	event_init(&e, EVENT_CONTROL_REFUSED, PROCESS_MONITOR);
	if (!throttle_passes(&p->throttle, process_name(process), "control", e.mono_us, &e.count))
		return;
	e.id = (uint64_t)peer->pid;
	event_set(e.requester, process_name(process));
	snprintf(e.text, sizeof e.text, "uid %u", (unsigned)peer->uid);
	process_emit(p->monitor->process, &e);
}

bool control_peer_admit(struct control_peers *p, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	enum process_id process;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	process = process_of(p, &peer);
	if (process != PROCESS_NONE)
		refusal_report(p, &peer, process);
	return process == PROCESS_NONE;
}
