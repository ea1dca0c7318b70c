/* SPDX-License-Identifier: Apache-2.0
 *
 * Candidates, boxes and suppression against naive oracles, the reference library's results, and
 * planted faults. */
#include "vision/yolo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/heads.h"
#include "support/testing.h"

static const struct yolo_nms_params standard = {
    .conf = 0.25f, .iou = 0.7f, .max_det = 300, .max_nms = 30000};

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

/* No float with a sigmoid above conf is lost, and the bound is not far off. */
static void test_min_logit(void **state)
{
    (void)state;
    static const float confs[] = {1e-6f, 0.001f, 0.05f, 0.25f, 0.3f,
                                  0.5f,  0.7f,   0.9f,  0.99f, 0.999f};
    for (size_t i = 0; i < DM_COUNT(confs); i++) {
        float t = yolo_min_logit(confs[i]);
        float x = t;
        for (int k = 0; k < 2000; k++, x = nextafterf(x, -INFINITY)) {
            assert_false(sigmoid(x) > confs[i]);
        }
        assert_true(sigmoid(t + fmaxf(1e-4f, fabsf(t) * 1e-4f) + 2e-3f) > confs[i]);
    }
    assert_true(isinf(yolo_min_logit(0)) && yolo_min_logit(0) < 0);
    assert_true(isfinite(yolo_min_logit(1)));
}

static size_t decode(struct test_heads *t, const struct yolo_nms_params *p, struct dm_arena *a,
                     struct yolo_box **ret, bool *saturated)
{
    struct dm_err e = {0};
    size_t n = 0;
    assert_ok(yolo_decode(&t->h, p, a, ret, &n, saturated, &e), &e);
    return n;
}

static void test_planted_boxes(void **state)
{
    (void)state;
    static const struct {
        double box[4];
        double score;
        int class_id;
    } plants[] = {
        {{10, 20, 50, 60}, 0.95, 0},     {{100.25, 30.5, 140.75, 61}, 0.80, 3},
        {{300, 300, 420, 420}, 0.70, 1}, {{0, 400, 350, 639}, 0.60, 2},
        {{600, 600, 640, 640}, 0.26, 0}, {{500, 100, 520, 120}, 0.24, 0}, /* below the threshold */
    };
    struct test_heads t;
    struct dm_arena a = {0};
    struct yolo_box *b;
    bool saturated = true;
    test_heads_init(&t, 640, 640, 5, 0);
    int anchor[DM_COUNT(plants)];
    for (size_t i = 0; i < DM_COUNT(plants); i++) {
        const double *p = plants[i].box;
        anchor[i] = test_heads_put(&t, p[0], p[1], p[2], p[3], plants[i].score, plants[i].class_id);
        assert_true(anchor[i] >= 0);
    }
    size_t n = decode(&t, &standard, &a, &b, &saturated);
    assert_int_equal(n, 5);
    assert_false(saturated);
    for (size_t i = 0; i < n; i++) {
        const double *p = plants[i].box;
        assert_true(fabs(b[i].x1 - p[0]) < 1e-3 && fabs(b[i].y1 - p[1]) < 1e-3);
        assert_true(fabs(b[i].x2 - p[2]) < 1e-3 && fabs(b[i].y2 - p[3]) < 1e-3);
        assert_true(fabs(b[i].score - plants[i].score) < 1e-6);
        assert_int_equal(b[i].class_id, plants[i].class_id);
        assert_int_equal(b[i].anchor, anchor[i]);
    }
    test_heads_clear(&t);
    dm_arena_clear(&a);
}

