/* SPDX-License-Identifier: Apache-2.0
 *
 * Pixel storage: allocation within the image limits, views, copies. Everything that makes pixels
 * comes through here, so the limits are checked once more behind every decoder. */
#include "image/image.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

static int check_size(int w, int h, int channels, struct dm_err *e)
{
    DM_BUG_UNLESS(w >= 1 && h >= 1);
    DM_BUG_UNLESS(channels == 1 || channels == 3 || channels == 4);
    if (w > LIMIT_IMAGE_SIDE_MAX || h > LIMIT_IMAGE_SIDE_MAX ||
        (uint64_t)w * (uint64_t)h > UINT64_C(1000000) * LIMIT_IMAGE_MEGAPIXELS) {
        DM_FAIL(e, DM_ELIMIT, "%d x %d pixels, the limits are %d megapixels and %d a side", w, h,
                LIMIT_IMAGE_MEGAPIXELS, LIMIT_IMAGE_SIDE_MAX);
    }
    return DM_OK;
}

int image_init(struct image *im, int w, int h, int channels, struct dm_err *e)
{
    DM_TRY(check_size(w, h, channels, e));
    size_t stride = (size_t)w * (size_t)channels;
    uint8_t *px = dm_alloc_aligned(stride * (size_t)h);
    if (!px) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %d x %d pixels", w, h);
    }
    *im = (struct image){.px = px, .stride_bytes = stride, .w = w, .h = h, .channels = channels};
    return DM_OK;
}

int image_init_zero(struct image *im, int w, int h, int channels, struct dm_err *e)
{
    DM_TRY(image_init(im, w, h, channels, e));
    memset(im->px, 0, im->stride_bytes * (size_t)im->h);
    return DM_OK;
}

void image_clear(struct image *im)
{
    dm_free(im->px);
    *im = (struct image){0};
}

struct image image_view(const struct image *im, struct image_rect r)
{
    DM_BUG_UNLESS(r.x >= 0 && r.y >= 0 && r.w >= 0 && r.h >= 0);
    DM_BUG_UNLESS(r.w <= im->w - r.x && r.h <= im->h - r.y);
    struct image v = *im;
    v.px += (size_t)r.y * im->stride_bytes + (size_t)r.x * (size_t)im->channels;
    v.w = r.w;
    v.h = r.h;
    return v;
}

struct image_rect image_clip(const struct image *im, struct image_rect r)
{
    /* In 64 bits: a rectangle may come from a detector and lie anywhere. */
    int64_t x0 = DM_MAX((int64_t)r.x, 0);
    int64_t y0 = DM_MAX((int64_t)r.y, 0);
    int64_t x1 = DM_MIN((int64_t)r.x + r.w, (int64_t)im->w);
    int64_t y1 = DM_MIN((int64_t)r.y + r.h, (int64_t)im->h);
    if (x1 <= x0 || y1 <= y0) {
        return (struct image_rect){0};
    }
    return (struct image_rect){(int)x0, (int)y0, (int)(x1 - x0), (int)(y1 - y0)};
}

int image_copy(const struct image *from, struct image *ret, struct dm_err *e)
{
    struct image to;
    DM_TRY(image_init(&to, from->w, from->h, from->channels, e));
    for (int y = 0; y < from->h; y++) {
        memcpy(image_row(&to, y), image_row(from, y), to.stride_bytes);
    }
    *ret = to;
    return DM_OK;
}
