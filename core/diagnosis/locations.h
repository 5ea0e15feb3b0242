/* SPDX-License-Identifier: MIT */
/*
 * What tomography leaves of locations (topology.h), said as far as it is proven.  Pure.
 *
 *   the segment, and an instance of it               the segment: all of it is a suspect
 *   an instance, by users who broke together         the instance
 *   ... by a user alone                              the instance, or the user's own last mile: nothing was heard
 *                                                    over it that would tell them apart
 *   ... by one leg alone, or legs by one way         nothing: the legs' own way to it is as likely
 */
#ifndef T3OPS_DIAGNOSIS_LOCATIONS_H
#define T3OPS_DIAGNOSIS_LOCATIONS_H

#include "diagnosis/classification.h"

/* Changes the n groups of a classification, of which there are more afterwards, perhaps; returns how many.  unknown:
 * as tomo_solve has it. */
size_t locations_settle(struct classification *j, size_t n, size_t *unknown);

/* The first suspect that is an instance of a location; *colo as topology_is_location has it. */
bool locations_suspected(const struct topology *t, const struct tomo_path *suspects, const char **colo);

#endif
