/* SPDX-License-Identifier: MIT */
/*
 * What is known of every leg: what it is now, and what it has to say in the open incident.  A record changes
 * in leg_transition only.  Pure: no I/O, no clock.
 */
#ifndef T3OPS_DIAGNOSIS_PROBE_TABLE_H
#define T3OPS_DIAGNOSIS_PROBE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnosis/slow.h"
#include "diagnosis/topology.h"
#include "tbl/beat.h"

/*
 * What it is now.  UNKNOWN: nothing is known, or t3ops itself ended it.
 *
 *   UNKNOWN --UP, ALIVE--> UP --LATE--> LATE --DOWN--> DOWN --UP--> UP
 *   UP --DOWN--> DOWN;  LATE --UP, ALIVE--> UP;  UNKNOWN --ATTEMPT--> DOWN
 *   WALLED_OFF in place of DOWN: the last attempt was redirected to a sign-in page
 *   any --PROBER_REPLACED, DOWN by t3ops itself--> UNKNOWN
 *   UP, LATE --PROBER_REPLACED--> UNKNOWN, until whose next ATTEMPT or UP it is an heir (heir_us)
 *   UNKNOWN, DOWN --ABSENT--> ABSENT: it was never up, and its user never ran t3; as good as UNKNOWN to others
 */
enum leg_state { LEG_IS_UNKNOWN, LEG_IS_UP, LEG_IS_LATE, LEG_IS_DOWN, LEG_IS_WALLED_OFF, LEG_IS_ABSENT };

/*
 * What it says in the open incident.
 *
 *   SILENT --LATE--> SUSPECTED --UP, ALIVE--> CLEARED --CLASSIFIED--> SILENT; RECOVERED if a verdict was made of it
 *   any --DOWN of a leg that worked--> FAILED --UP, ALIVE--> RECOVERED --VERDICT_OVER--> SILENT
 *   SILENT --ATTEMPT of a leg that is not up: accepted and not answered for MUTE_US--> FAILED
 *   SILENT --ATTEMPT of an heir, HEIR_US after the prober was replaced--> FAILED: it broke meanwhile
 *   CLEARED --LATE--> SUSPECTED;  RECOVERED --LATE--> FAILED
 *   INCIDENT_OVER:  SUSPECTED, FAILED --> STALE;  CLEARED, RECOVERED --> SILENT
 *   SILENT --RECALLED--> STALE
 *   STALE --UP, ALIVE--> SILENT: what went on failing neither accuses nor acquits in the next incident
 *   any --DOWN by t3ops itself--> SILENT
 */
enum leg_testimony { LEG_SILENT, LEG_SUSPECTED, LEG_CLEARED, LEG_FAILED, LEG_RECOVERED, LEG_STALE };

/*
 * The look-ups of its plugin.
 *
 *   UNKNOWN --answered--> WORKS <--answered, failed--> FAILS;  UNKNOWN --failed--> FAILS
 */
enum resolver_state { RESOLVER_UNKNOWN, RESOLVER_WORKS, RESOLVER_FAILS };

/*
 * What it measures beside the connection it holds: fresh connections, and large messages on those.
 *
 *   UNKNOWN, FAILS --worked--> WORKS;  UNKNOWN, WORKS --failed--> FAILS;  any --PROBER_REPLACED--> UNKNOWN
 *
 * While its own connection is late or gone, a fresh one that fails says how far an attempt gets, and is no failure of
 * its own; nor is a large message that is lost then.
 */
enum aspect_state { ASPECT_UNKNOWN, ASPECT_WORKS, ASPECT_FAILS };

/* One end of an attempt, or of an established leg. */
struct leg_end {
	uint16_t step, reason, code; /* enum t3ops_step, enum t3ops_reason, close code or HTTP status */
};

