/* SPDX-License-Identifier: MIT */
/* Which installed plugins provide a service that a config lacks: for a hint.  In the child that checks. */
#ifndef T3OPS_CONF_PROVIDERS_H
#define T3OPS_CONF_PROVIDERS_H

#include <stddef.h>

/* "; add plugin \"NAME\" {}", with the first one in dir by name, or "".  Loads plugins that the config does not
 * name, so it comes last; on_next (may be NULL) hears of each. */
void provider_hint(const char *dir, const char *service, void (*on_next)(void *arg, const char *what), void *arg,
                   char *out, size_t size);

#endif
