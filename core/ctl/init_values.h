/* SPDX-License-Identifier: MIT */
/* What the templates of init are filled with, from the answers. */
#ifndef T3OPS_CTL_INIT_VALUES_H
#define T3OPS_CTL_INIT_VALUES_H

#include "ctl/init_answers.h"

/* root: what stands before the paths of the files in the files. */
json_t *init_values_make(const struct init_answers *a, const char *root);

#endif
