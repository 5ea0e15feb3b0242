/* SPDX-License-Identifier: MIT */
/* A process table without processes: each child has a channel whose other end the test reads. */
#ifndef TESTS_FAKE_PROCESSES_H
#define TESTS_FAKE_PROCESSES_H

#include "supervisor/process_table.h"

#define FAKES 6

struct fakes {
	struct ev_loop *loop;
	struct process_table table;
	struct child children[FAKES];
	int ends[FAKES]; /* the process's end of each channel */
	size_t n;
};

/* What a process got. */
struct fake_message {
	struct msg_head head;
	_Alignas(8) char payload[2048];
};

void fakes_init(struct fakes *f);
void fakes_fini(struct fakes *f);
/* A ready process that is the current one of its role, if there is none yet. */
struct child *fakes_add(struct fakes *f, enum process_id process);
/* The next message that it got; false: there is none. */
bool fakes_read(const struct fakes *f, const struct child *c, struct fake_message *out);

#endif
