/* SPDX-License-Identifier: MIT */
/*
 * The open incident: what was seen of users and of the host since its first drop.  What legs say of it is in
 * their records (probe_table.h).  Plain data; pure.
 */
#ifndef T3OPS_DIAGNOSIS_INCIDENT_H
#define T3OPS_DIAGNOSIS_INCIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnosis/pressure.h"

/* Tunnels of one user that ended for one side's fault in this incident. */
struct drop {
	const char *user; /* interned */
	uint16_t reason, code;
	char address[48], colo[8];
	uint64_t quiet_us;    /* how long the side at fault had sent nothing */
	uint64_t received_us; /* CLOCK_MONOTONIC: when it last sent something */
	uint64_t opened_us;   /* of the tunnel, 0: not known */
	unsigned tunnels;
	bool returned, moved, other_colo; /* came back; from another address; over another location */
};

/* A user whose tunnel carried data after the drop. */
struct live_tunnel {
	const char *user; /* interned */
	bool serve;       /* data of the t3 server, too */
};

struct incident {
	uint64_t id;        /* 0: none is open */
	uint64_t opened_us; /* CLOCK_MONOTONIC, here */
	uint64_t first_us;  /* CLOCK_MONOTONIC of the first drop */
	uint64_t first_wall_us;
	uint64_t last_us; /* arrival of the last drop */
	struct drop *drops;
	size_t n_drops, room_for_drops;
	struct live_tunnel *live_tunnels;
	size_t n_live_tunnels, room_for_live_tunnels;
	uint64_t frozen_us;         /* longest freeze of a process of ours that overlaps, 0: none */
	const char *frozen_process; /* static */
	struct host_pressure host_pressure;
};

void incident_fini(struct incident *in);

/* The drop of this user; NULL if there is none. */
struct drop *incident_drop(const struct incident *in, const char *user);
/* Adds one for a user who has none; NULL without memory. */
struct drop *incident_drop_add(struct incident *in, const struct drop *drop);
/* 0 or -ENOMEM. */
int incident_live_tunnel_add(struct incident *in, const struct live_tunnel *live);

#endif