/* Threshold is strict; among equal scores the lowest class wins, also where sigmoid saturates. */
static void test_threshold_and_ties(void **state)
{
    (void)state;
    struct test_heads t;
    struct dm_arena a = {0};
    struct yolo_box *b;
    bool saturated;
    struct yolo_nms_params p = standard;
    test_heads_init(&t, 64, 64, 4, 0);
    test_heads_cls(&t, 0, 1, 1)[2] = 0.0f; /* score exactly 0.5 */
    p.conf = 0.5f;
    assert_int_equal(decode(&t, &p, &a, &b, &saturated), 0);
    p.conf = nextafterf(0.5f, 0);
    assert_int_equal(decode(&t, &p, &a, &b, &saturated), 1);
    assert_int_equal(b[0].class_id, 2);
    test_heads_cls(&t, 0, 1, 1)[1] = 0.0f;
    assert_int_equal(decode(&t, &p, &a, &b, &saturated), 1);
    assert_int_equal(b[0].class_id, 1);
    test_heads_cls(&t, 0, 1, 1)[3] = 40.0f;
    test_heads_cls(&t, 0, 1, 1)[2] = 30.0f;
    assert_int_equal(decode(&t, &p, &a, &b, &saturated), 1);
    assert_true(b[0].score == 1.0f);
    assert_int_equal(b[0].class_id, 2);
    test_heads_clear(&t);
    dm_arena_clear(&a);
}

/* Weights that overflow give NaN and infinity: no candidate, no crash. */
static void test_not_numbers(void **state)
{
    (void)state;
    struct test_heads t;
    struct dm_arena a = {0};
    struct yolo_box *b;
    bool saturated;
    test_heads_init(&t, 64, 64, 2, 0);
    test_heads_cls(&t, 0, 0, 0)[0] = NAN;
    test_heads_cls(&t, 0, 3, 0)[1] = 5;
    test_heads_box(&t, 0, 3, 0)[17] = NAN;
    test_heads_cls(&t, 1, 0, 0)[1] = INFINITY;
    test_heads_box(&t, 1, 0, 0)[0] = INFINITY;
    assert_int_equal(decode(&t, &standard, &a, &b, &saturated), 0);
    test_heads_clear(&t);
    dm_arena_clear(&a);
}

/* ---- decoding of random heads against the formulas in double ---- */

static double bin_mean(const float *l)
{
    double top = -INFINITY, sum = 0, mean = 0;
    for (int k = 0; k < 16; k++) {
        top = fmax(top, l[k]);
    }
    for (int k = 0; k < 16; k++) {
        sum += exp(l[k] - top);
        mean += k * exp(l[k] - top);
    }
    return mean / sum;
}

static void fill_random(struct test_heads *t, struct test_rng *rng)
{
    for (int level = 0; level < 3; level++) {
        for (int y = 0; y < t->h.level[level].h; y++) {
            for (int x = 0; x < t->h.level[level].w; x++) {
                for (int c = 0; c < t->h.n_classes; c++) {
                    test_heads_cls(t, level, x, y)[c] = (float)(test_rng_unit(rng) * 8 - 6);
                }
                for (int k = 0; k < 64; k++) {
                    test_heads_box(t, level, x, y)[k] = (float)(test_rng_unit(rng) * 12 - 6);
                }
                for (int k = 0; k < t->h.n_coefs; k++) {
                    test_heads_coef(t, level, x, y)[k] = (float)(test_rng_unit(rng) * 2 - 1);
                }
            }
        }
    }
}

/* Box and score of an anchor in double. */
static void oracle_anchor(const struct nn_heads *h, int anchor, double ret_box[static 4],
                          double *ret_score, int *ret_class)
{
    int i = 0;
    while (anchor >= h->level[i].w * h->level[i].h) {
        anchor -= h->level[i].w * h->level[i].h;
        i++;
    }
    const struct nn_level *l = &h->level[i];
    const float *cls = l->cls + (size_t)anchor * l->cls_step;
    const float *box = l->box + (size_t)anchor * l->box_step;
    *ret_class = 0;
    for (int c = 1; c < h->n_classes; c++) {
        *ret_class = cls[c] > cls[*ret_class] ? c : *ret_class;
    }
    *ret_score = 1 / (1 + exp(-(double)cls[*ret_class]));
    double ax = anchor % l->w + 0.5;
    double ay = anchor / l->w + 0.5;
    ret_box[0] = (ax - bin_mean(box)) * l->stride;
    ret_box[1] = (ay - bin_mean(box + 16)) * l->stride;
    ret_box[2] = (ax + bin_mean(box + 32)) * l->stride;
    ret_box[3] = (ay + bin_mean(box + 48)) * l->stride;
}

