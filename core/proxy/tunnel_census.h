/* SPDX-License-Identifier: MIT */
/* Who is connected now, for the operator's list of users: one tunnel_census for each user with a tunnel.  Proxy. */
#ifndef T3OPS_PROXY_TUNNEL_CENSUS_H
#define T3OPS_PROXY_TUNNEL_CENSUS_H

struct worker;

void tunnel_census(struct worker *worker);

#endif
