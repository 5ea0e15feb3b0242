/* SPDX-License-Identifier: MIT */
/*
 * What another t3ops says of one of its legs: lines of a name and a value, in this order, the last one a MAC of all
 * lines before it.  Whatever is not exactly that, not by the key, or not about the question, is refused.  Pure.
 *
 *   t3ops-testimony 1 / challenge HEX / leg NAME / kind up|alive|down|attempt|none / held_us N / waited_us N / step N
 * / reason N / code N / colo NAME|- / mac HEX
 */
#ifndef T3OPS_PLUGINS_PROBE_VANTAGE_TESTIMONY_H
#define T3OPS_PLUGINS_PROBE_VANTAGE_TESTIMONY_H

#include <stddef.h>
#include <stdint.h>

#define TESTIMONY_KEY_BYTES     32
#define TESTIMONY_MAC_HEX       64
#define TESTIMONY_CHALLENGE_HEX 32

enum testimony_kind { TESTIMONY_NONE, TESTIMONY_UP, TESTIMONY_ALIVE, TESTIMONY_DOWN, TESTIMONY_ATTEMPT };

struct testimony {
	enum testimony_kind kind;
	uint64_t held_us;            /* from the question's arrival to the answer */
	uint64_t waited_us;          /* for the answer to the leg's heartbeat */
	unsigned step, reason, code; /* of DOWN and ATTEMPT, known numbers */
	char colo[8];                /* "": not said */
};

void testimony_mac(const unsigned char key[TESTIMONY_KEY_BYTES], const char *text, size_t len,
                   char out[TESTIMONY_MAC_HEX + 1]);

/* NULL, or why it is not believed. */
const char *testimony_read(const char *text, size_t len, const unsigned char key[TESTIMONY_KEY_BYTES],
                           const char *challenge, const char *leg, struct testimony *out);

#endif
