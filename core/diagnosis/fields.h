/* SPDX-License-Identifier: MIT */
/*
 * Plain structs as text and back: a table says of each field what it is called and of what type it is, and the same
 * table writes and reads it.  One struct is one line of pairs, " key=value"; what is zero is left out.  A number is
 * decimal, an enum its name, a text bare or in double quotes with \" \\ and \xNN for what is not printable ASCII; a
 * list repeats its key.  Written and read again a struct is the same.  Pure.
 */
#ifndef T3OPS_DIAGNOSIS_FIELDS_H
#define T3OPS_DIAGNOSIS_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "diagnosis/topology.h"

enum field_type {
	FIELD_END = 0,
	FIELD_NUMBER, /* unsigned, of 1, 2, 4 or 8 bytes */
	FIELD_REAL,   /* double */
	FIELD_FLAG,   /* bool */
	FIELD_ENUM,   /* unsigned as NUMBER, written by its name */
	FIELD_TEXT,   /* char array */
	FIELD_NAME,   /* const char *, interned; NULL is left out */
	FIELD_PART,   /* a struct in the struct: its keys begin with this one and a dot */
	FIELD_PATH,   /* struct tomo_path: a list of interned names */
};

struct field {
	const char *key;
	size_t offset;
	enum field_type type;
	size_t size;                   /* of the member */
	const char *(*name)(unsigned); /* of an ENUM's value */
	unsigned names;                /* how many values it has */
	bool open;                     /* of an ENUM: others, which have no name, are written as numbers */
	const struct field *part;      /* ends with a FIELD_END */
};

#define FIELD_OF_TYPE(T, member, t)                                                                                  \
	.key = #member, .offset = offsetof(T, member), .size = sizeof(((T *)0)->member), .type = t
/* clang-format off */
#define NUMBER(T, member)         {FIELD_OF_TYPE(T, member, FIELD_NUMBER)}
#define REAL(T, member)           {FIELD_OF_TYPE(T, member, FIELD_REAL)}
#define FLAG(T, member)           {FIELD_OF_TYPE(T, member, FIELD_FLAG)}
#define ENUM(T, member, name_of, n) {FIELD_OF_TYPE(T, member, FIELD_ENUM), .name = name_of, .names = n}
#define LABEL(T, member, name_of, n) {FIELD_OF_TYPE(T, member, FIELD_ENUM), .name = name_of, .names = n, .open = true}
#define TEXT(T, member)           {FIELD_OF_TYPE(T, member, FIELD_TEXT)}
#define NAME(T, member)           {FIELD_OF_TYPE(T, member, FIELD_NAME)}
#define PART(T, member, fields)   {FIELD_OF_TYPE(T, member, FIELD_PART), .part = fields}
#define PATH(T, member)           {FIELD_OF_TYPE(T, member, FIELD_PATH)}
#define FIELDS_END                {.type = FIELD_END}
/* clang-format on */

/* Writes its pairs, each with a space before it. */
void fields_write(const struct field *fields, const void *row, FILE *out);
/* One pair more, for lists that are no field. */
void field_write_text(const char *key, const char *value, FILE *out);

/* A pair of a line: both end with a NUL. */
struct pair {
	const char *key;
	char *value;
};

/* Takes the next pair out of *line, which it changes: 1; 0: there is none; -EINVAL: that is none. */
int pair_next(char **line, struct pair *out);
/* Puts one pair into the struct: 1; 0: it has no such field; -EINVAL: no value of it; -ENOMEM.  names interns; NULL:
 * a NAME or PATH is -EINVAL. */
int field_read(const struct field *fields, void *row, const struct pair *p, struct topology *names);
/* All pairs of a line, which it changes.  0, -EINVAL: a pair is none, or not of it; -ENOMEM. */
int fields_read(const struct field *fields, void *row, char *line, struct topology *names);

#endif
