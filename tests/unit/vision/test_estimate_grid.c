/* SPDX-License-Identifier: Apache-2.0
 *
 * The grid method on trays drawn for it: straight and turned, with seen, green and bare cells. */
#include "vision/estimate.h"

#include <math.h>

#include "support/naive_estimate.h"

enum { W = 400, H = 300 };

/* A tray: its middle, the direction of its longer side, cells of size px. */
struct tray {
    double x, y, angle;
    int along, across; /* cells */
    double size;
};

static struct image_point tray_point(const struct tray *t, double u, double v)
{
    double a = (u - t->along / 2.0) * t->size;
    double b = (v - t->across / 2.0) * t->size;
    return (struct image_point){(int)lrint(t->x + a * cos(t->angle) - b * sin(t->angle)),
                                (int)lrint(t->y + a * sin(t->angle) + b * cos(t->angle))};
}

enum cell { BARE, GREEN, SEEN };

static enum cell cell_kind(uint32_t seed, const struct tray *t, int u, int v)
{
    return (enum cell)pattern_int(seed, (uint32_t)(v * t->along + u), 0, 2);
}

struct scene {
    struct image photo, mask, soft;
    struct image_point corner[4];
    struct vision_detection plant[400];
    struct estimate_input in;
    uint32_t green;
};

static void paint_disk(struct image *photo, struct image_point c, double radius)
{
    for (int y = 0; y < photo->h; y++) {
        for (int x = 0; x < photo->w; x++) {
            if (hypot(x - c.x, y - c.y) <= radius) {
                uint8_t *p = image_row(photo, y) + 3 * x;
                p[0] = 60;
                p[1] = 190;
                p[2] = 60;
            }
        }
    }
}

static void scene_init(struct scene *s, const struct tray *t, uint32_t seed)
{
    struct dm_err e = {0};
    *s = (struct scene){.photo = plain_image(30, W, H, 3), .mask = plain_image(0, W, H, 1)};
    s->corner[0] = tray_point(t, 0, 0);
    s->corner[1] = tray_point(t, t->along, 0);
    s->corner[2] = tray_point(t, t->along, t->across);
    s->corner[3] = tray_point(t, 0, t->across);
    assert_ok(image_fill_polygon(&s->mask, s->corner, 4, 255, &e), &e);
    size_t n = 0;
    for (int v = 0; v < t->across; v++) {
        for (int u = 0; u < t->along; u++) {
            struct image_point c = tray_point(t, u + 0.5, v + 0.5);
            enum cell kind = cell_kind(seed, t, u, v);
            if (kind == GREEN) {
                paint_disk(&s->photo, c, 0.4 * t->size);
                s->green++;
            } else if (kind == SEEN) {
                double side = 0.3 * t->size; /* smaller than the plant, but it is in its cell */
                s->plant[n++] = (struct vision_detection){c.x, c.y, side, side, 0.9F, 0, 0};
            }
        }
    }
    s->in = (struct estimate_input){
        .photo = &s->photo,
        .mask = &s->mask,
        .detections = &s->soft,
        .rect = {0, 0, W, H},
        .detection = s->plant,
        .n = n,
        .photo_w = W,
        .photo_h = H,
    };
    assert_ok(estimate_detection_mask(s->plant, n, s->in.rect, &s->soft, &e), &e);
}

static void scene_clear(struct scene *s)
{
    image_clear(&s->photo);
    image_clear(&s->mask);
    image_clear(&s->soft);
}

static const struct tray trays[] = {
    {200, 150, 0, 10, 6, 30},       {200, 150, 0.3, 9, 5, 30},  {200, 150, 1.2, 8, 7, 28},
    {200, 150, -0.7, 6, 3, 40},     {180, 140, 2.5, 12, 4, 25}, {200, 150, 1.5707963, 7, 4, 35},
    {200, 150, 0.785398, 2, 1, 90},
};

static struct vision_params parameters(int rows, int columns)
{
    struct vision_params p;
    vision_params_init(&p, VISION_PROFILE_PRODUCT);
    p.grid_rows = rows;
    p.grid_columns = columns;
    return p;
}

/* Cells that are green and not seen; the longer side has the larger number, whichever is called
 * rows. */
