/* SPDX-License-Identifier: MIT */
/* Who may say what to whom; see router.h. */
#include "supervisor/router.h"

#include <string.h>

#define ANY           ~0U
#define ONLY(process) (1U << PROCESS_##process)

struct route {
	enum msg_type type;
	uint32_t from; /* bits of the processes that may send it */
	uint32_t to;   /* bits of those that may be addressed by process_id; an answer goes to a serial */
	bool is_answer;
	size_t len; /* of its payload, 0: any */
	void (*pass)(struct router *r, struct child *from, const struct msg_head *head, const void *payload);
};

static void pass(struct router *r, struct child *from, const struct msg_head *head, const void *payload);
static void event_pass(struct router *r, struct child *from, const struct msg_head *head, const void *payload);
static void probe_pass(struct router *r, struct child *from, const struct msg_head *head, const void *payload);

/* The helper itself knows who may have which program started (MSG_RUN). */
static const struct route routes[] = {
    {MSG_EVENT, ANY, ONLY(MONITOR), false, sizeof(struct event), event_pass},
    {MSG_RUN, ONLY(PROXY) | ONLY(PROBER) | ONLY(JOBS), ONLY(HELPER), false, sizeof(struct msg_run), pass},
    {MSG_RAN, ONLY(HELPER), 0, true, 0, pass},
    {MSG_PROBE, ONLY(MONITOR), ONLY(PROXY) | ONLY(PROBER), false, sizeof(struct msg_probe), probe_pass},
    {MSG_LEG_RETRY, ONLY(MONITOR), ONLY(PROBER), false, sizeof(struct msg_leg_retry), pass},
    {MSG_ABSENT_ASK, ONLY(PROBER), ONLY(HELPER), false, sizeof(struct msg_absent), pass},
    {MSG_ABSENT, ONLY(HELPER), 0, true, sizeof(struct msg_absent), pass},
    {MSG_USER_PAGE_ASK, ONLY(PROXY), ONLY(MONITOR), false, T3OPS_USER_NAME_SIZE, pass},
    {MSG_USER_PAGE, ONLY(MONITOR), 0, true, 0, pass},
    {MSG_USER_VERDICT_ASK, ONLY(PROXY), ONLY(MONITOR), false, T3OPS_USER_NAME_SIZE, pass},
    {MSG_USER_VERDICT, ONLY(MONITOR), 0, true, 0, pass},
    {MSG_NOTIFY, ONLY(MONITOR), ONLY(HELPER), false, 0, pass},
    {MSG_JOB_NOW, ONLY(MONITOR), ONLY(JOBS), false, sizeof(struct msg_run), pass},
    {MSG_JOB_DONE, ONLY(JOBS), 0, true, 0, pass},
};

/* The first ones, then ever fewer: who goes wild does not stop. */
static void refuse(struct child *from, const struct msg_head *head)
{
	uint64_t n = ++from->n_refused;

	if (n < 8 || (n & (n - 1)) == 0)
		log_write(LOG_L_WARNING, "message_refused", kv_child(process_name(from->process)),
		          kv_message_type(head->type), kv_receiver(head->to),
		          kv_suppressed(n > 8 ? (int64_t)(n / 2 - 1) : 0));
}

/* ---- passing on ---------------------------------------------------------------------------------------- */

static struct child *receiver_find(const struct router *r, uint32_t to)
{
	if (to >= MSG_FIRST_SERIAL)
		return process_table_find(r->processes, to);
	return process_table_role(r->processes, (enum process_id)to);
}

static void pass(struct router *r, struct child *from, const struct msg_head *head, const void *payload)
{
	struct child *to = receiver_find(r, head->to);

	if (to)
		channel_relay(to->channel, head, payload);
	else if (head->to < MSG_FIRST_SERIAL)
		channel_send(from->channel, MSG_UNREACHABLE, from->serial, head->id, NULL, 0);
}

