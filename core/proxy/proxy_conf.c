/* SPDX-License-Identifier: MIT */
/* The proxy's options; see proxy_conf.h. */
#include "proxy/proxy_conf.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "process/upstream_dialer.h"
#include "sys/words.h"

#define UPSTREAM_CLOSES_US UINT64_C(5000000) /* t3 closes a connection that is idle so long */

static int trusted_read(struct cidr_list *out, const struct text_list *networks, const struct config_faults *f)
{
	for (size_t i = 0; i < networks->n; i++)
		if (cidr_list_add(out, networks->items[i]) != CIDR_OK) {
			config_fault_error(f, CONF_CORE, NULL, "trusted_proxies",
			                   "trusted_proxies: \"%.100s\": not a network in CIDR notation",
			                   networks->items[i]);
			return -EINVAL;
		}
	return 0;
}

static bool is_field_name(const char *text)
{
	const char *at = text;

	while (http_is_token_char((unsigned char)*at))
		at++;
	return at > text && *at == '\0';
}

static int headers_check(const struct text_list *names, const struct config_faults *f)
{
	for (size_t i = 0; i < names->n; i++)
		if (!is_field_name(names->items[i])) {
			config_fault_error(f, CONF_CORE, NULL, "client_address_headers",
			                   "client_address_headers: \"%.60s\": not the name of a header",
			                   names->items[i]);
			return -EINVAL;
		}
	return 0;
}

/* An earlier row of the same path as the n-th; NULL: there is none. */
static const char *path_twice(const struct text_list *rows, size_t n)
{
	size_t len = (size_t)(strrchr(rows->items[n], '=') - rows->items[n]) + 1;

	for (size_t i = 0; i < n; i++)
		if (strncmp(rows->items[i], rows->items[n], len) == 0 &&
		    strrchr(rows->items[i], '=') == rows->items[i] + len - 1)
			return rows->items[i];
	return NULL;
}

static int path_timeout_read(struct path_timeouts *out, const struct text_list *rows, size_t n,
                             const struct config_faults *f)
{
	const char *text = rows->items[n], *before;

	if (!path_timeouts_add(out, text)) {
		config_fault_error(f, CONF_CORE, NULL, "path_timeouts",
		                   "path_timeouts: \"%.100s\": expected PATH=DURATION, such as \"/api/export=10m\"",
		                   text);
		return -EINVAL;
	}
	before = path_twice(rows, n);
	if (!before)
		return 0;
	config_fault_error(f, CONF_CORE, NULL, "path_timeouts",
	                   "path_timeouts: \"%.100s\": \"%.100s\" is there already: remove one", text, before);
	return -EINVAL;
}

static int path_timeouts_read(struct path_timeouts *out, const struct text_list *rows, const struct config_faults *f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < rows->n; i++)
		r = path_timeout_read(out, rows, i, f);
	return r;
}

/* A name, or a uid. */
static bool uid_of(const char *account, uid_t *uid)
{
	char *end;
	unsigned long number = strtoul(account, &end, 10);
	const struct passwd *pw = getpwnam(account);

	if (!pw && (end == account || *end != '\0' || number >= (uid_t)-1))
		return false;
	*uid = pw ? pw->pw_uid : (uid_t)number;
	return true;
}

static int uids_read(struct proxy_conf *c, const struct text_list *accounts, const struct config_faults *f)
{
	c->trusted_uids = calloc(accounts->n + 1, sizeof *c->trusted_uids);
	if (!c->trusted_uids)
		return -ENOMEM;
	for (size_t i = 0; i < accounts->n; i++)
		if (!uid_of(accounts->items[i], &c->trusted_uids[c->n_trusted_uids++])) {
			config_fault_error(f, CONF_CORE, NULL, "trusted_local_users",
			                   "trusted_local_users: \"%.60s\": no such account on this machine",
			                   accounts->items[i]);
			return -EINVAL;
		}
	return 0;
}

/* Of a limit that all workers have together; the kernel deals out connections evenly, more or less.  0: no limit. */
static size_t share_of(int64_t limit, int64_t workers)
{
	return (size_t)((limit + workers - 1) / workers);
}

