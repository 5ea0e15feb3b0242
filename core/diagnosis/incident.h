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

#include "diagnosis/page_evidence.h"
#include "diagnosis/pressure.h"

/* Tunnels of one user that broke in this incident. */
struct drop {
	const char *user;            /* interned */
	enum page_evidence evidence; /* what the page experienced; NONE: the close reason alone is known */
	uint16_t reason, code;
	uint64_t tunnel; /* its number; 0: not known */
	char why[80];    /* what t3ops itself has to say of it; "": nothing */
	char address[48], colo[8];
	uint64_t seen_us;     /* CLOCK_MONOTONIC of the end */
	uint64_t began_us;    /* when it had certainly begun */
	uint64_t earliest_us; /* and when it may have begun at the earliest */
	uint64_t received_us; /* when the client last sent something */
	uint64_t opened_us;   /* of the tunnel, 0: not known */
	uint64_t quiet_us;    /* how long nothing came that was due, or was taken; of late_pings: at least */
	unsigned tunnels;     /* how many broke since the user was last judged */
	bool returned, moved, other_colo; /* came back; from another address; over another location */
	uint64_t verdict;                 /* id of the one it is part of, 0: not judged yet */
	bool
	    supported; /* that it was one is known by a fault of its path alone: it proves nothing of its last mile */
	bool explained; /* by that one, though it says nothing of it: it is not judged by itself again */
};

/* A user whose tunnel over that location carried data meanwhile. */
struct live_tunnel {
	const char *user;   /* interned */
	char colo[8];       /* "": not known */
	uint64_t client_us; /* CLOCK_MONOTONIC: when the client last sent something */
	uint64_t serve_us;  /* and the t3 server; 0: nothing */
	uint64_t opened_us; /* when the user's last new one was opened; 0: none was */
	/* Since when one of them is heard without a gap, and when it last was; 0: not known.  One that was opened, or
	 * silent, after a fault began says nothing of whether it was there. */
	uint64_t steady_since_us, steady_until_us;
};

struct incident {
	uint64_t id;       /* 0: none is open */
	uint64_t began_us; /* when the earliest of what failed began to */
	uint64_t first_us; /* CLOCK_MONOTONIC of the first drop */
	uint64_t first_wall_us;
	uint64_t last_us; /* of the last drop */
	struct drop *drops;
	size_t n_drops, room_for_drops;
	struct live_tunnel *live_tunnels;
	size_t n_live_tunnels, room_for_live_tunnels;
	struct pressure before; /* the last sample of the host before the first drop */
	struct host_pressure host_pressure;
	bool echoes; /* legs that fail may be the echo of a fault that is over: whether they are is to be seen */
	bool host_explains; /* legs that fail: whether they still do when the host is back is to be seen */
};

void incident_fini(struct incident *in);

/* The drop of this user; NULL if there is none. */
struct drop *incident_drop(const struct incident *in, const char *user);
/* Adds one for a user who has none; NULL without memory. */
struct drop *incident_drop_add(struct incident *in, const struct drop *drop);
/* Forgets those of a verdict. */
void incident_drops_remove(struct incident *in, uint64_t verdict);
/* Adds it, or moves the times of its user and location on.  0 or -ENOMEM. */
int incident_live_tunnel(struct incident *in, const struct live_tunnel *live);

#endif
