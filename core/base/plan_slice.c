/* SPDX-License-Identifier: MIT */
/* Cuts the plan into what each room may know, and reads typed values out of it.  Pure. */
#include <assert.h>
#include <string.h>

#include "base/core_options.h"
#include "base/plan.h"

static json_t *core_slice(const json_t *core, uint32_t rooms)
{
	const json_t *all = json_object_get(core, "core");
	json_t *out = json_object();

	for (size_t i = 0; i < n_core_options; i++)
		if (core_options[i].rooms & rooms)
			json_object_set(out, core_options[i].option.name, json_object_get(all, core_options[i].option.name));
	if ((rooms & (1u << ROOM_FRONT)) && json_object_get(all, PROXY_SECRET_DIGEST))
		json_object_set(out, PROXY_SECRET_DIGEST, json_object_get(all, PROXY_SECRET_DIGEST));
	return out;
}

static json_t *commands_slice(const json_t *core, enum room_id room)
{
	json_t *all = json_object_get(core, "commands"), *out = json_object(), *command;
	const char *name;

	if (room == ROOM_RUNNER) {
		json_decref(out);
		return json_incref(all);
	}
	if (room != ROOM_FRONT && room != ROOM_JOBS)
		return out;
	json_object_foreach (all, name, command)
		json_object_set_new(out, name, json_pack("{s:O}", "timeout", json_object_get(command, "timeout")));
	return out;
}

static json_t *plugins_slice(const json_t *plugins, enum room_id room)
{
	enum room_id of = room == ROOM_RUNNER ? ROOM_JOBS : room;
	json_t *out = json_array(), *row;
	size_t i;

	json_array_foreach (json_object_get(plugins, "plugins"), i, row)
		if (json_integer_value(json_object_get(row, "room")) == (json_int_t)of)
			json_array_append(out, row);
	return out;
}

/* The desk knows the shape of every leg, and what is there at all. */
static void desk_add(json_t *slice, const json_t *plugins)
{
	json_t *legs = json_array(), *sections = json_array(), *row;
	size_t i;

	json_array_foreach (json_object_get(plugins, "plugins"), i, row) {
		const json_t *options = json_object_get(row, "options");

		json_array_append_new(sections, json_pack("{s:O, s:O, s:O, s:O}", "name", json_object_get(row, "name"),
		                                          "module", json_object_get(row, "module"), "room",
		                                          json_object_get(row, "room"), "version",
		                                          json_object_get(row, "version")));
		if (json_integer_value(json_object_get(row, "room")) != T3OPS_ROOM_LEGS)
			continue;
		json_array_append_new(legs, json_pack("{s:O, s:O, s:O, s:O, s:O}", "name", json_object_get(row, "name"),
		                                      "segments", json_object_get(options, "segments"), "edge",
		                                      json_object_get(options, "edge"), "resolver_segments",
		                                      json_object_get(options, "resolver_segments"), "per_user",
		                                      json_object_get(row, "per_user")));
	}
	json_object_set_new(slice, "legs", legs);
	json_object_set_new(slice, "sections", sections);
}

json_t *plan_slice(const json_t *core, const json_t *plugins, enum room_id room)
{
	uint32_t rooms = 1u << room;
	json_t *commands = commands_slice(core, room), *mine = plugins_slice(plugins, room), *slice;
	bool runs = json_array_size(mine) > 0 || room == ROOM_DESK || room == ROOM_SUPERVISOR ||
	            (room == ROOM_RUNNER && json_object_size(commands) > 0);

	if (!runs) {
		json_decref(commands);
		json_decref(mine);
		return NULL;
	}
	if (room == ROOM_RUNNER)
		rooms |= 1u << ROOM_JOBS;
	slice = json_pack("{s:o, s:o, s:o}", "core", core_slice(core, rooms), "commands", commands, "plugins", mine);
	if (room == ROOM_DESK)
		desk_add(slice, plugins);
	return slice;
}

const char *plan_string(const json_t *options, const char *key)
{
	const json_t *v = json_object_get(options, key);

	assert(json_is_string(v));
	return json_string_value(v);
}

int64_t plan_int(const json_t *options, const char *key)
{
	const json_t *v = json_object_get(options, key);

	assert(json_is_integer(v));
	return json_integer_value(v);
}

bool plan_bool(const json_t *options, const char *key)
{
	const json_t *v = json_object_get(options, key);

	assert(json_is_boolean(v));
	return json_is_true(v);
}

size_t plan_count(const json_t *options, const char *key)
{
	const json_t *v = json_object_get(options, key);

	assert(json_is_array(v));
	return json_array_size(v);
}

const char *plan_item(const json_t *options, const char *key, size_t i)
{
	const json_t *v = json_array_get(json_object_get(options, key), i);

	assert(json_is_string(v));
	return json_string_value(v);
}
