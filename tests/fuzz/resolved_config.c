/* SPDX-License-Identifier: MIT */
/* Any two lines: what is taken for a resolved config is one, and survives being written and read again. */
#include <string.h>

#include "conf/process_config.h"
#include "conf/resolved_config_json.h"
#include "fuzz.h"

static void again_check(const struct resolved_config *c)
{
	json_t *core = resolved_config_core_json(c), *plugins = resolved_config_plugins_json(c);
	struct resolved_config *again = resolved_config_read(core, plugins);

	PROMISE(again);
	for (enum process_id id = PROCESS_PROXY; id < PROCESSES; id++)
		PROMISE(process_config_equal(c, again, id));
	resolved_config_free(again);
	json_decref(core);
	json_decref(plugins);
}

/* What every process would be given can be used. */
static void parts_check(const struct resolved_config *c)
{
	for (enum process_id id = PROCESS_PROXY; id < PROCESSES; id++) {
		struct process_config *p = process_config_new(c, id);

		for (size_t i = 0; p && i < p->n_plugins; i++)
			if (p->plugins[i]->roles & T3OPS_ROLE_LEG)
				PROMISE(p->plugins[i]->leg.segments.n > 0 && p->plugins[i]->leg.edge);
		process_config_free(p);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *end = size > 0 ? memchr(text, '\n', size) : NULL;
	json_t *core = end ? json_loadb(text, (size_t)(end - text), 0, NULL) : NULL;
	json_t *plugins = end ? json_loadb(end + 1, size - (size_t)(end + 1 - text), 0, NULL) : NULL;
	struct resolved_config *c = resolved_config_read(core, plugins);

	if (c) {
		again_check(c);
		parts_check(c);
	}
	resolved_config_free(c);
	c = resolved_config_adopt(core, plugins);
	if (c)
		parts_check(c);
	resolved_config_free(c);
	json_decref(core);
	json_decref(plugins);
	return 0;
}
