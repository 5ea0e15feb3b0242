/* SPDX-License-Identifier: MIT */
/* Stall time and OOM kills of the host; see pressure.h. */
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

bool pressure_parse(const char *text, const char *line, uint64_t *total_us)
{
	const char *at = line_of(text, line), *end, *total;

	if (at == NULL)
		return false;
	end = at + strcspn(at, "\n");
	total = strstr(at, " total=");
	return total != NULL && total < end && number_parse(total + strlen(" total="), total_us);
}

bool pressure_parse_oom(const char *vmstat, uint64_t *kills)
{
	const char *at = line_of(vmstat, "oom_kill");

	return at != NULL && number_parse(at + strlen("oom_kill "), kills);
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

void pressure_read(const char *proc, uint64_t mono_us, struct pressure *out)
{
	char text[16384];

	*out = (struct pressure){.mono_us = mono_us};
	out->known = file_read(proc, "pressure/memory", text, sizeof text) &&
	             pressure_parse(text, "full", &out->memory_us);
	if (file_read(proc, "pressure/io", text, sizeof text))
		pressure_parse(text, "full", &out->io_us);
	if (file_read(proc, "pressure/cpu", text, sizeof text))
		pressure_parse(text, "some", &out->cpu_us);
	if (file_read(proc, "vmstat", text, sizeof text))
		pressure_parse_oom(text, &out->oom_kills);
}

void pressure_add(struct pressure_ring *r, const struct pressure *p)
{
	if (!p->known)
		return;
	r->rows[r->next] = *p;
	r->next = (r->next + 1) % PRESSURE_SAMPLES;
	r->n += r->n < PRESSURE_SAMPLES;
}

static const struct pressure *nth_newest(const struct pressure_ring *r, size_t n)
{
	return &r->rows[(r->next + PRESSURE_SAMPLES - 1 - n) % PRESSURE_SAMPLES];
}

static double share(uint64_t from, uint64_t to, uint64_t span_us)
{
	return to > from ? (double)(to - from) / (double)span_us : 0;
}

void pressure_window(const struct pressure_ring *r, uint64_t from_us, struct host_pressure *out)
{
	const struct pressure *last, *base;
	uint64_t span;

	*out = (struct host_pressure){.known = false};
	if (r->n < 2)
		return;
	last = nth_newest(r, 0);
	base = last;
	for (size_t i = 1; i < r->n && base->mono_us >= from_us; i++)
		base = nth_newest(r, i);
	if (base->mono_us >= last->mono_us)
		return;
	span = last->mono_us - base->mono_us;
	out->known = true;
	out->memory = share(base->memory_us, last->memory_us, span);
	out->io = share(base->io_us, last->io_us, span);
	out->cpu = share(base->cpu_us, last->cpu_us, span);
	out->oom_kills = last->oom_kills > base->oom_kills ? last->oom_kills - base->oom_kills : 0;
}
