/* SPDX-License-Identifier: MIT */
/* A request plugin whose constructor does not return until there is a file beside it: PATH-OF-THE-PLUGIN.go. */
#include "plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	(void)ctx, (void)r;
	return T3OPS_NEXT;
}

T3OPS_PLUGIN(sample_hang) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "sample_hang",
    .version = "1.0",
    .summary = "Hangs while it is loaded, for tests.",
    .on_request = on_request,
};

__attribute__((constructor)) static void hang(void)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	Dl_info self;
	char go[4096];

	if (dladdr(&t3ops_plugin_sample_hang, &self) == 0)
		return;
	snprintf(go, sizeof go, "%s.go", self.dli_fname);
	while (access(go, F_OK) < 0)
		nanosleep(&pause, NULL);
}
