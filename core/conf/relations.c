/* SPDX-License-Identifier: MIT */
/* How sections fit together; see relations.h. */
#include "conf/relations.h"

#include <ctype.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/process_config.h"
#include "conf/providers.h"
#include "net/cidr.h"
#include "options/suggest.h"
#include "sys/words.h"

#define PLUGIN(c, i) CONF_PLUGIN, (c)->plugins[i].name

/* ---- services -------------------------------------------------------------------------------------------- */

static bool is_provided(const struct resolved_config *c, const char *service)
{
	for (size_t i = 0; i < c->n_plugins; i++)
		if (words_have(c->plugins[i].provides, service))
			return true;
	return false;
}

/* Without it the plugin's start would fail. */
static void needs_check(const struct relations *r, size_t i)
{
	const struct resolved_config *c = r->config;
	char service[64], hint[160];

	for (const char *at = c->plugins[i].needs; word_next(&at, service, sizeof service);)
		if (!is_provided(c, service)) {
			provider_hint(c->options.plugin_dir, service, hint, sizeof hint);
			config_fault_error(r->faults, PLUGIN(c, i), NULL,
			                   "needs a plugin that provides %s, and none is configured%s", service,
			                   hint);
		}
}

/* Without it the plugin does less; one that cannot be told to do without does so silently. */
static void wants_check(const struct relations *r, size_t i)
{
	const struct resolved_config *c = r->config;
	const char *option = r->plugins[i].wants_option;
	char service[64], hint[160], off[96];

	for (const char *at = option ? c->plugins[i].wants : ""; word_next(&at, service, sizeof service);) {
		if (is_provided(c, service))
			continue;
		provider_hint(c->options.plugin_dir, service, hint, sizeof hint);
		snprintf(off, sizeof off, "%s %.60s = false", hint[0] ? ", or" : ";", option);
		config_fault_warn(r->faults, PLUGIN(c, i), NULL,
		                  "wants a plugin that provides %s, and none is configured%s%s", service, hint, off);
	}
}

/* A process takes one provider of a service. */
static void provides_check(const struct relations *r, size_t i)
{
	const struct resolved_config *c = r->config;
	char service[64];

	for (const char *at = c->plugins[i].provides; word_next(&at, service, sizeof service);)
		for (size_t k = 0; k < i; k++)
			if (words_have(c->plugins[k].provides, service))
				config_fault_error(r->faults, PLUGIN(c, i), NULL,
				                   "provides %s, as plugin %s does: leave one of them out", service,
				                   c->plugins[k].name);
}

static void used_check(const struct relations *r, size_t i)
{
	const struct resolved_config *c = r->config;
	for (enum process_id id = PROCESS_PROXY; id <= PROCESS_MONITOR; id++)
		if (process_loads(c, i, id))
			return;
	config_fault_warn(r->faults, PLUGIN(c, i), NULL,
	                  "no process loads it: no other plugin needs what it provides");
}

/* ---- paths that are answered here ------------------------------------------------------------------------- */

static bool is_answered(const struct resolved_config *c, const struct t3ops_plugin *plugins, const char *path)
{
	for (size_t i = 0; i < c->n_plugins; i++)
		if (words_have(plugins[i].answers, path))
			return true;
	return false;
}

/* The section that answers any path; c->n_plugins: none does. */
static size_t answerer_find(const struct resolved_config *c, const struct t3ops_plugin *plugins)
{
	size_t i = 0;

	while (i < c->n_plugins && (!plugins[i].answers || !*plugins[i].answers))
		i++;
	return i;
}

/* The path of a URL, "/" if it has none. */
static void url_path(const char *url, char *out, size_t size)
{
	const char *host = strstr(url, "://"), *path = host ? host + 3 + strcspn(host + 3, "/?#") : "";

	snprintf(out, size, "%.*s", (int)strcspn(path, "?#"), path);
	if (*out != '/')
		snprintf(out, size, "/");
}

