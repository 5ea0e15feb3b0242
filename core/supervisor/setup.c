/* SPDX-License-Identifier: MIT */
/* From a checked configuration to what processes are started from; see setup.h. */
#include "supervisor/setup.h"

#include <errno.h>

#include "supervisor/process_slot.h"
#include "supervisor/state_owner.h"

int setup_make(struct setup *out, struct conf_text *conf, struct resolved_config *config, const struct setup *running,
               const struct socket_unit *unit, char *why, size_t why_size)
{
	int r = 0;

	*out = (struct setup){.conf = *conf, .config = config};
	*conf = (struct conf_text){0};
	out->lock = state_lock_take(config->options.state_dir, running->lock, why, why_size);
	if (!out->lock && errno == EWOULDBLOCK)
		r = -EBUSY;
	if (r == 0)
		r = listeners_bind(&out->listeners, &config->options, process_is_wanted(config, PROCESS_PROXY),
		                   &running->listeners, unit, why, why_size);
	if (r == 0)
		state_dir_share(&config->options);
	else
		setup_fini(out, running);
	return r;
}

bool setup_wants(const struct setup *setup, unsigned slot)
{
	return setup->config && process_is_wanted(setup->config, process_of_slot(slot)) &&
	       (slot < PROCESSES || process_slot_worker(slot) < setup->config->options.workers);
}

void setup_fini(struct setup *setup, const struct setup *others)
{
	resolved_config_free(setup->config);
	listeners_close(&setup->listeners, others ? &others->listeners : NULL);
	state_lock_release(setup->lock);
	conf_text_fini(&setup->conf);
	*setup = (struct setup){0};
}
