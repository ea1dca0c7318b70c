/* SPDX-License-Identifier: Apache-2.0
 *
 * QR codes and sheets of labels. libqrencode makes the symbol, Cairo draws. */
#include "api/labels.h"

#include <cairo-pdf.h>
#include <cairo.h>
#include <qrencode.h>
#include <string.h>

const char *const labels_ecc_names[] = {"L", "M", "Q", "H", NULL};
const char *const labels_layout_names[] = {"a4-24", "a4-65", "single", NULL};

static void qr_freep(QRcode **q)
{
    QRcode_free(*q);
}
static void surface_freep(cairo_surface_t **s)
{
    cairo_surface_destroy(*s);
}
static void cairo_freep(cairo_t **c)
{
    cairo_destroy(*c);
}

static int encode(const char *text, enum labels_ecc ecc, QRcode **ret, struct dm_err *e)
{
    static const QRecLevel level[] = {QR_ECLEVEL_L, QR_ECLEVEL_M, QR_ECLEVEL_Q, QR_ECLEVEL_H};
    *ret = QRcode_encodeString(text, 0, level[ecc], QR_MODE_8, 1);
    if (!*ret) {
        DM_FAIL(e, DM_EBADINPUT, "the text does not fit into a QR code");
    }
    return DM_OK;
}

static bool dark(const QRcode *q, int x, int y)
{
    return q->data[y * q->width + x] & 1;
}

/* Calls add for every run of dark modules of a row. */
static void each_run(const QRcode *q, void (*add)(void *ctx, int x, int y, int n), void *ctx)
{
    for (int y = 0; y < q->width; y++) {
        for (int x = 0; x < q->width;) {
            int n = 0;
            while (x + n < q->width && dark(q, x + n, y)) {
                n++;
            }
            if (n) {
                add(ctx, x, y, n);
            }
            x += n ? n : 1;
        }
    }
}

static int check_cairo(cairo_status_t status, const struct dm_buf *out, struct dm_err *e)
{
    DM_TRY(dm_buf_ok(out, e));
    if (status != CAIRO_STATUS_SUCCESS) {
        DM_FAIL(e, status == CAIRO_STATUS_NO_MEMORY ? DM_ENOMEM : DM_EINTERNAL, "cairo: %s",
                cairo_status_to_string(status));
    }
    return DM_OK;
}

static cairo_status_t write_out(void *ctx, const unsigned char *bytes, unsigned n)
{
    dm_buf_append(ctx, bytes, n);
    return CAIRO_STATUS_SUCCESS; /* what did not fit is told by dm_buf_ok */
}

/* ---- pictures -------------------------------------------------------------------------------- */

static void add_rectangle(void *ctx, int x, int y, int n)
{
    cairo_rectangle(ctx, x, y, n, 1);
}

/* The symbol without quiet zone, side wide, at x, y. */
static void draw(cairo_t *cr, const QRcode *q, double x, double y, double side)
{
    cairo_save(cr);
    cairo_translate(cr, x, y);
    cairo_scale(cr, side / q->width, side / q->width);
    cairo_set_antialias(cr, CAIRO_ANTIALIAS_NONE);
    cairo_set_source_rgb(cr, 0, 0, 0);
    each_run(q, add_rectangle, cr);
    cairo_fill(cr);
    cairo_restore(cr);
}

int labels_png(const char *text, enum labels_ecc ecc, int size, struct dm_buf *out,
               struct dm_err *e)
{
    DM_CLEANUP(qr_freep) QRcode *q = NULL;
    DM_TRY(encode(text, ecc, &q, e));
    const int least = q->width + 2 * LABELS_QUIET;
    size = size < least ? least : size;
    const int module = size / least;
    DM_CLEANUP(surface_freep)
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, size, size);
    DM_CLEANUP(cairo_freep) cairo_t *cr = cairo_create(surface);
    const int side = module * q->width;
    const int margin = (size - side) / 2;
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    draw(cr, q, margin, margin, side);
    DM_TRY(check_cairo(cairo_status(cr), out, e));
    return check_cairo(cairo_surface_write_to_png_stream(surface, write_out, out), out, e);
}

