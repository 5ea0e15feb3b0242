/* SPDX-License-Identifier: MIT */
/* "%d/NAME" in an option that names a secret file: a credential that systemd provides (LoadCredential= of the unit),
 * in a directory that only root can read.  Any process. */
#ifndef T3OPS_OPTIONS_CREDENTIAL_H
#define T3OPS_OPTIONS_CREDENTIAL_H

#include <stdbool.h>

/* Whether text is meant as one. */
bool credential_is(const char *text);
/* NULL, or what was expected instead. */
const char *credential_check(const char *text);
/* The path of the file, to be freed: in CREDENTIALS_DIRECTORY, that of the main process in a program that systemd
 * starts beside it; outside the service where systemd puts those of t3ops.service.  NULL: no memory. */
char *credential_path(const char *text);

#endif
