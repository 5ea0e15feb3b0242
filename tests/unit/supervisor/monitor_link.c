/* SPDX-License-Identifier: MIT */
/* Events wait for a monitor, in order and with their senders; a new one learns of every process. */
#include "supervisor/monitor_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_processes.h"

struct lab {
	struct fakes f;
	struct monitor_link link;
	struct child *monitor, *proxy;
};

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof *lab);

	fakes_init(&lab->f);
	lab->proxy = fakes_add(&lab->f, PROCESS_PROXY);
	lab->monitor = fakes_add(&lab->f, PROCESS_MONITOR);
	monitor_link_init(&lab->link, &lab->f.table);
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	fakes_fini(&lab->f);
	free(lab);
	return 0;
}

static void pass(struct lab *lab, uint64_t id)
{
	struct event e;

	event_init(&e, EVENT_NOTE, PROCESS_PROXY);
	e.id = id;
	monitor_link_pass(&lab->link, lab->proxy, &e);
}

/* The next one that the monitor got is this event. */
static void assert_event(struct lab *lab, uint32_t from, uint64_t id)
{
	struct fake_message m;
	struct event e;

	assert_true(fakes_read(&lab->f, lab->monitor, &m));
	assert_int_equal(m.head.type, MSG_EVENT);
	assert_int_equal(m.head.from, from);
	memcpy(&e, m.payload, sizeof e);
	assert_int_equal(e.id, id);
}

static void assert_state(struct lab *lab, const struct child *c)
{
	struct fake_message m;
	struct msg_process p;

	assert_true(fakes_read(&lab->f, lab->monitor, &m));
	assert_int_equal(m.head.type, MSG_PROCESS_STATE);
	memcpy(&p, m.payload, sizeof p);
	assert_int_equal(p.serial, c->serial);
	assert_int_equal(p.state, c->state);
	assert_int_equal(p.restarts, lab->f.table.restarts[c->slot]);
}

static void assert_levels(struct lab *lab)
{
	struct fake_message m;

	assert_true(fakes_read(&lab->f, lab->monitor, &m));
	assert_int_equal(m.head.type, MSG_LOG_LEVELS);
}

static void test_held_until_attached(void **state)
{
	struct lab *lab = *state;
	struct fake_message m;
	struct event e;

	lab->f.table.restarts[PROCESS_PROXY] = 3;
	pass(lab, 1);
	pass(lab, 2);
	event_init(&e, EVENT_NOTE, PROCESS_NONE);
	e.id = 3;
	monitor_link_emit(&lab->link, &e);
	assert_int_equal(e.process, PROCESS_SUPERVISOR);
	monitor_link_state(&lab->link, lab->proxy);
	assert_false(fakes_read(&lab->f, lab->monitor, &m));
	monitor_link_attach(&lab->link, lab->monitor);
	assert_state(lab, lab->proxy);
	assert_state(lab, lab->monitor);
	assert_levels(lab);
	assert_event(lab, lab->proxy->serial, 1);
	assert_event(lab, lab->proxy->serial, 2);
	assert_event(lab, 0, 3);
	pass(lab, 4);
	assert_event(lab, lab->proxy->serial, 4);
	assert_false(fakes_read(&lab->f, lab->monitor, &m));
}

static void test_another_monitor_that_exits_is_not_the_one(void **state)
{
	struct lab *lab = *state;
	struct fake_message m;

	monitor_link_resume(&lab->link, lab->monitor);
	monitor_link_detach(&lab->link, lab->proxy);
	pass(lab, 1);
	assert_event(lab, lab->proxy->serial, 1);
	monitor_link_detach(&lab->link, lab->monitor);
	pass(lab, 2);
	assert_false(fakes_read(&lab->f, lab->monitor, &m));
}

/* The oldest go, and are counted. */
static void test_overflow(void **state)
{
	struct lab *lab = *state;

	for (uint64_t id = 1; id <= HELD_EVENTS + 5; id++)
		pass(lab, id);
	assert_int_equal(lab->link.n_dropped, 5);
	monitor_link_attach(&lab->link, lab->monitor);
	assert_state(lab, lab->proxy);
	assert_state(lab, lab->monitor);
	assert_levels(lab);
	assert_event(lab, lab->proxy->serial, 6);
	assert_int_equal(lab->link.n_held, 0);
}

static unsigned asked(struct lab *lab, enum msg_type type)
{
	struct fake_message m;
	unsigned n = 0;

	while (fakes_read(&lab->f, lab->proxy, &m))
		n += m.head.type == type;
	return n;
}

/* A monitor that does not get on: who speaks keeps the rest, and says it later; nothing is lost. */
static void test_a_monitor_that_is_behind(void **state)
{
	struct lab *lab = *state;
	struct fake_message m;
	uint64_t sent = 0, read = 0;

	monitor_link_attach(&lab->link, lab->monitor);
	assert_state(lab, lab->proxy);
	assert_state(lab, lab->monitor);
	assert_levels(lab);
	while (!lab->proxy->keeps_events)
		pass(lab, ++sent);
	assert_int_equal(asked(lab, MSG_EVENTS_KEEP), 1);
	for (unsigned i = 0; i < 1000; i++) /* were on their way */
		pass(lab, ++sent);
	assert_int_equal(asked(lab, MSG_EVENTS_KEEP), 0);
	while (lab->proxy->keeps_events) {
		while (fakes_read(&lab->f, lab->monitor, &m))
			read++;
		ev_run(lab->f.loop, EVRUN_NOWAIT);
	}
	assert_true(read > 0 && read < sent);
	assert_int_equal(asked(lab, MSG_EVENTS_SEND), 1);
	while (read < sent) {
		while (fakes_read(&lab->f, lab->monitor, &m))
			read++;
		ev_run(lab->f.loop, EVRUN_NOWAIT);
	}
	assert_int_equal(channel_dropped(lab->monitor->channel), 0);
}

/* What is kept waits for the next one, and is not thrown at nobody. */
static void test_a_monitor_that_goes_while_it_is_behind(void **state)
{
	struct lab *lab = *state;

	monitor_link_attach(&lab->link, lab->monitor);
	while (!lab->proxy->keeps_events)
		pass(lab, 1);
	monitor_link_detach(&lab->link, lab->monitor);
	assert_int_equal(asked(lab, MSG_EVENTS_SEND), 0);
	monitor_link_attach(&lab->link, fakes_add(&lab->f, PROCESS_MONITOR));
	assert_int_equal(asked(lab, MSG_EVENTS_SEND), 1);
}

/* Long before the ring is full: what a process has sent already has to find room, too. */
static void test_no_monitor_for_long(void **state)
{
	struct lab *lab = *state;
	uint64_t n = 0;

	while (!lab->proxy->keeps_events)
		pass(lab, ++n);
	assert_in_range(n, 2, HELD_EVENTS / 4);
	assert_int_equal(asked(lab, MSG_EVENTS_KEEP), 1);
	monitor_link_attach(&lab->link, lab->monitor);
	assert_int_equal(asked(lab, MSG_EVENTS_SEND), 1);
	assert_int_equal(lab->link.n_dropped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_held_until_attached, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_another_monitor_that_exits_is_not_the_one, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_overflow, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_monitor_that_is_behind, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_monitor_that_goes_while_it_is_behind, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_no_monitor_for_long, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
