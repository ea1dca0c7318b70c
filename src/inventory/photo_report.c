/* SPDX-License-Identifier: Apache-2.0
 *
 * One page about a counted photo: where, when, how many, and the picture (domain.md 13). A4, vector
 * text; the picture is embedded as JPEG. */
#include <cairo-pdf.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "image/codec.h"
#include "inventory/json.h"
#include "inventory/photo_priv.h"

/* A4 in points. */
#define PAGE_W 595.28
#define PAGE_H 841.89
#define MARGIN 48.0
enum { PICTURE_PX = 1600, PICTURE_QUALITY = 85 };

struct page {
    cairo_t *cr;
    double y;
    bool spanish;
};

static cairo_status_t append(void *closure, const unsigned char *data, unsigned n)
{
    dm_buf_append(closure, data, n);
    return ((struct dm_buf *)closure)->failed < 0 ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

static const char *word(const struct page *p, const char *en, const char *es)
{
    return p->spanish ? es : en;
}

static void text_at(const struct page *p, double x, double size, bool bold, const char *text)
{
    cairo_select_font_face(p->cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(p->cr, size);
    cairo_move_to(p->cr, x, p->y);
    cairo_show_text(p->cr, text);
}

static void row(struct page *p, const char *label, const char *text)
{
    cairo_set_source_rgb(p->cr, 0.4, 0.4, 0.4);
    text_at(p, MARGIN, 10, false, label);
    cairo_set_source_rgb(p->cr, 0, 0, 0);
    text_at(p, MARGIN + 120, 10, false, text);
    p->y += 16;
}

static void number_row(struct page *p, const char *label, const json_t *j, const char *name)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%lld", (long long)inv_json_int(j, name));
    row(p, label, text);
}

static const char *or_dash(const char *text)
{
    return text && *text ? text : "-";
}

/* "2026-11-23 15:04" of the nursery. */
static void when_text(const struct inv_ctx *c, const char *instant, char *ret, size_t size)
{
    int64_t ms;
    if (!instant || store_time_parse(instant, &ms, NULL) < 0) {
        (void)snprintf(ret, size, "-");
        return;
    }
    const struct dm_civil t = dm_zone_civil(c->zone, ms);
    (void)snprintf(ret, size, "%04d-%02d-%02d %02d:%02d", t.year, t.month, t.day, t.hour, t.minute);
}

static void draw_head(struct page *p, const struct inv_ctx *c, const json_t *j)
{
    char text[300];
    const char *claro = inv_json_str(j, "claro");
    const char *name = inv_json_str(j, "claro_name");
    p->y = MARGIN + 18;
    text_at(p, MARGIN, 20, true, word(p, "Plant count", "Conteo de plantas"));
    p->y += 28;
    (void)snprintf(text, sizeof(text), "%s%s%s", or_dash(claro), name ? "   " : "",
                   name ? name : "");
    row(p, word(p, "claro", "claro"), text);
    when_text(c, inv_json_str(j, "captured_at"), text, sizeof(text));
    row(p, word(p, "taken", "tomada"), text);
    row(p, word(p, "photo", "foto"), or_dash(inv_json_str(j, "filename")));
    row(p, word(p, "sent by", "enviada por"), or_dash(inv_json_str(j, "uploader")));
    row(p, word(p, "model", "modelo"), or_dash(inv_json_str(j, "model_version")));
    row(p, word(p, "session", "sesión"), or_dash(inv_json_str(j, "session_id")));
}

static void draw_figures(struct page *p, const json_t *j)
{
    char text[64];
    const char *category;
    const json_t *n;
    const double confidence = json_number_value(json_object_get(j, "avg_confidence"));
    p->y += 8;
    (void)snprintf(
        text, sizeof(text), "%lld %s",
        (long long)(inv_json_int(j, "total_detected") + inv_json_int(j, "total_estimated")),
        word(p, "plants", "plantas"));
    text_at(p, MARGIN, 14, true, text);
    p->y += 20;
    number_row(p, word(p, "detected", "detectadas"), j, "total_detected");
    number_row(p, word(p, "estimated", "estimadas"), j, "total_estimated");
    number_row(p, word(p, "empty containers", "macetas vacías"), j, "total_empty_containers");
    json_object_foreach(json_object_get(j, "category_counts"), category, n)
    {
        (void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(n));
        row(p, category, text);
    }
    (void)snprintf(text, sizeof(text), "%.0f %%", confidence * 100);
    row(p, word(p, "confidence", "confianza"), text);
    row(p, word(p, "stock", "existencias"), or_dash(inv_json_str(j, "posting_status")));
}

static void free_bytes(void *bytes)
{
    dm_buf_clear(bytes);
    dm_free(bytes);
}

/* The picture below what is written, as wide or high as there is room. */
static int draw_picture(struct page *p, const struct image *im, struct dm_err *e)
{
    struct dm_buf *jpeg =
        dm_calloc(1, sizeof(*jpeg)); /* cairo keeps it until the page is written */
    if (!jpeg) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the report");
    }
    *jpeg = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    const int code = image_encode_jpeg(im, PICTURE_QUALITY, jpeg, e);
    cairo_surface_t *s = cairo_image_surface_create(CAIRO_FORMAT_RGB24, im->w, im->h);
    if (code < 0 ||
        cairo_surface_set_mime_data(s, CAIRO_MIME_TYPE_JPEG, (const unsigned char *)jpeg->data,
                                    jpeg->len, free_bytes, jpeg) != CAIRO_STATUS_SUCCESS) {
        free_bytes(jpeg);
        cairo_surface_destroy(s);
        return code < 0 ? code : dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory");
    }
    const double wide = (PAGE_W - 2 * MARGIN) / im->w;
    const double high = (PAGE_H - MARGIN - p->y) / im->h;
    const double scale = DM_MIN(wide, high);
    cairo_translate(p->cr, MARGIN, p->y);
    cairo_scale(p->cr, scale, scale);
    cairo_set_source_surface(p->cr, s, 0, 0);
    cairo_paint(p->cr);
    cairo_surface_destroy(s);
    return DM_OK;
}

