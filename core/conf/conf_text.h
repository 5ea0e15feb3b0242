/* SPDX-License-Identifier: MIT */
/* The text of a config file, read once; stays the truth for every restart until the next reload.  Any process. */
#ifndef T3OPS_CONF_CONF_TEXT_H
#define T3OPS_CONF_CONF_TEXT_H

#include <stddef.h>

#define CONF_TEXT_MAX_BYTES (1 << 20)

struct conf_text {
	char *path;
	char *bytes; /* NUL-terminated */
	size_t len;
};

/* Never waits.  0 or -errno: -EFBIG if it has more than CONF_TEXT_MAX_BYTES, -ENOTSUP if it is no regular file. */
int conf_text_read(struct conf_text *t, const char *path);
/* What that error means to an operator. */
const char *conf_text_error(int error);
void conf_text_fini(struct conf_text *t);

#endif
