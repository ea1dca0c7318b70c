/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures made of integers only, so that tests/reference/pattern.py makes the same bytes: goldens
 * of real libraries then need no committed input. Also what comparisons of pictures need. */
#ifndef TESTS_SUPPORT_PATTERN_H
#define TESTS_SUPPORT_PATTERN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/image.h"
#include "support/testing.h"

/* Value i of stream seed; splitmix64, Steele et al. 2014. */
static inline uint64_t pattern_mix(uint32_t seed, uint32_t i)
{
    uint64_t z = ((uint64_t)seed << 32 | i) + UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* Whole number in lo..hi inclusive. */
static inline int pattern_int(uint32_t seed, uint32_t i, int lo, int hi)
{
    return lo + (int)((pattern_mix(seed, i) >> 32) % (uint64_t)(hi - lo + 1));
}

/* Triangle wave 0..255 of period 512. */
static inline int pattern_wave(int64_t u)
{
    int t = abs((int)(((u % 512) + 512) % 512) - 256);
    return t < 255 ? t : 255;
}

enum pattern {
    PATTERN_NOISE,  /* every byte random */
    PATTERN_BINARY, /* 0 or 255, random */
    PATTERN_SMOOTH, /* waves of their own per channel, a little noise */
    PATTERN_SPARSE, /* mask, one pixel in eight set */
    PATTERN_DENSE,  /* mask, seven in eight set */
    PATTERN_DISKS,  /* mask, a few disks with holes */
    PATTERN_LEAVES, /* RGB: leaves, dry soil, dark soil */
};

static inline bool pattern_in_disks(uint32_t seed, int x, int y, int w, int h)
{
    bool in = false;
    for (uint32_t k = 0; k < 6; k++) {
        int64_t dx = x - pattern_int(seed, 3 * k, 0, w - 1);
        int64_t dy = y - pattern_int(seed, 3 * k + 1, 0, h - 1);
        int64_t r = pattern_int(seed, 3 * k + 2, 1, (w < h ? w : h) / 3 + 2);
        int64_t d2 = dx * dx + dy * dy;
        if (d2 <= r * r) {
            in = 9 * d2 > r * r; /* a hole in the middle, until another disk covers it */
        }
    }
    return in;
}

static inline uint8_t pattern_leaf(uint32_t seed, int x, int y, int c, uint32_t i)
{
    int field = pattern_wave(5 * x + 2 * y + (int)seed) + pattern_wave(7 * y - 3 * x + 40);
    int noise = (int)(pattern_mix(seed, i) >> 60);
    static const int leaf[3] = {50, 120, 40};
    static const int dry[3] = {95, 75, 55};
    if (field > 280) {
        return (uint8_t)(leaf[c] + 4 * noise);
    }
    if (field > 180) {
        /* Nearly grey and dark: about half of it is soil in the sense of vision.md 8.3 d. */
        return (uint8_t)(36 - 2 * c + (noise >> 2));
    }
    return (uint8_t)(dry[c] + 2 * noise);
}

static inline uint8_t pattern_byte(enum pattern kind, uint32_t seed, const struct image *im, int x,
                                   int y, int c)
{
    uint32_t i = (uint32_t)((y * im->w + x) * im->channels + c);
    switch (kind) {
    case PATTERN_NOISE:
        return (uint8_t)(pattern_mix(seed, i) >> 56);
    case PATTERN_BINARY:
        return pattern_mix(seed, i) >> 63 ? 255 : 0;
    case PATTERN_SMOOTH: {
        int v = (pattern_wave(x * (3 + c) + 2 * y + (int)seed) +
                 pattern_wave(5 * y - x * (1 + c) + 77 * c)) /
                2;
        v += (int)(pattern_mix(seed, i) >> 61);
        return (uint8_t)(v < 255 ? v : 255);
    }
    case PATTERN_SPARSE:
        return pattern_mix(seed, i) >> 61 == 0 ? 255 : 0;
    case PATTERN_DENSE:
        return pattern_mix(seed, i) >> 61 != 0 ? 255 : 0;
    case PATTERN_DISKS:
        return pattern_in_disks(seed, x, y, im->w, im->h) ? 255 : 0;
    case PATTERN_LEAVES:
        return pattern_leaf(seed, x, y, c, i);
    }
    return 0;
}

/* A new picture, owned by the caller. */
static inline struct image pattern_image(enum pattern kind, uint32_t seed, int w, int h,
                                         int channels)
{
    struct image im;
    struct dm_err e = {0};
    assert_ok(image_init(&im, w, h, channels, &e), &e);
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            for (int c = 0; c < channels; c++) {
                image_row(&im, y)[x * channels + c] = pattern_byte(kind, seed, &im, x, y, c);
            }
        }
    }
    return im;
}

/* A new picture of one value. */
static inline struct image plain_image(uint8_t value, int w, int h, int channels)
{
    struct image im;
    struct dm_err e = {0};
    assert_ok(image_init(&im, w, h, channels, &e), &e);
    memset(im.px, value, im.stride_bytes * (size_t)h);
    return im;
}

/* CRC-32 as in zlib, continued from crc (0 to start). */
static inline uint32_t pattern_crc(uint32_t crc, const void *p, size_t n)
{
    crc = ~crc;
    for (const uint8_t *b = p; n > 0; n--, b++) {
        crc ^= *b;
        for (int k = 0; k < 8; k++) {
            crc = crc >> 1 ^ (UINT32_C(0xEDB88320) & -(crc & 1));
        }
    }
    return ~crc;
}

static inline uint32_t image_crc(const struct image *im)
{
    uint32_t crc = 0;
    for (int y = 0; y < im->h; y++) {
        crc = pattern_crc(crc, image_row(im, y), (size_t)im->w * (size_t)im->channels);
    }
    return crc;
}

/* How many bytes of two pictures of one size differ. */
static inline size_t image_differences(const struct image *a, const struct image *b)
{
    assert_int_equal(a->w, b->w);
    assert_int_equal(a->h, b->h);
    assert_int_equal(a->channels, b->channels);
    size_t n = 0;
    for (int y = 0; y < a->h; y++) {
        for (int i = 0; i < a->w * a->channels; i++) {
            n += image_row(a, y)[i] != image_row(b, y)[i];
        }
    }
    return n;
}

/* Makes allocation 1, 2, 3... of `call` fail until it succeeds; each failure must be DM_ENOMEM.
 * After a success `undo` runs. What a failed call leaves behind the leak checker finds. */
#define assert_survives_no_memory(call, undo)                                                      \
    do {                                                                                           \
        size_t survives_n_ = 0;                                                                    \
        int survives_rc_;                                                                          \
        do {                                                                                       \
            struct dm_err e = {0};                                                                 \
            (void)dm_alloc_fail_at(++survives_n_);                                                 \
            survives_rc_ = (call);                                                                 \
            (void)dm_alloc_fail_at(0);                                                             \
            if (survives_rc_ < 0) {                                                                \
                assert_int_equal(survives_rc_, DM_ENOMEM);                                         \
                assert_int_equal(e.code, DM_ENOMEM);                                               \
            }                                                                                      \
        } while (survives_rc_ < 0);                                                                \
        assert_true(survives_n_ > 1); /* it does allocate, so failures were seen */                \
        undo;                                                                                      \
    } while (0)

#endif
