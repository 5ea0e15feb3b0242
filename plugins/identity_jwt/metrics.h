/* SPDX-License-Identifier: MIT */
/* Indexes into the plugin's table of metrics. */
#ifndef T3OPS_IDENTITY_JWT_METRICS_H
#define T3OPS_IDENTITY_JWT_METRICS_H

enum identity_jwt_metric { METRIC_PROOFS, METRIC_FORGOTTEN, METRIC_KEYS, METRIC_FETCHED, METRIC_FETCHES };

#endif
