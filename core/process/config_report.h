/* SPDX-License-Identifier: MIT */
/*
 * The resolved config for other programs (`t3ops -t --json`): what an operator wrote and what holds by default,
 * without the contents of secret files.
 *
 *   {"core":{OPTION:VALUE,...}, "commands":{NAME:{OPTION:VALUE,...},...}, "pairing_command":NAME,
 *    "plugins":[{"name","module","version","leg":bool,"job":bool,"options":{...},"user_dirs":[PATH,...]},...],
 *    "users":[{"name","os_user","home","host","port","socket","absent":bool},...], "users_faults":[TEXT,...]}
 */
#ifndef T3OPS_PROCESS_CONFIG_REPORT_H
#define T3OPS_PROCESS_CONFIG_REPORT_H

#include <jansson.h>

#include "conf/resolved_config.h"

/* A new reference.  Reads the user table, which may take as long as accounts do. */
json_t *config_report(const struct resolved_config *c);

#endif