/* One such measurement. */
struct leg_aspect {
	enum aspect_state state;
	uint64_t proven_us;   /* when one that worked was begun; of fresh: or the leg was established */
	uint64_t reported_us; /* when one last ended */
	uint64_t tried_us;    /* when that one was begun; of one that failed: its last step */
	uint64_t failed_us;   /* when the last one that failed was begun; of fresh: its last step */
	uint64_t verdict;
	struct leg_end end;          /* of the last one that failed */
	char colo[8], broke_colo[8]; /* the location of the one of proven_us; of what failed; "": not known */

	/* Of the open incident. */
	enum leg_testimony testimony; /* SILENT, FAILED, RECOVERED or STALE */
	uint64_t began_us;
};

/* Times without more are CLOCK_MONOTONIC; 0: never. */
struct leg {
	struct leg *chain; /* the next one in the table's index */
	const struct leg_def *def;
	const char *user; /* "" for a leg that is not per user */
	enum leg_state state;
	uint64_t since_us;   /* of this state; since 1970 */
	struct leg_end last; /* why it is or was down */
	uint64_t rtt_us;     /* of the last answer; 0: its connection is new */
	uint64_t
	    alive_us; /* when the whole path was last proven: its answered ping was sent, or it was established */
	uint64_t came_up_us; /* when it was connected of which nothing had been known, or nothing been made of it */
	uint64_t attempt_us; /* when an attempt last failed */
	uint64_t attempt_began_us; /* and when the step began in which it did */
	uint64_t target;           /* what it connects to and how, as a number; 0: not said */
	uint64_t heir_us;   /* when its prober was replaced or gone while it was connected; 0: it was up since, or is
	                     * not what it was */
	uint64_t mute_us;   /* since when connections are accepted and not answered, each of them; 0: they are not */
	uint64_t verdict;   /* id of the verdict that it is evidence of, 0: none */
	char colo[8];       /* the location over which it is, or was, connected; "": not known */
	char alive_colo[8]; /* that of alive_us */
	char broke_colo[8]; /* and that of the connection that failed in the open incident */

	struct slow slow;    /* its round trips */
	struct slow lookups; /* and how long its look-ups take */

	enum resolver_state resolver;
	uint64_t looked_up_us; /* when a look-up last worked; an address from a cache is none */
	uint64_t resolver_verdict;

	struct leg_aspect fresh, large;

	/* Of the open incident. */
	enum leg_testimony testimony;
	uint64_t began_us;              /* to fail: its unanswered ping was sent, or the connection ended */
	uint64_t broke_us;              /* that was noticed */
	bool never_up;                  /* it was mute before anything was known of it */
	struct leg_end first;           /* how it failed; step 0: it was late only */
	struct leg_end latest;          /* of the latest attempt, if attempted */
	bool attempted;                 /* an attempt ended since it failed */
	enum beat_trace next_hop, echo; /* of the heartbeat that was not answered: what is known of it on the way */
	uint64_t unanswered_us; /* since when nothing is answered: its ping was sent, or the step begun in which the
	                         * first attempt ended that nobody answered; 0: the last end was an answer */
	enum leg_testimony resolver_testimony; /* all but CLEARED; SUSPECTED: an attempt ended without a name */
	uint64_t resolver_began_us;
	uint64_t resolver_asked_us; /* when the look-up was begun that failed then */
};

