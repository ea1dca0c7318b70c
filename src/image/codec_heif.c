/* SPDX-License-Identifier: Apache-2.0
 *
 * HEIF and AVIF through libheif: what iPhones and recent Android phones write. Only the primary
 * picture is decoded; the container's rotation, mirroring and cropping are applied by the library,
 * so the orientation in EXIF, which repeats them, is not. Both formats are one container; they
 * differ in their brand. */
#include <string.h>

#include <libheif/heif.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/pool.h"
#include "image/codec_heif_priv.h"

enum { FTYP_MIN = 16, TILE_THREADS = 4 };

struct file {
    const char *name; /* of the format */
    struct heif_context *ctx;
    struct heif_image_handle *handle; /* of the primary picture */
};

static void file_clear(struct file *f)
{
    heif_image_handle_release(f->handle);
    heif_context_free(f->ctx);
}

static int fail_heif(const struct file *f, struct heif_error err, struct dm_err *e)
{
    static const char wrapping[] = "Unspecified: "; /* around what our decoders say */
    const char *own = strstr(err.message, wrapping);
    int code = DM_EDECODE;
    if (err.subcode == heif_suberror_Security_limit_exceeded) {
        code = DM_ELIMIT;
    } else if (err.code == heif_error_Memory_allocation_error) {
        code = DM_ENOMEM;
    } else if (err.code == heif_error_Unsupported_feature ||
               err.code == heif_error_Unsupported_filetype) {
        code = DM_EUNSUPPORTED;
    }
    CODEC_FAIL(e, code, f->name, own ? own + sizeof(wrapping) - 1 : err.message);
}

static int file_open(struct file *f, struct codec_input in, struct dm_err *e)
{
    f->name = image_format_name(image_sniff(in.bytes, in.n));
    DM_TRY(heif_check(in, e));
    DM_TRY(heif_register_decoders(e));
    f->ctx = heif_context_alloc();
    if (!f->ctx) {
        DM_FAIL(e, DM_ENOMEM, "no memory to read a HEIF");
    }
    heif_context_set_maximum_image_size_limit(f->ctx, LIMIT_IMAGE_SIDE_MAX + 1);
    heif_context_set_max_decoding_threads(f->ctx,
                                          (int)DM_MIN(dm_cpu_count(), (size_t)TILE_THREADS));
    struct heif_error err =
        heif_context_read_from_memory_without_copy(f->ctx, in.bytes, in.n, NULL);
    if (err.code == heif_error_Ok) {
        err = heif_context_get_primary_image_handle(f->ctx, &f->handle);
    }
    return err.code == heif_error_Ok ? DM_OK : fail_heif(f, err, e);
}

static int take_exif(const struct heif_image_handle *h, struct image_exif *x, struct dm_err *e)
{
    heif_item_id id;
    if (heif_image_handle_get_list_of_metadata_block_IDs(h, "Exif", &id, 1) < 1) {
        return DM_OK;
    }
    size_t n = heif_image_handle_get_metadata_size(h, id);
    if (n <= 4 || n > LIMIT_METADATA_BYTES) {
        return DM_OK;
    }
    DM_CLEANUP(dm_freep) uint8_t *block = dm_alloc(n);
    if (!block) {
        DM_FAIL(e, DM_ENOMEM, "no memory to read the EXIF block");
    }
    if (heif_image_handle_get_metadata(h, id, block).code != heif_error_Ok) {
        return DM_OK;
    }
    size_t skip = codec_be32(block); /* from behind this number to the TIFF header */
    if (skip < n - 4) {
        DM_TRY(exif_parse(block + 4 + skip, n - 4 - skip, x, e));
    }
    x->orientation = 1;
    return DM_OK;
}

static int heif_probe(struct codec_input in, struct image_info *ret, struct dm_err *e)
{
    DM_CLEANUP(file_clear) struct file f = {0};
    DM_TRY(file_open(&f, in, e));
    ret->stored_w = heif_image_handle_get_ispe_width(f.handle);
    ret->stored_h = heif_image_handle_get_ispe_height(f.handle);
    ret->w = heif_image_handle_get_width(f.handle);
    ret->h = heif_image_handle_get_height(f.handle);
    if (ret->stored_w <= 0 || ret->stored_h <= 0 || ret->w <= 0 || ret->h <= 0) {
        DM_FAIL(e, DM_EDECODE, "HEIF without a size");
    }
    return take_exif(f.handle, &ret->exif, e);
}

