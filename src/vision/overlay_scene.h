/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to overlay*.c: what a picture is drawn from. A picture is drawn strip by strip, so that
 * the pixels at hand stay in the cache and memory does not grow with the photo; everything is
 * therefore drawn in full-image coordinates on a surface that shows rows [y0, y1) only. */
#ifndef VISION_OVERLAY_SCENE_H
#define VISION_OVERLAY_SCENE_H

#include <stdbool.h>

#include <cairo.h>

#include "vision/overlay.h"

struct overlay_color {
    double r, g, b; /* 0..1 */
};

struct overlay_scene {
    const struct vision_result *r;
    enum vision_overlay kind;
    bool spanish;
    double unit; /* line of ordinary width in pixels: grows with the photo */
    double text; /* height of ordinary letters in pixels */
};

/* Colours of vision.md 9.2 by container type. */
struct overlay_color overlay_type_color(enum vision_container_type t);

/* Words of a type, "segmentos" / "segments". */
const char *overlay_type_word(const struct overlay_scene *s, enum vision_container_type t,
                              uint32_t n);

/* Number with the language's group mark: "1.842". Returns ret. */
const char *overlay_number(const struct overlay_scene *s, uint64_t n, char ret[static 32]);

/* Draw what has rows in [y0, y1). */
void overlay_draw_plants(const struct overlay_scene *s, cairo_t *cr, int y0, int y1);
void overlay_draw_outlines(const struct overlay_scene *s, cairo_t *cr, int y0, int y1);
void overlay_draw_bands(const struct overlay_scene *s, cairo_t *cr, int y0, int y1);

/* The legend in the top left corner. Height in pixels it needs; draw at the top of the photo. */
void overlay_draw_panel(const struct overlay_scene *s, cairo_t *cr, int y0, int y1);

/* Text at the left end of the base line. */
void overlay_text(cairo_t *cr, const char *text, double x, double y, double height, bool bold);
double overlay_text_width(cairo_t *cr, const char *text, double height, bool bold);

/* Path of a rectangle with round corners. */
void overlay_round_rect(cairo_t *cr, double x, double y, double w, double h, double radius);

#endif
