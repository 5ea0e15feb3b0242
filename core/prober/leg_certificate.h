/* SPDX-License-Identifier: MIT */
/*
 * The certificate that a leg's edge segment shows.
 *
 *   UNKNOWN, GOOD, EXPIRING, EXPIRED --seen--> GOOD, EXPIRING, EXPIRED
 *
 * Reported when it is no longer GOOD, once a day while it is not, and when it is GOOD again.
 */
#ifndef T3OPS_PROBER_LEG_CERTIFICATE_H
#define T3OPS_PROBER_LEG_CERTIFICATE_H

#include "prober/leg_state.h"

/* What one that expires at until_us is at now_us, both since 1970.  Pure. */
enum certificate_state certificate_classify(uint64_t until_us, uint64_t now_us, uint64_t days);

/* until_us 0: not known. */
void leg_certificate_see(struct t3ops_leg *leg, uint64_t until_us);

#endif
