/* SPDX-License-Identifier: MIT */
/* Hints about installed plugins: which one provides a service, which one was meant.  In the child that checks. */
#ifndef T3OPS_CONF_PROVIDERS_H
#define T3OPS_CONF_PROVIDERS_H

#include <stddef.h>

/* "; add plugin \"NAME\" {}", with the first one in dir by name, or "".  Loads plugins that the config does not
 * name, each in a process of its own. */
void provider_hint(const char *dir, const char *service, char *out, size_t size);

/* "; did you mean \"NAME\"?", of the files in dir, or "", also if there is such a file.  Loads nothing. */
void plugin_suggest(const char *dir, const char *module, char *out, size_t size);

#endif
