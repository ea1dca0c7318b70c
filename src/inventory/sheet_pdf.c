/* SPDX-License-Identifier: Apache-2.0
 *
 * Reports as PDF: title, what was asked for, figures over everything, the table with its header on
 * every page, totals, page numbers. A4 across; text is text, it can be searched and copied. Columns
 * get the width that their first rows want, scaled to the page; what is longer is cut at the edge
 * of its cell, as a spreadsheet does. */
#include <cairo-pdf.h>
#include <cairo.h>

#include "inventory/sheet_priv.h"

enum { ROWS_MOST = 50000, SAMPLE = 200 };

/* points */
#define PAGE_W  841.89
#define PAGE_H  595.28
#define MARGIN  36.0
#define GAP     6.0 /* between columns */
#define SMALL   7.0
#define LARGE   14.0
#define LINE    11.0
#define WIDTH   (PAGE_W - 2 * MARGIN)
#define FOOT    (PAGE_H - MARGIN)
#define WIDEST  220.0
#define TOO_FAR 0.45 /* smallest scale of the letters */

struct page {
    const struct sheet *s;
    cairo_t *cr;
    double *x;     /* [n_columns + 1] left edges */
    double size;   /* of letters of the table */
    double y;      /* next base line */
    size_t number; /* of the page */
};

static cairo_status_t append(void *ctx, const unsigned char *bytes, unsigned n)
{
    dm_buf_append(ctx, bytes, n);
    return CAIRO_STATUS_SUCCESS; /* what did not fit is told by dm_buf_ok */
}