enum leg_input_kind {
	LEG_UP,
	LEG_ALIVE,
	LEG_LATE,
	LEG_DOWN,
	LEG_ATTEMPT,
	LEG_ABSENT,
	LEG_LOOKED_UP,          /* reason NONE: answered */
	LEG_FRESH,              /* a fresh connection; reason NONE: it worked */
	LEG_LARGE,              /* a large message; reason NONE: it was answered */
	LEG_TRACED,             /* how far a heartbeat got that is not answered; code: enum beat_trace */
	LEG_PROBER_REPLACED,    /* or gone: nothing is known of it any more */
	LEG_CONVICTED,          /* it is evidence of `verdict` from now on */
	LEG_RESOLVER_CONVICTED, /* its look-ups are */
	LEG_FRESH_CONVICTED,    /* its fresh connections are */
	LEG_LARGE_CONVICTED,    /* its large messages are */
	LEG_CLASSIFIED,         /* what it said was heard */
	LEG_VERDICT_OVER,       /* `verdict` has ended */
	LEG_RECALLED,           /* it failed and is evidence of `verdict`, as an earlier diagnosis knew */
	LEG_RESOLVER_RECALLED,  /* its look-ups did */
	LEG_FRESH_RECALLED,     /* its fresh connections did */
	LEG_LARGE_RECALLED,     /* its large messages did */
	LEG_INCIDENT_OVER,
};

/* What happens to a record. */
struct leg_input {
	enum leg_input_kind kind;
	uint16_t step, reason, code;
	uint64_t wall_us;   /* since 1970 */
	uint64_t mono_us;   /* CLOCK_MONOTONIC */
	uint64_t waited_us; /* ALIVE, LOOKED_UP: for the answer; LATE, DOWN: for one that did not come; ATTEMPT, FRESH
	                     * that failed: since the step began in which it did; FRESH that worked: from its
	                     * start; 0: not said */
	uint64_t verdict;
	uint64_t age_us;  /* ALIVE, ATTEMPT: for how long it has been up, or down; 0: not said */
	uint64_t target;  /* UP, ALIVE, ATTEMPT: see struct leg; 0: not said */
	bool was_up;      /* ATTEMPT: this prober had it up once */
	bool makes_fresh; /* UP: fresh connections are made beside it */
	bool hurts;       /* ATTEMPT: users were hurt who had last been heard of before the leg was mute */
	const char *colo; /* of a leg's report: over which it went; "" or NULL: not known */
	bool host;        /* ALIVE: the host stood still meanwhile, so that the wait says nothing */
};

/* What the rest of the diagnosis has to know of a transition: bits. */
#define LEG_NEWS_BROKE      1u /* evidence of a new drop */
#define LEG_NEWS_WALLED_OFF 2u /* it met a login page, and had not before */
#define LEG_NEWS_EVIDENCE   4u /* it has more to say of a drop that is known */
#define LEG_NEWS_SLOW       8u /* it became slow, or is no more */

/* Whether it ended since nothing came in time. */
bool leg_end_is_unanswered(unsigned reason);

unsigned leg_transition(struct leg *leg, const struct leg_input *in);

/* Whether its failure counts in the open incident: a late answer that came is none. */
bool leg_fails(const struct leg *leg);
/* Whether it fails now, so that the verdict it is evidence of goes on. */
bool leg_is_failing(const struct leg *leg);
bool leg_resolver_is_failing(const struct leg *leg);
/* The same of what it measures beside its connection. */
bool leg_aspect_fails(const struct leg_aspect *a);
bool leg_aspect_is_failing(const struct leg_aspect *a);
/* Whether nothing more is to come of this leg for those who asked all legs at asked_us. */
bool leg_has_reported(const struct leg *leg, uint64_t asked_us);

struct probe_table {
	struct leg **rows; /* pointers stay valid until the leg is removed */
	size_t n, room;
	struct leg **index; /* chains, by name and user */
	size_t chains;
};

void probe_table_fini(struct probe_table *b);
/* By section name and user; made if it is new and configured.  -ENOENT: not configured; -ENOMEM. */
int probe_table_get(struct probe_table *b, struct topology *t, const char *name, const char *user, struct leg **out);
void probe_table_remove(struct probe_table *b, struct leg *leg);
/* The same for every leg. */
void probe_table_transition(struct probe_table *b, const struct leg_input *in);
/* Whether anything of any leg failed in the open incident. */
bool probe_table_fails(const struct probe_table *b);

const char *leg_state_name(const struct leg *leg); /* up late down walled_off absent unknown */

#endif
