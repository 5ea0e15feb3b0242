/* SPDX-License-Identifier: MIT */
/* Headers from a file; see header_file.h. */
#include "export_otlp/header_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define FILE_MAX 16384
#define TOKEN    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"

/* Those that are the request's own. */
static bool is_reserved(const char *line, size_t len)
{
	static const char *const names[] = {"content-length",    "content-type", "host",
	                                    "transfer-encoding", "connection",   "expect"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strlen(names[i]) == len && strncasecmp(names[i], line, len) == 0)
			return true;
	return false;
}

static const char *line_fault(const char *line)
{
	size_t name = strspn(line, TOKEN);

	if (name == 0 || line[name] != ':')
		return "is not a header: write it as \"Name: value\"";
	if (is_reserved(line, name))
		return "sets a header that is t3ops' own to set";
	for (const char *c = line + name + 1; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
			return "has a character that a header cannot carry";
	return NULL;
}

static char *line_trim(char *line)
{
	char *end = line + strlen(line);

	while (end > line && strchr(" \t\r", end[-1]) != NULL)
		*--end = '\0';
	return line + strspn(line, " \t");
}

static const char *line_add(struct header_list *h, const char *line)
{
	const char *fault = line_fault(line);

	if (fault != NULL)
		return fault;
	if (h->n == HEADERS_MAX)
		return "is more than the 16th header";
	h->items[h->n] = strdup(line);
	if (h->items[h->n] == NULL)
		return "cannot be kept: no memory";
	h->n++;
	return NULL;
}

unsigned header_file_parse(struct header_list *h, char *text, const char **why)
{
	char *rest = text, *line;

	*h = (struct header_list){0};
	for (unsigned number = 1; (line = strsep(&rest, "\n")) != NULL; number++) {
		line = line_trim(line);
		if (*line == '\0' || *line == '#')
			continue;
		*why = line_add(h, line);
		if (*why != NULL) {
			header_list_fini(h);
			return number;
		}
	}
	return 0;
}

/* text: room for FILE_MAX bytes.  0 or -errno. */
static int text_read(const char *path, char *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, FILE_MAX);
	if (n < 0)
		r = -errno;
	else if (n >= FILE_MAX)
		r = -EFBIG;
	else
		text[n] = '\0';
	close(fd);
	return r < 0 ? r : strlen(text) == (size_t)n ? 0 : -EILSEQ;
}

int header_file_load(struct header_list *h, const char *path, const char **why)
{
	char text[FILE_MAX];
	int r;

	*h = (struct header_list){0};
	r = text_read(path, text);
	if (r == 0)
		r = (int)header_file_parse(h, text, why);
	explicit_bzero(text, sizeof text);
	return r;
}

void header_list_fini(struct header_list *h)
{
	for (size_t i = 0; i < h->n; i++) {
		explicit_bzero(h->items[i], strlen(h->items[i]));
		free(h->items[i]);
	}
	*h = (struct header_list){0};
}