/* Whose work the event is about; any other one that reports it is lying. */
static uint32_t event_senders(unsigned kind)
{
	switch (kind) {
	case EVENT_PROCESS_STARTED ... EVENT_UPGRADED:
		return 0; /* the supervisor's own */
	case EVENT_MACHINE_SUSPENDED ... EVENT_CPU_STARVED:
	case EVENT_SLOW ... EVENT_VERDICT_EXPIRED:
	case EVENT_CONTROL_REFUSED:
	case EVENT_JOURNAL_CAPPED:
	case EVENT_NOTIFICATION_DROPPED:
		return ONLY(MONITOR);
	case EVENT_COMMAND_DONE ... EVENT_COMMAND_REFUSED:
		return ONLY(HELPER);
	case EVENT_TUNNEL_DROP:
		return ONLY(PROXY) | ONLY(MONITOR);
	case EVENT_TUNNEL_OPEN:
	case EVENT_TUNNEL_CLOSED:
	case EVENT_TUNNEL_HEARTBEAT ... EVENT_IDENTITY_IGNORED:
		return ONLY(PROXY);
	case EVENT_LEG_UP ... EVENT_LEG_GONE:
		return ONLY(PROBER);
	case EVENT_JOB_DONE:
	case EVENT_JOB_FAILED:
	case EVENT_JOB_ABSENT:
	case EVENT_ACTION_DONE:
	case EVENT_ACTION_FAILED:
		return ONLY(JOBS);
	default:
		return kind < EVENT_KINDS ? ANY : 0;
	}
}

/* No process speaks for another one. */
static void event_pass(struct router *r, struct child *from, const struct msg_head *head, const void *payload)
{
	struct event e;

	memcpy(&e, payload, sizeof e);
	if (!(event_senders(e.kind) & 1U << from->process)) {
		refuse(from, head);
		return;
	}
	e.process = (uint8_t)from->process;
	monitor_link_pass(r->monitor, from, &e);
}

/* Proxies that drain hold tunnels, too. */
static void probe_pass(struct router *r, struct child *from, const struct msg_head *head, const void *payload)
{
	struct child *c;

	if (head->to != PROCESS_PROXY) {
		pass(r, from, head, payload);
		return;
	}
	PROCESS_TABLE_FOREACH (c, r->processes)
		if (c->process == PROCESS_PROXY)
			channel_relay(c->channel, head, payload);
}

/* ---- who may send what ----------------------------------------------------------------------------------- */

static bool route_allows(const struct route *route, const struct child *from, const struct msg_head *head)
{
	bool to_serial = head->to >= MSG_FIRST_SERIAL;

	if (!(route->from & 1U << from->process) || to_serial != route->is_answer)
		return false;
	if (!to_serial && !(route->to & 1U << head->to))
		return false;
	return route->len == 0 || route->len == head->len;
}

static const struct route *route_find(uint16_t type)
{
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
		if (routes[i].type == type)
			return &routes[i];
	return NULL;
}

static const struct message_handler *handler_find(const struct router *r, const struct child *from, uint16_t type)
{
	for (size_t i = 0; i < r->n_handlers; i++) {
		const struct message_handler *h = &r->handlers[i];

		if (h->type == type && (h->from == PROCESS_NONE || h->from == from->process))
			return h;
	}
	return NULL;
}

void router_message(struct router *r, struct child *from, const struct msg_head *received, const void *payload)
{
	const struct message_handler *handler = NULL;
	const struct route *route = NULL;
	struct msg_head head = *received;

	head.from = from->serial;
	head.from_process = (uint32_t)from->process;
	if (head.to == PROCESS_SUPERVISOR)
		handler = handler_find(r, from, head.type);
	else
		route = route_find(head.type);
	if (handler)
		handler->handle(r->arg, from, &head, payload);
	else if (route && route_allows(route, from, &head))
		route->pass(r, from, &head, payload);
	else
		refuse(from, &head);
}
