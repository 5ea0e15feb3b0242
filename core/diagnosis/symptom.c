/* SPDX-License-Identifier: MIT */
/* How a fault shows; see symptom.h. */
#include "diagnosis/symptom.h"

/* How many of the verdict's own members there are, and of how many something holds. */
struct share {
	size_t all, some;
};

static struct share share_of(const struct verdict_basis *b, bool (*holds)(const struct observation *f))
{
	struct share s = {0, 0};

	for (size_t i = 0; i < b->observations->n_failing; i++) {
		const struct observation *f = &b->observations->rows[i];

		if (f->verdict != b->verdict->id)
			continue;
		s.all++;
		s.some += holds(f);
	}
	return s;
}

static bool is_true_of_all(const struct verdict_basis *b, bool (*holds)(const struct observation *f))
{
	struct share s = share_of(b, holds);

	return s.all > 0 && s.some == s.all;
}

static bool is_large(const struct observation *f)
{
	return f->large;
}

static bool is_of_names(const struct observation *f)
{
	return f->resolver;
}

static bool is_fresh_beside_a_live_leg(const struct observation *f)
{
	return f->fresh && f->leg->state == LEG_IS_UP;
}

/* Its page's heartbeats were on time, and it did not get what it was sent. */
static bool lost_answers(const struct observation *f)
{
	return f->drop != NULL &&
	       (f->drop->evidence == PAGE_ANSWERS_LOST || f->drop->evidence == PAGE_ANSWERS_NOT_TAKEN);
}

static bool is_silent(const struct observation *f)
{
	return f->leg != NULL && !f->resolver && !f->fresh && !f->large && evidence_is_silence(f->leg);
}

static bool lost_answers_or_is_silent(const struct observation *f)
{
	return lost_answers(f) || is_silent(f);
}

/* Whether a page's heartbeats passed what is suspected after all of its members had begun to fail. */
static bool pings_pass(const struct verdict_basis *b)
{
	const struct observations *o = b->observations;
	uint64_t began = 0;

	for (size_t i = 0; i < o->n_failing; i++)
		if (o->rows[i].verdict == b->verdict->id && o->rows[i].began_us > began)
			began = o->rows[i].began_us;
	for (size_t i = o->n_failing; i < o->n; i++)
		if (o->rows[i].live_tunnel != NULL && o->rows[i].proven_us > began &&
		    tomo_paths_meet(&o->rows[i].acquitted, &b->verdict->conclusion.suspects, NULL))
			return true;
	return false;
}

/* Its small messages are lost, too. */
static bool is_connection_of_leg(const struct observation *f)
{
	return f->leg != NULL && !f->resolver && !f->fresh && !f->large;
}

/* It was connected, and is no more. */
static bool was_connected(const struct observation *f)
{
	return f->drop != NULL || (is_connection_of_leg(f) && f->leg->first.step != 0);
}

/* A tunnel of before the fault that crosses what is suspected. */
static bool old_one_lives(const struct verdict_basis *b)
{
	const struct observations *o = b->observations;

	for (size_t i = o->n_failing; i < o->n; i++)
		if (o->rows[i].live_tunnel != NULL && o->rows[i].live_tunnel->opened_us == 0 &&
		    tomo_paths_meet(&o->rows[i].acquitted, &b->verdict->conclusion.suspects, NULL))
			return true;
	return false;
}

/* New connections fail; that old ones live is said by users, or by the leg beside which they fail. */
static bool is_of_new_connections(const struct verdict_basis *b)
{
	if (share_of(b, observation_is_of_new_connections).some == 0 || share_of(b, was_connected).some > 0)
		return false;
	return share_of(b, is_fresh_beside_a_live_leg).some > 0 || old_one_lives(b);
}

static bool made_few_pings(const struct observation *f)
{
	return f->drop != NULL && f->drop->evidence == PAGE_FEW_PINGS;
}

static bool is_downward(const struct verdict_basis *b)
{
	return is_true_of_all(b, lost_answers) || (is_true_of_all(b, lost_answers_or_is_silent) && pings_pass(b));
}

enum symptom symptom_of(const struct verdict_basis *b)
{
	if (b->verdict->conclusion.kind == VERDICT_EXONERATED)
		return share_of(b, made_few_pings).some > 0 ? SYMPTOM_CUT_OFF_OR_ASLEEP : SYMPTOM_NONE;
	if (b->verdict->conclusion.kind != VERDICT_FAULT)
		return SYMPTOM_NONE;
	if (is_true_of_all(b, is_of_names))
		return SYMPTOM_NAMES_ONLY;
	if (share_of(b, is_large).some > 0 && share_of(b, is_connection_of_leg).some == 0)
		return SYMPTOM_LARGE_MESSAGES_ONLY;
	if (is_of_new_connections(b))
		return SYMPTOM_NEW_CONNECTIONS_ONLY;
	return is_downward(b) ? SYMPTOM_DOWNWARD_ONLY : SYMPTOM_NONE;
}

const char *symptom_name(enum symptom s)
{
	static const char *const names[] = {
	    [SYMPTOM_NEW_CONNECTIONS_ONLY] = "new_connections_only",
	    [SYMPTOM_LARGE_MESSAGES_ONLY] = "large_messages_only",
	    [SYMPTOM_DOWNWARD_ONLY] = "downward_only",
	    [SYMPTOM_NAMES_ONLY] = "names_only",
	    [SYMPTOM_CUT_OFF_OR_ASLEEP] = "cut_off_or_asleep",
	};

	return names[s];
}

const char *symptom_words(enum symptom s)
{
	static const char *const words[] = {
	    [SYMPTOM_NEW_CONNECTIONS_ONLY] = "new connections fail, old ones live",
	    [SYMPTOM_LARGE_MESSAGES_ONLY] = "large messages only: small ones are answered (MTU?)",
	    [SYMPTOM_DOWNWARD_ONLY] = "one direction only: heartbeats arrive here, their answers do not get back",
	    [SYMPTOM_NAMES_ONLY] = "names only: connections live",
	    [SYMPTOM_CUT_OFF_OR_ASLEEP] =
	        "with few_pings the page was cut off, or its device lost its network and slept",
	};

	return words[s];
}
