/* SPDX-License-Identifier: MIT */
/*
 * The one check of each textual type: addresses, networks, paths, URLs, names.  For option.c, which calls it for core
 * and plugin options alike.  Looks at the file system where the type says so.
 */
#ifndef T3OPS_OPTIONS_OPTION_TEXT_H
#define T3OPS_OPTIONS_OPTION_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* NULL, or what was expected: static, or made in buf.  text is not empty. */
const char *text_check(uint32_t type, const char *text, char *buf, size_t size);
/* NULL, or what is odd about a value that passed: static. */
const char *text_warning(uint32_t type, const char *text);

#endif
