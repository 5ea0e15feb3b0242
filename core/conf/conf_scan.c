/* SPDX-License-Identifier: MIT */
/*
 * The scan: tokens below, statements above.  After an error it goes on at the next token that
 * can begin something, so one run finds all of them.  Strings end on the line on which
 * they begin; a section inside a plugin or command section means that a brace is missing.
 */
#include "conf/conf_scan.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "options/suggest.h"

enum token_type { T_END, T_WORD, T_STRING, T_EQUALS, T_APPEND, T_OPEN, T_CLOSE, T_COMMA };

struct token {
	enum token_type type;
	size_t begin, end;
	unsigned line;
	bool bad;     /* a faulty string, reported */
	bool bracket; /* T_OPEN, T_CLOSE: [ or ], which other formats have */
};

struct scanner {
	struct conf_scan *s;
	struct config_errors *c;
	size_t at;
	unsigned line;
	struct token tok;
	size_t last_end; /* of the token before tok */
	bool semicolon_reported;
	unsigned missing_braces; /* reported; the brace may come later */
	unsigned broken_line;    /* the last one that could not be read: what else is odd there follows from that */
};

static void *must(void *p)
{
	if (!p)
		abort(); /* only at start and in the child that checks */
	return p;
}

void conf_blank(char *text, size_t begin, size_t end)
{
	for (; begin < end; begin++)
		if (text[begin] != '\n')
			text[begin] = ' ';
}

/* ---- tokens ------------------------------------------------------------------------------- */

