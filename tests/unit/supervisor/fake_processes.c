/* SPDX-License-Identifier: MIT */
/* Children without processes; see fake_processes.h. */
#include "fake_processes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

void fakes_init(struct fakes *f)
{
	struct child_host host = {0};

	memset(f, 0, sizeof *f);
	f->loop = host.loop = ev_loop_new(EVFLAG_AUTO);
	host.metrics = metrics_new();
	assert_non_null(f->loop);
	assert_non_null(host.metrics);
	process_table_init(&f->table, &host);
}

void fakes_fini(struct fakes *f)
{
	for (size_t i = 0; i < f->n; i++) {
		channel_free(f->children[i].channel);
		close(f->ends[i]);
	}
	metrics_free(f->table.host.metrics);
	ev_loop_destroy(f->loop);
}

static void on_message(void *arg, const struct msg_head *head, const void *payload)
{
	(void)arg, (void)head, (void)payload;
}

static void on_closed(void *arg)
{
	(void)arg;
}

struct child *fakes_add(struct fakes *f, enum process_id process)
{
	struct child *c = &f->children[f->n];
	int fds[2];

	assert_true(f->n < FAKES);
	assert_int_equal(channel_pair(fds), 0);
	f->ends[f->n++] = fds[1];
	*c = (struct child){.host = &f->table.host,
	                    .slot = (unsigned)process,
	                    .process = process,
	                    .state = PROCESS_READY,
	                    .serial = ++f->table.last_serial,
	                    .pid = 1000 + (pid_t)f->n,
	                    .pidfd = -1};
	c->channel = channel_new(f->loop, fds[0], on_message, on_closed, c);
	assert_non_null(c->channel);
	TAILQ_INSERT_TAIL(&f->table.all, c, link);
	if (!f->table.current[process])
		f->table.current[process] = c;
	return c;
}

bool fakes_read(const struct fakes *f, const struct child *c, struct fake_message *out)
{
	return recv(f->ends[c - f->children], out, sizeof *out, MSG_DONTWAIT) >= (ssize_t)sizeof out->head;
}
