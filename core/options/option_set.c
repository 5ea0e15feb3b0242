/* SPDX-License-Identifier: MIT */
/* Values by name, and their JSON; see option_set.h.  Allocation fails at start or in a checking child: it ends them.
 */
#include "options/option_set.h"

#include <stdlib.h>
#include <string.h>

static struct named_value *row_find(const struct option_set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->rows[i].name, name) == 0)
			return &s->rows[i];
	return NULL;
}

void option_set_put(struct option_set *s, const char *name, struct option_value value)
{
	struct named_value *row = row_find(s, name);

	if (row) {
		option_value_fini(&row->value);
		row->value = value;
		return;
	}
	s->rows = reallocarray(s->rows, s->n + 1, sizeof *s->rows);
	if (!s->rows)
		abort();
	row = &s->rows[s->n++];
	*row = (struct named_value){strdup(name), value};
	if (!row->name)
		abort();
}

void option_set_remove(struct option_set *s, const char *name)
{
	struct named_value *row = row_find(s, name);

	if (!row)
		return;
	free(row->name);
	option_value_fini(&row->value);
	memmove(row, row + 1, (size_t)(&s->rows[s->n] - (row + 1)) * sizeof *row);
	s->n--;
}

void option_set_fini(struct option_set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->rows[i].name);
		option_value_fini(&s->rows[i].value);
	}
	free(s->rows);
	*s = (struct option_set){0};
}

const struct option_value *option_set_get(const struct option_set *s, const char *name)
{
	const struct named_value *row = row_find(s, name);

	return row ? &row->value : NULL;
}

const char *option_set_text(const struct option_set *s, const char *name)
{
	const struct option_value *v = option_set_get(s, name);

	return v ? v->text : NULL;
}

const struct text_list *option_set_list(const struct option_set *s, const char *name)
{
	static const struct text_list empty;
	const struct option_value *v = option_set_get(s, name);

	return v ? &v->list : &empty;
}

void option_set_complete(struct option_set *s, const struct t3ops_option *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct option_value *v = option_set_get(s, rows[i].name);
		struct option_value value;
		char why[320];

		if (v && v->type == rows[i].type)
			continue;
		option_set_remove(s, rows[i].name);
		if (option_fallback(&rows[i], &value, why, sizeof why))
			option_set_put(s, rows[i].name, value);
	}
}

bool option_set_equal(const struct option_set *a, const struct option_set *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->rows[i].name, b->rows[i].name) != 0 ||
		    !option_value_equal(&a->rows[i].value, &b->rows[i].value))
			return false;
	return true;
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static json_t *value_json(const struct option_value *v)
{
	json_t *list;

	switch (option_kind(v->type)) {
	case OPTION_TEXT:
		return json_string(v->text);
	case OPTION_NUMBER:
		return json_integer(v->number);
	default:
		list = json_array();
		for (size_t i = 0; i < v->list.n; i++)
			json_array_append_new(list, json_string(v->list.items[i]));
		return list;
	}
}

json_t *option_set_json(const struct option_set *s)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(rows, json_pack("[s, i, o]", s->rows[i].name, (int)s->rows[i].value.type,
		                                      value_json(&s->rows[i].value)));
	return rows;
}

static bool list_read(struct text_list *out, const json_t *items)
{
	size_t i;
	json_t *item;

	if (!json_is_array(items))
		return false;
	json_array_foreach ((json_t *)(uintptr_t)items, i, item) {
		if (!json_is_string(item))
			return false;
		text_list_add(out, json_string_value(item));
	}
	return true;
}

static bool value_read(struct option_value *out, uint32_t type, const json_t *value)
{
	*out = (struct option_value){.type = type};
	switch (option_kind(type)) {
	case OPTION_TEXT:
		out->text = json_is_string(value) ? strdup(json_string_value(value)) : NULL;
		return out->text;
	case OPTION_NUMBER:
		out->number = json_integer_value(value);
		return json_is_integer(value);
	default:
		return list_read(&out->list, value);
	}
}

static bool row_read(struct option_set *s, const json_t *row)
{
	const char *name = json_string_value(json_array_get(row, 0));
	json_int_t type = json_integer_value(json_array_get(row, 1));
	struct option_value value;

	if (json_array_size(row) != 3 || !name || row_find(s, name) || type <= 0 || type > UINT32_MAX ||
	    !option_type_name((uint32_t)type))
		return false;
	if (!value_read(&value, (uint32_t)type, json_array_get(row, 2))) {
		option_value_fini(&value);
		return false;
	}
	option_set_put(s, name, value);
	return true;
}

bool option_set_read(struct option_set *s, const json_t *rows)
{
	size_t i;
	json_t *row;
	bool ok = json_is_array(rows);

	*s = (struct option_set){0};
	json_array_foreach ((json_t *)(uintptr_t)rows, i, row)
		ok = ok && row_read(s, row);
	if (!ok)
		option_set_fini(s);
	return ok;
}
