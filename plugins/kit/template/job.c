/*
 * @NAME@: a job of t3ops.  For one user at a time, in a process of its own that runs as that user: how much room the
 * file system of the home directory has left.  It may block.
 */
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include <t3ops/plugin.h>

static int run(struct t3ops_ctx *ctx, const struct t3ops_user *user)
{
	const struct t3ops_host *host = ctx->host;
	int64_t least = host->opt_int(ctx, "least");
	struct statvfs s;
	uint64_t bytes;

	if (statvfs(user->home, &s) < 0) {
		int error = errno;

		host->report(ctx, "error", "%s: %s", user->home, strerror(error));
		return -error;
	}
	bytes = (uint64_t)s.f_bavail * s.f_frsize;
	host->report(ctx, "bytes", "%llu", (unsigned long long)bytes);
	if (bytes >= (uint64_t)least)
		return 0;
	host->report(ctx, "error", "%llu bytes are left, expected %llu", (unsigned long long)bytes,
	             (unsigned long long)least);
	return -ENOSPC;
}

static const struct t3ops_option options[] = {
    {"least", T3OPS_OPT_BYTES, "1G", 0, 0, "A run fails if less space than this is free."},
};

T3OPS_PLUGIN(@NAME@) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_JOB,
    .name = "@NAME@",
    .version = "0.1",
    .summary = "looks at the free space",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