static int write_page(const struct inv_ctx *c, const json_t *j, const struct image *im,
                      const char *lang, struct dm_buf *ret, struct dm_err *e)
{
    cairo_surface_t *s = cairo_pdf_surface_create_for_stream(append, ret, PAGE_W, PAGE_H);
    struct page p = {.cr = cairo_create(s), .spanish = !strcmp(lang, "es")};
    draw_head(&p, c, j);
    draw_figures(&p, j);
    p.y += 8;
    const int code = draw_picture(&p, im, e);
    cairo_show_page(p.cr);
    cairo_surface_finish(s);
    const cairo_status_t status = cairo_surface_status(s);
    cairo_destroy(p.cr);
    cairo_surface_destroy(s);
    DM_TRY(code);
    if (status != CAIRO_STATUS_SUCCESS) {
        DM_FAIL(e, DM_EINTERNAL, "the report could not be drawn: %s",
                cairo_status_to_string(status));
    }
    return dm_buf_ok(ret, e);
}

int photo_report_pdf(const struct inv_ctx *c, const struct photo_place *p, const char *session_uuid,
                     const char *lang, struct dm_buf *ret, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf jpeg = dm_buf_init(LIMIT_IMAGE_FILE_BYTES);
    DM_CLEANUP(image_clear) struct image whole = {0};
    DM_CLEANUP(image_clear) struct image im = {0};
    DM_CLEANUP(inv_json_freep) json_t *j = NULL;
    DM_TRY(photo_annotated(c, p, session_uuid, lang, &jpeg, e));
    DM_TRY(list_one(c, &list_progress, "session_id", store_u(session_uuid), &j, e));
    DM_TRY(image_decode(jpeg.data, jpeg.len, NULL, &whole, NULL, e));
    DM_TRY(photo_shrink(&whole, PICTURE_PX, &im, e));
    return write_page(c, j, &im, lang, ret, e);
}
