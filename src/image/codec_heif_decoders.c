/* SPDX-License-Identifier: Apache-2.0
 *
 * HEVC and AV1 decoders for libheif. Its built-in ones allow a frame of a gigapixel whatever the
 * container says, decode every frame of a stream to keep the last, and hand out frames with
 * concealed damage. These stop at the first frame, at LIMIT_IMAGE_MEGAPIXELS before its planes are
 * allocated, and at the first error. They outrank the built-in ones by priority.
 *
 * Called once a picture, or once a tile from up to four threads at a time. */
#include <pthread.h>
#include <string.h>

#include <dav1d/dav1d.h>
#include <libde265/de265.h>
#include <libheif/heif.h>
#include <libheif/heif_plugin.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/pool.h"
#include "image/codec_heif_priv.h"

enum {
    PRIORITY = 10000,     /* the built-in ones have 100 to 150 */
    NAL_ROUNDS = 1000000, /* of de265_decode, against a stream that never ends */
    AV1_FRAMES = 64,      /* hidden ones before the first shown frame */
    MAX_PIXELS = 1000000 * LIMIT_IMAGE_MEGAPIXELS,
    AV1_THREADS = 8
};

static struct heif_error ok(void)
{
    return (struct heif_error){heif_error_Ok, heif_suberror_Unspecified, "Success"};
}

static struct heif_error failed(const char *message)
{
    return (struct heif_error){heif_error_Decoder_plugin_error, heif_suberror_Unspecified, message};
}

static struct heif_error out_of_memory(void)
{
    return (struct heif_error){heif_error_Memory_allocation_error, heif_suberror_Unspecified,
                               "out of memory"};
}

/* A decoded frame, borrowed. */
struct frame {
    int w, h, bits;
    enum heif_chroma chroma;
    const uint8_t *plane[3];
    ptrdiff_t stride_bytes[3];
    int plane_w[3], plane_h[3];
    int primaries, transfer, matrix;
    bool full_range;
};

static struct heif_error copy_planes(const struct frame *f, struct heif_image *to)
{
    static const enum heif_channel channel[] = {heif_channel_Y, heif_channel_Cb, heif_channel_Cr};
    int planes = f->chroma == heif_chroma_monochrome ? 1 : 3;
    for (int c = 0; c < planes; c++) {
        struct heif_error err =
            heif_image_add_plane(to, channel[c], f->plane_w[c], f->plane_h[c], f->bits);
        if (err.code != heif_error_Ok) {
            return err;
        }
        int stride;
        uint8_t *out = heif_image_get_plane(to, channel[c], &stride);
        size_t row = (size_t)f->plane_w[c] * (f->bits > 8 ? 2 : 1);
        if (!out || (size_t)stride < row) {
            return out_of_memory();
        }
        for (int y = 0; y < f->plane_h[c]; y++) {
            memcpy(out + (size_t)y * (size_t)stride, f->plane[c] + y * f->stride_bytes[c], row);
        }
    }
    return ok();
}

/* What the stream says about its colours; libheif prefers what the container says. Unknown numbers
 * leave the default. */
static void copy_colours(const struct frame *f, struct heif_image *to)
{
    struct heif_color_profile_nclx *nclx = heif_nclx_color_profile_alloc();
    if (nclx) {
        (void)heif_nclx_color_profile_set_color_primaries(nclx, (uint16_t)f->primaries);
        (void)heif_nclx_color_profile_set_transfer_characteristics(nclx, (uint16_t)f->transfer);
        (void)heif_nclx_color_profile_set_matrix_coefficients(nclx, (uint16_t)f->matrix);
        nclx->full_range_flag = f->full_range;
        (void)heif_image_set_nclx_color_profile(to, nclx);
        heif_nclx_color_profile_free(nclx);
    }
}

static struct heif_error hand_over(const struct frame *f, struct heif_image **ret)
{
    struct heif_image *im = NULL;
    enum heif_colorspace space =
        f->chroma == heif_chroma_monochrome ? heif_colorspace_monochrome : heif_colorspace_YCbCr;
    struct heif_error err = heif_image_create(f->w, f->h, space, f->chroma, &im);
    if (err.code == heif_error_Ok) {
        err = copy_planes(f, im);
    }
    if (err.code != heif_error_Ok) {
        heif_image_release(im);
        return err;
    }
    copy_colours(f, im);
    *ret = im;
    return ok();
}

/* ---- HEVC ---- */

struct hevc {
    de265_decoder_context *ctx;
};

static bool size_ok(int w, int h)
{
    return w > 0 && h > 0 && (int64_t)w * h <= MAX_PIXELS;
}

