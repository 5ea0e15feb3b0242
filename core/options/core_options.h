/* SPDX-License-Identifier: MIT */
/*
 * The daemon's own options, all made of core/tbl/core_option.h: the structs that processes read, the tables
 * that the parser, --explain and the checks go through, and the one function that fills a struct from values.
 * Any process.
 */
#ifndef T3OPS_OPTIONS_CORE_OPTIONS_H
#define T3OPS_OPTIONS_CORE_OPTIONS_H

#include "ipc/message.h"
#include "options/option_set.h"
#include "plugin.h"

/* The C type of a field.  Strings and lists belong to the option_set that the struct was filled from. */
#define OPTION_FIELD_STRING        const char *
#define OPTION_FIELD_PATH          const char *
#define OPTION_FIELD_KEY_FILE      const char *
#define OPTION_FIELD_LISTEN        const char *
#define OPTION_FIELD_HEADER        const char *
#define OPTION_FIELD_ACCOUNT       const char *
#define OPTION_FIELD_SEGMENT       const char *
#define OPTION_FIELD_LIST          struct text_list
#define OPTION_FIELD_LISTEN_LIST   struct text_list
#define OPTION_FIELD_NETWORK_LIST  struct text_list
#define OPTION_FIELD_ORIGIN_LIST   struct text_list
#define OPTION_FIELD_URL_PATH_LIST struct text_list
#define OPTION_FIELD_SEGMENT_LIST  struct text_list
#define OPTION_FIELD_INT           int64_t
#define OPTION_FIELD_BOOL          bool
#define OPTION_FIELD_DURATION      uint64_t
#define OPTION_FIELD_BYTES         size_t
#define OPTION_FIELD_TIME          int
#define OPTION_FIELD_LOG_LEVEL     enum log_level
#define OPTION_FIELD_SANDBOX       enum sandbox_mode
#define OPTION_FIELD_LOG_FORMAT    enum log_format
#define OPTION_FIELD_ACCESS_LOG    enum access_log
#define OPTION_FIELD_LIMIT         int64_t

/* Lists as the rows name them. */
#define T3OPS_OPT_LISTEN_LIST   (T3OPS_OPT_LIST | T3OPS_OPT_LISTEN)
#define T3OPS_OPT_NETWORK_LIST  (T3OPS_OPT_LIST | T3OPS_OPT_NETWORK)
#define T3OPS_OPT_ORIGIN_LIST   (T3OPS_OPT_LIST | T3OPS_OPT_ORIGIN)
#define T3OPS_OPT_URL_PATH_LIST (T3OPS_OPT_LIST | T3OPS_OPT_URL_PATH)
#define T3OPS_OPT_SEGMENT_LIST  (T3OPS_OPT_LIST | T3OPS_OPT_SEGMENT)

/* Of the file outside sections. */
struct core_options {
#define CORE_OPTION(name, TYPE, field, fallback, min, max, readers, help) OPTION_FIELD_##TYPE field;
#include "tbl/core_option.h"
};

/* Of a command "NAME" { ... } section. */
struct command_options {
#define COMMAND_OPTION(name, TYPE, field, fallback, min, max, help) OPTION_FIELD_##TYPE field;
#include "tbl/core_option.h"
};

/* Of a notify "NAME" { ... } section; what the process does not read is zero. */
struct notify_options {
#define NOTIFY_OPTION(name, TYPE, field, fallback, min, max, readers, help) OPTION_FIELD_##TYPE field;
#include "tbl/core_option.h"
};

/* Of every leg.  The defaults of segments and edge are the plugin's own (struct t3ops_plugin). */
struct leg_options {
#define LEG_OPTION(name, TYPE, field, fallback, min, max, help) OPTION_FIELD_##TYPE field;
#include "tbl/core_option.h"
};

/* Of every job. */
struct job_options {
#define JOB_OPTION(name, TYPE, field, fallback, min, max, help) OPTION_FIELD_##TYPE field;
#include "tbl/core_option.h"
};

#define LISTEN_ADDRESSES_MAX 16 /* in `listen` */

/* A row and the processes that read it (1 << process_id). */
struct core_option {
	struct t3ops_option option;
	uint32_t readers;
};

#define READER_ALL ((1u << PROCESSES) - 1)

extern const struct core_option core_options[];
extern const size_t n_core_options;
extern const struct t3ops_option command_options[];
extern const size_t n_command_options;
extern const struct t3ops_option notify_options[];
extern const size_t n_notify_options;
/* Of every plugin section, whatever the plugin: module. */
extern const struct t3ops_option section_options[];
extern const size_t n_section_options;
extern const struct t3ops_option leg_options[];
extern const size_t n_leg_options;
/* Of the section leg_defaults: durations and numbers that are set once for all legs. */
extern const struct t3ops_option leg_default_options[];
extern const size_t n_leg_default_options;
extern const struct t3ops_option job_options[];
extern const size_t n_job_options;

/* Each fills *out, which borrows strings and lists from values.  False: a value is missing or of another type.
 * Of the core's and of a notify section's, options that none of the readers reads stay zero and need not be there. */
bool core_options_fill(struct core_options *out, const struct option_set *values, uint32_t readers);
bool command_options_fill(struct command_options *out, const struct option_set *values);
bool notify_options_fill(struct notify_options *out, const struct option_set *values, uint32_t readers);
bool leg_options_fill(struct leg_options *out, const struct option_set *values);
bool job_options_fill(struct job_options *out, const struct option_set *values);

/* Whether all values that one of the readers reads are equal. */
bool core_options_equal(const struct option_set *a, const struct option_set *b, uint32_t readers);
bool notify_options_equal(const struct option_set *a, const struct option_set *b, uint32_t readers);

#endif