int proxy_conf_read(struct proxy_conf *c, const struct process_config *config, const struct config_faults *f)
{
	const struct core_options *core = &config->core;
	int r;

	*c = (struct proxy_conf){.identity = {.name = span_of(core->identity_header),
	                                      .strip_domain = core->identity_strip_domain,
	                                      .percent_encoded = core->identity_percent_encoded},
	                         .ignore_case = core->identity_ignore_case,
	                         .browser_reports = core->browser_reports,
	                         .browser_reports_rate = (unsigned)core->browser_reports_rate,
	                         .access_log = core->access_log,
	                         .secret_header = span_of(core->proxy_secret_header),
	                         .has_secret = config->proxy_secret_digest[0] != '\0',
	                         .proxy_protocol = &core->proxy_protocol,
	                         .allowed_origins = &core->allowed_origins,
	                         .public_paths = &core->public_paths,
	                         .shared_paths = &core->shared_paths,
	                         .client_address_headers = &core->client_address_headers,
	                         .max_connections = share_of(core->max_connections, core->workers),
	                         .max_peer_connections = share_of(core->max_connections_per_peer, core->workers),
	                         .max_user_requests = share_of(core->max_requests_per_user, core->workers),
	                         .max_user_tunnels = share_of(core->max_tunnels_per_user, core->workers),
	                         .max_header_bytes = core->max_header_bytes,
	                         .max_headers = (size_t)core->max_headers,
	                         .upstream_pool = (size_t)core->upstream_pool,
	                         .header_us = core->header_timeout_us,
	                         .keepalive_us = core->keepalive_timeout_us,
	                         .body_us = core->body_timeout_us,
	                         .stream_us = core->stream_timeout_us,
	                         .connect_us = core->connect_timeout_us,
	                         .first_byte_us = core->first_byte_timeout_us,
	                         .upstream_idle_timeout_us = core->upstream_idle_timeout_us,
	                         .plugin_us = core->plugin_deadline_us,
	                         .tunnel_send_us = core->tunnel_send_timeout_us,
	                         .page_heartbeat_us = core->page_heartbeat_us,
	                         .recheck_us = core->recheck_tunnels_us};
	if (c->has_secret && !secret_digest_parse(config->proxy_secret_digest, c->secret)) {
		config_fault_error(f, CONF_CORE, NULL, "proxy_secret_file",
		                   "proxy_secret_file: its digest is damaged");
		return -EINVAL;
	}
	r = trusted_read(&c->trusted, &core->trusted_proxies, f);
	if (r == 0)
		r = headers_check(&core->client_address_headers, f);
	if (r == 0)
		r = path_timeouts_read(&c->path_timeouts, &core->path_timeouts, f);
	return r == 0 ? uids_read(c, &core->trusted_local_users, f) : r;
}

void proxy_conf_fini(struct proxy_conf *c)
{
	path_timeouts_fini(&c->path_timeouts);
	cidr_list_fini(&c->trusted);
	free(c->trusted_uids);
}

/* Whether a plugin of the proxy provides the service. */
static bool is_provided(const struct process_config *config, const char *service)
{
	for (size_t i = 0; i < config->n_plugins; i++)
		if (words_have(config->plugins[i]->provides, service))
			return true;
	return false;
}

/* Whether a page whose tunnel is cut gets a new session when it reconnects. */
static bool is_healed(const struct process_config *config)
{
	for (size_t i = 0; i < config->n_plugins; i++)
		if (config->plugins[i]->heals)
			return true;
	return false;
}

void proxy_conf_check(const struct process_config *config, const struct user_list *users,
                      const struct config_faults *f)
{
	struct proxy_conf c;

	proxy_conf_read(&c, config, f);
	if (c.recheck_us > 0 && !is_provided(config, T3OPS_SERVICE_PAIRING))
		config_fault_error(f, CONF_CORE, NULL, "recheck_tunnels",
		                   "recheck_tunnels: no plugin provides " T3OPS_SERVICE_PAIRING
		                   ", which asks about a session: add one, or leave the option out");
	else if (c.recheck_us > 0 && !is_healed(config))
		config_fault_error(f, CONF_CORE, NULL, "recheck_tunnels",
		                   "recheck_tunnels: no plugin replaces dead sessions, so pages could not come back: "
		                   "add one that does, or leave the option out");
	if (c.upstream_idle_timeout_us >= UPSTREAM_CLOSES_US)
		config_fault_warn(f, CONF_CORE, NULL, "upstream_idle_timeout",
		                  "upstream_idle_timeout: t3 closes idle connections after 5s, so a request may meet "
		                  "one that closes: "
		                  "expected less");
	proxy_conf_fini(&c);
	upstream_dialer_check(config, users, f);
}
