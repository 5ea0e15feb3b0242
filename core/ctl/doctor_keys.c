/* SPDX-License-Identifier: MIT */
/* For each option jwks_url: whether it answers with keys, which, and whether one is for an option algorithms. */
#include <stdio.h>
#include <string.h>

#include "ctl/doctor_keys.h"
#include "ctl/reach.h"

#define REACH_ADVICE "t3ops must reach it: a firewall, the name, ca_file? Until then jwks_file can pin its keys"

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

/* RFC 7518 3.1: the kind and curve of key that an algorithm takes; secrets are not published. */
static bool is_of_its_kind(const json_t *key, const char *algorithm)
{
	static const char *const curves[][2] = {{"ES256", "P-256"}, {"ES384", "P-384"}, {"ES512", "P-521"}};
	bool is_rsa = strncmp(algorithm, "RS", 2) == 0 || strncmp(algorithm, "PS", 2) == 0;

	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
		if (strcmp(algorithm, curves[i][0]) == 0)
			return strcmp(text_of(key, "kty"), "EC") == 0 &&
			       strcmp(text_of(key, "crv"), curves[i][1]) == 0;
	return is_rsa && strcmp(text_of(key, "kty"), "RSA") == 0;
}

static bool is_for(const json_t *key, const char *algorithm)
{
	const char *own = text_of(key, "alg"), *use = text_of(key, "use");

	return is_of_its_kind(key, algorithm) && (own[0] == '\0' || strcmp(own, algorithm) == 0) &&
	       (use[0] == '\0' || strcmp(use, "sig") == 0);
}

static bool is_for_any(const json_t *key, const json_t *algorithms)
{
	const json_t *one;
	size_t i;

	json_array_foreach (algorithms, i, one)
		if (is_for(key, json_string_value(one)))
			return true;
	return false;
}

/* "a1 (RSA), b2 (EC P-256)"; how many are for an algorithm. */
static size_t keys_name(const json_t *keys, const json_t *algorithms, char *out, size_t size)
{
	size_t used = 0, usable = 0, i;
	const json_t *key;

	out[0] = '\0';
	json_array_foreach (keys, i, key) {
		const char *curve = text_of(key, "crv"), *alg = text_of(key, "alg");

		usable += is_for_any(key, algorithms);
		if (used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%.40s (%.8s%s%.12s)", i > 0 ? ", " : "",
			                         text_of(key, "kid"), alg[0] != '\0' ? alg : text_of(key, "kty"),
			                         curve[0] != '\0' ? " " : "", curve);
	}
	return usable;
}

static void answer_report(struct doctor *d, const json_t *plugin, const char *url, const json_t *set)
{
	const json_t *keys = json_object_get(set, "keys"),
	             *algorithms = json_object_get(json_object_get(plugin, "options"), "algorithms");
	const char *name = text_of(plugin, "name");
	char names[512];
	size_t usable = keys_name(keys, algorithms, names, sizeof names);

	if (!json_is_array(keys))
		finding_add(&d->findings, FINDING_FAIL, "keys", name, "correct jwks_url", "%s is no key set", url);
	else if (usable == 0)
		finding_add(
		    &d->findings, FINDING_FAIL, "keys", name,
		    json_array_size(keys) == 0
		        ? "choose a signing key at the provider; Authentik's proxy providers have none: secret_file"
		        : "let algorithms name what they are for",
		    "%s has %zu keys, none of them for an algorithm of algorithms: %s", url, json_array_size(keys),
		    names);
	else
		finding_add(&d->findings, FINDING_OK, "keys", name, "", "%s: %zu keys, %zu of them usable: %s", url,
		            json_array_size(keys), usable, names);
}

static void plugin_check(struct doctor *d, const json_t *plugin, const char *url)
{
	const json_t *options = json_object_get(plugin, "options");
	const struct reach_way way = {.address = text_of(options, "address"), .ca_file = text_of(options, "ca_file")};
	struct reach_answer a;
	json_t *set;

	reach_get(url, &way, "Accept: application/json", d->timeout_ms, &a);
	if (a.status == 0) {
		finding_add(&d->findings, FINDING_FAIL, "keys", text_of(plugin, "name"), REACH_ADVICE, "%s: %s", url,
		            a.why);
		return;
	}
	set = a.status == 200 ? json_loads(a.body, 0, NULL) : NULL;
	if (a.status != 200)
		finding_add(&d->findings, FINDING_FAIL, "keys", text_of(plugin, "name"),
		            "correct jwks_url, or exempt it from the sign-in", "%s: status %ld", url, a.status);
	else
		answer_report(d, plugin, url, set);
	json_decref(set);
}

void doctor_keys(struct doctor *d)
{
	const json_t *plugin;
	size_t i;

	json_array_foreach (json_object_get(d->config, "plugins"), i, plugin) {
		const char *url = text_of(json_object_get(plugin, "options"), "jwks_url");

		if (url[0] != '\0')
			plugin_check(d, plugin, url);
	}
}
