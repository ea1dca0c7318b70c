/* SPDX-License-Identifier: Apache-2.0
 *
 * Slicing a crop into overlapping tiles and merging what the tiles found (vision.md 5). */
#ifndef VISION_SLICE_H
#define VISION_SLICE_H

#include <stddef.h>

#include "base/arena.h"
#include "image/image.h"

/* Tiles of a w x h crop, row-major; a side shorter than size gives one tile of that side.
 * ret [*ret_n] in a. Errors: DM_ENOMEM. */
DM_MUST_CHECK int slice_tiles(int w, int h, int size, double overlap, struct dm_arena *a,
                              struct image_rect **ret, size_t *ret_n, struct dm_err *e);

/* How many those are. */
size_t slice_count(int w, int h, int size, double overlap);

/* One box found in a tile, in crop pixels. */
struct slice_box {
    double x1, y1, x2, y2;
    float score;
    int class_id;
};

/* GREEDYNMM with the IOS metric, class by class (vision.md 5.3).
 *   b       [n] any order; reordered
 *   ret_n   boxes kept, at the front of b, score descending, ties by (x1, y1, x2, y2)
 * Cost O(n log n + pairs in the same cells). Errors: DM_ENOMEM; DM_ELIMIT above LIMIT_DETECTIONS.
 * Source: Akyon et al. 2022, SAHI; differs: score order in both phases, no double absorption. */
DM_MUST_CHECK int slice_merge(struct slice_box *b, size_t n, double threshold, struct dm_arena *a,
                              size_t *ret_n, struct dm_err *e);

#endif
