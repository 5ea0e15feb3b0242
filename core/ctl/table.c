/* SPDX-License-Identifier: MIT */
/* Tables; see table.h. */
#include "ctl/table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"
#include "tbl/room.h"

#define GAP     2
#define CUT_MIN 8 /* no column is cut below this */

struct cell {
	char *text;
	enum style style;
	char *note; /* below the row; of its first cell */
};

struct table {
	const struct table_column *columns;
	size_t n_columns, n_cells, room;
	struct cell *cells;
};

struct table *table_new(const struct table_column *columns, size_t n)
{
	struct table *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->columns = columns;
	t->n_columns = n;
	return t;
}

void table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_cells; i++) {
		free(t->cells[i].text);
		free(t->cells[i].note);
	}
	free(t->cells);
	free(t);
}

void table_add_style(struct table *t, const char *text, enum style style)
{
	struct cell *cells = t != NULL ? room_for_one(t->cells, t->n_cells, &t->room, sizeof *cells) : NULL;

	if (cells == NULL)
		return;
	t->cells = cells;
	t->cells[t->n_cells++] = (struct cell){.text = strdup(text), .style = style};
}

void table_add(struct table *t, const char *text)
{
	table_add_style(t, text, STYLE_PLAIN);
}

void table_note(struct table *t, const char *text)
{
	if (t == NULL || t->n_cells < t->n_columns)
		return;
	free(t->cells[t->n_cells - t->n_columns].note);
	t->cells[t->n_cells - t->n_columns].note = strdup(text);
}

/* ---- widths ------------------------------------------------------------------------------------- */

static const char *text_of(const struct cell *c)
{
	return c->text != NULL ? c->text : "";
}

static void widths_measure(const struct table *t, int widths[TABLE_COLUMNS_MAX])
{
	for (size_t i = 0; i < t->n_columns; i++)
		widths[i] = text_length(t->columns[i].head);
	for (size_t i = 0; i < t->n_cells; i++) {
		int length = text_length(text_of(&t->cells[i]));

		if (length > widths[i % t->n_columns])
			widths[i % t->n_columns] = length;
	}
}

/* The widest of those that may be cut; NULL: none can be. */
static int *widest(const struct table *t, int widths[TABLE_COLUMNS_MAX])
{
	int *found = NULL;

	for (size_t i = 0; i < t->n_columns; i++)
		if (t->columns[i].kind == TABLE_NAME && widths[i] > CUT_MIN && (found == NULL || widths[i] > *found))
			found = &widths[i];
	return found;
}

static void widths_fit(const struct table *t, int widths[TABLE_COLUMNS_MAX], int width)
{
	int all = (int)(t->n_columns - 1) * GAP, *cut;

	for (size_t i = 0; i < t->n_columns; i++)
		all += widths[i];
	for (; all > width && (cut = widest(t, widths)) != NULL; all--)
		--*cut;
}

/* ---- printing ------------------------------------------------------------------------------------ */

static void cell_print(FILE *out, const char *text, int width, bool right, bool last, enum style style)
{
	int length = text_length(text);

	style_put(out, style);
	if (right && length < width)
		fprintf(out, "%*s", width - length, "");
	if (length > width)
		text_put_cut(out, text, width);
	else
		text_put(out, text, right || last ? 0 : width);
	style_put(out, STYLE_PLAIN);
	if (!last)
		fprintf(out, "%*s", GAP, "");
}

static void head_print(const struct table *t, FILE *out, const int widths[TABLE_COLUMNS_MAX])
{
	for (size_t i = 0; i < t->n_columns; i++)
		cell_print(out, t->columns[i].head, widths[i], t->columns[i].kind == TABLE_NUMBER,
		           i + 1 == t->n_columns, STYLE_STRONG);
	fputc('\n', out);
}

static void row_print(const struct table *t, FILE *out, const int widths[TABLE_COLUMNS_MAX], const struct cell *row)
{
	for (size_t i = 0; i < t->n_columns; i++)
		cell_print(out, text_of(&row[i]), widths[i], t->columns[i].kind == TABLE_NUMBER,
		           i + 1 == t->n_columns, row[i].style);
	fputc('\n', out);
	if (row->note == NULL)
		return;
	fputs("    ", out);
	text_wrap_on_terminal(out, row->note, "    ");
}

void table_print(const struct table *t, FILE *out, int width, size_t rows)
{
	int widths[TABLE_COLUMNS_MAX];
	size_t n;

	if (t == NULL)
		return;
	n = t->n_cells / t->n_columns;
	widths_measure(t, widths);
	if (width > 0)
		widths_fit(t, widths, width);
	head_print(t, out, widths);
	for (size_t i = 0; i < n && (rows == 0 || i < rows); i++)
		row_print(t, out, widths, &t->cells[i * t->n_columns]);
}
