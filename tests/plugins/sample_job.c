/* SPDX-License-Identifier: MIT */
/* A job plugin with an option of every type, for the tests of loader and plan. */
#include "plugin.h"

static int run(struct t3ops_ctx *ctx, const struct t3ops_user *user)
{
	(void)ctx;
	(void)user;
	return 0;
}

static const struct t3ops_option options[] = {
    {"text", T3OPS_OPT_STRING, "", 0, 0, "Some text."},
    {"names", T3OPS_OPT_LIST, "a b", 0, 0, "Some names."},
    {"keep", T3OPS_OPT_INT, "6", 1, 1000, "How many are kept."},
    {"brave", T3OPS_OPT_BOOL, "false", 0, 0, "Whether to be brave."},
    {"pause", T3OPS_OPT_DURATION, "10s", 1000000, 60000000, "How long to wait."},
    {"limit", T3OPS_OPT_BYTES, "64K", 0, 0, "How much is read."},
    {"peer", T3OPS_OPT_ADDRESS, "", 0, 0, "Where to go."},
    {"file", T3OPS_OPT_PATH, "/etc/x", 0, 0, "What to read."},
    {"key_file", T3OPS_OPT_SECRET_FILE, "", 0, 0, "Where the key is."},
    {"url", T3OPS_OPT_URL, "", 0, 0, "What to ask."},
    {"noon", T3OPS_OPT_TIME, "12:00", 0, 0, "When to eat."},
    {"to", T3OPS_OPT_USER_DIR, T3OPS_REQUIRED, 0, 0, "Directory of the copies."},
    {"tool", T3OPS_OPT_COMMAND, "", 0, 0, "Command to run."},
};

T3OPS_PLUGIN(sample_job) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_JOB,
    .name = "sample_job",
    .version = "1.2",
    .summary = "A job for tests.",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .run = run,
};