/* A file with legs alone is that of a prober elsewhere: who answers is not to be seen in it. */
static void target_check(const struct relations *r, size_t i)
{
	const struct resolved_config *c = r->config;
	const struct t3ops_plugin *plugins = r->plugins;
	const char *option = plugins[i].leg_target,
	           *url = option ? option_set_text(&c->plugins[i].values, option) : NULL;
	size_t answerer = answerer_find(c, plugins);
	char path[256];

	if (!url || !*url || !process_is_wanted(c, PROCESS_PROXY))
		return;
	url_path(url, path, sizeof path);
	if (is_answered(c, plugins, path))
		return;
	if (answerer == c->n_plugins)
		config_fault_warn(r->faults, PLUGIN(c, i), option,
		                  "%s = \"%.150s\": no plugin of this file answers %s", option, url, path);
	else
		config_fault_warn(r->faults, PLUGIN(c, i), option,
		                  "%s = \"%.150s\": %s is not where plugin %s answers (%s)", option, url, path,
		                  c->plugins[answerer].name, plugins[answerer].answers);
}

/* Whoever answers by itself answers sooner in front of those that ask others first. */
static void order_check(const struct relations *r, size_t i)
{
	const struct resolved_config *c = r->config;
	const struct t3ops_plugin *plugins = r->plugins;
	if (!plugins[i].answers || !*plugins[i].answers)
		return;
	for (size_t k = 0; k < i; k++)
		if ((c->plugins[k].roles & T3OPS_ROLE_PROXY) && (*c->plugins[k].needs || *c->plugins[k].provides)) {
			config_fault_warn(
			    r->faults, PLUGIN(c, i), NULL,
			    "comes after plugin %s, which every request for %s passes first: put it in front",
			    c->plugins[k].name, plugins[i].answers);
			return;
		}
}

/* Whether every request for the path ends there: it is one of those, or below one that ends in a slash. */
static bool answers_path(const char *answers, const char *path)
{
	char word[128];

	for (const char *at = answers ? answers : ""; word_next(&at, word, sizeof word);) {
		size_t len = strlen(word);

		if (strcmp(word, path) == 0 || (word[len - 1] == '/' && strncmp(word, path, len) == 0))
			return true;
	}
	return false;
}

/* Whoever comes after another one that answers for all. */
static void shadow_check(const struct relations *r, size_t i)
{
	const struct resolved_config *c = r->config;
	const char *answers = r->plugins[i].answers;
	char path[128];

	for (const char *at = answers ? answers : ""; word_next(&at, path, sizeof path);)
		for (size_t k = 0; k < i; k++)
			if (answers_path(r->plugins[k].answers, path)) {
				config_fault_warn(
				    r->faults, PLUGIN(c, i), NULL,
				    "comes after plugin %s, which answers %s itself, so this one is never "
				    "asked: put it in front, or leave one of them out",
				    c->plugins[k].name, path);
				return;
			}
}

/* ---- directories ------------------------------------------------------------------------------------------- */

/* The same path, however many slashes it is written with. */
static bool paths_equal(const char *a, const char *b)
{
	while (*a && *b) {
		if (*a != *b)
			break;
		if (*a == '/') {
			a += strspn(a, "/");
			b += strspn(b, "/");
		} else {
			a++;
			b++;
		}
	}
	return a[strspn(a, "/")] == '\0' && b[strspn(b, "/")] == '\0';
}

/* The option of a section that names the directory; NULL: none does. */
static const char *dir_option(const struct plugin_section *s, const char *path)
{
	for (size_t i = 0; i < s->values.n; i++) {
		const struct option_value *v = &s->values.rows[i].value;

		if (v->type == T3OPS_OPT_USER_DIR && *v->text && paths_equal(v->text, path))
			return s->values.rows[i].name;
	}
	return NULL;
}

/* What one of two keeps there, the other one would clear away. */
static void dirs_check(const struct relations *r, size_t i)
{
	const struct plugin_section *s = &r->config->plugins[i];

	for (size_t n = 0; n < s->values.n; n++) {
		const struct option_value *v = &s->values.rows[n].value;

		for (size_t k = 0; v->type == T3OPS_OPT_USER_DIR && *v->text && k < i; k++)
			if (dir_option(&r->config->plugins[k], v->text))
				config_fault_error(
				    r->faults, PLUGIN(r->config, i), s->values.rows[n].name,
				    "%s = \"%.150s\": plugin %s has the same directory: expected one of "
				    "its own",
				    s->values.rows[n].name, v->text, r->config->plugins[k].name);
	}
}

