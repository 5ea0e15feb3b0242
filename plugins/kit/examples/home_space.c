/* SPDX-License-Identifier: MIT */
/* home_space: a job of t3ops that reports the free space of the user's home.  An example; see t3ops-plugin(3). */
#include <errno.h>
#include <sys/statvfs.h>

#include <t3ops/plugin.h>

static int run(struct t3ops_ctx *ctx, const struct t3ops_user *user)
{
	struct statvfs s;

	if (statvfs(user->home, &s) < 0)
		return -errno;
	ctx->host->report(ctx, "free_blocks", "%llu", (unsigned long long)s.f_bavail);
	return 0;
}

T3OPS_PLUGIN(home_space) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_JOB,
    .name = "home_space",
    .version = "1.0",
    .summary = "reports the free space of homes",
    .run = run,
};