static void font(cairo_t *cr, double size, bool bold)
{
    cairo_select_font_face(cr, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

static double wide(cairo_t *cr, const char *text)
{
    cairo_text_extents_t e;
    cairo_text_extents(cr, text, &e);
    return e.x_advance;
}

/* One line in its cell: numbers stand at the right. */
static void cell(struct page *p, size_t column, const char *text, bool right)
{
    const double x = p->x[column];
    const double w = p->x[column + 1] - GAP - x;
    cairo_save(p->cr);
    cairo_rectangle(p->cr, x, p->y - LINE, w, 2 * LINE);
    cairo_clip(p->cr);
    const double at = right ? x + w - wide(p->cr, text) : x;
    cairo_move_to(p->cr, at < x ? x : at, p->y);
    cairo_show_text(p->cr, text);
    cairo_restore(p->cr);
}

static void line(struct page *p, double x, const char *text)
{
    cairo_move_to(p->cr, x, p->y);
    cairo_show_text(p->cr, text);
    p->y += LINE;
}

static void rule(struct page *p)
{
    cairo_set_line_width(p->cr, 0.5);
    cairo_move_to(p->cr, MARGIN, p->y - LINE + 3);
    cairo_line_to(p->cr, PAGE_W - MARGIN, p->y - LINE + 3);
    cairo_stroke(p->cr);
}

/* ---- widths ---------------------------------------------------------------------------------- */

static void widen(cairo_t *cr, double *w, const char *text)
{
    const double n = wide(cr, text);
    *w = n > *w ? n : *w;
}

static int measure(struct page *p, struct dm_arena *a, struct dm_err *e)
{
    const struct sheet *s = p->s;
    double *w = dm_arena_calloc(a, s->n_columns + 1, sizeof(*w));
    double sum = 0;
    p->x = dm_arena_calloc(a, s->n_columns + 1, sizeof(*p->x));
    if (!w || !p->x) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    for (size_t c = 0; c < s->n_columns; c++) {
        char title[SHEET_TITLE_MAX];
        char text[SHEET_TEXT_MAX];
        font(p->cr, SMALL, true);
        widen(p->cr, &w[c], sheet_title_of(&s->column[c], title));
        font(p->cr, SMALL, false);
        for (size_t i = 0; i < s->n_rows && i < SAMPLE; i++) {
            widen(p->cr, &w[c],
                  sheet_cell_text(s, s->column[c].type, &s->cell[i * s->n_columns + c], text));
        }
        if (s->total) {
            widen(p->cr, &w[c], sheet_cell_text(s, s->column[c].type, &s->total[c], text));
        }
        w[c] = (w[c] > WIDEST ? WIDEST : w[c]) + GAP;
        sum += w[c];
    }
    const double scale = sum > WIDTH ? WIDTH / sum : 1;
    p->size = SMALL * (scale < TOO_FAR ? TOO_FAR : scale);
    p->x[0] = MARGIN;
    for (size_t c = 0; c < s->n_columns; c++) {
        p->x[c + 1] = p->x[c] + w[c] * scale;
    }
    return DM_OK;
}

/* ---- pages ----------------------------------------------------------------------------------- */

static void header(struct page *p)
{
    char title[SHEET_TITLE_MAX];
    font(p->cr, p->size, true);
    for (size_t c = 0; c < p->s->n_columns; c++) {
        cell(p, c, sheet_title_of(&p->s->column[c], title), sheet_is_number(p->s->column[c].type));
    }
    p->y += LINE;
    rule(p);
    font(p->cr, p->size, false);
}

static void footer(struct page *p, bool last)
{
    char text[64];
    p->number++;
    font(p->cr, SMALL, false);
    (void)snprintf(text, sizeof(text), "%zu", p->number);
    cairo_move_to(p->cr, PAGE_W - MARGIN - wide(p->cr, text), PAGE_H - MARGIN / 2);
    cairo_show_text(p->cr, text);
    cairo_move_to(p->cr, MARGIN, PAGE_H - MARGIN / 2);
    cairo_show_text(p->cr, p->s->title);
    cairo_show_page(p->cr);
    if (!last) {
        p->y = MARGIN + LINE;
        header(p);
    }
}

static void row(struct page *p, const struct sheet_cell *cells)
{
    char text[SHEET_TEXT_MAX];
    if (p->y > FOOT) {
        footer(p, false);
    }
    for (size_t c = 0; c < p->s->n_columns; c++) {
        const enum sheet_type type = p->s->column[c].type;
        cell(p, c, sheet_cell_text(p->s, type, &cells[c], text), sheet_is_number(type));
    }
    p->y += LINE;
}

static void pairs(struct page *p, const struct sheet_pair *pair, size_t n, struct dm_arena *a)
{
    for (size_t i = 0; i < n; i++) {
        const char *text = dm_arena_printf(a, "%s: %s", pair[i].name, pair[i].value);
        line(p, MARGIN, text ? text : pair[i].name);
    }
}

static void top(struct page *p, struct dm_arena *a)
{
    char at[SHEET_TEXT_MAX];
    p->y = MARGIN + LARGE;
    font(p->cr, LARGE, true);
    line(p, MARGIN, p->s->title);
    font(p->cr, SMALL, false);
    sheet_instant_text(p->s, p->s->made_at_ms, at);
    const char *made = dm_arena_printf(a, "%s %s", at, p->s->made_by);
    line(p, MARGIN, made ? made : at);
    pairs(p, p->s->filter, p->s->n_filter, a);
    pairs(p, p->s->summary, p->s->n_summary, a);
    p->y += LINE;
}

static int finish(cairo_t *cr, cairo_surface_t *surface, const struct dm_buf *out, struct dm_err *e)
{
    const cairo_status_t drawn = cairo_status(cr);
    cairo_destroy(cr);
    cairo_surface_finish(surface);
    const cairo_status_t written = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    DM_TRY(dm_buf_ok(out, e));
    if (drawn || written) {
        DM_FAIL(e, DM_EINTERNAL, "cairo: %s", cairo_status_to_string(drawn ? drawn : written));
    }
    return DM_OK;
}

int sheet_pdf(const struct sheet *s, struct dm_buf *out, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    if (s->n_rows > ROWS_MOST) {
        DM_REFUSE(e, DM_ELIMIT, DM_FIELDS(DM_I("max_rows", ROWS_MOST)),
                  "a PDF takes at most %d rows", ROWS_MOST);
    }
    cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(append, out, PAGE_W, PAGE_H);
    struct page p = {.s = s, .cr = cairo_create(surface)};
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, s->title);
    const int code = measure(&p, &a, e);
    if (code >= 0) {
        top(&p, &a);
        header(&p);
        for (size_t i = 0; i < s->n_rows; i++) {
            row(&p, &s->cell[i * s->n_columns]);
        }
        if (s->total && s->n_rows) {
            rule(&p);
            font(p.cr, p.size, true);
            row(&p, s->total);
        }
        footer(&p, true);
    }
    const int done = finish(p.cr, surface, out, e);
    return code < 0 ? code : done;
}
