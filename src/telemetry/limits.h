/* SPDX-License-Identifier: Apache-2.0
 *
 * Bounds of what is measured. */
#ifndef TELEMETRY_LIMITS_H
#define TELEMETRY_LIMITS_H

#include <stddef.h>

/* Series of one registry: 300 routes, two states, six errors each, and the rest of the table. A
 * series takes 400 bytes once it is used. */
#define LIMIT_TELEMETRY_SERIES      6000
#define LIMIT_TELEMETRY_LABELS      4
#define LIMIT_TELEMETRY_LABEL_BYTES 256 /* values of one series together */
#define LIMIT_TELEMETRY_BOUNDS      14
#define LIMIT_TELEMETRY_SCRAPES     8 /* functions that fill gauges */
#define LIMIT_TELEMETRY_TEXT_BYTES  ((size_t)32 << 20)

/* Traces and log lines on their way (api.md 28: queue 2048, batch 512). 2 MB once all places were
 * used. */
#define LIMIT_TELEMETRY_ITEMS      2048
#define LIMIT_TELEMETRY_BATCH      512
#define LIMIT_TELEMETRY_ITEM_BYTES 1008
#define LIMIT_TELEMETRY_ATTRIBUTES 14
#define LIMIT_TELEMETRY_TEXT       400 /* of one attribute; longer ones are cut */

#endif