/* Called with the sequence header's numbers before anything is allocated in their proportion. */
static int hevc_get_buffer(de265_decoder_context *ctx, struct de265_image_spec *spec,
                           struct de265_image *img, void *user)
{
    bool crop_ok = spec->crop_left >= 0 && spec->crop_left < spec->width && spec->crop_right >= 0 &&
                   spec->crop_right < spec->width && spec->crop_top >= 0 &&
                   spec->crop_top < spec->height && spec->crop_bottom >= 0 &&
                   spec->crop_bottom < spec->height;
    if (!size_ok(spec->width, spec->height) || !crop_ok || spec->visible_width <= 0 ||
        spec->visible_height <= 0) {
        return 0;
    }
    return de265_get_default_image_allocation_functions()->get_buffer(ctx, spec, img, user);
}

static void hevc_release_buffer(de265_decoder_context *ctx, struct de265_image *img, void *user)
{
    de265_get_default_image_allocation_functions()->release_buffer(ctx, img, user);
}

static void hevc_free(void *d)
{
    struct hevc *h = d;
    if (h) {
        (void)de265_free_decoder(h->ctx);
        dm_free(h);
    }
}

static struct heif_error hevc_new(void **ret)
{
    static struct de265_image_allocation allocation = {hevc_get_buffer, hevc_release_buffer};
    struct hevc *h = dm_calloc(1, sizeof(*h));
    de265_decoder_context *ctx = h ? de265_new_decoder() : NULL;
    if (!ctx) {
        dm_free(h);
        return out_of_memory();
    }
    h->ctx = ctx;
    de265_set_image_allocation_functions(ctx, &allocation, NULL);
    de265_set_parameter_bool(ctx, DE265_DECODER_PARAM_SUPPRESS_FAULTY_PICTURES, 1);
    *ret = h;
    return ok();
}

/* Units with a four-byte length in front, headers first: libheif writes them so. */
static struct heif_error hevc_push(void *d, const void *data, size_t n)
{
    struct hevc *h = d;
    const uint8_t *p = data;
    while (n > 0) {
        size_t unit = n >= 4 ? codec_be32(p) : SIZE_MAX;
        if (unit > n - 4 || unit > INT32_MAX) {
            return failed("the HEVC data is cut off");
        }
        if (unit > 0 && de265_push_NAL(h->ctx, p + 4, (int)unit, 0, NULL) != DE265_OK) {
            return failed("the HEVC data is damaged");
        }
        p += 4 + unit;
        n -= 4 + unit;
    }
    return ok();
}

static struct heif_error hevc_hand_over(const struct de265_image *img, struct heif_image **ret)
{
    struct frame f = {
        .w = de265_get_image_width(img, 0),
        .h = de265_get_image_height(img, 0),
        .bits = de265_get_bits_per_pixel(img, 0),
        .chroma = (enum heif_chroma)de265_get_chroma_format(img), /* the same numbers */
        .primaries = de265_get_image_colour_primaries(img),
        .transfer = de265_get_image_transfer_characteristics(img),
        .matrix = de265_get_image_matrix_coefficients(img),
        .full_range = de265_get_image_full_range_flag(img) != 0,
    };
    int planes = f.chroma == heif_chroma_monochrome ? 1 : 3;
    for (int c = 0; c < planes; c++) {
        int stride;
        f.plane[c] = de265_get_image_plane(img, c, &stride);
        f.stride_bytes[c] = stride;
        f.plane_w[c] = de265_get_image_width(img, c);
        f.plane_h[c] = de265_get_image_height(img, c);
        if (!f.plane[c] || !size_ok(f.plane_w[c], f.plane_h[c]) ||
            de265_get_bits_per_pixel(img, c) != f.bits) {
            return failed("HEVC of a kind that is not supported");
        }
    }
    return hand_over(&f, ret);
}

static struct heif_error hevc_decode(void *d, struct heif_image **ret)
{
    struct hevc *h = d;
    int more = 1;
    (void)de265_flush_data(h->ctx);
    for (int i = 0; i < NAL_ROUNDS && more; i++) {
        de265_error err = de265_decode(h->ctx, &more);
        if (err == DE265_ERROR_OUT_OF_MEMORY) {
            return failed("the HEVC picture is too large");
        }
        if (err != DE265_OK) {
            return failed("the HEVC data is damaged");
        }
        const struct de265_image *img = de265_peek_next_picture(h->ctx);
        if (img) {
            return hevc_hand_over(img, ret);
        }
    }
    return failed("the HEVC data is cut off or damaged");
}

static const char *hevc_name(void)
{
    return "Demeter, bounded libde265";
}

static int hevc_supports(enum heif_compression_format format)
{
    return format == heif_compression_HEVC ? PRIORITY : 0;
}

/* ---- AV1 ---- */

struct av1 {
    Dav1dContext *ctx;
    Dav1dData data;
};

static void av1_free(void *d)
{
    struct av1 *a = d;
    if (a) {
        dav1d_data_unref(&a->data);
        dav1d_close(&a->ctx);
        dm_free(a);
    }
}

