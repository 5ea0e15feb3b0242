/* SPDX-License-Identifier: MIT */
/* The proxy's options; see proxy_conf.h. */
#include "proxy/proxy_conf.h"

#include <errno.h>

#include "obs/log.h"

static int trusted_read(struct cidr_list *out, const struct text_list *networks)
{
	for (size_t i = 0; i < networks->n; i++)
		if (cidr_list_add(out, networks->items[i]) != CIDR_OK) {
			log_write(LOG_L_ERROR, "start_failed", kv_option("trusted_proxies"),
			          kv_value(networks->items[i]), kv_error("not a network in CIDR notation"));
			return -EINVAL;
		}
	return 0;
}

int proxy_conf_read(struct proxy_conf *c, const struct process_config *config)
{
	const struct core_options *core = &config->core;

	*c = (struct proxy_conf){.identity_header = span_of(core->identity_header),
	                         .strip_domain = core->identity_strip_domain,
	                         .secret_header = span_of(core->proxy_secret_header),
	                         .has_secret = config->proxy_secret_digest[0] != '\0',
	                         .allowed_origins = &core->allowed_origins,
	                         .public_paths = &core->public_paths,
	                         .max_connections = (size_t)(core->max_connections / core->workers),
	                         .max_peer_connections = (size_t)core->max_connections_per_peer,
	                         .max_user_requests = (size_t)core->max_requests_per_user,
	                         .max_user_tunnels = (size_t)core->max_tunnels_per_user,
	                         .max_header_bytes = core->max_header_bytes,
	                         .max_headers = (size_t)core->max_headers,
	                         .upstream_pool = (size_t)core->upstream_pool,
	                         .header_us = core->header_timeout_us,
	                         .keepalive_us = core->keepalive_timeout_us,
	                         .body_us = core->body_timeout_us,
	                         .connect_us = core->connect_timeout_us,
	                         .first_byte_us = core->first_byte_timeout_us,
	                         .upstream_idle_us = core->upstream_idle_us,
	                         .plugin_us = core->plugin_deadline_us,
	                         .tunnel_send_us = core->tunnel_send_timeout_us,
	                         .page_heartbeat_us = core->page_heartbeat_us,
	                         .recheck_us = core->recheck_tunnels_us};
	if (c->has_secret && !secret_digest_parse(config->proxy_secret_digest, c->secret))
		return -EINVAL;
	return trusted_read(&c->trusted, &core->trusted_proxies);
}