/* Every candidate of every random net is there, and right. No suppression: iou 1. */
static void test_decode_oracle(void **state)
{
    (void)state;
    struct test_rng rng = {11};
    static const int classes[] = {1, 2, 7, 80};
    for (size_t round = 0; round < DM_COUNT(classes); round++) {
        struct test_heads t;
        struct dm_arena a = {0};
        struct yolo_box *b;
        bool saturated;
        struct yolo_nms_params p = {.conf = 0.6f, .iou = 1, .max_det = 5000, .max_nms = 5000};
        test_heads_init(&t, 256, 192, classes[round], 0);
        fill_random(&t, &rng);
        size_t n = decode(&t, &p, &a, &b, &saturated);
        size_t expected = 0;
        for (int anchor = 0; anchor < 32 * 24 + 16 * 12 + 8 * 6; anchor++) {
            double box[4], score;
            int class_id;
            oracle_anchor(&t.h, anchor, box, &score, &class_id);
            expected += score > 0.6;
        }
        assert_int_equal(n, expected);
        for (size_t i = 0; i < n; i++) {
            double box[4], score;
            int class_id;
            oracle_anchor(&t.h, b[i].anchor, box, &score, &class_id);
            assert_int_equal(b[i].class_id, class_id);
            assert_true(fabs(b[i].score - score) < 1e-6);
            assert_true(fabs(b[i].x1 - box[0]) < 1e-3 && fabs(b[i].y1 - box[1]) < 1e-3);
            assert_true(fabs(b[i].x2 - box[2]) < 1e-3 && fabs(b[i].y2 - box[3]) < 1e-3);
            assert_true(i == 0 || b[i - 1].score >= b[i].score);
        }
        test_heads_clear(&t);
        dm_arena_clear(&a);
    }
}

static void test_output0(void **state)
{
    (void)state;
    struct test_rng rng = {12};
    struct test_heads t;
    struct dm_arena a = {0};
    struct dm_err e = {0};
    float *out;
    size_t rows, anchors;
    test_heads_init(&t, 128, 96, 3, 5);
    fill_random(&t, &rng);
    assert_ok(yolo_output0(&t.h, &a, &out, &rows, &anchors, &e), &e);
    assert_int_equal(rows, 4 + 3 + 5);
    assert_int_equal(anchors, 16 * 12 + 8 * 6 + 4 * 3);
    for (size_t i = 0; i < anchors; i++) {
        double box[4], score;
        int class_id;
        oracle_anchor(&t.h, (int)i, box, &score, &class_id);
        assert_true(fabs(out[i] - (box[0] + box[2]) / 2) < 1e-3);
        assert_true(fabs(out[anchors + i] - (box[1] + box[3]) / 2) < 1e-3);
        assert_true(fabs(out[2 * anchors + i] - (box[2] - box[0])) < 1e-3);
        assert_true(fabs(out[3 * anchors + i] - (box[3] - box[1])) < 1e-3);
        assert_true(fabs(out[(4 + (size_t)class_id) * anchors + i] - score) < 1e-6);
    }
    assert_true(out[7 * anchors] == test_heads_coef(&t, 0, 0, 0)[0]);
    assert_true(out[12 * anchors - 1] == test_heads_coef(&t, 2, 3, 2)[4]);
    test_heads_clear(&t);
    dm_arena_clear(&a);
}

/* ---- suppression ---- */

