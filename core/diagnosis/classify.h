/* SPDX-License-Identifier: MIT */
/*
 * The classification of an incident: all evidence that is there against the verdicts that are there.  Pure.
 *
 * 1. What a host event explains (host_events.h) is the host's: verdict `host`, where users were affected, or where it
 * was taken for a fault before that was known.
 *    What failed for want of a network of this machine: verdict `inconclusive`, or `prober` where users were heard
 *    meanwhile.  What had broken before keeps its verdict.
 * 2. A drop that a fault explains which stands or ended a moment ago joins that verdict.
 *    What a leg had begun before such a fault was over, and which ended afterwards, is its echo.
 * 3. The rest goes through tomography; every group is a conclusion:
 *      suspects of ours, or a last mile that a page's own evidence accuses    fault
 *      last miles only, by elimination                                        exonerated; all such users in one
 *      no suspect, and users' tunnels acquitted what a shared leg accuses     prober
 *      no suspect                                                             unknown
 *    What is left of locations is said as far as it is proven (locations.h).
 *    The same segment of many users, each their own, at once is one conclusion: "serve", not thirty of "serve(NAME)".
 * 4. A conclusion that shares a member, or a suspect, with a verdict revises it: narrower, other suspects, more
 * users, there again.  One that says the same is not reported again.  Else it is a new verdict.
 */
#ifndef T3OPS_DIAGNOSIS_CLASSIFY_H
#define T3OPS_DIAGNOSIS_CLASSIFY_H

#include "diagnosis/classify_input.h"

/* 0, or -ENOMEM: verdicts are missing. */
int classify(const struct classify_input *in);

#endif
