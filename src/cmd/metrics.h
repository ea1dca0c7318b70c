/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics of one photo as JSON: keys of vision.md 9.3, ours added. */
#ifndef CMD_METRICS_H
#define CMD_METRICS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "cmd/counter.h"
#include "vision/vision.h"

struct metrics_source {
    const struct vision_result *result;
    const struct vision_params *params;
    const struct counter *counter; /* NULL leaves the models out (tests) */
    const char *path;              /* as the user wrote it; any bytes */
    char sha256[DM_SHA256_HEX_SIZE];
    dm_usec start; /* when work on the photo began */
    double overlays_ms;
    bool detections; /* with one entry per plant */
    struct dm_arena *arena;
};

/* INDENTED: a line per key, per container and per plant, for the file. */
enum metrics_form { METRICS_ONE_LINE, METRICS_INDENTED };

/* Append the object, with a final newline when indented. Numbers are plain whatever the language.
 * DM_ENOMEM, DM_ELIMIT. */
DM_MUST_CHECK int metrics_write(const struct metrics_source *s, enum metrics_form form,
                                struct dm_buf *out, struct dm_err *e);

/* The line of a photo that failed: {"image":{"path":..},"error":{"code":..,"message":..}}. */
DM_MUST_CHECK int metrics_write_error(const char *path, const struct dm_err *why,
                                      struct dm_arena *a, struct dm_buf *out, struct dm_err *e);

#endif
