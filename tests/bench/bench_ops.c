/* SPDX-License-Identifier: Apache-2.0
 *
 * Micro-benchmark of the pixel operations: best of several runs, milliseconds of processor
 * time each, one thread: figures hold on a busy machine, except for shared caches.
 * Not run by the tests:  ninja tests/bench/bench_ops && tests/bench/bench_ops [name-prefix] */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "image/ops.h"
#include "support/testing.h"
#include "vision/estimate.h"
#include "vision/region.h"

#define PHOTO_W 4000
#define PHOTO_H 3000
#define PLANTS  1900
#define CORNERS 32

static const struct image_rect whole = {0, 0, PHOTO_W, PHOTO_H};

/* Everything the operations read and write, made once. */
struct fixture {
    struct image photo, mask, soft, grey_out, rgb_1024, tile, tile_640, half, net_mask;
    float *plane;
    struct vision_detection plant[PLANTS];
    struct vision_detection scratch[PLANTS];
    struct vision_params params;
    double polygon[2 * CORNERS];
};

static void check(int rc)
{
    if (rc < 0) {
        fprintf(stderr, "bench_ops: failed (%d)\n", rc);
        exit(1);
    }
}

/* Leaves on dark ground: smooth blobs with noise on top. */
static void paint_photo(struct image *im, struct test_rng *rng)
{
    for (int y = 0; y < im->h; y++) {
        uint8_t *p = image_row(im, y);
        for (int x = 0; x < im->w; x++, p += 3) {
            double leaf = sin(x * 0.031) * cos(y * 0.027) + 0.3 * sin((x + y) * 0.11);
            uint32_t noise = (uint32_t)(test_rng_next(rng) >> 60);
            p[0] = (uint8_t)((leaf > 0 ? 60 : 34) + noise);
            p[1] = (uint8_t)((leaf > 0 ? 110 + 60 * leaf : 30) + noise);
            p[2] = (uint8_t)((leaf > 0 ? 50 : 25) + noise);
        }
    }
}

static void set_up(struct fixture *f)
{
    struct test_rng rng = {.s = 42};
    check(image_init(&f->photo, PHOTO_W, PHOTO_H, 3, NULL));
    check(image_init(&f->mask, PHOTO_W, PHOTO_H, 1, NULL));
    check(image_init(&f->grey_out, PHOTO_W, PHOTO_H, 1, NULL));
    check(image_init(&f->rgb_1024, 1024, 768, 3, NULL));
    check(image_init(&f->half, PHOTO_W / 2, PHOTO_H / 2, 3, NULL));
    check(image_init(&f->tile_640, 640, 640, 3, NULL));
    paint_photo(&f->photo, &rng);
    f->tile = image_view(&f->photo, (struct image_rect){700, 500, 512, 512});
    for (size_t i = 0; i < PLANTS; i++) {
        f->plant[i] = (struct vision_detection){
            .cx = test_rng_unit(&rng) * PHOTO_W,
            .cy = test_rng_unit(&rng) * PHOTO_H,
            .w = 25 + 20 * test_rng_unit(&rng),
            .h = 25 + 20 * test_rng_unit(&rng),
            .confidence = (float)test_rng_unit(&rng),
        };
    }
    for (int i = 0; i < CORNERS; i++) {
        double angle = 2 * 3.14159265358979 * i / CORNERS;
        double radius = 0.42 + 0.06 * sin(5 * angle);
        f->polygon[2 * i] = 0.5 + radius * cos(angle);
        f->polygon[2 * i + 1] = 0.5 + radius * sin(angle);
    }
    memset(f->mask.px, 255, (size_t)PHOTO_W * PHOTO_H);
    check(estimate_detection_mask(f->plant, PLANTS, whole, &f->soft, NULL));
    struct image_rect net = {0, 0, 1024, 768};
    check(region_mask(f->polygon, CORNERS, net.w, net.h, net, &f->net_mask, NULL));
    f->plane = dm_calloc((size_t)PHOTO_W * PHOTO_H, sizeof(float));
    check(f->plane ? 0 : -1);
    f->params = (struct vision_params){
        .bands = 4, .alpha_overcount = 0.9, .min_calibration = 10, .default_plant_area_px = 2500};
}

static void tear_down(struct fixture *f)
{
    struct image *images[] = {&f->photo,    &f->mask,     &f->soft, &f->grey_out,
                              &f->rgb_1024, &f->tile_640, &f->half, &f->net_mask};
    for (size_t i = 0; i < DM_COUNT(images); i++) {
        image_clear(images[i]);
    }
    dm_free(f->plane);
}