/* ---- the proxy ---------------------------------------------------------------------------------------------- */

/* Wider than any network of one proxy; loopback is this machine alone. */
static bool is_too_wide(const char *text)
{
	struct cidr network;
	bool v4 = strchr(text, '.') != NULL;

	return cidr_parse(text, &network) == CIDR_OK && strncmp(text, "127.", 4) != 0 &&
	       network.bits < (v4 ? 96 + 16 : 32);
}

/* Whether an address of this machine is in it. */
static bool is_of_this_machine(const char *text)
{
	struct cidr_list network = {0};
	struct ifaddrs *all = NULL;
	bool found = false;

	if (cidr_list_add(&network, text) == CIDR_OK && getifaddrs(&all) == 0)
		for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next)
			found = i->ifa_addr && cidr_has(&network, i->ifa_addr);
	if (all)
		freeifaddrs(all);
	cidr_list_fini(&network);
	return found;
}

static const char *network_find(const struct text_list *networks, bool (*is)(const char *text))
{
	for (size_t i = 0; i < networks->n; i++)
		if (is(networks->items[i]))
			return networks->items[i];
	return NULL;
}

/* Everybody with an account on this machine can connect from its addresses. */
static void local_peers_check(const struct relations *r)
{
	const char *which = network_find(&r->config->options.trusted_proxies, is_of_this_machine);

	if (which && !conf_has(r->scan, 0, "trusted_local_users"))
		config_fault_warn(
		    r->faults, CONF_CORE, NULL, "trusted_proxies",
		    "trusted_proxies: \"%s\" contains this machine, where only processes of root may say "
		    "who the user is: name the account of your proxy in trusted_local_users",
		    which);
}

static bool is_unix(const char *address)
{
	return strncmp(address, "unix:", 5) == 0;
}

static void trust_check(const struct relations *r)
{
	const struct resolved_config *c = r->config;
	const char *which = network_find(&c->options.trusted_proxies, is_too_wide);

	if (c->options.trusted_proxies.n == 0 && network_find(&c->options.listen, is_unix))
		return; /* there trusted_local_users says who is */
	if (c->options.trusted_proxies.n == 0)
		config_fault_warn(
		    r->faults, CONF_CORE, NULL, "trusted_proxies",
		    "trusted_proxies: no proxy is trusted, so no user can be identified: name the address of the one "
		    "that signs users in");
	else if (c->proxy_secret_digest[0] == '\0' && which)
		config_fault_warn(
		    r->faults, CONF_CORE, NULL, "trusted_proxies",
		    "trusted_proxies: \"%s\": every address there may say who the user is: name the proxy's, or set "
		    "proxy_secret_file",
		    which);
	else
		local_peers_check(r);
}

/* There the kernel is not asked who accepted. */
static void local_upstreams_check(const struct relations *r)
{
	const char *which = network_find(&r->config->options.trusted_upstreams, is_of_this_machine);

	if (which)
		config_fault_warn(
		    r->faults, CONF_CORE, NULL, "trusted_upstreams",
		    "trusted_upstreams: \"%s\" contains this machine, where every account can listen while a "
		    "t3 server is down, and is then sent its user's cookies: name the OS users in the user "
		    "table instead",
		    which);
}

static void proxy_check(const struct relations *r)
{
	const struct resolved_config *c = r->config;
	const char *given = conf_has(r->scan, 0, "listen")            ? "listen"
	                    : conf_has(r->scan, 0, "trusted_proxies") ? "trusted_proxies"
	                                                              : NULL;

	if (process_is_wanted(c, PROCESS_PROXY)) {
		trust_check(r);
		local_upstreams_check(r);
		if (c->options.drain_timeout_us == 0)
			config_fault_warn(r->faults, CONF_CORE, NULL, "drain_timeout",
			                  "drain_timeout = \"0s\": a reload ends every open connection");
	} else if (given) {
		config_fault_warn(
		    r->faults, CONF_CORE, NULL, given,
		    "%s: no request plugin is configured, so nothing listens: add one, such as plugin \"...\" {}; is "
		    "the end of the file missing?",
		    given);
	}
}

