/* SPDX-License-Identifier: MIT */
/* Log levels over the control socket; see control_log_level.h. */
#include "monitor/control_log_level.h"

#include <string.h>

#include "monitor/control_line.h"
#include "monitor/status.h"

static const char *member(const json_t *request, const char *key)
{
	const char *text = json_string_value(json_object_get(request, key));

	return text != NULL ? text : "";
}

static bool level_read(const char *text, uint8_t *out)
{
	enum log_level level;

	*out = 0;
	if (strcmp(text, "configured") == 0)
		return true;
	if (!log_level_parse(text, &level))
		return false;
	*out = (uint8_t)level;
	return true;
}

/* "": all. */
static bool process_read(const char *name, uint8_t *out)
{
	*out = PROCESS_NONE;
	for (uint8_t process = PROCESS_NONE + 1; process < PROCESSES && *name != '\0'; process++)
		if (strcmp(process_name(process), name) == 0)
			*out = process;
	return *name == '\0' || *out != PROCESS_NONE;
}

static void ask(struct monitor *d, struct control_waits *waits, struct local_conn *c,
                const struct msg_log_level *level)
{
	struct control_wait *w = control_wait_new(waits, c);

	if (w == NULL)
		return;
	w->left = 1;
	if (channel_send(d->process->channel, MSG_LOG_LEVEL, PROCESS_SUPERVISOR, w->id, level, sizeof *level) < 0)
		control_wait_refuse(w, "the supervisor cannot be reached now; try again");
}

void control_log_level(struct monitor *d, struct control_waits *waits, struct local_conn *c, const json_t *request)
{
	const char *level = member(request, "level"), *process = member(request, "process");
	struct msg_log_level m;

	if (!process_read(process, &m.process))
		control_refuse(c,
		               textf("no such process: \"%.64s\"; there are proxy, prober, jobs, monitor, helper and "
		                     "supervisor",
		                     process));
	else if (*level == '\0')
		control_answer(c, log_levels_json(d));
	else if (!level_read(level, &m.level))
		control_refuse(
		    c, textf("no such level: \"%.64s\"; there are error, warning, notice, info and debug, and "
		             "configured",
		             level));
	else
		ask(d, waits, c, &m);
}

void control_log_levels(const struct monitor *d, struct control_waits *waits, const struct msg_head *head)
{
	struct local_conn *c = head->id != 0 ? control_wait_take(waits, head->id) : NULL;

	if (c != NULL)
		control_answer(c, log_levels_json(d));
}
