/* SPDX-License-Identifier: Apache-2.0
 *
 * WebP through libwebp. The RIFF chunks are walked here for the EXIF block. Animations are refused:
 * which of their frames a person meant to count, we cannot know. */
#include <string.h>

#include <webp/decode.h>

#include "image/codec_priv.h"

enum { RIFF_HEAD = 12, CHUNK_HEAD = 8 };

static bool webp_sniff(const uint8_t *p, size_t n)
{
    return n >= RIFF_HEAD && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0;
}

static int fail_webp(VP8StatusCode status, size_t n, struct dm_err *e)
{
    if (status == VP8_STATUS_OUT_OF_MEMORY) {
        DM_FAIL(e, DM_ENOMEM, "no memory to decode a WebP");
    }
    if (status == VP8_STATUS_UNSUPPORTED_FEATURE) {
        DM_FAIL(e, DM_EUNSUPPORTED, "WebP of a kind libwebp does not know");
    }
    if (status == VP8_STATUS_NOT_ENOUGH_DATA || status == VP8_STATUS_SUSPENDED) {
        DM_FAIL(e, DM_EDECODE, "WebP is cut off after %zu bytes", n);
    }
    DM_FAIL(e, DM_EDECODE, "WebP is damaged");
}

/* The first chunk of that type, or NULL. */
static const uint8_t *find_chunk(struct codec_input in, const char *type, size_t *ret_n)
{
    size_t at = RIFF_HEAD;
    while (in.n - at >= CHUNK_HEAD) {
        size_t n = codec_le32(in.bytes + at + 4);
        if (n > in.n - at - CHUNK_HEAD) {
            return NULL;
        }
        if (memcmp(in.bytes + at, type, 4) == 0) {
            *ret_n = n;
            return in.bytes + at + CHUNK_HEAD;
        }
        at += CHUNK_HEAD + n;
        at += n & 1 && at < in.n; /* chunks are padded to even sizes */
    }
    return NULL;
}

static int webp_probe(struct codec_input in, struct image_info *ret, struct dm_err *e)
{
    WebPBitstreamFeatures f;
    VP8StatusCode status = WebPGetFeatures(in.bytes, in.n, &f);
    if (status != VP8_STATUS_OK) {
        return fail_webp(status, in.n, e);
    }
    if (f.has_animation) {
        DM_FAIL(e, DM_EUNSUPPORTED, "animated WebP is not supported; send a still picture");
    }
    ret->stored_w = f.width;
    ret->stored_h = f.height;
    size_t n;
    const uint8_t *exif = find_chunk(in, "EXIF", &n);
    return exif ? exif_parse(exif, n, &ret->exif, e) : DM_OK;
}

static int webp_decode(struct codec_input in, const struct image_info *info, struct image *im,
                       struct dm_err *e)
{
    WebPDecoderConfig c;
    DM_TRY(image_init(im, info->stored_w, info->stored_h, 3, e));
    if (!WebPInitDecoderConfig(&c)) {
        DM_FAIL(e, DM_EINTERNAL, "libwebp of another version than it was built for");
    }
    c.output.colorspace = MODE_RGB; /* drops alpha without blending */
    c.output.is_external_memory = 1;
    c.output.u.RGBA.rgba = im->px;
    c.output.u.RGBA.stride = (int)im->stride_bytes;
    c.output.u.RGBA.size = im->stride_bytes * (size_t)im->h;
    VP8StatusCode status = WebPDecode(in.bytes, in.n, &c);
    WebPFreeDecBuffer(&c.output); /* keeps external memory */
    return status == VP8_STATUS_OK ? DM_OK : fail_webp(status, in.n, e);
}

const struct codec codec_webp = {
    .format = IMAGE_FORMAT_WEBP,
    .name = "WebP",
    .mime = "image/webp",
    .sniff = webp_sniff,
    .probe = webp_probe,
    .decode = webp_decode,
};
