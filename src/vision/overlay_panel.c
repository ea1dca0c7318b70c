/* SPDX-License-Identifier: Apache-2.0
 *
 * Letters of the overlays: legend, labels, numbers. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vision/overlay_scene.h"

static void set_font(cairo_t *cr, double height, bool bold)
{
    cairo_select_font_face(cr, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, height);
}

void overlay_text(cairo_t *cr, const char *text, double x, double y, double height, bool bold)
{
    set_font(cr, height, bold);
    cairo_move_to(cr, x, y);
    cairo_show_text(cr, text);
}

double overlay_text_width(cairo_t *cr, const char *text, double height, bool bold)
{
    cairo_text_extents_t extents;
    set_font(cr, height, bold);
    cairo_text_extents(cr, text, &extents);
    return extents.x_advance;
}

void overlay_round_rect(cairo_t *cr, double x, double y, double w, double h, double radius)
{
    cairo_new_path(cr);
    cairo_arc(cr, x + w - radius, y + radius, radius, -M_PI / 2, 0);
    cairo_arc(cr, x + w - radius, y + h - radius, radius, 0, M_PI / 2);
    cairo_arc(cr, x + radius, y + h - radius, radius, M_PI / 2, M_PI);
    cairo_arc(cr, x + radius, y + radius, radius, M_PI, 3 * M_PI / 2);
    cairo_close_path(cr);
}

const char *overlay_number(const struct overlay_scene *s, uint64_t n, char ret[static 32])
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
    char *to = ret;
    for (int i = 0; i < len; i++) {
        *to++ = digits[i];
        if (len - i > 1 && (len - i) % 3 == 1) {
            *to++ = s->spanish ? '.' : ',';
        }
    }
    *to = '\0';
    return ret;
}

const char *overlay_type_word(const struct overlay_scene *s, enum vision_container_type t,
                              uint32_t n)
{
    static const char *const words[2][VISION_CONTAINER_MAX_][2] = {
        {{"segment", "segments"},
         {"box", "boxes"},
         {"plug tray", "plug trays"},
         {"seedbed", "seedbeds"}},
        {{"segmento", "segmentos"},
         {"cajón", "cajones"},
         {"plug", "plugs"},
         {"almácigo", "almácigos"}},
    };
    return words[s->spanish][t][n != 1];
}

/* ---- the legend ---- */

enum { LINES_MAX = 12 };

struct line {
    char label[48], value[64];
    bool swatch;
    struct overlay_color color;
};

struct legend {
    char total[48];
    struct line line[LINES_MAX];
    size_t n;
};

static void add_line(struct legend *l, const char *label, const char *value)
{
    if (l->n < LINES_MAX) {
        struct line *to = &l->line[l->n++];
        *to = (struct line){0};
        (void)snprintf(to->label, sizeof(to->label), "%s", label);
        (void)snprintf(to->value, sizeof(to->value), "%s", value);
    }
}

/* Plants of each type of container, with its colour. */
static void add_types(const struct overlay_scene *s, struct legend *l)
{
    const struct vision_result *r = s->r;
    const bool whole = r->n_container == 1 && r->container[0].whole_photo;
    for (enum vision_container_type t = 0; !whole && t < VISION_CONTAINER_MAX_; t++) {
        char number[32];
        char label[48];
        const uint32_t n = r->containers_by_type[t];
        if (n == 0) {
            continue;
        }
        (void)snprintf(label, sizeof(label), "%" PRIu32 " %s", n, overlay_type_word(s, t, n));
        add_line(l, label, overlay_number(s, r->by_type[t], number));
        l->line[l->n - 1].swatch = true;
        l->line[l->n - 1].color = overlay_type_color(t);
    }
}

