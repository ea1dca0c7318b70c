/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides once per pass over a region. The constants come from training/evaluate on rendered
 * benches of 20 to 1,800 plants; docs/accuracy.md has the outcome. */
#include "vision/scale.h"

#include "base/arith.h"
#include "vision/slice.h"

/* A size below this share of the wanted one is not believed: only the largest were seen. */
#define SEEN_SHARE 0.43

/* Tiles this close to the wanted size fit. */
#define FITS_SHARE 0.75

/* Plants more than twice the wanted size in a view of the whole: the view is widened. */
#define WIDEN_SHARE 2.0

/* A finer pass agrees when its plants are not smaller than this share ... */
#define SAME_SIZE 0.7
/* ... and not more than this many times as many, and a few. */
#define SAME_NUMBER 1.5
#define SAME_FEW    5.0

/* Coarse passes that saw nothing may cost this part of the fixed grid. */
#define BLIND_PART 8

static size_t cost(const struct scale_search *s, int tile_px)
{
    return slice_count(s->w, s->h, tile_px, s->overlap);
}

void scale_begin(struct scale_search *s, int w, int h, int finest_px, double overlap, int plant_px,
                 int input_px)
{
    DM_BUG_UNLESS(w > 0 && h > 0 && finest_px > 0 && plant_px > 0 && input_px > 0);
    *s = (struct scale_search){
        .w = w,
        .h = h,
        .overlap = overlap,
        .finest_px = finest_px,
        .wanted = (double)plant_px / input_px,
        .tile_px = DM_MAX(finest_px, DM_MAX(w, h)),
    };
}

/* Plant side, relative to the wanted one, in the view of a tile. */
static double relative(const struct scale_search *s, const struct scale_level *l)
{
    return l->plant_px / (l->tile_px * s->wanted);
}

static bool saw_plants(const struct scale_search *s, const struct scale_level *l)
{
    return l->n > 0 && relative(s, l) >= SEEN_SHARE;
}

static bool fits(const struct scale_search *s, const struct scale_level *l)
{
    return !l->saturated && relative(s, l) >= FITS_SHARE;
}

static bool agree(const struct scale_level *coarse, const struct scale_level *fine)
{
    return fine->plant_px >= SAME_SIZE * coarse->plant_px &&
           (double)fine->n <= SAME_NUMBER * (double)coarse->n + SAME_FEW;
}

static bool run(struct scale_search *s, int tile_px)
{
    s->tile_px = DM_MAX(tile_px, s->finest_px);
    return true;
}

static bool take(struct scale_search *s, const struct scale_level *l)
{
    s->tile_px = l->tile_px;
    return false;
}

/* The next smaller tiles after a pass that does not settle it. */
static bool refine(struct scale_search *s, const struct scale_level *now)
{
    int half = now->tile_px / 2;
    if (now->tile_px <= s->finest_px) {
        return take(s, now);
    }
    s->has_coarser = saw_plants(s, now);
    s->coarser = *now;
    if (!s->has_coarser) {
        bool cheap = (s->passes + cost(s, half)) * BLIND_PART <= cost(s, s->finest_px);
        return run(s, cheap ? half : 0);
    }
    if (fits(s, now)) { /* to be confirmed */
        return run(s, half);
    }
    return run(s, DM_MIN(half, (int)(now->plant_px / s->wanted)));
}

bool scale_next(struct scale_search *s, const struct scale_level *now)
{
    bool whole = s->passes == 0;
    s->passes += cost(s, now->tile_px);
    if (whole && saw_plants(s, now) && relative(s, now) > WIDEN_SHARE) {
        s->widened = true;
        s->coarser = *now;
        return run(s, 2 * now->tile_px);
    }
    if (s->widened) { /* here the pass before is the finer one */
        s->widened = false;
        if (fits(s, now) && agree(now, &s->coarser)) {
            return take(s, now);
        }
        struct scale_level before = s->coarser;
        return refine(s, &before);
    }
    if (s->has_coarser && now->n > 0 && agree(&s->coarser, now)) {
        if (fits(s, &s->coarser)) {
            return take(s, &s->coarser);
        }
        if (fits(s, now)) {
            return take(s, now);
        }
    }
    return refine(s, now);
}
