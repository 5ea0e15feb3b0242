/* SPDX-License-Identifier: MIT */
/* What differs between two versions as their peers see them, in words.  Pure. */
#ifndef T3OPS_PLUGINS_UPGRADE_CONTRACT_H
#define T3OPS_PLUGINS_UPGRADE_CONTRACT_H

#include <jansson.h>
#include <stddef.h>

/* Of two proofs' facts (proof.h); "" if nothing does. */
void contract_compare(const json_t *before, const json_t *after, char *out, size_t size);

#endif