/* By the words of vision.md 4.2: repeatedly take the best that is left, drop what it covers. */
static size_t oracle_nms(const struct yolo_box *b, size_t n, const struct yolo_nms_params *p,
                         struct yolo_box *out)
{
    bool *gone = calloc(n + 1, sizeof(*gone));
    size_t kept = 0;
    for (size_t i = p->max_nms < (int)n ? n - (size_t)p->max_nms : 0; i > 0; i--) {
        size_t worst = n; /* of equal scores the last */
        for (size_t j = 0; j < n; j++) {
            if (!gone[j] && (worst == n || b[j].score <= b[worst].score)) {
                worst = j;
            }
        }
        gone[worst] = true;
    }
    while (kept < (size_t)p->max_det) {
        size_t best = n;
        for (size_t j = n; j-- > 0;) {
            if (!gone[j] && (best == n || b[j].score >= b[best].score)) {
                best = j;
            }
        }
        if (best == n) {
            break;
        }
        gone[best] = true;
        out[kept++] = b[best];
        volatile float o = 7680.0f * (float)b[best].class_id;
        for (size_t j = 0; j < n; j++) {
            volatile float q = 7680.0f * (float)b[j].class_id;
            volatile float a[4] = {b[best].x1 + o, b[best].y1 + o, b[best].x2 + o, b[best].y2 + o};
            volatile float c[4] = {b[j].x1 + q, b[j].y1 + q, b[j].x2 + q, b[j].y2 + q};
            volatile float w = fminf(a[2], c[2]) - fmaxf(a[0], c[0]);
            volatile float h = fminf(a[3], c[3]) - fmaxf(a[1], c[1]);
            volatile float inter = fmaxf(w, 0) * fmaxf(h, 0);
            volatile float area_a = (a[2] - a[0]) * (a[3] - a[1]);
            volatile float area_c = (c[2] - c[0]) * (c[3] - c[1]);
            volatile float both = area_a + area_c;
            volatile float iou = inter / (both - inter);
            gone[j] = gone[j] || iou > p->iou;
        }
    }
    free(gone);
    return kept;
}

static long first_difference(const struct yolo_box *a, size_t na, const struct yolo_box *b,
                             size_t nb)
{
    for (size_t i = 0; i < DM_MAX(na, nb); i++) {
        if (i >= na || i >= nb || memcmp(&a[i], &b[i], sizeof(*a)) != 0) {
            return (long)i;
        }
    }
    return -1;
}

enum { BOXES = 500 };

static size_t random_boxes(struct test_rng *rng, struct yolo_box *b, int classes)
{
    size_t n = test_rng_below(rng, BOXES);
    for (size_t i = 0; i < n; i++) {
        float x = (float)(test_rng_unit(rng) * 400);
        float y = (float)(test_rng_unit(rng) * 400);
        float side = (float)(20 + test_rng_unit(rng) * 80);
        b[i] = (struct yolo_box){
            .x1 = x,
            .y1 = y,
            .x2 = x + side,
            .y2 = y + side,
            .score = (float)test_rng_below(rng, 128) / 128.0f, /* ties */
            .class_id = (int)test_rng_below(rng, (uint32_t)classes),
            .anchor = (int)i,
        };
        if (i > 0 && test_rng_below(rng, 3) == 0) { /* nearly the box before it */
            b[i].x1 = b[i - 1].x1 + 1;
            b[i].y1 = b[i - 1].y1;
            b[i].x2 = b[i - 1].x2;
            b[i].y2 = b[i - 1].y2 + 2;
        }
    }
    return n;
}

static void test_nms_oracle(void **state)
{
    (void)state;
    struct test_rng rng = {21};
    struct yolo_box ours[BOXES], input[BOXES], theirs[BOXES];
    size_t dropped = 0;
    for (int round = 0; round < 100; round++) {
        struct dm_arena a = {0};
        struct dm_err e = {0};
        struct yolo_nms_params p = standard;
        p.iou = round % 3 == 0 ? 0.5f : 0.7f;
        p.max_det = round % 4 == 0 ? 20 : 300;
        p.max_nms = round % 5 == 0 ? 50 : 30000;
        size_t n = random_boxes(&rng, input, 1 + round % 9);
        memcpy(ours, input, n * sizeof(*ours));
        int kept = yolo_nms(ours, n, &p, &a, &e);
        assert_ok(kept, &e);
        size_t expected = oracle_nms(input, n, &p, theirs);
        assert_int_equal(first_difference(ours, (size_t)kept, theirs, expected), -1);
        dropped += n - expected;
        dm_arena_clear(&a);
    }
    assert_true(dropped > 3000);
}

