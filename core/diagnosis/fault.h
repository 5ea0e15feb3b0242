/* SPDX-License-Identifier: MIT */
/*
 * Faults that a verdict named: they stand until what they were based on works again, and explain what
 * falls victim to them until a while after their end.  Pure.
 */
#ifndef T3OPS_DIAGNOSIS_FAULT_H
#define T3OPS_DIAGNOSIS_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnosis/probe_table.h"
#include "diagnosis/tomography.h"

#define FAULT_FORGET_US UINT64_C(600000000) /* a fault of users only, who never came back */
#define GRACE_US        UINT64_C(30000000)  /* longer than the clients' watchdogs */

struct fault {
	uint64_t no;       /* what legs refer to; never 0 */
	uint64_t id;       /* of its incident */
	uint64_t first_us; /* CLOCK_MONOTONIC of its first drop */
	uint64_t until_us; /* of its latest verdict; once healed: of its end */
	bool healed;
	bool by_legs; /* legs failed, so they decide when it is over */
	struct tomo_path suspects;
	const char **users; /* interned: who dropped and is not back */
	size_t n_users, room_for_users;
};

struct faults {
	struct fault **rows; /* oldest first */
	size_t n, room;
	uint64_t given;
};

void faults_fini(struct faults *f);

/* A new row; NULL without memory. */
struct fault *faults_add(struct faults *f, uint64_t id, const struct tomo_path *suspects);
/* 0 or -ENOMEM. */
int fault_add_user(struct fault *f, const char *user);
/* The user is back in all of them. */
void faults_user_back(struct faults *f, const char *user);

/* The newest standing fault with a suspect among `suspects`; NULL if there is none. */
struct fault *faults_standing(struct faults *f, const struct tomo_path *suspects);
/* The newest fault healed less than GRACE_US ago that explains the end of a tunnel on `path`: it was
 * opened before the fault began and received last before the fault's end.  `shared` becomes what both have. */
const struct fault *faults_explain(struct faults *f, const struct tomo_path *path, uint64_t opened_us,
                                   uint64_t received_us, uint64_t now_us, struct tomo_path *shared);
/* Marks the oldest standing fault whose evidence works again as healed and returns it; NULL: there is none. */
const struct fault *faults_heal_one(struct faults *f, const struct probe_table *legs, uint64_t now_us);
/* Forgets what is over. */
void faults_expire(struct faults *f, uint64_t now_us);

#endif
