/* SPDX-License-Identifier: MIT */
/* The tables of the host, of the open incident and of the round of evidence; see checkpoint_host.h. */
#include "diagnosis/checkpoint_host.h"

#include <errno.h>

#include "tbl/room.h"

static const char *kind_name(unsigned kind)
{
	return host_event_name((enum host_event_kind)kind);
}

const struct field fields_of_pressure[] = {
    NUMBER(struct pressure, mono_us),   NUMBER(struct pressure, memory_us),
    NUMBER(struct pressure, io_us),     NUMBER(struct pressure, cpu_us),
    NUMBER(struct pressure, late_us),   NUMBER(struct pressure, waited_us),
    NUMBER(struct pressure, oom_kills), FLAG(struct pressure, known),
    FLAG(struct pressure, kills_known), FIELDS_END,
};

static const struct field host_pressure_fields[] = {
    FLAG(struct host_pressure, known), REAL(struct host_pressure, memory),      REAL(struct host_pressure, io),
    REAL(struct host_pressure, cpu),   NUMBER(struct host_pressure, oom_kills), FIELDS_END,
};

const struct field fields_of_host_event[] = {
    ENUM(struct host_event, kind, kind_name, HOST_OFFLINE + 1),
    NAME(struct host_event, process),
    FLAG(struct host_event, prober),
    FLAG(struct host_event, proxy),
    NUMBER(struct host_event, from_us),
    NUMBER(struct host_event, until_us),
    NUMBER(struct host_event, length_us),
    NUMBER(struct host_event, kills),
    NUMBER(struct host_event, servers),
    FIELDS_END,
};

/* All but its lists, which are tables of their own. */
static const struct field incident_fields[] = {
    NUMBER(struct incident, id),
    NUMBER(struct incident, began_us),
    NUMBER(struct incident, first_us),
    NUMBER(struct incident, first_wall_us),
    NUMBER(struct incident, last_us),
    PART(struct incident, before, fields_of_pressure),
    PART(struct incident, host_pressure, host_pressure_fields),
    FLAG(struct incident, echoes),
    FLAG(struct incident, host_explains),
    FIELDS_END,
};

static const struct field round_fields[] = {
    FLAG(struct round, open),
    NUMBER(struct round, opened_us),
    NUMBER(struct round, news_us),
    NUMBER(struct round, asked_us),
    NUMBER(struct round, classified_us),
    FLAG(struct round, ask_again),
    FLAG(struct round, host_news),
    FIELDS_END,
};

/* What is no table, and not in the setup. */
static const struct field diagnosis_fields[] = {
    PART(struct diagnosis, now, incident_fields),
    PART(struct diagnosis, round, round_fields),
    PART(struct diagnosis, last_sample, fields_of_pressure),
    {.key = "leg_broke_us",
     .offset = offsetof(struct diagnosis, ends.leg_broke_us),
     .type = FIELD_NUMBER,
     .size = sizeof(uint64_t)},
    {.key = "verdicts_given",
     .offset = offsetof(struct diagnosis, verdicts.given),
     .type = FIELD_NUMBER,
     .size = sizeof(uint64_t)},
    NUMBER(struct diagnosis, open_tunnels),
    NUMBER(struct diagnosis, last_incident),
    FIELDS_END,
};

static size_t one(const struct diagnosis *d)
{
	(void)d;
	return 1;
}

static void diagnosis_write(const struct diagnosis *d, size_t row, FILE *out)
{
	(void)row;
	fields_write(diagnosis_fields, d, out);
}

static int diagnosis_read(struct diagnosis *d, char *line)
{
	return fields_read(diagnosis_fields, d, line, d->topology);
}

static size_t samples_count(const struct diagnosis *d)
{
	return d->pressure.n;
}

/* Oldest first. */
static void sample_write(const struct diagnosis *d, size_t row, FILE *out)
{
	const struct pressure_ring *r = &d->pressure;
	size_t at = (r->next + PRESSURE_SAMPLES - r->n + row) % PRESSURE_SAMPLES;

	fields_write(fields_of_pressure, &r->rows[at], out);
}

static int sample_read(struct diagnosis *d, char *line)
{
	struct pressure sample = {.known = false};
	int r = fields_read(fields_of_pressure, &sample, line, NULL);

	if (r == 0)
		pressure_add(&d->pressure, &sample);
	return r;
}

static size_t host_events_count(const struct diagnosis *d)
{
	return d->host.n;
}

static void host_event_write(const struct diagnosis *d, size_t row, FILE *out)
{
	fields_write(fields_of_host_event, &d->host.rows[row], out);
}

/* As it was: host_events_add would join it with others. */
static int host_event_read(struct diagnosis *d, char *line)
{
	struct host_event row = {.process = NULL}, *rows;
	int r = fields_read(fields_of_host_event, &row, line, d->topology);

	if (r < 0)
		return r;
	rows = room_for_one(d->host.rows, d->host.n, &d->host.room, sizeof *rows);
	if (rows == NULL)
		return -ENOMEM;
	d->host.rows = rows;
	rows[d->host.n++] = row;
	return 0;
}

const struct checkpoint_table checkpoint_of_host[] = {
    {"incident", one, diagnosis_write, diagnosis_read},
    {"sample", samples_count, sample_write, sample_read},
    {"host_event", host_events_count, host_event_write, host_event_read},
    {NULL, NULL, NULL, NULL},
};
