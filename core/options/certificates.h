/* SPDX-License-Identifier: MIT */
/* Whether a text is a file of certificates in PEM form, as a TLS library will take it.  Checks no signature.  Pure.
 */
#ifndef T3OPS_OPTIONS_CERTIFICATES_H
#define T3OPS_OPTIONS_CERTIFICATES_H

#include <stddef.h>

/* NULL: it is; else what was expected instead. */
const char *certificates_check(const char *text, size_t len);

#endif
