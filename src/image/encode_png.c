/* SPDX-License-Identifier: Apache-2.0
 *
 * PNG writer for overlays that must be exact and for masks: on request only, since packing 12
 * megapixels takes longer than counting their plants. */
#include <spng.h>

#include "image/codec.h"

static int append(spng_ctx *s, void *user, void *bytes, size_t n)
{
    struct dm_buf *out = user;
    (void)s;
    dm_buf_append(out, bytes, n);
    return out->failed ? SPNG_IO_ERROR : 0;
}

static void freep_ctx(spng_ctx **s)
{
    spng_ctx_free(*s);
}

static int write_rows(spng_ctx *s, const struct image *im)
{
    int err =
        spng_encode_image(s, NULL, 0, SPNG_FMT_PNG, SPNG_ENCODE_PROGRESSIVE | SPNG_ENCODE_FINALIZE);
    size_t row = (size_t)im->w * (size_t)im->channels;
    for (int y = 0; y < im->h && !err; y++) {
        err = spng_encode_row(s, image_row(im, y), row);
    }
    return err == SPNG_EOI ? 0 : err; /* the last row says so */
}

int image_encode_png(const struct image *im, int level, struct dm_buf *out, struct dm_err *e)
{
    DM_BUG_UNLESS(level >= 0 && level <= 9);
    struct spng_ihdr ihdr = {.width = (uint32_t)im->w,
                             .height = (uint32_t)im->h,
                             .bit_depth = 8,
                             .color_type = im->channels == 1   ? SPNG_COLOR_TYPE_GRAYSCALE
                                           : im->channels == 3 ? SPNG_COLOR_TYPE_TRUECOLOR
                                                               : SPNG_COLOR_TYPE_TRUECOLOR_ALPHA};
    DM_CLEANUP(freep_ctx) spng_ctx *s = spng_ctx_new(SPNG_CTX_ENCODER);
    int err = s ? spng_set_png_stream(s, append, out) : SPNG_EMEM;
    if (!err) {
        err = spng_set_option(s, SPNG_IMG_COMPRESSION_LEVEL, level);
    }
    if (!err) {
        err = spng_set_ihdr(s, &ihdr);
    }
    if (!err) {
        err = write_rows(s, im);
    }
    DM_TRY(dm_buf_ok(out, e));
    if (err) {
        DM_FAIL(e, err == SPNG_EMEM ? DM_ENOMEM : DM_EINTERNAL, "writing a PNG: %s",
                spng_strerror(err));
    }
    return DM_OK;
}
