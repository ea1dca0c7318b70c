/* SPDX-License-Identifier: Apache-2.0
 *
 * Shapes of the overlays: plants, containers, bands. */
#include <math.h>
#include <stdio.h>

#include "vision/overlay_scene.h"

struct overlay_color overlay_type_color(enum vision_container_type t)
{
    static const struct overlay_color colors[VISION_CONTAINER_MAX_] = {
        [VISION_CONTAINER_SEGMENT] = {0, 200 / 255.0, 83 / 255.0},
        [VISION_CONTAINER_BOX] = {1, 152 / 255.0, 0},
        [VISION_CONTAINER_PLUG] = {3 / 255.0, 169 / 255.0, 244 / 255.0},
        [VISION_CONTAINER_ALMACIGO] = {156 / 255.0, 39 / 255.0, 176 / 255.0},
    };
    return colors[t];
}

static void use(cairo_t *cr, struct overlay_color c, double opacity)
{
    cairo_set_source_rgba(cr, c.r, c.g, c.b, opacity);
}

/* ---- plants ---- */

/* Radius of the disc of a plant: vision.md 9.1 and 9.2. */
static double plant_radius(const struct overlay_scene *s, const struct vision_detection *d)
{
    const double share = s->kind == VISION_OVERLAY_ANNOTATED ? 0.75 : 0.85;
    return fmax(fmin(d->w, d->h) * share / 2, s->unit);
}

static bool in_strip(double y, double radius, int y0, int y1)
{
    return y + radius >= y0 && y - radius < y1;
}

/* Add the discs of all plants of a type in the strip to the path; returns how many. */
static size_t add_discs(const struct overlay_scene *s, cairo_t *cr, enum vision_container_type t,
                        int y0, int y1)
{
    const struct vision_result *r = s->r;
    size_t n = 0;
    for (size_t i = 0; i < r->n_detection; i++) {
        const struct vision_detection *d = &r->detection[i];
        const double radius = plant_radius(s, d);
        if (r->container[d->container].type == t && in_strip(d->cy, radius + 2 * s->unit, y0, y1)) {
            cairo_new_sub_path(cr);
            cairo_arc(cr, d->cx, d->cy, radius, 0, 2 * M_PI);
            n++;
        }
    }
    return n;
}

void overlay_draw_plants(const struct overlay_scene *s, cairo_t *cr, int y0, int y1)
{
    const bool rings = s->kind == VISION_OVERLAY_ANNOTATED;
    for (enum vision_container_type t = 0; t < VISION_CONTAINER_MAX_; t++) {
        const struct overlay_color color = overlay_type_color(t);
        cairo_new_path(cr);
        if (add_discs(s, cr, t, y0, y1) == 0) {
            continue;
        }
        use(cr, color, rings ? 0.25 : 0.6);
        if (!rings) {
            cairo_fill(cr);
            continue;
        }
        cairo_fill_preserve(cr);
        cairo_set_source_rgba(cr, 0, 0, 0,
                              0.45); /* a dark rim, so that light leaves do not eat it */
        cairo_set_line_width(cr, 2.2 * s->unit);
        cairo_stroke_preserve(cr);
        cairo_set_source_rgba(cr, 1, 1, 1, 0.95);
        cairo_set_line_width(cr, 1.1 * s->unit);
        cairo_stroke(cr);
    }
}

/* ---- containers ---- */

static void container_path(const struct overlay_scene *s, cairo_t *cr,
                           const struct vision_container *c)
{
    cairo_new_path(cr);
    for (size_t i = 0; i < c->n_polygon; i++) {
        cairo_line_to(cr, c->polygon[2 * i] * s->r->image.w, c->polygon[2 * i + 1] * s->r->image.h);
    }
    if (c->n_polygon == 0) {
        cairo_rectangle(cr, c->bbox.x, c->bbox.y, c->bbox.w, c->bbox.h);
    }
    cairo_close_path(cr);
}

static void container_label(const struct overlay_scene *s, cairo_t *cr,
                            const struct vision_container *c)
{
    char number[32];
    char text[80];
    const double height = s->text * 0.8;
    (void)snprintf(text, sizeof(text), "%s   %s", c->id,
                   overlay_number(s, (uint64_t)c->detected + c->estimated, number));
    const double pad = height * 0.4;
    const double w = overlay_text_width(cr, text, height, true) + 2 * pad;
    const double h = height + 2 * pad;
    const double x = fmin(c->bbox.x, s->r->image.w - w);
    const double y = fmin(fmax(c->bbox.y, 0), s->r->image.h - h);
    overlay_round_rect(cr, x, y, w, h, pad);
    use(cr, overlay_type_color(c->type), 0.9);
    cairo_fill(cr);
    cairo_set_source_rgb(cr, 1, 1, 1);
    overlay_text(cr, text, x + pad, y + pad + height * 0.78, height, true);
}