static void compose(const struct overlay_scene *s, struct legend *l)
{
    const struct vision_result *r = s->r;
    const bool es = s->spanish;
    char text[64];
    char number[32];
    *l = (struct legend){0};
    (void)snprintf(l->total, sizeof(l->total), "%s %s", overlay_number(s, r->total, number),
                   r->total == 1 ? es ? "planta" : "plant"
                   : es          ? "plantas"
                                 : "plants");
    add_line(l, es ? "detectadas" : "detected", overlay_number(s, r->detected, number));
    add_line(l, es ? "estimadas" : "estimated", overlay_number(s, r->estimated, number));
    if (s->kind == VISION_OVERLAY_ESTIMATION) {
        return;
    }
    add_types(s, l);
    (void)snprintf(text, sizeof(text), "%.0f %%", 100 * r->confidence_mean);
    add_line(l, es ? "confianza" : "confidence", text);
    if (s->kind == VISION_OVERLAY_METRICS) {
        (void)snprintf(text, sizeof(text), "%.1f s", r->ms.total / 1000);
        if (es && strchr(text, '.')) {
            *strchr(text, '.') = ',';
        }
        add_line(l, es ? "tiempo" : "time", text);
        (void)snprintf(text, sizeof(text), "%d × %d px", r->image.w, r->image.h);
        add_line(l, es ? "imagen" : "image", text);
    }
}

void overlay_draw_panel(const struct overlay_scene *s, cairo_t *cr, int y0, int y1)
{
    const double letter = s->text;
    const double head = letter * 1.7;
    const double pad = letter;
    const double gap = letter * 1.55;
    struct legend l;
    (void)y0;
    compose(s, &l);
    const double top = pad * 0.8;
    const double height = 2 * pad + head + (double)l.n * gap + letter * 0.2;
    if (top >= y1 || top + height < y0) {
        return;
    }
    double labels = 0;
    double values = 0;
    for (size_t i = 0; i < l.n; i++) {
        const double swatch = l.line[i].swatch ? letter * 1.3 : 0;
        labels = fmax(labels, swatch + overlay_text_width(cr, l.line[i].label, letter, false));
        values = fmax(values, overlay_text_width(cr, l.line[i].value, letter, true));
    }
    const double inner =
        fmax(overlay_text_width(cr, l.total, head, true), labels + values + 1.5 * letter);
    overlay_round_rect(cr, top, top, inner + 2 * pad, height, letter * 0.6);
    cairo_set_source_rgba(cr, 0, 0, 0, 0.6);
    cairo_fill(cr);
    const double x = top + pad;
    double y = top + pad + head * 0.8;
    cairo_set_source_rgb(cr, 1, 1, 1);
    overlay_text(cr, l.total, x, y, head, true);
    y += letter * 0.4;
    for (size_t i = 0; i < l.n; i++) {
        const struct line *line = &l.line[i];
        double at = x;
        y += gap;
        if (line->swatch) {
            cairo_set_source_rgb(cr, line->color.r, line->color.g, line->color.b);
            cairo_arc(cr, at + letter * 0.45, y - letter * 0.35, letter * 0.45, 0, 2 * M_PI);
            cairo_fill(cr);
            at += letter * 1.3;
        }
        cairo_set_source_rgba(cr, 1, 1, 1, 0.85);
        overlay_text(cr, line->label, at, y, letter, false);
        cairo_set_source_rgb(cr, 1, 1, 1);
        overlay_text(cr, line->value, x + inner - overlay_text_width(cr, line->value, letter, true),
                     y, letter, true);
    }
}

bool vision_overlay_has_font(void)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
    cairo_t *cr = cairo_create(surface);
    cairo_glyph_t *glyphs = NULL;
    int n = 0;
    set_font(cr, 20, false);
    cairo_status_t status = cairo_scaled_font_text_to_glyphs(cairo_get_scaled_font(cr), 0, 0, "í",
                                                             -1, &glyphs, &n, NULL, NULL, NULL);
    const bool has = status == CAIRO_STATUS_SUCCESS && n == 1 && glyphs[0].index != 0;
    cairo_glyph_free(glyphs);
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    return has;
}
