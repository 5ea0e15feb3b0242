/* SPDX-License-Identifier: MIT */
/* Who may send what to whom, and what the receiver is told about the sender. */
#include "supervisor/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_processes.h"

struct lab {
	struct fakes f;
	struct monitor_link link;
	struct router router;
	struct child *of[PROCESSES];
	enum msg_type handled;
};

static void on_handled(void *arg, struct child *from, const struct msg_head *head, const void *payload)
{
	struct lab *lab = arg;

	(void)from, (void)payload;
	lab->handled = (enum msg_type)head->type;
}

static const struct message_handler handlers[] = {{MSG_READY, PROCESS_NONE, on_handled},
                                                  {MSG_RELOAD, PROCESS_MONITOR, on_handled}};

static int setup(void **state)
{
	static struct lab lab;

	memset(&lab, 0, sizeof lab);
	fakes_init(&lab.f);
	for (unsigned p = PROCESS_PROXY; p <= PROCESS_HELPER; p++)
		lab.of[p] = fakes_add(&lab.f, (enum process_id)p);
	monitor_link_init(&lab.link, &lab.f.table);
	monitor_link_resume(&lab.link, lab.of[PROCESS_MONITOR]);
	lab.router = (struct router){&lab.f.table, &lab.link, handlers, 2, &lab};
	*state = &lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	fakes_fini(&lab->f);
	return 0;
}

static void send_as(struct lab *lab, enum process_id from, enum msg_type type, uint32_t to, size_t len)
{
	static const char payload[4096];
	const struct msg_head head = {.version = MSG_VERSION,
	                              .type = (uint16_t)type,
	                              .from = 4711,
	                              .from_process = PROCESS_HELPER,
	                              .to = to,
	                              .id = 99,
	                              .len = (uint32_t)len};

	lab->handled = 0;
	router_message(&lab->router, lab->of[from], &head, payload);
}

/* Who got something: its process_id; PROCESS_NONE: nobody. */
static enum process_id receiver(struct lab *lab, struct fake_message *m)
{
	enum process_id got = PROCESS_NONE;
	struct fake_message one;

	for (unsigned p = PROCESS_PROXY; p <= PROCESS_HELPER; p++)
		while (fakes_read(&lab->f, lab->of[p], &one)) {
			assert_int_equal(got, PROCESS_NONE);
			got = (enum process_id)p;
			*m = one;
		}
	return got;
}

#define SERIAL_OF(process) (1000 + PROCESS_##process)
#define EVENT_LEN          sizeof(struct event)
#define RUN_LEN            sizeof(struct msg_run)
#define PROBE_LEN          sizeof(struct msg_probe)

/* to: a process_id, or SERIAL_OF a process. */
static const struct {
	enum process_id from;
	enum msg_type type;
	uint32_t to;
	size_t len;
	enum process_id got; /* PROCESS_NONE: refused */
} cases[] = {
    {PROCESS_PROXY, MSG_EVENT, PROCESS_MONITOR, EVENT_LEN, PROCESS_MONITOR},
    {PROCESS_HELPER, MSG_EVENT, PROCESS_MONITOR, EVENT_LEN, PROCESS_MONITOR},
    {PROCESS_PROXY, MSG_EVENT, PROCESS_HELPER, EVENT_LEN, PROCESS_NONE},
    {PROCESS_PROXY, MSG_EVENT, PROCESS_MONITOR, EVENT_LEN - 1, PROCESS_NONE},
    {PROCESS_PROXY, MSG_RUN, PROCESS_HELPER, RUN_LEN, PROCESS_HELPER},
    {PROCESS_MONITOR, MSG_RUN, PROCESS_HELPER, RUN_LEN, PROCESS_NONE},
    {PROCESS_PROXY, MSG_RUN, PROCESS_JOBS, RUN_LEN, PROCESS_NONE},
    {PROCESS_PROXY, MSG_RUN, PROCESS_HELPER, RUN_LEN + 1, PROCESS_NONE},
    {PROCESS_HELPER, MSG_RAN, SERIAL_OF(PROXY), 100, PROCESS_PROXY},
    {PROCESS_HELPER, MSG_RAN, PROCESS_PROXY, 100, PROCESS_NONE},
    {PROCESS_PROXY, MSG_RAN, SERIAL_OF(JOBS), 100, PROCESS_NONE},
    {PROCESS_MONITOR, MSG_PROBE, PROCESS_PROBER, PROBE_LEN, PROCESS_PROBER},
    {PROCESS_MONITOR, MSG_PROBE, PROCESS_PROXY, PROBE_LEN, PROCESS_PROXY},
    {PROCESS_PROXY, MSG_PROBE, PROCESS_PROBER, PROBE_LEN, PROCESS_NONE},
    {PROCESS_MONITOR, MSG_LEG_RETRY, PROCESS_PROBER, sizeof(struct msg_leg_retry), PROCESS_PROBER},
    {PROCESS_PROXY, MSG_LEG_RETRY, PROCESS_PROBER, sizeof(struct msg_leg_retry), PROCESS_NONE},
    {PROCESS_MONITOR, MSG_JOB_NOW, PROCESS_JOBS, RUN_LEN, PROCESS_JOBS},
    {PROCESS_PROXY, MSG_JOB_NOW, PROCESS_JOBS, RUN_LEN, PROCESS_NONE},
    {PROCESS_JOBS, MSG_JOB_DONE, SERIAL_OF(MONITOR), 20, PROCESS_MONITOR},
    {PROCESS_PROXY, MSG_JOB_DONE, SERIAL_OF(MONITOR), 20, PROCESS_NONE},
    {PROCESS_PROXY, MSG_STOP, PROCESS_MONITOR, 0, PROCESS_NONE},
    {PROCESS_PROXY, MSG_TAKE, SERIAL_OF(MONITOR), 0, PROCESS_NONE},
    {PROCESS_PROXY, MSG_EVENT, 7, EVENT_LEN, PROCESS_NONE},
};