void overlay_draw_outlines(const struct overlay_scene *s, cairo_t *cr, int y0, int y1)
{
    const bool plain = s->kind == VISION_OVERLAY_RESIDUAL;
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    for (size_t i = 0; i < s->r->n_container; i++) {
        const struct vision_container *c = &s->r->container[i];
        const int reach = (int)(4 * s->unit + 2 * s->text);
        if (c->whole_photo || c->bbox.y - reach >= y1 || c->bbox.y + c->bbox.h + reach < y0) {
            continue;
        }
        container_path(s, cr, c);
        cairo_set_source_rgba(cr, 1, 1, 1, plain ? 1 : 0.9);
        cairo_set_line_width(cr, plain ? 3 : 4.5 * s->unit);
        if (plain) {
            cairo_stroke(cr);
            continue;
        }
        cairo_stroke_preserve(cr);
        use(cr, overlay_type_color(c->type), 1);
        cairo_set_line_width(cr, 2.5 * s->unit);
        cairo_stroke(cr);
        container_label(s, cr, c);
    }
}

/* ---- bands ---- */

/* "+31" beside a band of the annotated picture, number and area of a band in the estimation. */
static void band_words(const struct overlay_scene *s, const struct vision_band *b, char *text,
                       size_t size)
{
    char count[32];
    char area[32];
    overlay_number(s, b->count, count);
    overlay_number(s, (uint64_t)b->processed_px, area);
    if (s->kind == VISION_OVERLAY_ANNOTATED) {
        (void)snprintf(text, size, "+%s", count);
    } else {
        (void)snprintf(text, size, "%d: %s (%s px)", b->number, count, area);
    }
}

static void band_label(const struct overlay_scene *s, cairo_t *cr, const struct vision_band *b,
                       const struct vision_container *c)
{
    char text[96];
    const double height = s->text * 0.8;
    const double pad = height * 0.35;
    band_words(s, b, text, sizeof(text));
    const double w = overlay_text_width(cr, text, height, true) + 2 * pad;
    const double x = c->bbox.x + c->bbox.w - w - 2 * s->unit;
    const double y = (b->y_start + b->y_end) / 2.0 - height / 2 - pad;
    overlay_round_rect(cr, x, y, w, height + 2 * pad, pad);
    cairo_set_source_rgba(cr, 0, 0, 0, 0.65);
    cairo_fill(cr);
    cairo_set_source_rgb(cr, 1, 214 / 255.0, 0);
    overlay_text(cr, text, x + pad, y + pad + height * 0.78, height, true);
}

static void band_line(const struct overlay_scene *s, cairo_t *cr, const struct vision_container *c,
                      int y)
{
    const double dash[] = {6 * s->unit, 5 * s->unit};
    cairo_set_dash(cr, dash, 2, 0);
    cairo_move_to(cr, c->bbox.x, y);
    cairo_line_to(cr, c->bbox.x + c->bbox.w, y);
    cairo_set_source_rgba(cr, 0, 0, 0, 0.5);
    cairo_set_line_width(cr, 2.4 * s->unit);
    cairo_stroke_preserve(cr);
    cairo_set_source_rgba(cr, 1, 214 / 255.0, 0, 0.95);
    cairo_set_line_width(cr, 1.2 * s->unit);
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
}

void overlay_draw_bands(const struct overlay_scene *s, cairo_t *cr, int y0, int y1)
{
    const int reach = (int)(2 * s->text + 4 * s->unit);
    for (size_t i = 0; i < s->r->n_band; i++) {
        const struct vision_band *b = &s->r->band[i];
        const struct vision_container *c = &s->r->container[b->container];
        /* only bands that estimate something (vision.md 9.1); the estimation picture shows all */
        if ((s->kind == VISION_OVERLAY_ANNOTATED && b->count == 0) || b->y_start - reach >= y1 ||
            b->y_end + reach < y0) {
            continue;
        }
        if (b->y_start > c->bbox.y) {
            band_line(s, cr, c, b->y_start);
        }
        if (b->y_end < c->bbox.y + c->bbox.h) {
            band_line(s, cr, c, b->y_end);
        }
        band_label(s, cr, b, c);
    }
}
