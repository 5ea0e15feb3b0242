/* SPDX-License-Identifier: MIT */
/* Reading them; see options.h. */
#include "identity_jwt/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "identity_jwt/algorithm.h"

#define SECOND_US 1000000
#define MINUTE_US (60 * (int64_t)SECOND_US)

const struct t3ops_option jwt_option_rows[JWT_OPTION_ROWS] = {
    {"header", T3OPS_OPT_HEADER, T3OPS_REQUIRED, 0, 0,
     "Header with the token: X-authentik-jwt, Cf-Access-Jwt-Assertion, X-Pomerium-Jwt-Assertion."},
    {"issuer", T3OPS_OPT_STRING, T3OPS_REQUIRED, 0, 0, "Who must have issued it: exactly its claim iss."},
    {"audience", T3OPS_OPT_LIST, T3OPS_REQUIRED, 0, 0, "For whom it must be: one of these in its claim aud."},
    {"algorithms", T3OPS_OPT_LIST, "RS256 ES256", 0, 0,
     "What it may be signed with: RS, PS, ES (with jwks_url, jwks_file) or HS (with secret_file), each 256, 384 or "
     "512."},
    {"claim", T3OPS_OPT_STRING, "email", 0, 0, "The claim that must name the user whom the identity header names."},
    {"leeway", T3OPS_OPT_DURATION, "30s", 0, 5 * MINUTE_US,
     "How far the clocks of the issuer and of this machine may differ."},
    {"jwks_url", T3OPS_OPT_URL, "", 0, 0,
     "Where the issuer publishes its public keys: https, or http on this machine."},
    {"address", T3OPS_OPT_ADDRESS, "", 0, 0, "Connect there for jwks_url, with Host, SNI and certificate unchanged."},
    {"ca_file", T3OPS_OPT_CA_FILE, "", 0, 0, "Certificates to trust for jwks_url instead of the system's."},
    {"refresh", T3OPS_OPT_DURATION, "1h", MINUTE_US, 24 * 60 * MINUTE_US,
     "How often they are fetched again; sooner where their max-age ends before."},
    {"timeout", T3OPS_OPT_DURATION, "5s", 100000, MINUTE_US, "Time limit of one fetch."},
    {"jwks_file", T3OPS_OPT_PATH, "", 0, 0,
     "File with the public keys; beside jwks_url it counts until that has answered once."},
    {"secret_file", T3OPS_OPT_SECRET_FILE, "", 0, 0, "File with the secret of an issuer that signs with HS."},
    {"kept", T3OPS_OPT_INT, "4096", 1, 1000000,
     "How many proven tokens are remembered until they expire, so that each is verified once; each proxy worker has "
     "its "
     "share, rounded up."},
};

/* ---- algorithms --------------------------------------------------------------------------------------------- */

static int fault(struct t3ops_ctx *ctx, const char *option, const char *text)
{
	ctx->host->option_fault(ctx, T3OPS_ERROR, option, "%s", text);
	return -EINVAL;
}

static int algorithms_read(struct t3ops_ctx *ctx, uint32_t *out)
{
	const struct t3ops_host *host = ctx->host;
	const char *name;

	*out = 0;
	for (size_t i = 0; (name = host->opt_item(ctx, "algorithms", i)) != NULL; i++) {
		if (strcasecmp(name, "none") == 0)
			return fault(ctx, "algorithms", "none is no signature: expected RS256, ES256 or the like");
		if (algorithm_bit(name) == 0) {
			host->option_fault(ctx, T3OPS_ERROR, "algorithms",
			                   "item %zu: expected RS, PS, ES or HS with 256, 384 or 512", i + 1);
			return -EINVAL;
		}
		*out |= algorithm_bit(name);
	}
	return *out != 0 ? 0 : fault(ctx, "algorithms", "empty: no token could prove anything");
}

