/* SPDX-License-Identifier: MIT */
/* Names that a person cannot tell apart: with letters of another alphabet, 1 for l, or characters that nobody sees.
 * Pure. */
#ifndef T3OPS_USERS_LOOK_ALIKE_H
#define T3OPS_USERS_LOOK_ALIKE_H

#include <stdbool.h>

#include "plugin.h"

/* What a name looks like: two that give the same are taken for each other.  name: UTF-8. */
void look_alike_fold(const char *name, char out[T3OPS_USER_NAME_SIZE]);
/* Whether it holds a character that nobody sees. */
bool look_alike_hides(const char *name);

#endif
