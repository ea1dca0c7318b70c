/* SPDX-License-Identifier: Apache-2.0
 *
 * EXIF orientation. Phones held upright write orientation 6, so this runs on most photos. The
 * transposing cases go strip by strip: a few rows of the source, all of them in cache, against
 * every row of the result. The JPEG decoder writes into such a strip, so that a turned photo needs
 * no second picture: 12 megapixels are 36 MB and 20 ms. */
#include <string.h>

#include "base/alloc.h"
#include "base/arith.h"
#include "image/codec_priv.h"

enum { STRIP = 64, AHEAD = 8 };

static void swap_bytes(uint8_t *a, uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t t = a[i];
        a[i] = b[i];
        b[i] = t;
    }
}

static inline void flip_pixels(uint8_t *row, int w, size_t px)
{
    uint8_t *a = row;
    uint8_t *b = row + (size_t)(w - 1) * px;
    for (; a < b; a += px, b -= px) {
        uint8_t t[4];
        memcpy(t, a, px);
        memcpy(a, b, px);
        memcpy(b, t, px);
    }
}

/* The usual case with a constant size: the copies become moves. */
static void flip_row(uint8_t *row, int w, size_t px)
{
    if (px == 3) {
        flip_pixels(row, w, 3);
    } else {
        flip_pixels(row, w, px);
    }
}

static void flip_vertical(struct image *im)
{
    size_t row = (size_t)im->w * (size_t)im->channels;
    for (int a = 0, b = im->h - 1; a < b; a++, b--) {
        swap_bytes(image_row(im, a), image_row(im, b), row);
    }
}

static bool is_mirrored(int orientation)
{
    return orientation == 2 || orientation == 3;
}

static bool is_upside_down(int orientation)
{
    return orientation == 3 || orientation == 4;
}

/* n pixels of one row of the result, from a column of the source. */
static inline void copy_column(const uint8_t *s, ptrdiff_t step, uint8_t *d, int n, size_t px)
{
    for (int i = 0; i < n; i++, s += step, d += px) {
        memcpy(d, s, px);
    }
}

/* The same for 3 bytes a pixel with whole-word moves: the fourth byte is overwritten by the next
 * pixel, so only the last one is exact. The source must not be the last column. */
static inline void copy_column_rgb(const uint8_t *s, ptrdiff_t step, uint8_t *d, int n)
{
    for (int i = 0; i < n - 1; i++, s += step, d += 3) {
        memcpy(d, s, 4);
    }
    memcpy(d, s, 3);
}

/* Put rows y0.. of the stored picture into the columns of the result: 5 transpose, 6 turn right,
 * 7 anti-transpose, 8 turn left. */
static void turn_strip(const struct image *strip, int y0, int orientation, struct image *out)
{
    bool from_right = orientation == 7 || orientation == 8;
    bool from_bottom = orientation == 6 || orientation == 7;
    size_t px = (size_t)strip->channels;
    int row_bytes = strip->h * strip->channels; /* what a row of the result gets */
    int x0 = from_bottom ? out->w - y0 - strip->h : y0;
    const uint8_t *s = image_row(strip, from_bottom ? strip->h - 1 : 0);
    ptrdiff_t step = (ptrdiff_t)strip->stride_bytes * (from_bottom ? -1 : 1);
    ptrdiff_t next = (ptrdiff_t)out->stride_bytes * (from_right ? -1 : 1);
    for (int x = 0; x < strip->w; x++, s += px) {
        int y = from_right ? out->h - 1 - x : x;
        uint8_t *d = image_row(out, y) + (size_t)x0 * px;
        for (int b = 0; x + AHEAD < strip->w && b < row_bytes + 63; b += 64) {
            __builtin_prefetch(d + AHEAD * next + b, 1); /* every row is a miss: halves the time */
        }
        if (px == 3 && x < strip->w - 1) {
            copy_column_rgb(s, step, d, strip->h);
        } else {
            copy_column(s, step, d, strip->h, px);
        }
    }
}

int image_orient(struct image *im, int orientation, struct dm_err *e)
{
    DM_BUG_UNLESS(orientation >= 1 && orientation <= 8);
    if (orientation >= 5) {
        struct image out;
        DM_TRY(image_init(&out, im->h, im->w, im->channels, e));
        for (int y = 0; y < im->h; y += STRIP) {
            struct image_rect r = {0, y, im->w, DM_MIN(STRIP, im->h - y)};
            struct image strip = image_view(im, r);
            turn_strip(&strip, y, orientation, &out);
        }
        image_clear(im);
        *im = out;
        return DM_OK;
    }
    for (int y = 0; is_mirrored(orientation) && y < im->h; y++) {
        flip_row(image_row(im, y), im->w, (size_t)im->channels);
    }
    if (is_upside_down(orientation)) {
        flip_vertical(im);
    }
    return DM_OK;
}

int orient_init(struct orient *o, struct image *out, int w, int h, int orientation,
                struct dm_err *e)
{
    DM_BUG_UNLESS(orientation >= 1 && orientation <= 8);
    bool turned = orientation >= 5;
    *o = (struct orient){.out = out, .orientation = orientation, .w = w, .h = h};
    DM_TRY(image_init(out, turned ? h : w, turned ? w : h, 3, e));
    if (turned) {
        /* An odd number of cache lines a row: the pixels of a column then lie in different sets. */
        size_t stride = (dm_align_up((size_t)w * 3, 64) / 64 | 1) * 64;
        uint8_t *px = dm_alloc_aligned(stride * STRIP);
        if (!px) {
            DM_FAIL(e, DM_ENOMEM, "no memory for %d x %d pixels", w, STRIP);
        }
        o->strip =
            (struct image){.px = px, .stride_bytes = stride, .w = w, .h = STRIP, .channels = 3};
    }
    return DM_OK;
}

void orient_clear(struct orient *o)
{
    image_clear(&o->strip);
}

int orient_room(const struct orient *o)
{
    int left = o->h - o->y;
    return o->orientation >= 5 ? DM_MIN(left, STRIP - o->y % STRIP) : left;
}

uint8_t *orient_row(const struct orient *o, int i)
{
    int y = o->y + i;
    if (o->orientation >= 5) {
        return image_row(&o->strip, y % STRIP);
    }
    return image_row(o->out, is_upside_down(o->orientation) ? o->h - 1 - y : y);
}

void orient_advance(struct orient *o, int n)
{
    DM_BUG_UNLESS(n >= 0 && n <= orient_room(o));
    for (int i = 0; is_mirrored(o->orientation) && i < n; i++) {
        flip_row(orient_row(o, i), o->w, 3);
    }
    o->y += n;
    if (o->orientation >= 5 && n > 0 && (o->y % STRIP == 0 || o->y == o->h)) {
        int rows = (o->y - 1) % STRIP + 1;
        struct image strip = image_view(&o->strip, (struct image_rect){0, 0, o->w, rows});
        turn_strip(&strip, o->y - rows, o->orientation, o->out);
    }
}