static void test_trays(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2 * DM_COUNT(trays); i++) {
        const struct tray *t = &trays[i / 2];
        struct dm_err e = {0};
        struct scene s;
        scene_init(&s, t, i);
        struct vision_params p =
            i % 2 ? parameters(t->along, t->across) : parameters(t->across, t->along);
        struct vision_band b = {.container = 3};
        struct image residual = plain_image(1, W, H, 1);
        struct image processed = plain_image(1, W, H, 1);
        struct estimate_masks keep = {&residual, &processed};
        assert_ok(estimate_grid(&s.in, &p, s.corner, 4, &b, i % 3 ? &keep : NULL, &e), &e);
        assert_int_equal(b.count, s.green);
        assert_int_equal(b.method, VISION_METHOD_GRID);
        assert_int_equal(b.container, 3);
        assert_int_equal(b.number, 1);
        assert_int_equal(b.y_start, 0);
        assert_int_equal(b.y_end, H);
        assert_true(b.residual_px == b.processed_px + b.suppressed_px && b.processed_px >= 0);
        assert_true(b.alpha == 0.9 && !b.calibrated);
        assert_true(fabs(sqrt(b.plant_area_px) - t->size) < 1);
        if (i % 3) {
            assert_int_equal(naive_count(&residual), b.residual_px);
            assert_int_equal(naive_count(&processed), b.processed_px);
        }
        image_clear(&residual);
        image_clear(&processed);
        scene_clear(&s);
    }
}

/* A frame cut out of the photo gives the same count: polygon and plants stay in photo pixels. */
static void test_frame(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct scene s;
    scene_init(&s, &trays[1], 77);
    struct vision_params p = parameters(9, 5);
    struct vision_band whole, part;
    assert_ok(estimate_grid(&s.in, &p, s.corner, 4, &whole, NULL, &e), &e);
    struct image_rect rect = {30, 20, W - 60, H - 40};
    struct image photo = image_view(&s.photo, rect);
    struct image mask = image_view(&s.mask, rect);
    struct image soft = image_view(&s.soft, rect);
    struct estimate_input in = s.in;
    in.photo = &photo;
    in.mask = &mask;
    in.detections = &soft;
    in.rect = rect;
    assert_ok(estimate_grid(&in, &p, s.corner, 4, &part, NULL, &e), &e);
    assert_int_equal(part.count, whole.count);
    assert_true(part.count > 0);
    assert_int_equal(part.y_start, 20);
    assert_int_equal(part.y_end, H - 20);
    scene_clear(&s);
}

/* A planted plant must change the figure: one more seen cell, one count less. */
static void test_notices(void **state)
{
    (void)state;
    struct dm_err e = {0};
    struct scene s;
    const struct tray *t = &trays[2];
    scene_init(&s, t, 5);
    struct vision_params p = parameters(t->along, t->across);
    struct vision_band before, after;
    assert_ok(estimate_grid(&s.in, &p, s.corner, 4, &before, NULL, &e), &e);
    for (int i = 0; i < t->along * t->across; i++) {
        if (cell_kind(5, t, i % t->along, i / t->along) == GREEN) {
            struct image_point c = tray_point(t, i % t->along + 0.5, i / t->along + 0.5);
            s.plant[s.in.n++] = (struct vision_detection){c.x, c.y, 5, 5, 0.5F, 0, 0};
            break;
        }
    }
    assert_ok(estimate_grid(&s.in, &p, s.corner, 4, &after, NULL, &e), &e);
    assert_int_equal(after.count + 1, before.count);
    scene_clear(&s);
}

/* Polygons without an area. */
static void test_degenerate(void **state)
{
    (void)state;
    static const struct image_point polygons[][4] = {
        {{50, 50}, {50, 50}, {50, 50}, {50, 50}},
        {{10, 10}, {90, 90}, {50, 50}, {20, 20}},
        {{10, 10}, {90, 10}, {50, 10}, {20, 10}},
    };
    struct dm_err e = {0};
    struct scene s;
    scene_init(&s, &trays[0], 1);
    struct vision_params p = parameters(3, 4);
    for (size_t i = 0; i < DM_COUNT(polygons); i++) {
        for (size_t n = 1; n <= 4; n++) {
            struct vision_band b;
            assert_ok(estimate_grid(&s.in, &p, polygons[i], n, &b, NULL, &e), &e);
            assert_true(b.plant_area_px > 0 && b.count <= 12);
        }
    }
    scene_clear(&s);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, &trays[0], 1);
    struct vision_params p = parameters(3, 4);
    struct vision_band b;
    assert_survives_no_memory(estimate_grid(&s.in, &p, s.corner, 4, &b, NULL, &e), (void)0);
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trays),     cmocka_unit_test(test_frame),
        cmocka_unit_test(test_notices),   cmocka_unit_test(test_degenerate),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
