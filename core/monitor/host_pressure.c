/* SPDX-License-Identifier: MIT */
/* Stall time and OOM kills of the host; see host_pressure.h. */
#include "monitor/host_pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool number_parse(const char *text, uint64_t *out)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (end == text || errno != 0)
		return false;
	*out = value;
	return true;
}

/* The start of the line that begins with `word` and a blank. */
static const char *line_of(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, word, len) == 0 && line[len] == ' ')
			return line;
	}
	return NULL;
}

bool host_pressure_parse(const char *text, const char *line, uint64_t *total_us)
{
	const char *at = line_of(text, line), *end, *total;

	if (at == NULL)
		return false;
	end = at + strcspn(at, "\n");
	total = strstr(at, " total=");
	return total != NULL && total < end && number_parse(total + strlen(" total="), total_us);
}

bool host_pressure_parse_oom(const char *vmstat, uint64_t *kills)
{
	const char *at = line_of(vmstat, "oom_kill");

	return at != NULL && number_parse(at + strlen("oom_kill "), kills);
}

bool host_pressure_parse_wait(const char *schedstat, uint64_t *waited_us)
{
	const char *second = strchr(schedstat, ' ');

	if (second == NULL || !number_parse(second + 1, waited_us))
		return false;
	*waited_us /= 1000;
	return true;
}

static bool file_read(const char *proc, const char *name, char *out, size_t size)
{
	char path[256];
	size_t used = 0;
	ssize_t n = 0;
	int fd;

	if (snprintf(path, sizeof path, "%s/%s", proc, name) >= (int)sizeof path)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (used < size - 1 && (n = read(fd, out + used, size - 1 - used)) > 0)
		used += (size_t)n;
	close(fd);
	out[used] = '\0';
	return n >= 0;
}

void host_pressure_read(const char *proc, uint64_t mono_us, struct pressure *out)
{
	char text[16384];

	*out = (struct pressure){.mono_us = mono_us};
	out->known = file_read(proc, "pressure/memory", text, sizeof text) &&
	             host_pressure_parse(text, "full", &out->memory_us);
	if (file_read(proc, "pressure/io", text, sizeof text))
		host_pressure_parse(text, "full", &out->io_us);
	if (file_read(proc, "pressure/cpu", text, sizeof text))
		host_pressure_parse(text, "some", &out->cpu_us);
	if (file_read(proc, "self/schedstat", text, sizeof text))
		host_pressure_parse_wait(text, &out->waited_us);
	if (file_read(proc, "vmstat", text, sizeof text))
		out->kills_known = host_pressure_parse_oom(text, &out->oom_kills);
}