/* A public key must never be taken for a secret: the two do not mix. */
static int kinds_check(struct t3ops_ctx *ctx, uint32_t algorithms)
{
	const struct t3ops_host *host = ctx->host;
	bool has_secret = host->opt_string(ctx, "secret_file")[0] != '\0';
	bool has_public = host->opt_string(ctx, "jwks_url")[0] != '\0' ||
	                  host->opt_string(ctx, "jwks_file")[0] != '\0';
	uint32_t secret = algorithms & algorithm_of_key(CJOSE_JWK_KTY_OCT, 0);

	if (has_secret && has_public)
		return fault(ctx, "secret_file", "public keys are given, too: expected either, never both");
	if (!has_secret && !has_public)
		return fault(ctx, NULL, "no keys: expected jwks_url, jwks_file or secret_file");
	if (has_public && secret != 0)
		return fault(ctx, "algorithms",
		             "HS needs a secret, and a public key is none: expected RS, PS or ES, or secret_file");
	if (has_secret && secret != algorithms)
		return fault(ctx, "algorithms", "secret_file verifies HS256, HS384 and HS512 only");
	return 0;
}

/* ---- the rest ----------------------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *with)
{
	return strncasecmp(text, with, strlen(with)) == 0;
}

/* Numeric, or the one name that needs no resolver. */
static bool is_here(const char *url)
{
	const char *host = url + strlen("http://");
	size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
	char text[64];
	struct in_addr v4;

	if (strcspn(host, "@") < strcspn(host, "/?#") ||
	    snprintf(text, sizeof text, "%.*s", (int)len, host) != (int)len)
		return false;
	return strcasecmp(text, "localhost") == 0 || strcmp(text, "[::1]") == 0 ||
	       (inet_pton(AF_INET, text, &v4) == 1 && ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET);
}

/* Whoever can answer for it can be anybody. */
static int url_check(struct t3ops_ctx *ctx)
{
	const char *url = ctx->host->opt_string(ctx, "jwks_url");

	if (url[0] == '\0' || begins(url, "https://"))
		return 0;
	if (!begins(url, "http://"))
		return fault(ctx, "jwks_url", "expected https://HOST/...");
	return is_here(url) && ctx->host->opt_string(ctx, "address")[0] == '\0'
	           ? 0
	           : fault(ctx, "jwks_url", "without TLS anybody on the way can replace the keys: expected https");
}

static int audiences_read(struct t3ops_ctx *ctx, struct jwt_options *out)
{
	size_t n = ctx->host->opt_count(ctx, "audience");

	out->audiences = calloc(n + 1, sizeof *out->audiences);
	if (out->audiences == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		out->audiences[i] = ctx->host->opt_item(ctx, "audience", i);
	return 0;
}

int jwt_options_read(struct t3ops_ctx *ctx, struct jwt_options *out)
{
	const struct t3ops_host *host = ctx->host;
	int r = algorithms_read(ctx, &out->algorithms);

	if (r == 0)
		r = kinds_check(ctx, out->algorithms);
	if (r == 0)
		r = url_check(ctx);
	if (r == 0 && host->opt_string(ctx, "issuer")[0] == '\0')
		r = fault(ctx, "issuer", "empty: expected the claim iss of its tokens");
	if (r == 0 && host->opt_string(ctx, "claim")[0] == '\0')
		r = fault(ctx, "claim", "empty: expected the name of a claim");
	if (r == 0)
		r = audiences_read(ctx, out);
	if (r != 0)
		return r;
	out->header = host->opt_string(ctx, "header");
	out->rules = (struct claim_rules){.issuer = host->opt_string(ctx, "issuer"),
	                                  .audiences = out->audiences,
	                                  .user = host->opt_string(ctx, "claim"),
	                                  .leeway_s = host->opt_int(ctx, "leeway") / SECOND_US};
	return 0;
}

void jwt_options_fini(struct jwt_options *o)
{
	free(o->audiences);
	o->audiences = NULL;
}
