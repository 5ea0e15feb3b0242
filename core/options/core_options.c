/* SPDX-License-Identifier: MIT */
/* Tables and structs out of the rows; see core_options.h. */
#include "options/core_options.h"

#include <string.h>

#define SECOND           INT64_C(1000000)
#define READ_BY(process) (1u << PROCESS_##process)
#define READ_BY_ALL      READER_ALL
/* Who has a user table. */
#define READ_BY_USERS (READ_BY(PROXY) | READ_BY(PROBER) | READ_BY(JOBS) | READ_BY(HELPER))

#define ROW(name, TYPE, fallback, min, max, help)                                                                    \
	{                                                                                                            \
		name, T3OPS_OPT_##TYPE, fallback, min, max, help                                                     \
	}

const struct core_option core_options[] = {
#define CORE_OPTION(name, TYPE, field, fallback, min, max, readers, help)                                            \
	{ROW(name, TYPE, fallback, min, max, help), readers},
#include "tbl/core_option.h"
};
const size_t n_core_options = sizeof core_options / sizeof core_options[0];

const struct t3ops_option command_options[] = {
#define COMMAND_OPTION(name, TYPE, field, fallback, min, max, help) ROW(name, TYPE, fallback, min, max, help),
#include "tbl/core_option.h"
};
const size_t n_command_options = sizeof command_options / sizeof command_options[0];

const struct t3ops_option notify_options[] = {
#define NOTIFY_OPTION(name, TYPE, field, fallback, min, max, readers, help) ROW(name, TYPE, fallback, min, max, help),
#include "tbl/core_option.h"
};
const size_t n_notify_options = sizeof notify_options / sizeof notify_options[0];

const struct t3ops_option section_options[] = {
#define SECTION_OPTION(name, TYPE, field, fallback, min, max, help) ROW(name, TYPE, fallback, min, max, help),
#include "tbl/core_option.h"
};
const size_t n_section_options = sizeof section_options / sizeof section_options[0];

const struct t3ops_option leg_options[] = {
#define LEG_OPTION(name, TYPE, field, fallback, min, max, help) ROW(name, TYPE, fallback, min, max, help),
#include "tbl/core_option.h"
};
const size_t n_leg_options = sizeof leg_options / sizeof leg_options[0];

/* Of the rows of legs only numbers: what else a leg has is its own. */
#define DEFAULT_DURATION(...) ROW(__VA_ARGS__),
#define DEFAULT_INT(...)      ROW(__VA_ARGS__),
#define DEFAULT_SEGMENT(...)
#define DEFAULT_SEGMENT_LIST(...)
const struct t3ops_option leg_default_options[] = {
#define LEG_OPTION(name, TYPE, field, fallback, min, max, help)         DEFAULT_##TYPE(name, TYPE, fallback, min, max, help)
#define LEG_DEFAULT_OPTION(name, TYPE, field, fallback, min, max, help) ROW(name, TYPE, fallback, min, max, help),
#include "tbl/core_option.h"
};
const size_t n_leg_default_options = sizeof leg_default_options / sizeof leg_default_options[0];

const struct t3ops_option job_options[] = {
#define JOB_OPTION(name, TYPE, field, fallback, min, max, help) ROW(name, TYPE, fallback, min, max, help),
#include "tbl/core_option.h"
};
const size_t n_job_options = sizeof job_options / sizeof job_options[0];

/* ---- from values to fields ------------------------------------------------------------------- */