/* The comparison notices a lost box, a swapped pair and a threshold that is off. */
static void test_nms_planted_faults(void **state)
{
    (void)state;
    struct test_rng rng = {22};
    struct yolo_box ours[BOXES], input[BOXES], theirs[BOXES];
    struct dm_arena a = {0};
    struct dm_err e = {0};
    size_t n = 0;
    while (n < 200) {
        n = random_boxes(&rng, input, 1);
    }
    memcpy(ours, input, sizeof(ours));
    int kept = yolo_nms(ours, n, &standard, &a, &e);
    assert_ok(kept, &e);
    size_t expected = oracle_nms(input, n, &standard, theirs);
    assert_int_equal(first_difference(ours, (size_t)kept, theirs, expected), -1);
    assert_int_not_equal(first_difference(ours, (size_t)kept - 1, theirs, expected), -1);
    struct yolo_box first = ours[0];
    ours[0] = ours[1];
    ours[1] = first;
    assert_int_equal(first_difference(ours, (size_t)kept, theirs, expected), 0);
    struct yolo_nms_params p = standard;
    p.iou = 0.9f;
    memcpy(ours, input, sizeof(ours));
    kept = yolo_nms(ours, n, &p, &a, &e);
    assert_ok(kept, &e);
    assert_int_not_equal(first_difference(ours, (size_t)kept, theirs, expected), -1);
    dm_arena_clear(&a);
}

static void test_saturation(void **state)
{
    (void)state;
    struct test_heads t;
    struct dm_arena a = {0};
    struct yolo_box *b;
    bool saturated;
    struct yolo_nms_params p = standard;
    test_heads_init(&t, 640, 640, 1, 0);
    for (int i = 0; i < 10; i++) {
        double x = 20 + 60 * i;
        assert_true(test_heads_put(&t, x, x, x + 40, x + 40, 0.9 - i * 0.05, 0) >= 0);
    }
    p.max_det = 11;
    assert_int_equal(decode(&t, &p, &a, &b, &saturated), 10);
    assert_false(saturated);
    p.max_det = 10;
    assert_int_equal(decode(&t, &p, &a, &b, &saturated), 10);
    assert_true(saturated);
    p.max_det = 3;
    assert_int_equal(decode(&t, &p, &a, &b, &saturated), 3);
    assert_true(saturated && b[2].score > 0.79f);
    test_heads_clear(&t);
    dm_arena_clear(&a);
}

/* Against ultralytics 8.3.220 with torchvision's kernel: 24 cases, all equal. */
static void test_nms_goldens(void **state)
{
    (void)state;
    FILE *f = fopen(SOURCE_ROOT "/tests/data/vision/nms.txt", "re");
    assert_non_null(f);
    char name[16];
    size_t n, m;
    struct yolo_nms_params p = standard;
    int cases = 0;
    while (fscanf(f, " case %15s %zu %zu %f %f %d", name, &n, &m, &p.conf, &p.iou, &p.max_det) ==
           6) {
        struct dm_arena a = {0};
        struct dm_err e = {0};
        struct yolo_box b[BOXES];
        size_t candidates = 0;
        for (size_t i = 0; i < n; i++) {
            float cx, cy, w, h, score;
            int class_id;
            assert_int_equal(fscanf(f, "%f %f %f %f %f %d", &cx, &cy, &w, &h, &score, &class_id),
                             6);
            b[candidates] = (struct yolo_box){cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2,
                                              score,      class_id,   (int)i};
            candidates += score > p.conf;
        }
        int kept = yolo_nms(b, candidates, &p, &a, &e);
        assert_int_equal(kept, m);
        for (size_t i = 0; i < m; i++) {
            int index;
            assert_int_equal(fscanf(f, "%d", &index), 1);
            assert_int_equal(b[i].anchor, index);
        }
        cases++;
        dm_arena_clear(&a);
    }
    (void)fclose(f);
    assert_int_equal(cases, 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_min_logit),          cmocka_unit_test(test_planted_boxes),
        cmocka_unit_test(test_threshold_and_ties), cmocka_unit_test(test_not_numbers),
        cmocka_unit_test(test_decode_oracle),      cmocka_unit_test(test_output0),
        cmocka_unit_test(test_nms_oracle),         cmocka_unit_test(test_nms_planted_faults),
        cmocka_unit_test(test_saturation),         cmocka_unit_test(test_nms_goldens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
