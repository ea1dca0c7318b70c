/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG writer for overlays, thumbnails and reports: a few per photo. */
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include "image/codec.h"

enum { CHUNK = 65536, FULL_CHROMA_FROM = 95 };

struct writer {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr err;
    struct jpeg_destination_mgr dest;
    jmp_buf jump;
    struct dm_buf *out;
};

static void on_error(j_common_ptr c)
{
    struct writer *w = c->client_data;
    longjmp(w->jump, 1);
}

static void on_message(j_common_ptr c, int level)
{
    (void)c;
    (void)level;
}

/* Room for the next chunk; errors of the buffer are sticky, so the caller sees them. */
static void dest_more(j_compress_ptr c)
{
    struct writer *w = c->client_data;
    char *to = dm_buf_reserve(w->out, CHUNK);
    if (!to) {
        longjmp(w->jump, 1);
    }
    w->dest.next_output_byte = (JOCTET *)to;
    w->dest.free_in_buffer = CHUNK;
}

static boolean dest_empty(j_compress_ptr c)
{
    struct writer *w = c->client_data;
    dm_buf_added(w->out, CHUNK);
    dest_more(c);
    return TRUE;
}

static void dest_term(j_compress_ptr c)
{
    struct writer *w = c->client_data;
    dm_buf_added(w->out, CHUNK - w->dest.free_in_buffer);
}

/* Everything that may longjmp. */
static void write_all(struct writer *w, const struct image *im, int quality)
{
    jpeg_create_compress(&w->c);
    w->c.dest = &w->dest;
    w->c.image_width = (JDIMENSION)im->w;
    w->c.image_height = (JDIMENSION)im->h;
    w->c.input_components = im->channels;
    w->c.in_color_space = im->channels == 1 ? JCS_GRAYSCALE : JCS_EXT_RGB;
    jpeg_set_defaults(&w->c);
    jpeg_set_quality(&w->c, quality, TRUE);
    if (quality >= FULL_CHROMA_FROM) {
        w->c.comp_info[0].h_samp_factor = w->c.comp_info[0].v_samp_factor = 1;
    }
    jpeg_start_compress(&w->c, TRUE);
    while (w->c.next_scanline < w->c.image_height) {
        JSAMPROW row = image_row(im, (int)w->c.next_scanline);
        (void)jpeg_write_scanlines(&w->c, &row, 1);
    }
    jpeg_finish_compress(&w->c);
}

static void writer_clear(struct writer *w)
{
    jpeg_destroy_compress(&w->c);
}

int image_encode_jpeg(const struct image *im, int quality, struct dm_buf *out, struct dm_err *e)
{
    DM_BUG_UNLESS(quality >= 1 && quality <= 100 && (im->channels == 1 || im->channels == 3));
    DM_CLEANUP(writer_clear)
    struct writer w = {.out = out,
                       .dest = {.init_destination = dest_more,
                                .empty_output_buffer = dest_empty,
                                .term_destination = dest_term}};
    w.c.err = jpeg_std_error(&w.err);
    w.c.client_data = &w;
    w.err.error_exit = on_error;
    w.err.emit_message = on_message;
    if (setjmp(w.jump) != 0) {
        DM_TRY(dm_buf_ok(out, e));
        DM_FAIL(e, DM_ENOMEM, "no memory to write a JPEG of %d x %d pixels", im->w, im->h);
    }
    write_all(&w, im, quality);
    return dm_buf_ok(out, e);
}
