/* SPDX-License-Identifier: MIT */
/*
 * The users of a rollout, as JSON on disk: {NAME: {"is": STATE, "why", "proven", "busy", "input_s"}}, and who is
 * next. Pure.
 *
 *   waiting -> done        moved, and judged
 *   waiting -> same        has the version already
 *   waiting <-> frozen     somebody keeps this user's program
 *   waiting -> absent      never ran t3
 *   waiting -> left        t3's own updater is in charge; or pinned, and the rollout began by itself
 *   waiting -> rolled_back, rejected, failed
 */
#ifndef T3OPS_PLUGINS_UPGRADE_MEMBERS_H
#define T3OPS_PLUGINS_UPGRADE_MEMBERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* One user's answer to `survey`; known: what answers now say only of those who are asked for. */
void members_survey(json_t *users, const json_t *row);
/* Before the answers of a survey are taken: of whom none comes now is busy. */
void members_survey_begin(json_t *users);

void members_set(json_t *users, const char *user, const char *is, const char *why);
void members_prove(json_t *users, const char *user);
const char *members_text(const json_t *users, const char *user, const char *key); /* "" if there is none */
size_t members_count(const json_t *users, const char *is);

/* Somebody who waits and is not proven yet; NULL: nobody is. */
const char *members_unproven(json_t *users);
/* Whom to move now: before anybody was moved the canary if it waits, else the one who is idle for longest.  NULL: all
 * who wait are busy, or nobody waits. */
const char *members_next(json_t *users, const char *canary);

#endif
