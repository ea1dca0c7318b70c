/* SPDX-License-Identifier: Apache-2.0
 *
 * At which scale a region is counted, for plant models that say how large a plant should reach them
 * (nn_model_info.plant_px). Pure bookkeeping: photo_detect runs the passes.
 *
 * A network taught with plants of 15 to 100 px takes a plant of 400 px apart into its leaves. So
 * the region is first seen whole, then in ever smaller tiles, until two passes agree: the finer one
 * finds plants of the same size and not many more. Of the two the one is taken whose tiles fit. The
 * finest tiles are those of the fixed grid (vision.md 5.2), and a coarse pass costs a fraction of
 * them; where plants are large, it replaces them.
 *
 *   scale_begin -> pass with tiles of .tile_px -> scale_next -> ... until one is taken */
#ifndef VISION_SCALE_H
#define VISION_SCALE_H

#include <stdbool.h>
#include <stddef.h>

/* What one pass over a region saw. */
struct scale_level {
    int tile_px;     /* side of its tiles, photo pixels; may exceed the region */
    size_t n;        /* plants it is sure of */
    double plant_px; /* their usual longer side, photo pixels; 0 when there are none */
    bool saturated;  /* some tile reported its maximum: there are more */
};

struct scale_search {
    int w, h;       /* of the region, pixels */
    double overlap; /* of tiles */
    int finest_px;  /* tiles of the fixed grid, or the longer side of a region in one pass */
    double wanted;  /* tile sides a plant should measure: plant_px / input side */
    int tile_px;    /* of the pass to run now, or to take */
    size_t passes;  /* so far */
    bool widened;   /* a pass over more than the region was made */
    bool has_coarser;
    struct scale_level coarser; /* the pass before, when it saw plants */
};

/* plant_px and input_px of the model, both > 0; finest_px as in struct scale_search. */
void scale_begin(struct scale_search *s, int w, int h, int finest_px, double overlap, int plant_px,
                 int input_px);

/* After a pass: true when another one is to be made, with tiles of tile_px; false when the pass
 * that had tiles of tile_px is to be taken. Tiles shrink with every step but one, so that it ends.
 */
bool scale_next(struct scale_search *s, const struct scale_level *now);

#endif