static void test_routes(void **state)
{
	struct lab *lab = *state;
	struct fake_message m;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint32_t to = cases[i].to < 1000 ? cases[i].to : lab->of[cases[i].to - 1000]->serial;

		send_as(lab, cases[i].from, cases[i].type, to, cases[i].len);
		assert_int_equal(receiver(lab, &m), cases[i].got);
		if (cases[i].got == PROCESS_NONE)
			continue;
		assert_int_equal(m.head.type, cases[i].type);
		assert_int_equal(m.head.from, lab->of[cases[i].from]->serial);
	}
}

static void test_sender_is_stamped(void **state)
{
	struct lab *lab = *state;
	struct fake_message m;
	struct event e;

	send_as(lab, PROCESS_PROXY, MSG_RUN, PROCESS_HELPER, RUN_LEN);
	assert_int_equal(receiver(lab, &m), PROCESS_HELPER);
	assert_int_equal(m.head.from_process, PROCESS_PROXY);
	assert_int_equal(m.head.id, 99);
	send_as(lab, PROCESS_PROXY, MSG_EVENT, PROCESS_MONITOR, EVENT_LEN);
	assert_int_equal(receiver(lab, &m), PROCESS_MONITOR);
	memcpy(&e, m.payload, sizeof e);
	assert_int_equal(e.process, PROCESS_PROXY);
}

static void test_handlers(void **state)
{
	static const struct {
		enum process_id from;
		enum msg_type type, handled;
	} rows[] = {
	    {PROCESS_PROXY, MSG_READY, MSG_READY},
	    {PROCESS_MONITOR, MSG_RELOAD, MSG_RELOAD},
	    {PROCESS_PROXY, MSG_RELOAD, 0},
	    {PROCESS_PROXY, MSG_EVENT, 0},
	};
	struct lab *lab = *state;
	struct fake_message m;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		send_as(lab, rows[i].from, rows[i].type, PROCESS_SUPERVISOR, EVENT_LEN);
		assert_int_equal(lab->handled, rows[i].handled);
		assert_int_equal(receiver(lab, &m), PROCESS_NONE);
	}
}

static void test_unreachable(void **state)
{
	struct lab *lab = *state;
	struct fake_message m;

	lab->f.table.current[PROCESS_HELPER] = NULL;
	send_as(lab, PROCESS_PROXY, MSG_RUN, PROCESS_HELPER, RUN_LEN);
	assert_int_equal(receiver(lab, &m), PROCESS_PROXY);
	assert_int_equal(m.head.type, MSG_UNREACHABLE);
	assert_int_equal(m.head.id, 99);
	send_as(lab, PROCESS_HELPER, MSG_RAN, 5000, 10);
	assert_int_equal(receiver(lab, &m), PROCESS_NONE);
}

/* A probe reaches every proxy, those that drain included. */
static void test_probe_reaches_all_proxies(void **state)
{
	struct lab *lab = *state;
	struct child *old = fakes_add(&lab->f, PROCESS_PROXY);
	struct fake_message m;

	old->state = PROCESS_DRAINING;
	send_as(lab, PROCESS_MONITOR, MSG_PROBE, PROCESS_PROXY, PROBE_LEN);
	assert_true(fakes_read(&lab->f, old, &m));
	assert_true(fakes_read(&lab->f, lab->of[PROCESS_PROXY], &m));
}

/* Nobody reports what another process does, nor what no process does. */
static void test_whose_events(void **state)
{
	static const struct {
		enum process_id from;
		unsigned kind;
		bool passes;
	} rows[] = {
	    {PROCESS_PROXY, EVENT_NOTE, true},          {PROCESS_PROXY, EVENT_TUNNEL_DROP, true},
	    {PROCESS_MONITOR, EVENT_TUNNEL_DROP, true}, {PROCESS_PROBER, EVENT_TUNNEL_DROP, false},
	    {PROCESS_PROBER, EVENT_LEG_DOWN, true},     {PROCESS_PROXY, EVENT_LEG_DOWN, false},
	    {PROCESS_PROXY, EVENT_COMMAND_DONE, false}, {PROCESS_HELPER, EVENT_COMMAND_DONE, true},
	    {PROCESS_PROXY, EVENT_VERDICT, false},      {PROCESS_MONITOR, EVENT_VERDICT, true},
	    {PROCESS_PROXY, EVENT_JOB_DONE, false},     {PROCESS_HELPER, EVENT_UPGRADED, false},
	    {PROCESS_PROXY, EVENT_LOOP_LAG, true},      {PROCESS_PROXY, EVENT_KINDS, false},
	    {PROCESS_PROXY, UINT16_MAX, false},
	};
	struct lab *lab = *state;
	struct fake_message m;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct event e = {.kind = (uint16_t)rows[i].kind, .process = PROCESS_HELPER};
		const struct msg_head head = {
		    .version = MSG_VERSION, .type = MSG_EVENT, .to = PROCESS_MONITOR, .len = sizeof e};

		router_message(&lab->router, lab->of[rows[i].from], &head, &e);
		if (receiver(lab, &m) != (rows[i].passes ? PROCESS_MONITOR : PROCESS_NONE))
			fail_msg("event %u from %s", rows[i].kind, process_name(rows[i].from));
		assert_int_equal(lab->of[rows[i].from]->n_refused > 0, !rows[i].passes);
		lab->of[rows[i].from]->n_refused = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_whose_events, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_routes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_sender_is_stamped, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_handlers, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_unreachable, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_probe_reaches_all_proxies, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
