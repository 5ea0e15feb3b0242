/* SPDX-License-Identifier: MIT */
/* Structs as text; see fields.h. */
#include "diagnosis/fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 64

/* ---- writing ------------------------------------------------------------------------------------------- */

/* fprintf is slow, and a mass incident has thousands of rows. */
static void number_put(uint64_t n, FILE *out)
{
	char digits[24];
	size_t at = sizeof digits;

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	fwrite_unlocked(digits + at, 1, sizeof digits - at, out);
}

static bool is_bare(const char *text)
{
	for (const char *at = text; *at != '\0'; at++)
		if (*at <= ' ' || *at >= 0x7f || *at == '"' || *at == '\\' || *at == '=')
			return false;
	return *text != '\0';
}

static void text_put(const char *text, FILE *out)
{
	if (is_bare(text)) {
		fputs_unlocked(text, out);
		return;
	}
	putc_unlocked('"', out);
	for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
		if (*at < ' ' || *at >= 0x7f) {
			fprintf(out, "\\x%02x", *at);
			continue;
		}
		if (*at == '"' || *at == '\\')
			putc_unlocked('\\', out);
		putc_unlocked(*at, out);
	}
	putc_unlocked('"', out);
}

static void key_put(const char *prefix, const char *key, FILE *out)
{
	putc_unlocked(' ', out);
	fputs_unlocked(prefix, out);
	fputs_unlocked(key, out);
	putc_unlocked('=', out);
}

static uint64_t number_get(const struct field *f, const char *at)
{
	union {
		uint8_t one;
		uint16_t two;
		uint32_t four;
		uint64_t eight;
	} n = {.eight = 0};

	memcpy(&n, at, f->size);
	return f->size == 1 ? n.one : f->size == 2 ? n.two : f->size == 4 ? n.four : n.eight;
}

static void write_all(const struct field *fields, const void *row, const char *prefix, FILE *out);

static void part_write(const struct field *f, const char *at, const char *prefix, FILE *out)
{
	char longer[KEY_MAX];

	snprintf(longer, sizeof longer, "%s%s.", prefix, f->key);
	write_all(f->part, at, longer, out);
}

static void path_write(const struct field *f, const char *at, const char *prefix, FILE *out)
{
	const struct tomo_path *path = (const struct tomo_path *)(const void *)at;

	for (size_t i = 0; i < path->n; i++) {
		key_put(prefix, f->key, out);
		text_put(path->segments[i], out);
	}
}

static void number_write(const struct field *f, const char *at, const char *prefix, FILE *out)
{
	uint64_t n = number_get(f, at);

	if (n == 0)
		return;
	key_put(prefix, f->key, out);
	if (f->type == FIELD_ENUM && n < f->names)
		fputs_unlocked(f->name((unsigned)n), out);
	else
		number_put(n, out);
}

static void real_write(const struct field *f, const char *at, const char *prefix, FILE *out)
{
	double value;

	memcpy(&value, at, sizeof value);
	if (value <= 0) /* the parts of time that there are */
		return;
	key_put(prefix, f->key, out);
	fprintf(out, "%.17g", value);
}

static void text_write(const char *text, const struct field *f, const char *prefix, FILE *out)
{
	key_put(prefix, f->key, out);
	text_put(text, out);
}

static void one_write(const struct field *f, const char *at, const char *prefix, FILE *out)
{
	const char *name;

	switch (f->type) {
	case FIELD_REAL:
		real_write(f, at, prefix, out);
		break;
	case FIELD_TEXT:
		if (*at != '\0')
			text_write(at, f, prefix, out);
		break;
	case FIELD_NAME:
		memcpy(&name, at, sizeof name);
		if (name != NULL)
			text_write(name, f, prefix, out);
		break;
	case FIELD_PART:
		part_write(f, at, prefix, out);
		break;
	case FIELD_PATH:
		path_write(f, at, prefix, out);
		break;
	default:
		number_write(f, at, prefix, out);
	}
}

static void write_all(const struct field *fields, const void *row, const char *prefix, FILE *out)
{
	for (const struct field *f = fields; f->type != FIELD_END; f++)
		one_write(f, (const char *)row + f->offset, prefix, out);
}

void fields_write(const struct field *fields, const void *row, FILE *out)
{
	write_all(fields, row, "", out);
}