static void add_path(void *ctx, int x, int y, int n)
{
    dm_buf_printf(ctx, "M%d %dh%dv1h-%dz", x + LABELS_QUIET, y + LABELS_QUIET, n, n);
}

int labels_svg(const char *text, enum labels_ecc ecc, int size, struct dm_buf *out,
               struct dm_err *e)
{
    DM_CLEANUP(qr_freep) QRcode *q = NULL;
    DM_TRY(encode(text, ecc, &q, e));
    const int side = q->width + 2 * LABELS_QUIET;
    dm_buf_printf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\""
                  " viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\">"
                  "<path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/><path d=\"",
                  size, size, side, side, side, side);
    each_run(q, add_path, out);
    dm_buf_puts(out, "\"/></svg>\n");
    return dm_buf_ok(out, e);
}

/* ---- sheets ---------------------------------------------------------------------------------- */

#define MM (72.0 / 25.4) /* points of a millimetre */

/* Millimetres; the symbol fills the height of a label but for the margin. */
static const struct layout {
    double page_w, page_h, left, top, w, h, step_x, step_y;
    int columns, rows;
    double margin, large, small; /* of the label; sizes of its two lines */
} layouts[] = {
    [LABELS_A4_24] = {210, 297, 7.25, 12.9, 63.5, 33.9, 66.0, 33.9, 3, 8, 3.0, 4.6, 3.2},
    [LABELS_A4_65] = {210, 297, 4.75, 10.7, 38.1, 21.2, 40.6, 21.2, 5, 13, 1.8, 2.7, 2.0},
    [LABELS_SINGLE] = {62, 40, 0, 0, 62, 40, 62, 40, 1, 1, 3.0, 4.6, 3.2},
};

/* A line in a column of this width: made smaller until it fits, cut never. */
static void line(cairo_t *cr, const char *text, double x, double y, double width, double size)
{
    cairo_text_extents_t extents;
    cairo_set_font_size(cr, size);
    cairo_text_extents(cr, text, &extents);
    if (extents.x_advance > width) {
        cairo_set_font_size(cr, size * width / extents.x_advance);
    }
    cairo_move_to(cr, x, y);
    cairo_show_text(cr, text);
}

static int draw_label(cairo_t *cr, const struct layout *l, const struct label *label, double x,
                      double y, struct dm_err *e)
{
    DM_CLEANUP(qr_freep) QRcode *q = NULL;
    const double side = l->h - 2 * l->margin;
    const double column = x + l->margin + side + l->margin;
    const double width = x + l->w - l->margin - column;
    DM_TRY(encode(label->qr, LABELS_M, &q, e));
    const double quiet = side * LABELS_QUIET / (q->width + 2 * LABELS_QUIET);
    draw(cr, q, x + l->margin + quiet, y + l->margin + quiet, side - 2 * quiet);
    cairo_set_source_rgb(cr, 0, 0, 0);
    line(cr, label->code, column, y + l->h / 2 - l->small * 0.4, width, l->large);
    line(cr, label->name, column, y + l->h / 2 + l->small * 1.2, width, l->small);
    return DM_OK;
}

int labels_pdf(const struct label *label, size_t n, enum labels_layout layout, struct dm_buf *out,
               struct dm_err *e)
{
    const struct layout *l = &layouts[layout];
    const size_t page = (size_t)l->columns * (size_t)l->rows;
    DM_CLEANUP(surface_freep)
    cairo_surface_t *surface =
        cairo_pdf_surface_create_for_stream(write_out, out, l->page_w * MM, l->page_h * MM);
    DM_CLEANUP(cairo_freep) cairo_t *cr = cairo_create(surface);
    cairo_scale(cr, MM, MM);
    cairo_select_font_face(cr, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    for (size_t i = 0; i < n; i++) {
        const size_t at = i % page;
        const size_t row = at / (size_t)l->columns;
        if (i && !at) {
            cairo_show_page(cr);
        }
        DM_TRY(draw_label(cr, l, &label[i], l->left + (double)(at % (size_t)l->columns) * l->step_x,
                          l->top + (double)row * l->step_y, e));
    }
    cairo_show_page(cr);
    cairo_surface_finish(surface);
    const cairo_status_t status = cairo_status(cr);
    return check_cairo(status ? status : cairo_surface_status(surface), out, e);
}
