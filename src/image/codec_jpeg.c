/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG through libjpeg-turbo: nearly every photo comes through here, 12 to 50 megapixels at a time.
 * Settings are the library's defaults for quality (islow IDCT, fancy upsampling), which the Python
 * system's decoder used too, so pixels are equal bit for bit.
 *
 * The library goes on after damage and paints grey. We do not want to count plants in grey: the
 * warnings that mean lost pixels are errors here, the others (stray bytes between segments, odd
 * versions) are ignored. Arithmetic coding is refused: no camera writes it, and it takes away the
 * lower bound of one bit a block by which a size bomb is told from a picture before any
 * allocation. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#include "base/limits.h"
#include "image/codec_priv.h"

struct reader {
    struct jpeg_decompress_struct c;
    struct jpeg_error_mgr err;
    struct jpeg_source_mgr src;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    struct codec_input in;
    const uint8_t *exif; /* first EXIF block, in the file's bytes */
    size_t exif_n;
    bool past_end; /* the library asked for bytes after the last one */
    struct orient rows;
    struct dm_err *e;
};

static size_t position(const struct reader *r)
{
    return r->past_end ? r->in.n : r->in.n - r->src.bytes_in_buffer;
}

#define STOP(r, code, ...)                                                                         \
    do {                                                                                           \
        (void)dm_err_set((r)->e, (code), __FILE__, __LINE__, __VA_ARGS__);                         \
        longjmp((r)->jump, (code));                                                                \
    } while (0)

/* Pixels are missing: cut off or damaged? */
__attribute__((noreturn)) static void stop_damaged(struct reader *r)
{
    unsigned row = r->c.output_scanline;
    if (r->past_end) {
        STOP(r, DM_EDECODE, "JPEG is cut off: its %zu bytes end in row %u of %u", r->in.n, row,
             r->c.image_height);
    }
    STOP(r, DM_EDECODE, "JPEG is damaged near byte %zu of %zu, row %u of %u", position(r), r->in.n,
         row, r->c.image_height);
}

static int code_of(int message)
{
    switch (message) {
    case JERR_OUT_OF_MEMORY:
        return DM_ENOMEM;
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
    case JERR_NO_BACKING_STORE:
        return DM_ELIMIT;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_SOF_UNSUPPORTED:
        return DM_EUNSUPPORTED;
    default:
        return DM_EDECODE;
    }
}

static void on_error(j_common_ptr c)
{
    struct reader *r = c->client_data;
    char text[JMSG_LENGTH_MAX];
    if (r->past_end && c->err->msg_code != JERR_OUT_OF_MEMORY) {
        STOP(r, DM_EDECODE, "JPEG is cut off: its %zu bytes end before the picture", r->in.n);
    }
    c->err->format_message(c, text);
    int code = code_of(c->err->msg_code);
    STOP(r, code, "JPEG, byte %zu of %zu: %.120s", position(r), r->in.n, text);
}

static void on_message(j_common_ptr c, int level)
{
    if (level >= 0) {
        return; /* trace */
    }
    switch (c->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_JPEG_EOF:
    case JWRN_TOO_MUCH_DATA:
        return;
    default:
        stop_damaged(c->client_data);
    }
}

/* A scan of a progressive picture costs a pass over all blocks, however few bytes it has. */
static void on_progress(j_common_ptr c)
{
    struct reader *r = c->client_data;
    if (r->c.input_scan_number > LIMIT_JPEG_SCANS) {
        STOP(r, DM_ELIMIT, "JPEG with more than %d scans", LIMIT_JPEG_SCANS);
    }
}

static void source_nop(j_decompress_ptr c)
{
    (void)c;
}

/* The whole file is in memory, so more bytes never come. An end marker lets the library finish what
 * it has: many complete pictures lack theirs. */
static boolean source_fill(j_decompress_ptr c)
{
    static const JOCTET end[2] = {0xff, JPEG_EOI};
    struct reader *r = c->client_data;
    r->past_end = true;
    r->src.next_input_byte = end;
    r->src.bytes_in_buffer = sizeof(end);
    return TRUE;
}

