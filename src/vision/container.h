/* SPDX-License-Identifier: Apache-2.0
 *
 * Containers from the segmentation network: which type a class name means, and the outline of one
 * mask as a polygon (vision.md 4.5). Private to vision/. */
#ifndef VISION_CONTAINER_H
#define VISION_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "image/ops.h"
#include "nn/net.h"
#include "vision/vision.h"
#include "vision/yolo.h"

/* Type a class of the container model stands for, by its name in any case; the Spanish words of
 * the nursery and their English ones. -1 when the name means no container. */
int container_type(const char *class_name);

/* "segmento", "cajon", "plug", "almacigo": the word in a container's id. */
const char *container_word(enum vision_container_type type);

/* All contours as one closed walk: consecutive ones are joined where they are nearest, forward
 * through all of them and back.
 *   ret  [*ret_n] in a
 * Cost O(points of a contour * points of the next). Errors: DM_ENOMEM.
 * Source: merge_multi_segment of ultralytics 8.3.220, whose reversal of middle contours keeps the
 * old joint indices; kept, because the polygon is part of what is compared. */
DM_MUST_CHECK int container_join(const struct image_contours *c, struct dm_arena *a,
                                 struct image_point **ret, size_t *ret_n, struct dm_err *e);

/* What the network says of one container, in fractions of the photo's sides. */
struct container_shape {
    float confidence;
    double norm[4];  /* x1, y1, x2, y2 of the box */
    double *polygon; /* [n_points][2] */
    size_t n_points; /* 0: empty mask */
};

/* Shape of detection b (network pixels, from yolo_decode) of the photo behind lb.
 * The polygon is in a. Errors: DM_ENOMEM. */
DM_MUST_CHECK int container_shape(const struct nn_heads *heads, const struct yolo_letterbox *lb,
                                  const struct yolo_box *b, struct dm_arena *a,
                                  struct container_shape *ret, struct dm_err *e);

/* Box of the shape in pixels of a w x h photo (vision.md 6.1). */
struct image_rect container_bbox(const struct container_shape *s, int w, int h);

/* Confidence and box within [0, 1], box and mask not empty, at least one pixel in each direction.
 */
bool container_valid(const struct container_shape *s, int w, int h);

#endif
