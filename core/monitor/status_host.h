/* SPDX-License-Identifier: MIT */
/*
 * Whether a request to the status pages means them.  A browser that is made to resolve somebody's name to this
 * address (DNS rebinding) sends that name: only numeric addresses, this machine's name and those of status_hosts are
 * known. Pure.
 */
#ifndef T3OPS_MONITOR_STATUS_HOST_H
#define T3OPS_MONITOR_STATUS_HOST_H

#include <stdbool.h>

#include "net/http_head.h"
#include "options/option.h"

/* h: a head that was parsed.  One without a Host (HTTP/1.0) comes from no browser.  hosts: status_hosts; own: the
 * name of this machine. */
bool status_host_known(const struct http_head *h, const struct text_list *hosts, const char *own);

#endif
