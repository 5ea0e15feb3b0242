/* SPDX-License-Identifier: MIT */
/* Typed readers; see state_json.h. */
#include "supervisor/state_json.h"

#include <assert.h>

const char *state_string(const json_t *state, const char *key)
{
	const json_t *v = json_object_get(state, key);

	assert(json_is_string(v));
	return json_string_value(v);
}

int64_t state_int(const json_t *state, const char *key)
{
	const json_t *v = json_object_get(state, key);

	assert(json_is_integer(v));
	return json_integer_value(v);
}

bool state_bool(const json_t *state, const char *key)
{
	const json_t *v = json_object_get(state, key);

	assert(json_is_boolean(v));
	return json_is_true(v);
}
