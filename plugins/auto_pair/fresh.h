/* SPDX-License-Identifier: MIT */
/*
 * Sessions that were made a moment ago, to be handed again to the browser they were made for: tabs that it opens
 * together, and requests that it sent before it had the answer, still come without.  One list a user.
 */
#ifndef T3OPS_PLUGINS_AUTO_PAIR_FRESH_H
#define T3OPS_PLUGINS_AUTO_PAIR_FRESH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "plugin.h"

#define FRESH_US UINT64_C(30000000)

/* Whether they are one browser, as far as anybody can tell. */
bool browser_is_same(const struct t3ops_browser *a, const struct t3ops_browser *b);

struct fresh;
LIST_HEAD(fresh_list, fresh);

/* Its Set-Cookie value, borrowed; NULL: there is none for that browser. */
const char *fresh_find(struct fresh_list *list, const struct t3ops_browser *browser, uint64_t now_us);
void fresh_add(struct fresh_list *list, const struct t3ops_browser *browser, const char *set_cookie, uint64_t now_us);
/* Those that the cookies (a Cookie header) hold are dead and not given again.  Whether the t3 server keeps none: at
 * least two of that browser's died so soon.  One alone may have been wiped with all others. */
bool fresh_die(struct fresh_list *list, const char *cookies, uint64_t now_us);
/* Forgets all of them. */
void fresh_clear(struct fresh_list *list);

#endif
