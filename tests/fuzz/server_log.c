/* SPDX-License-Identifier: MIT */
/* What a t3 server may print: whatever it is, one harmless line comes out, or none. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/server_log.h"
#include "fuzz.h"

static void line_check(const char *line, size_t size)
{
	PROMISE(strnlen(line, size) < size);
	PROMISE(strchr(line, '\n') == NULL);
	PROMISE(strcasestr(line, "token") == NULL && strcasestr(line, "pair") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("log", MFD_CLOEXEC);
	char line[200];

	PROMISE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	PROMISE(server_log_complaint(fd, line, sizeof line) || line[0] == '\0');
	line_check(line, sizeof line);
	server_log_last(fd, line, sizeof line);
	line_check(line, sizeof line);
	close(fd);
	return 0;
}