void field_write_text(const char *key, const char *value, FILE *out)
{
	key_put("", key, out);
	text_put(value, out);
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static int hex_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of a quoted text, perhaps escaped; NULL: it is none. */
static char *quoted_take(char *at, char *out)
{
	if (*at != '\\') {
		*out = *at;
		return at + 1;
	}
	at++;
	if (*at == '"' || *at == '\\') {
		*out = *at;
		return at + 1;
	}
	if (*at != 'x' || hex_of(at[1]) < 0 || hex_of(at[2]) < 0)
		return NULL;
	*out = (char)(hex_of(at[1]) << 4 | hex_of(at[2]));
	return *out != '\0' ? at + 3 : NULL;
}

/* In its own place; returns what follows the closing quote, NULL: there is none. */
static char *unquote(char *from)
{
	char *to = from, *at = from + 1;

	while (*at != '"') {
		at = *at != '\0' ? quoted_take(at, to++) : NULL;
		if (at == NULL)
			return NULL;
	}
	*to = '\0';
	return at + 1;
}

int pair_next(char **line, struct pair *out)
{
	char *key = *line + strspn(*line, " "), *equals = key + strcspn(key, " =\""), *end;

	if (*key == '\0')
		return 0;
	if (*equals != '=' || equals == key)
		return -EINVAL;
	*equals = '\0';
	*out = (struct pair){.key = key, .value = equals + 1};
	end = *out->value == '"' ? unquote(out->value) : out->value + strcspn(out->value, " \"\\");
	if (end == NULL || (*end != ' ' && *end != '\0'))
		return -EINVAL;
	*line = *end == ' ' ? end + 1 : end;
	*end = '\0';
	return 1;
}

static int number_parse(const char *text, uint64_t *out)
{
	uint64_t n = 0;

	for (const char *at = text; *at != '\0'; at++) {
		if (*at < '0' || *at > '9' || n > (UINT64_MAX - (uint64_t)(*at - '0')) / 10)
			return -EINVAL;
		n = 10 * n + (uint64_t)(*at - '0');
	}
	*out = n;
	return *text != '\0' ? 1 : -EINVAL;
}

static int name_parse(const struct field *f, const char *text, uint64_t *out)
{
	for (unsigned i = 0; i < f->names; i++)
		if (strcmp(f->name(i), text) == 0) {
			*out = i;
			return 1;
		}
	return f->open && number_parse(text, out) > 0 && *out >= f->names ? 1 : -EINVAL;
}

static int number_read(const struct field *f, char *at, const char *value)
{
	uint64_t n = 0, most = f->type == FIELD_FLAG ? 1
	                       : f->size == 8        ? UINT64_MAX
	                                             : (UINT64_C(1) << 8 * f->size) - 1;
	int r = f->type == FIELD_ENUM ? name_parse(f, value, &n) : number_parse(value, &n);
	uint32_t four = (uint32_t)n;
	uint16_t two = (uint16_t)n;
	uint8_t one = (uint8_t)n;

	if (r < 0 || n > most)
		return -EINVAL;
	memcpy(at,
	       f->size == 1   ? (const void *)&one
	       : f->size == 2 ? (const void *)&two
	       : f->size == 4 ? (const void *)&four
	                      : (const void *)&n,
	       f->size);
	return 1;
}

static int real_read(char *at, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= 0 && value <= 1e18))
		return -EINVAL;
	memcpy(at, &value, sizeof value);
	return 1;
}

static int text_read(const struct field *f, char *at, const char *value)
{
	size_t len = strlen(value);

	if (len >= f->size)
		return -EINVAL;
	memcpy(at, value, len + 1);
	return 1;
}

static int name_read(char *at, const char *value, struct topology *names)
{
	const char *name = names != NULL ? topology_name(names, value) : NULL;

	if (name == NULL)
		return names != NULL ? -ENOMEM : -EINVAL;
	memcpy(at, &name, sizeof name);
	return 1;
}

static int path_read(char *at, const char *value, struct topology *names)
{
	struct tomo_path *path = (struct tomo_path *)(void *)at;
	const char *name = names != NULL ? topology_name(names, value) : NULL;

	if (name == NULL)
		return names != NULL ? -ENOMEM : -EINVAL;
	if (path->n == TOMO_PATH_MAX)
		return -EINVAL;
	tomo_path_add(path, name);
	return 1;
}

static int one_read(const struct field *f, char *at, char *value, struct topology *names)
{
	switch (f->type) {
	case FIELD_REAL:
		return real_read(at, value);
	case FIELD_TEXT:
		return text_read(f, at, value);
	case FIELD_NAME:
		return name_read(at, value, names);
	case FIELD_PATH:
		return path_read(at, value, names);
	default:
		return number_read(f, at, value);
	}
}

/* What of the key follows this part of it; NULL: it is another one. */
static const char *rest_of(const char *key, const struct field *f)
{
	size_t len = strlen(f->key);

	return strncmp(key, f->key, len) == 0 && key[len] == '.' ? key + len + 1 : NULL;
}

int field_read(const struct field *fields, void *row, const struct pair *p, struct topology *names)
{
	for (const struct field *f = fields; f->type != FIELD_END; f++) {
		const char *rest = f->type == FIELD_PART ? rest_of(p->key, f) : NULL;
		char *at = (char *)row + f->offset;

		if (rest != NULL)
			return field_read(f->part, at, &(struct pair){rest, p->value}, names);
		if (f->type != FIELD_PART && strcmp(f->key, p->key) == 0)
			return one_read(f, at, p->value, names);
	}
	return 0;
}

int fields_read(const struct field *fields, void *row, char *line, struct topology *names)
{
	struct pair p;
	int r;

	while ((r = pair_next(&line, &p)) > 0) {
		r = field_read(fields, row, &p, names);
		if (r <= 0)
			return r < 0 ? r : -EINVAL;
	}
	return r;
}
