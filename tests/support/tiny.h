/* SPDX-License-Identifier: Apache-2.0
 *
 * The miniature networks of tests/data/onnx: where they lie, the picture they are fed with and how
 * results are compared. The including test is compiled with -DSOURCE_ROOT. */
#ifndef TESTS_SUPPORT_TINY_H
#define TESTS_SUPPORT_TINY_H

#include <math.h>

#include "base/buf.h"
#include "support/testing.h"

#define TINY_FILE(name) SOURCE_ROOT "/tests/data/onnx/" name

/* Picture [3][h][w] as bytes: a byte of xorshift64* covers 4x4 pixels. picture() of
 * tests/reference/gen_tiny_onnx.py makes the same. w, h multiples of 4. */
static inline void tiny_picture_u8(int w, int h, uint8_t *planes)
{
    struct test_rng r = {1};
    for (int c = 0; c < 3; c++) {
        for (int y = 0; y < h; y += 4) {
            for (int x = 0; x < w; x += 4) {
                uint8_t v = (uint8_t)(test_rng_next(&r) >> 56);
                for (int i = 0; i < 16; i++) {
                    planes[((size_t)c * (size_t)h + (size_t)(y + i / 4)) * (size_t)w +
                           (size_t)(x + i % 4)] = v;
                }
            }
        }
    }
}

/* The same as floats in 0..1. */
static inline void tiny_picture(int w, int h, float *planes)
{
    size_t n = 3 * (size_t)w * (size_t)h;
    uint8_t *bytes = test_malloc(n);
    tiny_picture_u8(w, h, bytes);
    for (size_t i = 0; i < n; i++) {
        planes[i] = (float)bytes[i] / 255.0f;
    }
    test_free(bytes);
}

/* Whole file; the caller clears it. */
static inline struct dm_buf tiny_read(const char *path)
{
    struct dm_buf b = dm_buf_init((size_t)1 << 30);
    struct dm_err e = {0};
    assert_ok(dm_buf_read_file(&b, path, &e), &e);
    return b;
}

/* Largest |a - b| / max(1, |b|); infinite when a is not finite. */
static inline double tiny_error(const float *a, const float *b, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]) / fmax(1, fabs((double)b[i]));
        worst = isfinite(a[i]) ? fmax(worst, d) : INFINITY;
    }
    return worst;
}

#endif
