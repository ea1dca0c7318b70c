/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes through the decoder of one format (compiled once for each, FUZZ_FORMAT). What must
 * hold: no crash, probe and decode agree, a refusal has one of the promised codes and one line of
 * text. */
#include <stdlib.h>
#include <string.h>

#include "image/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void check_refusal(int code, const struct dm_err *e)
{
    check(code == DM_EDECODE || code == DM_ELIMIT || code == DM_EUNSUPPORTED || code == DM_ENOMEM);
    check(e->code == code && e->text[0] != '\0' && !strchr(e->text, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    /* Small pictures: the fuzzer is to meet new code, not to wait for pixels. */
    static const struct image_limits limits = {
        .max_bytes = 1 << 20, .max_megapixels = 0.25, .min_side = 1, .max_side = 4096};
    struct image_info probed;
    struct image_info info;
    struct image im = {0};
    struct dm_err e = {0};
    if (image_sniff(bytes, n) != FUZZ_FORMAT) {
        return 0;
    }
    int code = image_probe(bytes, n, &limits, &probed, &e);
    if (code < 0) {
        check_refusal(code, &e);
        return 0;
    }
    code = image_decode(bytes, n, &limits, &im, &info, &e);
    if (code < 0) {
        check(im.px == NULL);
        check_refusal(code, &e);
        return 0;
    }
    check(im.w == probed.w && im.h == probed.h && im.channels == 3);
    check(info.format == FUZZ_FORMAT && info.exif.orientation == probed.exif.orientation);
    uint8_t sum = 0; /* every pixel is there to be read */
    for (int y = 0; y < im.h; y++) {
        for (int x = 0; x < 3 * im.w; x++) {
            sum = (uint8_t)(sum + image_row(&im, y)[x]);
        }
    }
    volatile uint8_t sink = sum;
    (void)sink;
    image_clear(&im);
    return 0;
}
