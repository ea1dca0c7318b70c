/* SPDX-License-Identifier: Apache-2.0
 *
 * QR labels inside a photograph, by ZBar. It looks at lightness alone. Large photos are made
 * smaller first, because time grows with the pixels; a module should keep 1 to 2 px, which for a
 * photo of a whole claro (some 4 m wide) means a label of 6 cm. */
#include "image/qr.h"

#include <stdbool.h>
#include <string.h>

#include <zbar.h>

#include "base/alloc.h"

enum { LONGEST_PX = 2400, FINE_PX = 1200, TEXT_MAX = 512 };

/* Add the lightness of a row to cells of step pixels. */
static void add_row(const struct image *im, int y, int step, unsigned w, uint32_t *sum)
{
    const uint8_t *p = image_row(im, y);
    for (unsigned x = 0; x < w; x++) {
        for (int k = 0; k < step; k++, p += im->channels) {
            sum[x] += im->channels == 1 ? p[0] * 256U : p[0] * 77U + p[1] * 150U + p[2] * 29U;
        }
    }
}

/* Means of step x step pixels. */
static int fill(const struct image *im, int step, unsigned w, unsigned h, uint8_t *to,
                struct dm_err *e)
{
    DM_CLEANUP(dm_freep) uint32_t *sum = dm_calloc(w, sizeof(*sum));
    const uint32_t cell = 256U * (unsigned)(step * step);
    if (!sum) {
        DM_FAIL(e, DM_ENOMEM, "no memory to look for labels");
    }
    for (unsigned y = 0; y < h; y++) {
        memset(sum, 0, w * sizeof(*sum));
        for (int k = 0; k < step; k++) {
            add_row(im, (int)y * step + k, step, w, sum);
        }
        for (unsigned x = 0; x < w; x++) {
            *to++ = (uint8_t)(sum[x] / cell);
        }
    }
    return DM_OK;
}

static bool printable(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e) {
            return false;
        }
    }
    return n > 0 && n <= TEXT_MAX;
}

static int take_texts(const zbar_image_t *z, struct dm_arena *a, const char **ret, size_t *ret_n,
                      struct dm_err *e)
{
    size_t n = 0;
    for (const zbar_symbol_t *s = zbar_image_first_symbol(z); s && n < IMAGE_QR_MAX;
         s = zbar_symbol_next(s)) {
        const char *text = zbar_symbol_get_data(s);
        const size_t len = zbar_symbol_get_data_length(s);
        if (zbar_symbol_get_type(s) == ZBAR_QRCODE && text && printable(text, len)) {
            ret[n] = dm_arena_strndup(a, text, len);
            if (!ret[n++]) {
                DM_FAIL(e, DM_ENOMEM, "no memory for a label");
            }
        }
    }
    *ret_n = n;
    return DM_OK;
}

static int scan(const uint8_t *px, unsigned w, unsigned h, struct dm_arena *a, const char **ret,
                size_t *ret_n, struct dm_err *e)
{
    zbar_image_scanner_t *scanner = zbar_image_scanner_create();
    zbar_image_t *z = zbar_image_create();
    const int lines = w > FINE_PX || h > FINE_PX ? 2 : 1; /* a module of such a picture has 2 px */
    int code = DM_OK;
    if (!scanner || !z) {
        code = dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory to look for labels");
    } else {
        (void)zbar_image_scanner_set_config(scanner, 0, ZBAR_CFG_ENABLE, 0);
        (void)zbar_image_scanner_set_config(scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1);
        (void)zbar_image_scanner_set_config(scanner, 0, ZBAR_CFG_X_DENSITY, lines);
        (void)zbar_image_scanner_set_config(scanner, 0, ZBAR_CFG_Y_DENSITY, lines);
        zbar_image_set_format(z, zbar_fourcc('Y', '8', '0', '0'));
        zbar_image_set_size(z, w, h);
        zbar_image_set_data(z, px, (unsigned long)w * h, NULL);
        *ret_n = 0;
        if (zbar_scan_image(scanner, z) > 0) {
            code = take_texts(z, a, ret, ret_n, e);
        }
    }
    if (z) {
        zbar_image_destroy(z);
    }
    if (scanner) {
        zbar_image_scanner_destroy(scanner);
    }
    return code;
}

int image_find_qr(const struct image *im, struct dm_arena *a, const char *ret[static IMAGE_QR_MAX],
                  size_t *ret_n, struct dm_err *e)
{
    const int longer = DM_MAX(im->w, im->h);
    const int step = (longer + LONGEST_PX - 1) / LONGEST_PX;
    const unsigned w = (unsigned)(im->w / step);
    const unsigned h = (unsigned)(im->h / step);
    DM_CLEANUP(dm_freep) uint8_t *px = dm_alloc((size_t)w * h);
    if (!px) {
        DM_FAIL(e, DM_ENOMEM, "no memory to look for labels");
    }
    DM_TRY(fill(im, step, w, h, px, e));
    return scan(px, w, h, a, ret, ret_n, e);
}