#define FROM_STRING(v)        (v)->text
#define FROM_PATH(v)          (v)->text
#define FROM_LISTEN(v)        (v)->text
#define FROM_HEADER(v)        (v)->text
#define FROM_ACCOUNT(v)       (v)->text
#define FROM_SEGMENT(v)       (v)->text
#define FROM_LIST(v)          (v)->list
#define FROM_LISTEN_LIST(v)   (v)->list
#define FROM_NETWORK_LIST(v)  (v)->list
#define FROM_ORIGIN_LIST(v)   (v)->list
#define FROM_URL_PATH_LIST(v) (v)->list
#define FROM_SEGMENT_LIST(v)  (v)->list
#define FROM_INT(v)           (v)->number
#define FROM_BOOL(v)          ((v)->number != 0)
#define FROM_DURATION(v)      ((uint64_t)(v)->number)
#define FROM_BYTES(v)         ((size_t)(v)->number)
#define FROM_TIME(v)          ((int)(v)->number)
#define FROM_LOG_LEVEL(v)     ((enum log_level)(v)->number)
#define FROM_SANDBOX(v)       ((enum sandbox_mode)(v)->number)
#define FROM_LOG_FORMAT(v)    ((enum log_format)(v)->number)
#define FROM_ACCESS_LOG(v)    ((enum access_log)(v)->number)
#define FROM_LIMIT(v)         (v)->number
#define FROM_KEY_FILE(v)      (v)->text

static const struct option_value *value_of(const struct option_set *values, const char *name, uint32_t type)
{
	const struct option_value *v = option_set_get(values, name);

	return v && v->type == type ? v : NULL;
}

/* One field. */
#define FILL(name, TYPE, field)                                                                                      \
	do {                                                                                                         \
		const struct option_value *v = value_of(values, name, T3OPS_OPT_##TYPE);                             \
		if (!v)                                                                                              \
			return false;                                                                                \
		out->field = FROM_##TYPE(v);                                                                         \
	} while (0);

bool core_options_fill(struct core_options *out, const struct option_set *values, uint32_t readers)
{
	memset(out, 0, sizeof *out);
#define CORE_OPTION(name, TYPE, field, fallback, min, max, read_by, help)                                            \
	if (readers & (read_by))                                                                                     \
	FILL(name, TYPE, field)
#include "tbl/core_option.h"
	return true;
}

bool command_options_fill(struct command_options *out, const struct option_set *values)
{
#define COMMAND_OPTION(name, TYPE, field, fallback, min, max, help) FILL(name, TYPE, field)
#include "tbl/core_option.h"
	return true;
}

bool notify_options_fill(struct notify_options *out, const struct option_set *values, uint32_t readers)
{
	memset(out, 0, sizeof *out);
#define NOTIFY_OPTION(name, TYPE, field, fallback, min, max, read_by, help)                                          \
	if (readers & (read_by))                                                                                     \
	FILL(name, TYPE, field)
#include "tbl/core_option.h"
	return true;
}

bool leg_options_fill(struct leg_options *out, const struct option_set *values)
{
#define LEG_OPTION(name, TYPE, field, fallback, min, max, help) FILL(name, TYPE, field)
#include "tbl/core_option.h"
	return true;
}

bool job_options_fill(struct job_options *out, const struct option_set *values)
{
#define JOB_OPTION(name, TYPE, field, fallback, min, max, help) FILL(name, TYPE, field)
#include "tbl/core_option.h"
	return true;
}

bool core_options_equal(const struct option_set *a, const struct option_set *b, uint32_t readers)
{
	for (size_t i = 0; i < n_core_options; i++) {
		const char *name = core_options[i].option.name;

		if ((core_options[i].readers & readers) &&
		    !option_value_equal(option_set_get(a, name), option_set_get(b, name)))
			return false;
	}
	return true;
}

bool notify_options_equal(const struct option_set *a, const struct option_set *b, uint32_t readers)
{
	static const uint32_t readers_of[] = {
#define NOTIFY_OPTION(name, TYPE, field, fallback, min, max, read_by, help) read_by,
#include "tbl/core_option.h"
	};

	for (size_t i = 0; i < n_notify_options; i++) {
		const char *name = notify_options[i].name;

		if ((readers_of[i] & readers) &&
		    !option_value_equal(option_set_get(a, name), option_set_get(b, name)))
			return false;
	}
	return true;
}
