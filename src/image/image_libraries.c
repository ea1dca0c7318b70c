/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions of the libraries behind the decoders. libjpeg-turbo and libexif have no call for it:
 * theirs are of the headers we were built with. */
#include "image/image_libraries.h"

#include <stdio.h>

#include <dav1d/dav1d.h>
#include <jconfig.h>
#include <libde265/de265.h>
#include <libheif/heif.h>
#include <spng.h>
#include <tiffio.h>
#include <webp/decode.h>

#include "base/macros.h"

#define TEXT_OF(x)  TEXT_OF_(x)
#define TEXT_OF_(x) #x

/* libtiff gives "LIBTIFF, Version 4.5.0" and a copyright on further lines. */
static void tiff_version(char *ret, size_t size)
{
    const char *text = TIFFGetVersion();
    const char *number = text + strcspn(text, "0123456789\n");
    (void)snprintf(ret, size, "%.*s", (int)strcspn(number, "\n"), number);
}

static void put(struct dm_library *to, const char *name, const char *version)
{
    *to = (struct dm_library){.name = name};
    (void)snprintf(to->version, sizeof(to->version), "%s", version);
}

size_t image_libraries(struct dm_library ret[static DM_LIBRARIES_MAX])
{
    char number[32];
    const int webp = WebPGetDecoderVersion();
    put(&ret[0], "libjpeg-turbo", TEXT_OF(LIBJPEG_TURBO_VERSION));
    put(&ret[1], "libspng", spng_version_string());
    (void)snprintf(number, sizeof(number), "%d.%d.%d", webp >> 16, webp >> 8 & 255, webp & 255);
    put(&ret[2], "libwebp", number);
    tiff_version(number, sizeof(number));
    put(&ret[3], "libtiff", number);
    put(&ret[4], "libheif", heif_get_version());
    put(&ret[5], "libde265", de265_get_version());
    put(&ret[6], "dav1d", dav1d_version());
    put(&ret[7], "libexif", LIBEXIF_VERSION);
    return 8;
}
