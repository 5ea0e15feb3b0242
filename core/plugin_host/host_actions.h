/* SPDX-License-Identifier: MIT */
/* What somebody asks of a plugin: whether it has that action, and takes those arguments.  Pure. */
#ifndef T3OPS_PLUGIN_HOST_HOST_ACTIONS_H
#define T3OPS_PLUGIN_HOST_HOST_ACTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "plugin.h"

/* Whether it is one of the words, which single spaces separate; NULL: there are none. */
bool host_word_is_in(const char *words, const char *word);
/* NULL: there is none. */
const struct t3ops_action *host_action_find(const struct t3ops_plugin *p, const char *name);
/* arguments: an object, or NULL; for_all: it names no user.  0, or -EINVAL with why. */
int host_action_check(const struct t3ops_plugin *p, const char *name, json_t *arguments, bool for_all, char *why,
                      size_t size);

#endif
