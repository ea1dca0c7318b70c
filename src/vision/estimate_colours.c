/* SPDX-License-Identifier: Apache-2.0
 *
 * Once per photo, over every third pixel in both directions: a histogram needs no more. */
#include "vision/estimate_colours.h"

#include <math.h>

#include "base/arith.h"

enum {
    STEP = 3,         /* pixels between samples */
    LEAST_SEEN = 500, /* samples of plants and of ground below which nothing is said */
    SOFT_EDGE = 127,  /* of the detection mask */
};

/* Part of a plant's half axes within which hardly anything but the plant is seen. */
#define CORE 0.6

static void see_plant(struct estimate_colours *c, const struct image *photo,
                      const struct vision_detection *d)
{
    double rx = CORE * d->w / 2;
    double ry = CORE * d->h / 2;
    int y0 = (int)fmax(0, ceil(d->cy - ry));
    int y1 = (int)fmin(photo->h - 1, d->cy + ry);
    int step = DM_MIN(rx, ry) < 2 * STEP ? 1 : STEP; /* of small plants all */
    for (int y = y0; y <= y1; y += step) {
        double v = (y - d->cy) / ry;
        double reach = rx * sqrt(fmax(0, 1 - v * v));
        int x1 = (int)fmin(photo->w - 1, d->cx + reach);
        for (int x = (int)fmax(0, ceil(d->cx - reach)); x <= x1; x += step) {
            c->plants[estimate_colour_of(image_row(photo, y) + 3 * (size_t)x)]++;
        }
    }
}

void estimate_colours_see_plants(struct estimate_colours *c, const struct image *photo,
                                 const struct vision_detection *detection, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (detection[i].w > 0 && detection[i].h > 0) {
            see_plant(c, photo, &detection[i]);
        }
    }
}

void estimate_colours_see_ground(struct estimate_colours *c, const struct image *photo,
                                 const struct image *mask, const struct image *soft)
{
    for (int y = 0; y < photo->h; y += STEP) {
        const uint8_t *rgb = image_row(photo, y);
        const uint8_t *inside = image_row(mask, y);
        const uint8_t *covered = image_row(soft, y);
        for (int x = 0; x < photo->w; x += STEP) {
            if (inside[x] && covered[x] <= SOFT_EDGE) {
                c->ground[estimate_colour_of(rgb + 3 * (size_t)x)]++;
            }
        }
    }
}

bool estimate_colours_decide(struct estimate_colours *c)
{
    uint64_t plants = 0;
    uint64_t ground = 0;
    for (int i = 0; i < ESTIMATE_COLOURS; i++) {
        plants += c->plants[i];
        ground += c->ground[i];
    }
    if (plants < LEAST_SEEN || ground < LEAST_SEEN) {
        return false;
    }
    for (int i = 0; i < ESTIMATE_COLOURS; i++) {
        c->is_plant[i] =
            (uint64_t)c->plants[i] * ground > (uint64_t)c->ground[i] * plants ? 255 : 0;
    }
    return true;
}
