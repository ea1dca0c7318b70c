/* SPDX-License-Identifier: Apache-2.0
 *
 * One photo on its way through the pipeline, and the steps of the way, in order. Private to
 * vision/; only count.c walks it.
 *
 *   photo_find_containers -> photo_detect -> photo_estimate -> totals in count.c */
#ifndef VISION_PHOTO_H
#define VISION_PHOTO_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "image/image.h"
#include "vision/engine.h"
#include "vision/vision.h"

/* A container while it is counted; region i belongs to container i of the result. */
struct region {
    struct image_rect roi; /* what the detector may see: the container's box and a margin */
    struct image mask;     /* of roi, 0 or 255, holes filled */
    bool whole;            /* the mask is 255 throughout */
    struct dm_err error;   /* first failure in job order; code DM_OK while fine */
    size_t error_job;
};

/* Locking: region[].error, error_job - mu; the rest is written by the calling thread between pool
 * runs, or by exactly one job. */
struct photo {
    struct vision_engine *v;
    const struct vision_params *p;
    const struct image *image;
    struct vision_result *r;
    struct region *region; /* [r->n_container] */
    size_t n_region;
    pthread_mutex_t mu;
};

/* Add a line to the warnings of the result. DM_ENOMEM. Calling thread only. */
DM_MUST_CHECK int photo_warn(struct photo *ph, struct dm_err *e, const char *fmt, ...)
    DM_PRINTF(3, 4);

/* A job failed: out of memory fails the photo (returned); anything else is the region's own
 * (remembered, DM_OK returned). Threads: any. */
DM_MUST_CHECK int photo_region_failed(struct photo *ph, size_t region, size_t job,
                                      const struct dm_err *cause, struct dm_err *e);

/* Containers with their masks: from the container model, or the whole photo as one region. */
DM_MUST_CHECK int photo_find_containers(struct photo *ph, struct dm_err *e);

/* Run the detector over every region and merge what its tiles found. Detections in photo pixels,
 * grouped and sorted, each with its container. */
DM_MUST_CHECK int photo_detect(struct photo *ph, struct dm_err *e);

/* Bands of every container that did not fail, and the masks to keep for drawing. */
DM_MUST_CHECK int photo_estimate(struct photo *ph, struct dm_err *e);

#endif
