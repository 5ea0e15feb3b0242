/* SPDX-License-Identifier: MIT */
/* The rows as tables; see jwt_fault.h. */
#include "identity_jwt/jwt_fault.h"

static const struct {
	const char *label, *sentence;
} rows[] = {
    {"proven", ""},
#define JWT_FAULT(id, label, sentence) {label, sentence},
#include "identity_jwt/jwt_fault_rows.h"
#undef JWT_FAULT
};

const char *jwt_fault_label(enum jwt_fault f)
{
	return rows[f].label;
}

const char *jwt_fault_sentence(enum jwt_fault f)
{
	return rows[f].sentence;
}