/* What cannot be read as what it must be; one such error a line. */
static void broken(struct scanner *x, unsigned line, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void broken(struct scanner *x, unsigned line, const char *fmt, ...)
{
	va_list ap;

	if (line == x->broken_line)
		return;
	x->broken_line = line;
	va_start(ap, fmt);
	config_errors_addv(x->c, CONFIG_ERROR, line, fmt, ap);
	va_end(ap);
}

static char peek(const struct scanner *x, size_t ahead)
{
	return x->at + ahead < x->s->len ? x->s->text[x->at + ahead] : '\0';
}

static bool is_word(char c)
{
	return (unsigned char)c > 0x20 && (unsigned char)c < 0x7f && !strchr("#\"'={}()[];+,*\\$`", c);
}

static void skip_line_comment(struct scanner *x)
{
	size_t begin = x->at;

	while (x->at < x->s->len && x->s->text[x->at] != '\n')
		x->at++;
	conf_blank(x->s->text, begin, x->at);
}

static void skip_block_comment(struct scanner *x)
{
	size_t begin = x->at;
	unsigned line = x->line;

	for (x->at += 2; x->at < x->s->len; x->at++) {
		if (peek(x, 0) == '\n')
			x->line++;
		if (peek(x, 0) == '*' && peek(x, 1) == '/')
			break;
	}
	if (x->at < x->s->len)
		x->at += 2;
	else
		config_errors_add(x->c, line, "the comment that begins here is never closed: expected */");
	conf_blank(x->s->text, begin, x->at);
}

static bool at_comment(const struct scanner *x)
{
	return peek(x, 0) == '#' || (peek(x, 0) == '/' && (peek(x, 1) == '/' || peek(x, 1) == '*'));
}

static bool begins_token(const struct scanner *x)
{
	char c = peek(x, 0);

	return is_word(c) || (c && strchr("\"'={}[],", c)) || (c == '+' && peek(x, 1) == '=');
}

/* ";" ends nothing here.  In front of a line it is an INI file's comment.  Said once. */
static void skip_semicolon(struct scanner *x)
{
	bool comment = x->line != x->tok.line;
	size_t begin = x->at++;

	while (comment && x->at < x->s->len && x->s->text[x->at] != '\n')
		x->at++;
	if (!x->semicolon_reported)
		config_errors_add(x->c, x->line, "\";\": %s",
		                  comment ? "comments begin with #" : "an option does not end with \";\": remove it");
	x->semicolon_reported = true;
	conf_blank(x->s->text, begin, x->at);
}

/* "[::1]:80" without quotes, which is not a list. */
static bool at_address(const struct scanner *x)
{
	const char *p = x->s->text + x->at + 1;
	size_t len = strspn(p, "0123456789abcdefABCDEF:.");

	return peek(x, 0) == '[' && p[len] == ']' && memchr(p, ':', len);
}

static bool is_control(char c)
{
	return ((unsigned char)c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f;
}

static void skip_untrusted(struct scanner *x)
{
	size_t begin = x->at;

	while (x->at < x->s->len && !begins_token(x) && !at_comment(x) && !strchr(" \t\r\n", x->s->text[x->at]))
		x->at++;
	if (x->at == begin || is_control(x->s->text[begin])) {
		for (x->at = begin + 1; x->at < x->s->len && is_control(x->s->text[x->at]); x->at++)
			;
		broken(x, x->line, "unexpected control character 0x%02x: remove it",
		       (unsigned char)x->s->text[begin]);
	} else {
		broken(x, x->line,
		       "unexpected \"%.*s\": names are letters, digits, - and _; a value with other "
		       "characters needs double quotes",
		       (int)(x->at - begin), x->s->text + begin);
	}
	conf_blank(x->s->text, begin, x->at);
}

static void skip_to_token(struct scanner *x)
{
	while (x->at < x->s->len) {
		char c = x->s->text[x->at];

		if (c == '\n') {
			x->line++;
			x->at++;
		} else if (c == ' ' || c == '\t' || c == '\r') {
			x->at++;
		} else if (c == '#' || (c == '/' && peek(x, 1) == '/')) {
			skip_line_comment(x);
		} else if (at_comment(x)) {
			skip_block_comment(x);
		} else if (begins_token(x)) {
			return;
		} else if (c == ';') {
			skip_semicolon(x);
		} else {
			skip_untrusted(x);
		}
	}
}

static void string_bad(struct scanner *x, const char *what)
{
	if (!x->tok.bad)
		broken(x, x->line, "%s", what);
	x->tok.bad = true;
}

/* A backslash sequence: only those that mean the same to every reader of the file. */
static void string_escape(struct scanner *x, char quote)
{
	char c = peek(x, 1);

	if (quote == '"' && (!c || !strchr("\\\"'nt$", c)))
		string_bad(x, "unknown escape in a string: \\\\ \\\" \\' \\n \\t and \\$ are known");
	if (c != '\n' && c != '\0')
		x->at++;
}

static void string_char(struct scanner *x, char quote)
{
	char c = x->s->text[x->at];

	if (c == '\\')
		string_escape(x, quote);
	else if (c == '$' && peek(x, 1) == '{' && quote == '"')
		string_bad(x, "${...}: the environment is not read; write \\$ for a dollar sign before a brace");
	else if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f)
		string_bad(x, "a control character in a string");
}

static void lex_string(struct scanner *x)
{
	char quote = x->s->text[x->at];

	x->tok.type = T_STRING;
	for (x->at++; x->at < x->s->len && x->s->text[x->at] != '\n'; x->at++) {
		if (x->s->text[x->at] == quote) {
			x->at++;
			return;
		}
		string_char(x, quote);
	}
	string_bad(x, "a string that is not closed on its line: expected a quote at its end");
}

static void lex_word(struct scanner *x)
{
	x->tok.type = T_WORD;
	while (x->at < x->s->len && is_word(x->s->text[x->at]) && !(peek(x, 0) == '/' && peek(x, 1) == '*'))
		x->at++;
}

static void lex_address(struct scanner *x)
{
	x->at += strcspn(x->s->text + x->at, "]") + 1;
	lex_word(x);
	x->tok.bracket = false;
}

static void lex_mark(struct scanner *x)
{
	switch (x->s->text[x->at++]) {
	case '=':
		x->tok.type = T_EQUALS;
		break;
	case '{':
	case '[':
		x->tok.type = T_OPEN;
		break;
	case '}':
	case ']':
		x->tok.type = T_CLOSE;
		break;
	case ',':
		x->tok.type = T_COMMA;
		break;
	default: /* begins_token saw "+=" */
		x->at++;
		x->tok.type = T_APPEND;
	}
}

static void advance(struct scanner *x)
{
	x->last_end = x->tok.end;
	skip_to_token(x);
	x->tok = (struct token){.type = T_END, .begin = x->at, .end = x->at, .line = x->line};
	if (x->at >= x->s->len)
		return;
	x->tok.bracket = strchr("[]", x->s->text[x->at]) != NULL;
	if (x->s->text[x->at] == '"' || x->s->text[x->at] == '\'')
		lex_string(x);
	else if (is_word(x->s->text[x->at]))
		lex_word(x);
	else if (at_address(x))
		lex_address(x);
	else
		lex_mark(x);
	x->tok.end = x->at;
}

static bool is_value(const struct token *t)
{
	return t->type == T_WORD || t->type == T_STRING;
}

/* The token as text, a string without its quotes (escapes stay as they are). */
static char *token_text(const struct scanner *x, const struct token *t)
{
	size_t quotes = t->type == T_STRING && t->end - t->begin >= 2 ? 1 : 0;

	return must(strndup(x->s->text + t->begin + quotes, t->end - t->begin - 2 * quotes));
}

#define TOKEN(x, t) (int)((t)->end - (t)->begin < 40 ? (t)->end - (t)->begin : 40), (x)->s->text + (t)->begin

/* ---- statements --------------------------------------------------------------------------- */

static void option_add(struct scanner *x, size_t section, const struct token *name, size_t end, bool is_list,
                       bool bad)
{
	struct conf_scan *s = x->s;

	s->options = must(reallocarray(s->options, s->n_options + 1, sizeof *s->options));
	bad = bad || name->line == x->broken_line;
	s->options[s->n_options++] = (struct conf_option){
	    token_text(x, name), section, name->line, name->begin, end, is_list, bad};
	if (bad)
		conf_blank(s->text, name->begin, end);
}

static size_t section_add(struct scanner *x, enum conf_kind kind, char *title, const struct token *at)
{
	struct conf_scan *s = x->s;

	s->sections = must(reallocarray(s->sections, s->n_sections + 1, sizeof *s->sections));
	s->sections[s->n_sections] = (struct conf_section){kind, title, NULL, at->line, at->begin, at->end, false};
	return s->n_sections++;
}

/* tok is [ or ] where a brace is meant: it becomes one, so that nothing else is wrong with it. */
static void bracket_mend(struct scanner *x, bool *reported)
{
	if (!x->tok.bracket)
		return;
	if (!*reported)
		config_errors_add(x->c, x->tok.line, "\"%c\": lists are written { \"a\", \"b\" }, with braces",
		                  x->s->text[x->tok.begin]);
	*reported = true;
	x->s->text[x->tok.begin] = x->tok.type == T_OPEN ? '{' : '}';
}

/* NAME =, with tok at the name. */
static bool begins_option(const struct scanner *x)
{
	const char *next = x->s->text + x->tok.end;

	return x->tok.type == T_WORD && next[strspn(next, " \t")] == '=';
}

/* { { "a" } }, with tok at the inner brace; up to the outer one, or to where that must be missing. */
static void nested_skip(struct scanner *x, const struct token *name)
{
	size_t depth = 1;

	broken(x, name->line, "%.*s: a list inside a list: expected values only, as in { \"a\", \"b\" }",
	       TOKEN(x, name));
	while (depth > 0 && x->tok.type != T_END && !begins_option(x)) {
		depth += x->tok.type == T_OPEN;
		depth -= x->tok.type == T_CLOSE;
		advance(x);
	}
}

/* { "a", "b" } with tok at the brace.  False after a config_error. */
static bool list_scan(struct scanner *x, const struct token *name)
{
	bool ok = true, reported = false;

	bracket_mend(x, &reported);
	advance(x);
	for (;;) {
		if (x->tok.type == T_CLOSE) {
			bracket_mend(x, &reported);
			advance(x);
			return ok;
		}
		if (!is_value(&x->tok))
			break;
		ok = ok && !x->tok.bad;
		advance(x);
		if (x->tok.type == T_COMMA)
			advance(x);
		else if (x->tok.type == T_STRING) { /* go on: only the comma is missing */
			config_errors_add(x->c, x->tok.line, "%.*s: expected \",\" before %.*s", TOKEN(x, name),
			                  TOKEN(x, &x->tok));
			ok = false;
		} else if (x->tok.type != T_CLOSE)
			break;
	}
	if (x->tok.type == T_OPEN) {
		nested_skip(x, name);
		return false;
	}
	broken(x, name->line, "%.*s: the list that begins here is not closed: expected \"}\"", TOKEN(x, name));
	return false;
}

/* What follows NAME =. */
static bool value_scan(struct scanner *x, const struct token *name)
{
	bool ok;

	if (x->tok.type == T_OPEN)
		return list_scan(x, name);
	if (!is_value(&x->tok) || (x->tok.line != name->line && begins_option(x))) {
		broken(x, name->line, "%.*s: expected a value after \"=\"", TOKEN(x, name));
		return false;
	}
	ok = !x->tok.bad;
	advance(x);
	return ok;
}

/* The plugin to load must be known before the strict parse. */
static void module_note(struct scanner *x, size_t section, const struct token *name, const struct token *value)
{
	struct conf_section *sec = &x->s->sections[section];

	if (sec->kind != CONF_PLUGIN || sec->module || !is_value(value) || name->end - name->begin != 6 ||
	    memcmp(x->s->text + name->begin, "module", 6) != 0)
		return;
	sec->module = token_text(x, value);
}

/* tok is at "=" or "+=". */
static void assignment_scan(struct scanner *x, size_t section, const struct token *name)
{
	bool append = x->tok.type == T_APPEND, bad;
	struct token value;

	if (append)
		config_errors_add(x->c, name->line, "%.*s: \"+=\" is not known, write the whole list after \"=\"",
		                  TOKEN(x, name));
	advance(x);
	value = x->tok;
	bad = !value_scan(x, name) || append;
	if (!bad)
		module_note(x, section, name, &value);
	option_add(x, section, name, x->last_end, value.type == T_OPEN, bad);
}

/* Over a block that cannot be used, its own blocks included; tok is at its brace. */
static void block_skip(struct scanner *x, size_t begin)
{
	size_t depth = 0;

	do {
		if (x->tok.type == T_OPEN)
			depth++;
		if (x->tok.type == T_CLOSE)
			depth--;
		advance(x);
	} while (depth > 0 && x->tok.type != T_END);
	conf_blank(x->s->text, begin, x->last_end);
}

static void statement_scan(struct scanner *x, size_t section);

static bool token_is(const struct scanner *x, const struct token *t, const char *word)
{
	return t->end - t->begin == strlen(word) && memcmp(x->s->text + t->begin, word, strlen(word)) == 0;
}

static bool is_name(const struct token *title)
{
	return title && !title->bad && title->end - title->begin > (title->type == T_STRING ? 2 : 0);
}

/* A section's name, which leg_defaults must not have; NULL: it cannot be used. */
static char *title_text(struct scanner *x, enum conf_kind kind, const struct token *keyword,
                        const struct token *title)
{
	bool named = kind != CONF_LEG_DEFAULTS;

	if (!named && title)
		config_errors_add(x->c, keyword->line, "%.*s: takes no name, expected %.*s {", TOKEN(x, keyword),
		                  TOKEN(x, keyword));
	if (named && !is_name(title))
		broken(x, keyword->line, "%.*s: expected a name, as in %.*s \"name\" {", TOKEN(x, keyword),
		       TOKEN(x, keyword));
	if (named ? !is_name(title) : title && title->bad)
		return NULL;
	return token_text(x, named ? title : keyword);
}

/* Begins a section at the top level; tok is at its brace. */
static void section_scan(struct scanner *x, enum conf_kind kind, const struct token *keyword,
                         const struct token *title)
{
	char *text = title_text(x, kind, keyword, title);
	size_t section;

	if (!text) {
		block_skip(x, keyword->begin);
		return;
	}
	section = section_add(x, kind, text, keyword);
	advance(x);
	while (x->tok.type != T_END && x->tok.type != T_CLOSE && !x->s->sections[section].broken)
		statement_scan(x, section);
	if (x->tok.type == T_CLOSE && !x->s->sections[section].broken)
		advance(x);
	else if (!x->s->sections[section].broken) {
		config_errors_add(x->c, keyword->line, "%.*s%s%s%s is not closed: expected \"}\"", TOKEN(x, keyword),
		                  title ? " \"" : "", title ? text : "", title ? "\"" : "");
		x->s->sections[section].broken = true;
	}
	x->s->sections[section].end = x->last_end;
}

static void section_unknown(struct scanner *x, const struct token *keyword)
{
	char *word = token_text(x, keyword), hint[80];
	struct suggest near;

	suggest_init(&near, word);
	for (enum conf_kind kind = CONF_PLUGIN; kind < CONF_KINDS; kind++)
		suggest_consider(&near, conf_kind_word(kind));
	suggest_hint(&near, hint, sizeof hint);
	config_errors_add(x->c, keyword->line, "unknown section \"%.40s\"%s", word, hint);
	free(word);
	block_skip(x, keyword->begin);
}

/* CORE: no section begins so. */
static enum conf_kind kind_of(const struct scanner *x, const struct token *keyword)
{
	for (enum conf_kind kind = CONF_PLUGIN; kind < CONF_KINDS; kind++)
		if (token_is(x, keyword, conf_kind_word(kind)))
			return kind;
	return CONF_CORE;
}

/* KEYWORD "title" { or KEYWORD {; tok is at the brace. */
static void block_scan(struct scanner *x, size_t section, const struct token *keyword, const struct token *title)
{
	enum conf_kind kind = kind_of(x, keyword);

	if (kind == CONF_CORE) {
		section_unknown(x, keyword);
		return;
	}
	if (section == 0) {
		section_scan(x, kind, keyword, title);
		return;
	}
	/* The statement is left for the level above: statement_scan rewinds to it. */
	config_errors_add(x->c, keyword->line,
	                  "a section begins inside \"%s\" of line %u: a \"}\" is missing before it",
	                  x->s->sections[section].title, x->s->sections[section].line);
	x->s->sections[section].broken = true;
	x->missing_braces++;
}

static void rewind_to(struct scanner *x, const struct token *t, size_t last_end)
{
	x->at = t->begin;
	x->line = t->line;
	x->tok = (struct token){.type = T_END, .begin = t->begin, .end = last_end, .line = t->line};
	advance(x);
}

/* [section], as an INI file has it. */
static void header_skip(struct scanner *x)
{
	unsigned line = x->tok.line;
	size_t begin = x->tok.begin;

	config_errors_add(x->c, line, "\"[\": sections are written plugin \"name\" { ... }");
	while (x->tok.type != T_END && x->tok.line == line)
		advance(x);
	conf_blank(x->s->text, begin, x->last_end);
}

/* What stands behind an option on its line belongs to its value: that one says nothing then. */
static void option_spoil(struct scanner *x, unsigned line)
{
	struct conf_option *o = x->s->n_options > 0 ? &x->s->options[x->s->n_options - 1] : NULL;

	if (!o || o->line != line || o->bad)
		return;
	o->bad = true;
	conf_blank(x->s->text, o->begin, o->end);
}

static void stray(struct scanner *x)
{
	if (x->tok.type == T_CLOSE && x->missing_braces > 0) {
		x->missing_braces--;
	} else {
		broken(x, x->tok.line, "unexpected %.*s: expected NAME = VALUE or a section", TOKEN(x, &x->tok));
		option_spoil(x, x->tok.line);
	}
	conf_blank(x->s->text, x->tok.begin, x->tok.end);
	advance(x);
}

static void name_alone(struct scanner *x, size_t section, const struct token *name, size_t end)
{
	enum conf_kind kind = kind_of(x, name);

	broken(x, name->line, "%.*s: expected %s", TOKEN(x, name),
	       kind == CONF_CORE           ? "\"=\" and a value after it"
	       : kind == CONF_LEG_DEFAULTS ? "{ ... } after it"
	                                   : "\"name\" { ... } after it");
	if (kind != CONF_CORE)
		conf_blank(x->s->text, name->begin, end);
	else
		option_add(x, section, name, end, false, true);
}

/* NAME: VALUE, as YAML has it: the colon becomes what is meant. */
static void colon_mend(struct scanner *x, struct token *name)
{
	x->s->text[--name->end] = '=';
	config_errors_add(x->c, name->line, "%.*s: options are written NAME = VALUE", TOKEN(x, name));
	rewind_to(x, &(struct token){.begin = name->end, .line = name->line}, name->end);
}

/* include("FILE"), include FILE and the like; tok is at the word. */
static bool at_include(const struct scanner *x)
{
	const struct token *t = &x->tok;

	return (token_is(x, t, "include") || token_is(x, t, "@include") || token_is(x, t, ".include")) &&
	       !begins_option(x);
}

static void include_skip(struct scanner *x)
{
	unsigned line = x->tok.line;
	size_t begin = x->tok.begin;

	broken(x, line, "%.*s: other files cannot be included: write their content here", TOKEN(x, &x->tok));
	while (x->tok.type != T_END && x->tok.line == line)
		advance(x);
	conf_blank(x->s->text, begin, x->last_end);
}

/* One statement; tok is at its first token and moves on in any case, except when a section turns
 * out to be broken: then it stays at what begins the next one. */
static void statement_scan(struct scanner *x, size_t section)
{
	struct token name = x->tok, title;
	size_t before = x->last_end;

	if (name.type != T_WORD) {
		if (name.type == T_OPEN && name.bracket)
			header_skip(x);
		else
			stray(x);
		return;
	}
	if (at_include(x)) {
		include_skip(x);
		return;
	}
	advance(x);
	if (name.end - name.begin > 1 && x->s->text[name.end - 1] == ':')
		colon_mend(x, &name);
	if (x->tok.type == T_EQUALS || x->tok.type == T_APPEND) {
		assignment_scan(x, section, &name);
		return;
	}
	title = x->tok;
	if (title.type == T_WORD && title.line != name.line) { /* the next line begins something of its own */
		name_alone(x, section, &name, name.end);
		return;
	}
	if (is_value(&title))
		advance(x);
	if (x->tok.type == T_OPEN && !x->tok.bracket) {
		block_scan(x, section, &name, is_value(&title) ? &title : NULL);
		if (section != 0 && x->s->sections[section].broken)
			rewind_to(x, &name, before);
	} else if (title.type == T_WORD && (x->tok.type == T_EQUALS || x->tok.type == T_APPEND)) {
		name_alone(x, section, &name, name.end);
		assignment_scan(x, section, &title);
	} else {
		name_alone(x, section, &name, is_value(&title) ? title.end : name.end);
	}
}

/* Some editors begin a file with a byte order mark. */
static void mark_skip(struct scanner *x)
{
	if (x->s->len < 3 || memcmp(x->s->text, "\xef\xbb\xbf", 3) != 0)
		return;
	config_errors_add(x->c, 1, "a byte order mark: save the file as UTF-8 without one");
	conf_blank(x->s->text, 0, 3);
}

void conf_scan(struct conf_scan *s, const char *bytes, size_t len, struct config_errors *c)
{
	struct scanner x = {.s = s, .c = c, .line = 1};

	memset(s, 0, sizeof *s);
	s->text = must(malloc(len + 1));
	memcpy(s->text, bytes, len);
	s->text[len] = '\0';
	s->len = len;
	mark_skip(&x);
	section_add(&x, CONF_CORE, must(strdup("")), &x.tok);
	s->sections[0].end = len;
	advance(&x);
	while (x.tok.type != T_END)
		statement_scan(&x, 0);
	/* What is left of them are NUL bytes inside refused strings. */
	for (size_t i = 0; i < len; i++)
		if (s->text[i] == '\0')
			s->text[i] = ' ';
}

const char *conf_kind_word(enum conf_kind kind)
{
	static const char *const words[CONF_KINDS] = {[CONF_PLUGIN] = "plugin",
	                                              [CONF_COMMAND] = "command",
	                                              [CONF_LEG_DEFAULTS] = "leg_defaults",
	                                              [CONF_NOTIFY] = "notify"};

	return words[kind];
}

void conf_scan_fini(struct conf_scan *s)
{
	for (size_t i = 0; i < s->n_options; i++)
		free(s->options[i].name);
	for (size_t i = 0; i < s->n_sections; i++) {
		free(s->sections[i].title);
		free(s->sections[i].module);
	}
	free(s->options);
	free(s->sections);
	free(s->text);
	memset(s, 0, sizeof *s);
}