/* ---- segments ------------------------------------------------------------------------------------------------ */

/* Lists that hold names of segments: the user's path, and those of every leg. */
struct segment_place {
	const struct text_list *list;
	const char *section; /* NULL: user_path */
	const char *option;
};

struct segment_places {
	struct segment_place *rows;
	size_t n;
};

static struct segment_places places_make(const struct resolved_config *c)
{
	struct segment_places p = {calloc(2 * c->n_plugins + 1, sizeof *p.rows), 0};

	if (!p.rows)
		abort();
	p.rows[p.n++] = (struct segment_place){&c->options.user_path, NULL, "user_path"};
	for (size_t i = 0; i < c->n_plugins; i++) {
		const struct plugin_section *s = &c->plugins[i];

		if (!(s->roles & T3OPS_ROLE_LEG))
			continue;
		p.rows[p.n++] = (struct segment_place){&s->leg.segments, s->name, "segments"};
		p.rows[p.n++] = (struct segment_place){&s->leg.resolver_segments, s->name, "resolver_segments"};
	}
	return p;
}

static size_t places_count(const struct segment_places *p, const char *segment)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += text_list_has(p->rows[i].list, segment);
	return n;
}

/* "wan2" is not a typo of "wan". */
static bool is_numbered(const char *a, const char *b)
{
	size_t i = 0;

	while (a[i] && a[i] == b[i])
		i++;
	return a[i + strspn(a + i, "0123456789")] == '\0' && b[i + strspn(b + i, "0123456789")] == '\0';
}

/* The most similar name of another list; those beside it in its own are others. */
static void segment_suggest(const struct segment_places *p, const struct segment_place *at, const char *segment,
                            struct suggest *near)
{
	suggest_init(near, segment);
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->rows[i].list->n; k++) {
			const char *other = p->rows[i].list->items[k];

			if (!text_list_has(at->list, other) && !is_numbered(segment, other))
				suggest_consider(near, other);
		}
}

static bool shares_segment(const struct segment_places *p, const struct text_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (places_count(p, list->items[i]) > 1)
			return true;
	return false;
}

static bool has_numbered(const struct segment_places *p, const char *segment)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->rows[i].list->n; k++)
			if (strcmp(p->rows[i].list->items[k], segment) != 0 &&
			    is_numbered(segment, p->rows[i].list->items[k]))
				return true;
	return false;
}

/* A leg may have a way out, and a target, of its own: what else nobody else crosses can hardly be meant. */
static bool is_alone(const struct segment_places *p, const struct segment_place *at, size_t i)
{
	bool is_end = i == 0 || i + 1 == at->list->n;

	return at->section && strcmp(at->option, "segments") == 0 && !(is_end && shares_segment(p, at->list)) &&
	       !has_numbered(p, at->list->items[i]);
}

static void place_check(const struct relations *r, const struct segment_places *p, const struct segment_place *at)
{
	for (size_t i = 0; i < at->list->n; i++) {
		const char *segment = at->list->items[i];
		struct suggest near;
		char hint[80];

		if (places_count(p, segment) > 1)
			continue;
		segment_suggest(p, at, segment, &near);
		if (near.name ? !at->section && places_count(p, near.name) < 2 : !is_alone(p, at, i))
			continue; /* of two names in one place each, the leg's is the one to look at */
		if (!near.name) {
			config_fault_note(r->faults, CONF_PLUGIN, at->section, at->option,
			                  "%s: segment \"%s\" is in no other list: this leg alone judges it",
			                  at->option, segment);
			continue;
		}
		suggest_hint(&near, hint, sizeof hint);
		config_fault_warn(r->faults, at->section ? CONF_PLUGIN : CONF_CORE, at->section, at->option,
		                  "%s: segment \"%s\" is in no other list%s", at->option, segment, hint);
	}
}

