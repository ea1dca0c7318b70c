/* SPDX-License-Identifier: Apache-2.0
 *
 * Photographs with a known number of plants. */
#include "support/photo_paint.h"

#include "image/codec.h"
#include "support/count_rig.h"

enum { W = 512, H = 384, CELL = 42 };

struct vision_engine *photo_engine(void)
{
    static struct rig rig;
    if (!rig.engine) {
        rig_init(&rig, NULL, 0, /* segment= */ false, 1);
    }
    return rig.engine;
}

const struct vision_params *photo_params(void)
{
    static struct vision_params p;
    p = params(VISION_PROFILE_PRODUCT);
    return &p;
}

struct image photo_pixels(unsigned seed, int plants)
{
    struct scene s;
    struct test_rng rng = {seed + 1};
    scene_init(&s, W, H);
    for (int i = 0; i < plants; i++) {
        const int x = i % (W / CELL) * CELL;
        const int y = i / (W / CELL) * CELL;
        assert_true(y + CELL <= H);
        add_plant(&s, x + 4 + (int)test_rng_below(&rng, 8), y + 4 + (int)test_rng_below(&rng, 8),
                  24, 0.5 + test_rng_unit(&rng) * 0.39);
    }
    fake_paint(&s.im, (struct image_rect){0, H - 1, 1, 1}, (uint8_t)(50 + (seed & 7)),
               (uint8_t)(200 + (seed >> 3 & 15)), (uint8_t)(50 + (seed >> 7 & 15)));
    return s.im;
}

void photo_paint(unsigned seed, int plants, struct dm_buf *png)
{
    struct dm_err e = {0};
    struct image im = photo_pixels(seed, plants);
    assert_ok(image_encode_png(&im, 1, png, &e), &e);
    image_clear(&im);
}