static void source_skip(j_decompress_ptr c, long n)
{
    struct reader *r = c->client_data;
    if (n <= 0) {
        return;
    }
    if ((size_t)n > r->src.bytes_in_buffer) {
        (void)source_fill(c);
        return;
    }
    r->src.next_input_byte += n;
    r->src.bytes_in_buffer -= (size_t)n;
}

/* APP1 without a copy: note where the first EXIF block lies. */
static boolean read_app1(j_decompress_ptr c)
{
    static const char head[6] = "Exif\0";
    struct reader *r = c->client_data;
    const uint8_t *p = r->src.next_input_byte;
    size_t n = r->src.bytes_in_buffer;
    size_t len = n >= 2 ? (size_t)p[0] << 8 | p[1] : 0;
    if (len < 2 || len > n) {
        (void)source_fill(c); /* the segment is longer than the file */
        return TRUE;
    }
    if (!r->exif && len >= 2 + sizeof(head) && memcmp(p + 2, head, sizeof(head)) == 0) {
        r->exif = p + 2;
        r->exif_n = len - 2;
    }
    source_skip(c, (long)len);
    return TRUE;
}

/* Everything that may longjmp runs inside step. */
static int guarded(struct reader *r, void (*step)(struct reader *r))
{
    int code = setjmp(r->jump);
    if (code != 0) {
        return code;
    }
    step(r);
    return DM_OK;
}

static void read_header(struct reader *r)
{
    jpeg_create_decompress(&r->c);
    r->c.src = &r->src;
    r->c.progress = &r->progress;
    jpeg_set_marker_processor(&r->c, JPEG_APP0 + 1, read_app1);
    (void)jpeg_read_header(&r->c, TRUE);
    if (r->c.arith_code) {
        STOP(r, DM_EUNSUPPORTED, "JPEG with arithmetic coding is not supported");
    }
    if (r->c.jpeg_color_space == JCS_UNKNOWN) {
        STOP(r, DM_EUNSUPPORTED, "JPEG with %d components is not supported", r->c.num_components);
    }
}

static int open_reader(struct reader *r, struct codec_input in, struct dm_err *e)
{
    *r = (struct reader){
        .in = in,
        .e = e,
        .src = {.next_input_byte = in.bytes,
                .bytes_in_buffer = in.n,
                .init_source = source_nop,
                .fill_input_buffer = source_fill,
                .skip_input_data = source_skip,
                .resync_to_restart = jpeg_resync_to_restart,
                .term_source = source_nop},
        .progress = {.progress_monitor = on_progress},
    };
    r->c.err = jpeg_std_error(&r->err);
    r->c.client_data = r;
    r->err.error_exit = on_error;
    r->err.emit_message = on_message;
    return guarded(r, read_header);
}

static void close_reader(struct reader *r)
{
    jpeg_destroy_decompress(&r->c); /* accepts one that failed to start */
    orient_clear(&r->rows);
}

/* Refuse what cannot be a picture, or costs too much, before the library allocates for it. */
static void check_cost(struct reader *r)
{
    size_t blocks = 0; /* sides are at most 65535: no overflow */
    for (int i = 0; i < r->c.num_components; i++) {
        const jpeg_component_info *ci = &r->c.comp_info[i];
        blocks += (size_t)ci->width_in_blocks * ci->height_in_blocks;
    }
    if (blocks / 8 > r->src.bytes_in_buffer) { /* Huffman coding needs a bit for each block's DC */
        STOP(r, DM_EDECODE, "JPEG is cut off: %zu bytes cannot hold %u x %u pixels", r->in.n,
             r->c.image_width, r->c.image_height);
    }
    if (jpeg_has_multiple_scans(&r->c) && blocks * sizeof(JBLOCK) > LIMIT_JPEG_COEFFICIENT_BYTES) {
        STOP(r, DM_ELIMIT, "progressive JPEG of %u x %u pixels needs too much memory",
             r->c.image_width, r->c.image_height);
    }
}

/* A picture in several scans that ended early without its end marker has all its pixels, but none
 * of their detail: the library cannot tell, the state of its coefficients can. */
