/* SPDX-License-Identifier: MIT */
/* What upgrade reads of others' words: a version in what a program printed, facts and outcomes of an event's line,
 * and the contracts of two versions as JSON. */
#include <string.h>

#include "fuzz.h"
#include "upgrade/contract.h"
#include "upgrade/outcomes.h"
#include "upgrade/version.h"

static void version_check(const char *text)
{
	char version[VERSION_SIZE];

	if (version_is(text)) {
		PROMISE(strchr(text, '/') == NULL && strcmp(text, "..") != 0 && strlen(text) < VERSION_SIZE);
		PROMISE(version_compare(text, text) == 0);
		PROMISE((version_compare(text, "0.0.28") > 0) == (version_compare("0.0.28", text) < 0));
	}
	if (version_find(text, version))
		PROMISE(version_is(version) && strstr(text, version) != NULL);
}

static void line_check(const char *line)
{
	char value[32];

	PROMISE(outcome_of(line) == NULL || strstr(line, " error=\"") != NULL);
	if (outcome_fact(line, "now", value, sizeof value))
		PROMISE(strlen(value) < sizeof value && strchr(value, ' ') == NULL && strstr(line, value) != NULL);
}

static void contract_check(const uint8_t *data, size_t size)
{
	json_t *facts = json_loadb((const char *)data, size, 0, NULL), *none = json_object();
	char text[100];

	contract_compare(facts, none, text, sizeof text);
	PROMISE(strlen(text) < sizeof text);
	contract_compare(facts, facts, text, sizeof text);
	PROMISE(text[0] == '\0');
	json_decref(facts);
	json_decref(none);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	PROMISE(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	version_check(text);
	line_check(text);
	contract_check(data, size);
	free(text);
	return 0;
}