static void run_upscale(struct fixture *f)
{
    check(image_resize_bilinear(&f->tile, &f->tile_640, NULL));
}

static void run_downscale(struct fixture *f)
{
    check(image_resize_bilinear(&f->photo, &f->rgb_1024, NULL));
}

static void run_halve(struct fixture *f)
{
    check(image_resize_bilinear(&f->photo, &f->half, NULL));
}

static void run_gauss(struct fixture *f)
{
    check(image_gaussian_u8(&f->soft, 15, &f->grey_out, NULL));
}

static void run_detection_mask(struct fixture *f)
{
    struct image m;
    check(estimate_detection_mask(f->plant, PLANTS, whole, &m, NULL));
    image_clear(&m);
}

static void run_open(struct fixture *f)
{
    check(image_open3x3(&f->soft, &f->grey_out, NULL));
}

static void run_region_mask(struct fixture *f)
{
    struct image m;
    check(region_mask(f->polygon, CORNERS, PHOTO_W, PHOTO_H, whole, &m, NULL));
    image_clear(&m);
}

static void run_contours(struct fixture *f)
{
    struct image_contours c;
    check(image_find_contours(&f->net_mask, &c, NULL));
    image_contours_clear(&c);
}

static void run_feather(struct fixture *f)
{
    struct image m;
    check(region_mask(f->polygon, CORNERS, PHOTO_W, PHOTO_H, whole, &m, NULL));
    check(region_feather(&m, 10, f->plane, NULL));
    image_clear(&m);
}

static void run_apply(struct fixture *f)
{
    struct image out;
    check(image_init(&out, PHOTO_W, PHOTO_H, 3, NULL));
    region_apply_alpha(&f->photo, f->plane, &out);
    image_clear(&out);
}

static void run_group(struct fixture *f)
{
    struct dm_arena arena = {0};
    size_t n;
    memcpy(f->scratch, f->plant, sizeof(f->plant));
    check(region_group(f->scratch, PLANTS, 0.15, &arena, &n, NULL));
    dm_arena_clear(&arena);
}

static void estimate(struct fixture *f, const struct image *soft)
{
    struct estimate_input in = {
        .photo = &f->photo,
        .mask = &f->mask,
        .detections = soft,
        .rect = whole,
        .detection = f->plant,
        .n = PLANTS,
        .photo_w = PHOTO_W,
        .photo_h = PHOTO_H,
    };
    struct vision_band band[4];
    check(estimate_bands(&in, &f->params, band, NULL, NULL));
}

static void run_bands(struct fixture *f)
{
    estimate(f, &f->soft);
}

/* The worst case: nothing was detected, every pixel is left over. */
static void run_bands_all(struct fixture *f)
{
    memset(f->grey_out.px, 0, (size_t)PHOTO_W * PHOTO_H);
    estimate(f, &f->grey_out);
}

static const struct {
    const char *name;
    void (*run)(struct fixture *f);
    int times;
} ops[] = {
    {"resize 512 -> 640 RGB", run_upscale, 100},
    {"resize 12 MP -> 1024 RGB", run_downscale, 20},
    {"resize 12 MP -> half RGB", run_halve, 10},
    {"gaussian 15x15 12 MP", run_gauss, 10},
    {"detection mask 12 MP", run_detection_mask, 10},
    {"opening 12 MP", run_open, 10},
    {"region mask 12 MP", run_region_mask, 10},
    {"contours 1024 x 768", run_contours, 50},
    {"mask + feather 12 MP", run_feather, 10},
    {"apply alpha 12 MP", run_apply, 10},
    {"group 1900 plants", run_group, 50},
    {"bands 12 MP", run_bands, 10},
    {"bands 12 MP, all left over", run_bands_all, 10},
};

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

int main(int argc, char **argv)
{
    static struct fixture f;
    set_up(&f);
    for (size_t i = 0; i < DM_COUNT(ops); i++) {
        if (argc > 1 && strncmp(ops[i].name, argv[1], strlen(argv[1])) != 0) {
            continue;
        }
        double best = INFINITY;
        for (int k = 0; k < ops[i].times; k++) {
            double start = now_ms();
            ops[i].run(&f);
            best = fmin(best, now_ms() - start);
        }
        printf("%-28s %8.3f ms\n", ops[i].name, best);
    }
    tear_down(&f);
    return 0;
}
