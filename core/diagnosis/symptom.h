/* SPDX-License-Identifier: MIT */
/*
 * How a fault shows where it is not simply "nothing passes": one word for the JSON of its verdict, and a sentence.
 * Derived from the verdict's own evidence; pure.
 *
 *   new_connections_only   what is made new fails, what is connected lives
 *   large_messages_only    large messages are lost, small ones are answered
 *   downward_only          what is sent arrives, what is answered does not: heartbeats of pages came in time while
 *                          their answers, or those to a leg, were lost
 *   names_only             names do not resolve, connections live
 *   cut_off_or_asleep      of exonerated: a page was cut off, or its device lost its network and slept
 */
#ifndef T3OPS_DIAGNOSIS_SYMPTOM_H
#define T3OPS_DIAGNOSIS_SYMPTOM_H

#include "diagnosis/classify_input.h"

enum symptom {
	SYMPTOM_NONE, /* nothing passes, or that is not known */
	SYMPTOM_NEW_CONNECTIONS_ONLY,
	SYMPTOM_LARGE_MESSAGES_ONLY,
	SYMPTOM_DOWNWARD_ONLY,
	SYMPTOM_NAMES_ONLY,
	SYMPTOM_CUT_OFF_OR_ASLEEP,
};

/* Of a fault, or of what happened to the users of whom infra is exonerated; NONE of every other verdict. */
enum symptom symptom_of(const struct verdict_basis *b);
const char *symptom_name(enum symptom s);  /* NULL of NONE */
const char *symptom_words(enum symptom s); /* for the verdict's sentence; NULL of NONE */

#endif