struct plane {
    const uint8_t *px;
    size_t stride_bytes;
    int w, h, bits;
};

static int take_plane(const struct heif_image *from, enum heif_channel c,
                      const struct image_info *info, struct plane *ret, struct dm_err *e)
{
    int stride = 0;
    ret->px = heif_image_get_plane_readonly(from, c, &stride);
    ret->stride_bytes = (size_t)stride;
    ret->w = heif_image_get_width(from, c);
    ret->h = heif_image_get_height(from, c);
    ret->bits = heif_image_get_bits_per_pixel_range(from, c);
    if (!ret->px || ret->w != info->w || ret->h != info->h || ret->bits < 8 || ret->bits > 16) {
        DM_FAIL(e, DM_EDECODE, "%s promises %d x %d pixels and holds %d x %d of %d bits",
                image_format_name(info->format), info->w, info->h, ret->w, ret->h, ret->bits);
    }
    return DM_OK;
}

/* One colour of all pixels; more than 8 bits lose their low ones. */
static void put_plane(const struct plane *p, int channel, struct image *im)
{
    int shift = p->bits - 8;
    for (int y = 0; y < im->h; y++) {
        const uint8_t *in = p->px + (size_t)y * p->stride_bytes;
        uint8_t *out = image_row(im, y) + channel;
        if (shift == 0) {
            for (int x = 0; x < im->w; x++) {
                out[3 * x] = in[x];
            }
        } else {
            for (int x = 0; x < im->w; x++) {
                uint16_t v;
                memcpy(&v, in + 2 * (size_t)x, 2);
                out[3 * x] = (uint8_t)(v >> shift);
            }
        }
    }
}

static void image_release(struct heif_image **im)
{
    heif_image_release(*im);
}

static int heif_decode(struct codec_input in, const struct image_info *info, struct image *im,
                       struct dm_err *e)
{
    static const enum heif_channel channel[] = {heif_channel_R, heif_channel_G, heif_channel_B};
    DM_CLEANUP(file_clear) struct file f = {0};
    DM_CLEANUP(image_release) struct heif_image *decoded = NULL;
    struct plane plane[3];
    DM_TRY(file_open(&f, in, e));
    struct heif_error err =
        heif_decode_image(f.handle, &decoded, heif_colorspace_RGB, heif_chroma_444, NULL);
    if (err.code != heif_error_Ok) {
        return fail_heif(&f, err, e);
    }
    for (int c = 0; c < 3; c++) {
        DM_TRY(take_plane(decoded, channel[c], info, &plane[c], e));
    }
    DM_TRY(image_init(im, info->w, info->h, 3, e));
    for (int c = 0; c < 3; c++) {
        put_plane(&plane[c], c, im);
    }
    return DM_OK;
}

/* Is one of the file's brands in the list (four letters each)? */
static bool has_brand(const uint8_t *p, size_t n, const char *list)
{
    if (n < FTYP_MIN || memcmp(p + 4, "ftyp", 4) != 0) {
        return false;
    }
    size_t end = DM_MIN((size_t)codec_be32(p), n);
    for (size_t at = 8; at + 4 <= end; at += at == 8 ? 8 : 4) { /* 12 is a version number */
        for (const char *b = list; *b; b += 4) {
            if (memcmp(p + at, b, 4) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool avif_sniff(const uint8_t *p, size_t n)
{
    return has_brand(p, n, "avifavis");
}

static bool heif_sniff(const uint8_t *p, size_t n)
{
    return !avif_sniff(p, n) && has_brand(p, n, "heicheixhevchevxheimheismif1msf1miaf");
}

const struct codec codec_heif = {
    .format = IMAGE_FORMAT_HEIF,
    .name = "HEIF",
    .mime = "image/heic",
    .sniff = heif_sniff,
    .probe = heif_probe,
    .decode = heif_decode,
};

const struct codec codec_avif = {
    .format = IMAGE_FORMAT_AVIF,
    .name = "AVIF",
    .mime = "image/avif",
    .sniff = avif_sniff,
    .probe = heif_probe,
    .decode = heif_decode,
};
