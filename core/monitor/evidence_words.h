/* SPDX-License-Identifier: MIT */
/* The evidence of a verdict as sentences for people: of its JSON (verdict_json.h).  Pure. */
#ifndef T3OPS_MONITOR_EVIDENCE_WORDS_H
#define T3OPS_MONITOR_EVIDENCE_WORDS_H

#include <jansson.h>

/* New references: arrays of texts. */
json_t *evidence_of_pages(const json_t *verdict);   /* what the pages of its users experienced */
json_t *evidence_of_failure(const json_t *verdict); /* what else failed, and whom that accuses */
json_t *evidence_of_work(const json_t *verdict);    /* which segments are acquitted, and what worked over them */

#endif
