/* SPDX-License-Identifier: MIT */
/* See host_actions.h. */
#include "plugin_host/host_actions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct t3ops_action *host_action_find(const struct t3ops_plugin *p, const char *name)
{
	for (uint32_t i = 0; i < p->n_actions; i++)
		if (strcmp(p->actions[i].name, name) == 0)
			return &p->actions[i];
	return NULL;
}

/* "now, list, verify" */
static const char *actions_text(const struct t3ops_plugin *p, char *out, size_t size)
{
	size_t used = (size_t)snprintf(out, size, "now");

	for (uint32_t i = 0; i < p->n_actions && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, ", %s", p->actions[i].name);
	return out;
}

/* "at to stop" as "--at, --to, --stop". */
static const char *arguments_text(const char *words, char *out, size_t size)
{
	size_t used = (size_t)snprintf(out, size, "%s", *words == '\0' ? "nothing" : "");
	int len;

	for (const char *at = words; *at != '\0' && used < size; at += len, at += *at == ' ') {
		len = (int)strcspn(at, " ");
		used += (size_t)snprintf(out + used, size - used, "%s--%.*s", used > 0 ? ", " : "", len, at);
	}
	return out;
}

bool host_word_is_in(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words ? words : ""; *at != '\0'; at += strcspn(at, " "), at += *at == ' ')
		if (strcspn(at, " ") == len && strncmp(at, word, len) == 0)
			return true;
	return false;
}

int host_action_check(const struct t3ops_plugin *p, const char *name, json_t *arguments, bool for_all, char *why,
                      size_t size)
{
	const struct t3ops_action *a = host_action_find(p, name);
	char names[200];
	const char *argument;
	json_t *value;

	if (!a) {
		snprintf(why, size, "%s has no action %s; there are: %s", p->name, name,
		         actions_text(p, names, sizeof names));
		return -EINVAL;
	}
	if (a->one_user && for_all) {
		snprintf(why, size, "%s %s is done for one user at a time: name the user", p->name, a->name);
		return -EINVAL;
	}
	json_object_foreach (arguments, argument, value) {
		if (host_word_is_in(a->arguments, argument))
			continue;
		snprintf(why, size, "%s %s takes no --%s; it takes: %s", p->name, a->name, argument,
		         arguments_text(a->arguments, names, sizeof names));
		return -EINVAL;
	}
	return 0;
}