/* The order of a list says which way a connection goes. */
static void direction_check(const struct relations *r, const struct text_list *path, const struct segment_place *at)
{
	const char *last = NULL;
	size_t last_at = 0;

	for (size_t i = 0; i < at->list->n; i++) {
		size_t k = 0;

		while (k < path->n && strcmp(path->items[k], at->list->items[i]) != 0)
			k++;
		if (k == path->n)
			continue;
		if (last && k < last_at) {
			config_fault_warn(
			    r->faults, CONF_PLUGIN, at->section, at->option,
			    "%s: \"%s\" comes before \"%s\" here, but after it in user_path: expected one order",
			    at->option, last, at->list->items[i]);
			return;
		}
		last = at->list->items[i];
		last_at = k;
	}
}

/* What verdicts name beside the segments of those lists. */
static bool is_verdict_word(const char *segment)
{
	static const char *const words[] = {"dns", "host", "prober", "exonerated", "unknown"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(segment, words[i]) == 0)
			return true;
	return false;
}

/* A section whose segments no verdict names is silent, which is seen when it is too late. */
static void notified_check(const struct relations *r, const struct segment_places *p, const struct notify_section *n)
{
	const struct text_list *list = option_set_list(&n->values, "segments");
	struct segment_place at = {list, n->name, "segments"};

	for (size_t i = 0; i < list->n; i++) {
		struct suggest near;
		char hint[80];

		if (places_count(p, list->items[i]) > 0 || is_verdict_word(list->items[i]))
			continue;
		segment_suggest(p, &at, list->items[i], &near);
		suggest_hint(&near, hint, sizeof hint);
		config_fault_warn(
		    r->faults, CONF_NOTIFY, n->name, "segments",
		    "segments: no verdict names \"%s\": it is neither in user_path nor in a leg's segments%s",
		    list->items[i], hint);
	}
}

static void segments_check(const struct relations *r)
{
	const struct resolved_config *c = r->config;
	struct segment_places p = places_make(c);

	for (size_t i = 0; i < p.n; i++) {
		if (!p.rows[i].section && !process_is_wanted(c, PROCESS_PROXY))
			continue; /* legs only: user_path is that of nobody */
		place_check(r, &p, &p.rows[i]);
		if (p.rows[i].section && process_is_wanted(c, PROCESS_PROXY) &&
		    strcmp(p.rows[i].option, "segments") == 0)
			direction_check(r, &c->options.user_path, &p.rows[i]);
	}
	for (size_t i = 0; i < c->n_notifies; i++)
		notified_check(r, &p, &c->notifies[i]);
	free(p.rows);
}

/* ---- commands -------------------------------------------------------------------------------------------------- */

static bool command_is_named(const struct resolved_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_plugins; i++)
		for (size_t k = 0; k < c->plugins[i].values.n; k++) {
			const struct option_value *v = &c->plugins[i].values.rows[k].value;

			if (v->type == T3OPS_OPT_COMMAND && strcmp(v->text, name) == 0)
				return true;
		}
	return false;
}

static bool is_job(const struct resolved_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_plugins; i++)
		if ((c->plugins[i].roles & T3OPS_ROLE_JOB) && strcmp(c->plugins[i].name, name) == 0)
			return true;
	return false;
}

/* Options that name a job name one that there is. */
static void job_names_check(const struct relations *r, const struct plugin_section *s)
{
	for (size_t k = 0; k < s->values.n; k++) {
		const struct option_value *v = &s->values.rows[k].value;

		if (v->type == T3OPS_OPT_JOB && v->text[0] != '\0' && !is_job(r->config, v->text))
			config_fault_error(r->faults, CONF_PLUGIN, s->name, s->values.rows[k].name,
			                   "%s = \"%s\": there is no section of a job plugin with that name",
			                   s->values.rows[k].name, v->text);
	}
}