static void check_complete(struct reader *r)
{
    for (int i = 0; i < r->c.num_components; i++) {
        if (!r->c.comp_info[i].quant_table) {
            stop_damaged(r); /* a component without any scan */
        }
        for (int k = 0; r->past_end && r->c.progressive_mode && k < DCTSIZE2; k++) {
            if (r->c.coef_bits[i][k] != 0) {
                stop_damaged(r);
            }
        }
    }
}

static inline uint8_t mul_u8(unsigned a, unsigned b)
{
    return (uint8_t)((a * b + 127) / 255);
}

/* Adobe writes its CMYK inverted (0 = full ink), others do not. */
static void cmyk_row(const uint8_t *in, uint8_t *out, unsigned w, bool inverted)
{
    uint8_t flip = inverted ? 0 : 255;
    for (unsigned x = 0; x < w; x++, in += 4, out += 3) {
        uint8_t k = in[3] ^ flip;
        out[0] = mul_u8(in[0] ^ flip, k);
        out[1] = mul_u8(in[1] ^ flip, k);
        out[2] = mul_u8(in[2] ^ flip, k);
    }
}

static void read_rows_rgb(struct reader *r)
{
    enum { BATCH = 16 }; /* the library hands out at most an MCU row's worth a call */
    JSAMPROW rows[BATCH];
    int n;
    while ((n = DM_MIN(orient_room(&r->rows), BATCH)) > 0) {
        for (int i = 0; i < n; i++) {
            rows[i] = orient_row(&r->rows, i);
        }
        orient_advance(&r->rows, (int)jpeg_read_scanlines(&r->c, rows, (JDIMENSION)n));
    }
}

static void read_rows_cmyk(struct reader *r)
{
    JSAMPARRAY row =
        r->c.mem->alloc_sarray((j_common_ptr)&r->c, JPOOL_IMAGE, r->c.output_width * 4, 1);
    while (orient_room(&r->rows) > 0) {
        (void)jpeg_read_scanlines(&r->c, row, 1);
        cmyk_row(row[0], orient_row(&r->rows, 0), r->c.output_width, r->c.saw_Adobe_marker);
        orient_advance(&r->rows, 1);
    }
}

static void read_pixels(struct reader *r)
{
    bool cmyk = r->c.jpeg_color_space == JCS_CMYK || r->c.jpeg_color_space == JCS_YCCK;
    r->c.out_color_space = cmyk ? JCS_CMYK : JCS_EXT_RGB;
    (void)jpeg_start_decompress(&r->c);
    if (cmyk) {
        read_rows_cmyk(r);
    } else {
        read_rows_rgb(r);
    }
    check_complete(r);
}

static bool jpeg_sniff(const uint8_t *p, size_t n)
{
    return n >= 3 && memcmp(p, "\xff\xd8\xff", 3) == 0;
}

static int jpeg_probe(struct codec_input in, struct image_info *ret, struct dm_err *e)
{
    DM_CLEANUP(close_reader) struct reader r;
    DM_TRY(open_reader(&r, in, e));
    ret->stored_w = (int)r.c.image_width;
    ret->stored_h = (int)r.c.image_height;
    return r.exif ? exif_parse(r.exif, r.exif_n, &ret->exif, e) : DM_OK;
}

static int jpeg_decode(struct codec_input in, const struct image_info *info, struct image *im,
                       struct dm_err *e)
{
    DM_CLEANUP(close_reader) struct reader r;
    DM_TRY(open_reader(&r, in, e));
    DM_TRY(guarded(&r, check_cost));
    DM_TRY(orient_init(&r.rows, im, info->stored_w, info->stored_h, info->exif.orientation, e));
    return guarded(&r, read_pixels);
}

const struct codec codec_jpeg = {
    .format = IMAGE_FORMAT_JPEG,
    .name = "JPEG",
    .mime = "image/jpeg",
    .sniff = jpeg_sniff,
    .probe = jpeg_probe,
    .decode = jpeg_decode,
    .turns = true,
};
