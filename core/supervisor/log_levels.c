/* SPDX-License-Identifier: MIT */
/* Log levels at run time; see log_levels.h. */
#include "supervisor/log_levels.h"

#include <string.h>

static enum log_level level_of(const struct supervisor *s, enum process_id process)
{
	uint8_t chosen = s->monitor.levels.chosen[process];

	return chosen != 0 ? (enum log_level)chosen : s->setup.config->options.log_level;
}

void log_level_inherit(const struct supervisor *s, enum process_id process)
{
	if (s->monitor.levels.chosen[process] != 0)
		log_level_set(level_of(s, process));
}

static void level_give(const struct supervisor *s, struct child *c)
{
	uint8_t level = (uint8_t)level_of(s, c->process);

	channel_send(c->channel, MSG_LOG_LEVEL_SET, c->serial, 0, &level, sizeof level);
}

static void levels_apply(struct supervisor *s)
{
	struct child *c;

	log_level_set(level_of(s, PROCESS_SUPERVISOR));
	PROCESS_TABLE_FOREACH (c, &s->processes)
		level_give(s, c);
}

void log_levels_reset(struct supervisor *s)
{
	static const struct msg_log_levels none;

	if (memcmp(&s->monitor.levels, &none, sizeof none) == 0) {
		log_level_set(level_of(s, PROCESS_SUPERVISOR));
		return;
	}
	monitor_link_levels(&s->monitor, &none, 0);
	levels_apply(s);
}

static bool is_level(uint8_t level)
{
	return level == 0 || (level >= LOG_L_ERROR && level <= LOG_L_DEBUG);
}

void log_levels_message(struct supervisor *s, struct child *from, const struct msg_head *head, const void *payload)
{
	struct msg_log_levels levels = s->monitor.levels;
	struct msg_log_level ask;

	(void)from;
	if (head->len != sizeof ask || s->phase != PHASE_RUNNING)
		return;
	memcpy(&ask, payload, sizeof ask);
	if (ask.process >= PROCESSES || !is_level(ask.level))
		return;
	for (unsigned process = PROCESS_NONE + 1; process < PROCESSES; process++)
		if (ask.process == PROCESS_NONE || ask.process == process)
			levels.chosen[process] = ask.level;
	log_level_set(LOG_L_DEBUG); /* whatever it was, and will be: this line is written */
	log_write(LOG_L_NOTICE, "log_level_set", kv_option("log_level"),
	          kv_child(ask.process == PROCESS_NONE ? "all" : process_name((enum process_id)ask.process)),
	          kv_value(ask.level != 0 ? log_level_name((enum log_level)ask.level) : "configured"));
	monitor_link_levels(&s->monitor, &levels, head->id);
	levels_apply(s);
}