/* A request that waits for a command longer than that is answered without it. */
static void timeout_check(const struct relations *r, const struct command *command, const struct plugin_section *s)
{
	if (command->options.timeout_us >= r->config->options.plugin_deadline_us)
		config_fault_warn(
		    r->faults, CONF_COMMAND, command->name, "timeout",
		    "timeout: a request that waits for it through plugin %s is answered 503 sooner, after "
		    "plugin_deadline",
		    s->name);
}

static void timeouts_check(const struct relations *r, const struct plugin_section *s)
{
	const struct resolved_config *c = r->config;

	for (size_t k = 0; k < s->values.n; k++)
		for (size_t i = 0; s->values.rows[k].value.type == T3OPS_OPT_COMMAND && i < c->n_commands; i++)
			if (strcmp(s->values.rows[k].value.text, c->commands[i].name) == 0)
				timeout_check(r, &c->commands[i], s);
}

/* A job that watches, too, may ask for its runs by itself, or say so itself. */
static void schedule_check(const struct relations *r, const struct plugin_section *s)
{
	if (s->job.at_minutes < 0 && s->job.every_us == 0 && !(s->roles & T3OPS_ROLE_WATCH))
		config_fault_warn(r->faults, CONF_PLUGIN, s->name, NULL,
		                  "neither at nor every is given: it runs on demand only");
}

/* The helper would refuse it (permissions.h). */
static void minting_check(const struct relations *r, const struct plugin_section *s)
{
	for (size_t k = 0; k < s->values.n; k++) {
		const struct option_value *v = &s->values.rows[k].value;

		if (v->type == T3OPS_OPT_COMMAND && v->text[0] != '\0' && (s->roles & T3OPS_ROLE_PROXY) &&
		    !words_have(s->provides, T3OPS_SERVICE_PAIRING))
			config_fault_warn(
			    r->faults, CONF_PLUGIN, s->name, s->values.rows[k].name,
			    "%s = \"%s\": the proxy may have only the command of a plugin that provides "
			    "pairing started, so this one is refused there",
			    s->values.rows[k].name, v->text);
	}
}

static void commands_check(const struct relations *r)
{
	const struct resolved_config *c = r->config;
	for (size_t i = 0; i < c->n_commands; i++)
		if (!command_is_named(c, c->commands[i].name))
			config_fault_warn(r->faults, CONF_COMMAND, c->commands[i].name, NULL,
			                  "no plugin's option names it");
}

/* Set for legs that are not there. */
static void leg_defaults_check(const struct relations *r)
{
	const struct resolved_config *c = r->config;
	bool has = false, legs = false;

	for (size_t i = 1; i < r->scan->n_sections; i++)
		has = has || r->scan->sections[i].kind == CONF_LEG_DEFAULTS;
	for (size_t i = 0; i < c->n_plugins; i++)
		legs = legs || (c->plugins[i].roles & T3OPS_ROLE_LEG);
	if (has && !legs)
		config_fault_warn(r->faults, CONF_LEG_DEFAULTS, "leg_defaults", NULL, "no leg is configured");
}

void relations_check(const struct relations *r)
{
	const struct resolved_config *c = r->config;

	proxy_check(r);
	if (c->n_plugins == 0)
		config_fault_warn(r->faults, CONF_CORE, NULL, NULL,
		                  "no plugin is configured: only the status page is served");
	segments_check(r);
	commands_check(r);
	leg_defaults_check(r);
	for (size_t i = 0; i < c->n_plugins; i++) {
		provides_check(r, i);
		minting_check(r, &c->plugins[i]);
		used_check(r, i);
		target_check(r, i);
		if (c->plugins[i].roles & T3OPS_ROLE_PROXY)
			timeouts_check(r, &c->plugins[i]);
		if (c->plugins[i].roles & T3OPS_ROLE_JOB)
			schedule_check(r, &c->plugins[i]);
		job_names_check(r, &c->plugins[i]);
		order_check(r, i);
		shadow_check(r, i);
		dirs_check(r, i);
	}
	for (size_t i = 0; i < c->n_plugins; i++) { /* last: they may look into files that the config does not name */
		needs_check(r, i);
		wants_check(r, i);
	}
}
