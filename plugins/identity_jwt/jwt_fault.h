/* SPDX-License-Identifier: MIT */
/* Why a token proves nothing. */
#ifndef T3OPS_IDENTITY_JWT_JWT_FAULT_H
#define T3OPS_IDENTITY_JWT_JWT_FAULT_H

enum jwt_fault {
	JWT_PROVEN,
#define JWT_FAULT(id, label, sentence) JWT_##id,
#include "identity_jwt/jwt_fault_rows.h"
#undef JWT_FAULT
	JWT_FAULTS
};

/* "proven" of JWT_PROVEN. */
const char *jwt_fault_label(enum jwt_fault f);
/* "" of JWT_PROVEN. */
const char *jwt_fault_sentence(enum jwt_fault f);

#endif
