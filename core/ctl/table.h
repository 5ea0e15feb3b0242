/* SPDX-License-Identifier: MIT */
/*
 * A table for people: headers, columns as wide as what is in them, and on a terminal no wider than that: the widest
 * cells are cut, with an ellipsis.  Elsewhere nothing is cut.  Control bytes never reach the terminal.
 */
#ifndef T3OPS_CTL_TABLE_H
#define T3OPS_CTL_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include "ctl/style.h"

#define TABLE_COLUMNS_MAX 12

enum table_kind {
	TABLE_TEXT,
	TABLE_NAME, /* a text that may be cut */
	TABLE_NUMBER,
};

struct table_column {
	const char *head;
	enum table_kind kind;
};

struct table;

/* columns is borrowed and outlives the table; n is at most TABLE_COLUMNS_MAX.  NULL without memory; the functions
 * below take that. */
struct table *table_new(const struct table_column *columns, size_t n);
void table_free(struct table *t);
/* The next cell, from left to right; a full row is followed by the next one. */
void table_add(struct table *t, const char *text);
void table_add_style(struct table *t, const char *text, enum style style);
/* A line of its own below the row that was just filled, as it is, wrapped on a terminal. */
void table_note(struct table *t, const char *text);
/* width: of the terminal, 0: it is none; at most `rows` rows, 0: all. */
void table_print(const struct table *t, FILE *out, int width, size_t rows);

#endif
