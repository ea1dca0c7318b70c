/* SPDX-License-Identifier: Apache-2.0
 *
 * One photo of a run: read, count, draw, write, and what the reports need to know afterwards. */
#ifndef CMD_PHOTO_H
#define CMD_PHOTO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "cmd/counter.h"
#include "cmd/inputs.h"
#include "vision/overlay.h"
#include "vision/vision.h"

/* What to make of every photo. Set once, then read-only: many threads. */
struct photo_job {
    const struct counter *counter;
    const struct vision_params *params;
    enum lang lang;
    const char *out_dir; /* "" = write nothing */
    bool overlay[VISION_OVERLAY_MAX_];
    bool png;
    int jpeg_quality;
    bool needs_json;      /* the report prints the metrics */
    bool json_detections; /* with every plant; the metrics file always has them */
};

/* What remains of a photo. Everything it points to is in its arena. */
struct photo_row {
    struct dm_arena arena;
    const struct inputs_item *item;
    int code; /* DM_OK, or why it was not counted */
    struct dm_err err;
    int w, h;
    uint32_t detected, estimated, total, empty_containers;
    uint32_t by_type[VISION_CONTAINER_MAX_];            /* plants detected */
    uint32_t containers_by_type[VISION_CONTAINER_MAX_]; /* containers, without a whole photo */
    bool whole_photo;                                   /* counted as one region */
    double confidence, seconds;
    bool has_gps;
    double latitude_deg, longitude_deg, gps_error_m;
    const char *captured_at;
    const char **warning;
    size_t n_warning;
    const char *json;     /* one line, when needs_json */
    const char **written; /* files */
    size_t n_written;
};

/* Count one photo into row (overwritten). A failure is in row->code and row->err, not returned.
 * Threads: many at once on one job. */
void photo_count(const struct photo_job *job, const struct inputs_item *item,
                 struct photo_row *row);
void photo_row_clear(struct photo_row *row);

/* Read a comma list of overlay names into ret: "annotated,mask", "all", "none". DM_EUSAGE names the
 * unknown one and the nearest. */
DM_MUST_CHECK int photo_parse_overlays(struct cmd_run *r, const char *list,
                                       bool ret[static VISION_OVERLAY_MAX_], struct dm_err *e);

/* File names for one photo, in a: "{stem}.metrics.json", "{stem}__annotated.jpg". */
const char *photo_metrics_name(const struct photo_job *job, const struct inputs_item *item,
                               struct dm_arena *a);
const char *photo_overlay_name(const struct photo_job *job, const struct inputs_item *item,
                               enum vision_overlay kind, struct dm_arena *a);

#endif