static struct heif_error av1_new(void **ret)
{
    struct av1 *a = dm_calloc(1, sizeof(*a));
    Dav1dSettings s;
    if (!a) {
        return out_of_memory();
    }
    dav1d_default_settings(&s);
    s.n_threads = (int)DM_MIN(dm_cpu_count(), (size_t)AV1_THREADS);
    s.max_frame_delay = 1; /* one frame: threads share its rows */
    s.frame_size_limit = MAX_PIXELS;
    s.all_layers = 0;
    s.logger.callback = NULL;
    if (dav1d_open(&a->ctx, &s) != 0) {
        dm_free(a);
        return out_of_memory();
    }
    *ret = a;
    return ok();
}

static struct heif_error av1_push(void *d, const void *data, size_t n)
{
    struct av1 *a = d;
    uint8_t *to = n > 0 && a->data.sz == 0 ? dav1d_data_create(&a->data, n) : NULL;
    if (!to) {
        return failed("the AV1 data is damaged");
    }
    memcpy(to, data, n);
    return ok();
}

static struct heif_error av1_hand_over(const Dav1dPicture *p, struct heif_image **ret)
{
    static const enum heif_chroma chroma[] = {
        [DAV1D_PIXEL_LAYOUT_I400] = heif_chroma_monochrome,
        [DAV1D_PIXEL_LAYOUT_I420] = heif_chroma_420,
        [DAV1D_PIXEL_LAYOUT_I422] = heif_chroma_422,
        [DAV1D_PIXEL_LAYOUT_I444] = heif_chroma_444,
    };
    bool half_w = p->p.layout == DAV1D_PIXEL_LAYOUT_I420 || p->p.layout == DAV1D_PIXEL_LAYOUT_I422;
    bool half_h = p->p.layout == DAV1D_PIXEL_LAYOUT_I420;
    struct frame f = {
        .w = p->p.w,
        .h = p->p.h,
        .bits = p->p.bpc,
        .chroma = chroma[p->p.layout],
        .primaries = (int)p->seq_hdr->pri,
        .transfer = (int)p->seq_hdr->trc,
        .matrix = (int)p->seq_hdr->mtrx,
        .full_range = p->seq_hdr->color_range != 0,
    };
    for (int c = 0; c < 3; c++) {
        f.plane[c] = p->data[c];
        f.stride_bytes[c] = p->stride[c > 0];
        f.plane_w[c] = c > 0 && half_w ? (f.w + 1) / 2 : f.w;
        f.plane_h[c] = c > 0 && half_h ? (f.h + 1) / 2 : f.h;
    }
    return hand_over(&f, ret);
}

static struct heif_error av1_decode(void *d, struct heif_image **ret)
{
    struct av1 *a = d;
    Dav1dPicture p = {0};
    int res = DAV1D_ERR(EAGAIN);
    for (int i = 0; i < AV1_FRAMES && res == DAV1D_ERR(EAGAIN); i++) {
        if (a->data.sz > 0) {
            res = dav1d_send_data(a->ctx, &a->data);
            if (res < 0 && res != DAV1D_ERR(EAGAIN)) {
                break;
            }
        }
        res = dav1d_get_picture(a->ctx, &p);
    }
    if (res == DAV1D_ERR(ENOMEM)) {
        return out_of_memory();
    }
    if (res == DAV1D_ERR(ERANGE)) {
        return failed("the AV1 picture is too large");
    }
    if (res < 0) {
        return failed("the AV1 data is cut off or damaged");
    }
    struct heif_error err = av1_hand_over(&p, ret);
    dav1d_picture_unref(&p);
    return err;
}

static const char *av1_name(void)
{
    return "Demeter, bounded dav1d";
}

static int av1_supports(enum heif_compression_format format)
{
    return format == heif_compression_AV1 ? PRIORITY : 0;
}

/* ---- registration ---- */

static void set_strict(void *d, int flag)
{
    (void)d; /* both are always strict */
    (void)flag;
}

static const struct heif_decoder_plugin hevc_plugin = {
    .plugin_api_version = 3,
    .get_plugin_name = hevc_name,
    .does_support_format = hevc_supports,
    .new_decoder = hevc_new,
    .free_decoder = hevc_free,
    .push_data = hevc_push,
    .decode_image = hevc_decode,
    .set_strict_decoding = set_strict,
    .id_name = "demeter-hevc",
};

static const struct heif_decoder_plugin av1_plugin = {
    .plugin_api_version = 3,
    .get_plugin_name = av1_name,
    .does_support_format = av1_supports,
    .new_decoder = av1_new,
    .free_decoder = av1_free,
    .push_data = av1_push,
    .decode_image = av1_decode,
    .set_strict_decoding = set_strict,
    .id_name = "demeter-av1",
};

static enum heif_error_code register_code;

static void register_once(void)
{
    register_code = heif_register_decoder_plugin(&hevc_plugin).code;
    if (register_code == heif_error_Ok) {
        register_code = heif_register_decoder_plugin(&av1_plugin).code;
    }
}

int heif_register_decoders(struct dm_err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, register_once);
    if (register_code != heif_error_Ok) {
        DM_FAIL(e, DM_EINTERNAL, "libheif %s does not take our decoders", heif_get_version());
    }
    return DM_OK;
}
