/* SPDX-License-Identifier: Apache-2.0
 *
 * The choice of the scale against a network that is simulated: it sees plants of 12 to 90 input
 * pixels as they are, takes some of the larger ones apart and misses smaller ones. */
#include "vision/scale.h"

#include <math.h>

#include "support/testing.h"
#include "vision/slice.h"

enum { INPUT = 512, WANTED = 28 };

struct world {
    int w, h, finest;
    size_t plants;
    double side;
    size_t crates; /* things of 300 px that are taken for plants where no plant is seen */
    size_t max_det;
};

static struct scale_level look(const struct world *w, int tile)
{
    double px = w->side * INPUT / tile;
    struct scale_level l = {.tile_px = tile};
    if (px >= 12 && px <= 90) {
        l.n = w->plants;
        l.plant_px = w->side;
    } else if (px > 90) {
        l.n = w->plants * 3 / 2;
        l.plant_px = 0.8 * w->side;
    } else if (px >= 8) { /* the largest ones */
        l.n = w->plants / 10;
        l.plant_px = 1.3 * w->side;
    } else if (w->crates > 0) {
        l.n = w->crates;
        l.plant_px = 300;
    }
    l.saturated = w->max_det > 0 && l.n >= w->max_det;
    return l;
}

/* Tiles taken; *ret_cost: passes of the network. */
static int settle(const struct world *w, size_t *ret_cost)
{
    struct scale_search s;
    int run[16];
    int n = 0;
    bool more = true;
    *ret_cost = 0;
    scale_begin(&s, w->w, w->h, w->finest, 0.25, WANTED, INPUT);
    while (more) {
        assert_true(n < 16);
        run[n++] = s.tile_px;
        *ret_cost += slice_count(w->w, w->h, s.tile_px, 0.25);
        struct scale_level seen = look(w, s.tile_px);
        more = scale_next(&s, &seen);
    }
    while (n > 0 && run[n - 1] != s.tile_px) {
        n--;
    }
    assert_true(n > 0); /* what is taken was made */
    return s.tile_px;
}

static void test_worlds(void **state)
{
    (void)state;
    static const struct {
        struct world world;
        int tile_min, tile_max;
        size_t cost_max;
    } cases[] = {
        /* 12 MP: 100 plants of 200 px, 20 of 350, 600 of 70, 1,800 of 36 and of 22 */
        {{4000, 3000, 512, 100, 200, 0, 0}, 2000, 4000, 7},
        {{4000, 3000, 512, 20, 350, 0, 0}, 2000, 4000, 8},
        {{4000, 3000, 512, 600, 70, 0, 0}, 700, 1300, 45},
        {{4000, 3000, 512, 1800, 36, 0, 0}, 512, 800, 150},
        {{4000, 3000, 512, 1800, 22, 0, 0}, 512, 512, 96},
        /* crates that look like plants from afar */
        {{4000, 3000, 512, 600, 60, 7, 0}, 512, 1200, 125},
        {{4000, 3000, 512, 600, 36, 60, 0}, 512, 600, 200},
        /* plants wider than the view of the whole can bear */
        {{3000, 3000, 512, 10, 800, 0, 0}, 6000, 6000, 2},
        {{400, 300, 400, 2, 200, 0, 0}, 800, 800, 2},
        /* nothing there: one look and the fixed tiles */
        {{1600, 1200, 512, 0, 50, 0, 0}, 512, 512, 13},
        {{4000, 3000, 512, 0, 50, 0, 0}, 512, 512, 95},
        /* one pass is all there is */
        {{512, 512, 512, 30, 40, 0, 0}, 512, 512, 1},
        {{400, 300, 400, 30, 20, 0, 0}, 400, 400, 1},
        /* a pass that reports its maximum is not taken */
        {{1600, 1200, 512, 400, 45, 0, 300}, 512, 512, 20},
        /* tiles of a model for small plants */
        {{640, 640, 192, 120, 13, 0, 0}, 192, 320, 40},
    };
    for (size_t i = 0; i < DM_COUNT(cases); i++) {
        size_t cost;
        int tile = settle(&cases[i].world, &cost);
        if (tile < cases[i].tile_min || tile > cases[i].tile_max || cost > cases[i].cost_max) {
            fail_msg("case %zu: tiles of %d px after %zu passes", i, tile, cost);
        }
    }
}

/* Whatever is seen, even nonsense, it ends, and never below the fixed tiles. */
static void test_ends(void **state)
{
    (void)state;
    struct test_rng rng = {5};
    for (int i = 0; i < 20000; i++) {
        struct scale_search s;
        int w = 32 + (int)test_rng_below(&rng, 32736);
        int h = 32 + (int)test_rng_below(&rng, 32736);
        int finest = 64 + (int)test_rng_below(&rng, 2000);
        int steps = 1;
        scale_begin(&s, w, h, finest, 0.25, 1 + (int)test_rng_below(&rng, 100), INPUT);
        struct scale_level l;
        do {
            assert_true(s.tile_px >= finest && steps <= 16);
            l = (struct scale_level){.tile_px = s.tile_px,
                                     .n = test_rng_below(&rng, 50),
                                     .plant_px = test_rng_unit(&rng) * 2 * s.tile_px,
                                     .saturated = test_rng_below(&rng, 5) == 0};
            steps++;
        } while (scale_next(&s, &l));
        assert_true(s.tile_px >= l.tile_px || s.tile_px >= finest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_worlds), cmocka_unit_test(test_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
