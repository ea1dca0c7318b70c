/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as an EXIF block: no crash, and every value within its range. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/codec_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(bool ok)
{
    if (!ok) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct image_exif x;
    struct dm_err e = {0};
    exif_init(&x);
    check(exif_parse(bytes, n, &x, &e) == DM_OK);
    check(x.orientation >= 1 && x.orientation <= 8);
    check(!x.has_gps || (fabs(x.latitude_deg) <= 90 && fabs(x.longitude_deg) <= 180));
    size_t date = strnlen(x.captured_at, sizeof(x.captured_at));
    check(date == 0 || date == 19 || date == 25);
    check(strnlen(x.make, sizeof(x.make)) < sizeof(x.make));
    check(strnlen(x.model, sizeof(x.model)) < sizeof(x.model));
    return 0;
}
