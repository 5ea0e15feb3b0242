/* SPDX-License-Identifier: MIT */
/* The proxy's own options, read once at its start.  Proxy. */
#ifndef T3OPS_PROXY_PROXY_CONF_H
#define T3OPS_PROXY_PROXY_CONF_H

#include "conf/config_faults.h"
#include "conf/process_config.h"
#include "net/cidr.h"
#include "net/http_head.h"
#include "proxy/identity.h"
#include "proxy/path_timeout.h"
#include "sys/secret_file.h"
#include "users/user_list.h"

struct proxy_conf {
	struct path_timeouts path_timeouts;
	struct cidr_list trusted;
	uid_t *trusted_uids; /* of trusted_local_users */
	size_t n_trusted_uids;
	struct identity_form identity;
	bool ignore_case; /* of the identity */
	bool browser_reports;
	unsigned browser_reports_rate;
	enum access_log access_log;
	struct span secret_header; /* empty: none */
	unsigned char secret[SECRET_DIGEST_BYTES];
	bool has_secret;
	const struct text_list *proxy_protocol; /* of listen */
	const struct text_list *allowed_origins, *public_paths, *shared_paths, *client_address_headers;
	size_t max_peer_connections, max_user_requests, max_user_tunnels;
	size_t max_connections, max_header_bytes, max_headers, upstream_pool;
	uint64_t header_us, keepalive_us, body_us, stream_us, connect_us, first_byte_us, upstream_idle_timeout_us,
	    plugin_us;
	uint64_t tunnel_send_us, page_heartbeat_us, recheck_us;
};

/* The configuration step: strings and lists are borrowed from config.  0, or -EINVAL after a fault. */
int proxy_conf_read(struct proxy_conf *c, const struct process_config *config, const struct config_faults *f);
void proxy_conf_fini(struct proxy_conf *c);
/* The same, dry; of process_ops. */
void proxy_conf_check(const struct process_config *config, const struct user_list *users,
                      const struct config_faults *f);

#endif
