/* SPDX-License-Identifier: Apache-2.0
 *
 * The drawing surface of the renderer: RGB pixels and, beside each, which object it shows. A few
 * primitives (leaf, disc, ball, convex polygon, stroke, shadow), each a loop over its box with
 * analytic antialiasing. Coordinates are pixels, origin top-left, pixel centres at +0.5. */
#ifndef SYNTH_CANVAS_H
#define SYNTH_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "image/image.h"

struct rgb {
    float r, g, b; /* 0..255, display values */
};

static inline struct rgb rgb_mix(struct rgb a, struct rgb b, float t)
{
    return (struct rgb){a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t};
}

static inline struct rgb rgb_scale(struct rgb a, float f)
{
    return (struct rgb){a.r * f, a.g * f, a.b * f};
}

struct vec3 {
    float x, y, z;
};

static inline float vec3_dot(struct vec3 a, struct vec3 b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

/* Where the light comes from and how strong it is; shared by all primitives. */
struct light {
    struct vec3 to_sun; /* unit */
    float ambient;      /* 0..1 */
    float sun;          /* 0..1, adds to ambient */
};

#define CANVAS_ID_NONE 0xffff /* leave the id plane as it is */

struct canvas {
    struct image im;      /* 3 channels, owned */
    uint16_t *id;         /* [h*w] owned; 0 = nothing that counts */
    uint16_t pen;         /* id written where a primitive covers more than half of a pixel */
    float x1, y1, x2, y2; /* extent of what was painted since canvas_begin, unclipped */
    uint32_t painted;     /* pixels that got the pen since canvas_begin */
    const struct light *light;
};

/* Unit square or disc to pixels: centre + u * U + v * V. */
struct affine {
    float cx, cy, ux, uy, vx, vy;
};

/* Colour at (u, v) of the primitive's own frame. */
typedef struct rgb (*shade_fn)(const void *ctx, float u, float v);

/* Pixels undefined, ids 0. */
DM_MUST_CHECK int canvas_init(struct canvas *c, int w, int h, const struct light *light,
                              struct dm_err *e);
void canvas_clear(struct canvas *c);

/* Start an object: set the pen and forget the extent. */
void canvas_begin(struct canvas *c, uint16_t pen);

/* Width of a leaf along its length, 0..1 at CANVAS_PROFILE + 1 places from base to tip. */
#define CANVAS_PROFILE 32

struct leaf_style {
    float profile[CANVAS_PROFILE + 1];
    struct rgb base, mid, rim; /* at the stem, on the blade, along the edge */
    float rim_width;           /* 0..1 of the half width */
    float tip;                 /* share of the length that takes the rim colour at the tip */
    float round;               /* how far the blade curves up at the edges, 0..1.5 */
    float gloss;               /* strength of the highlight, 0..1 */
    float bands;               /* strength of pale cross bands, 0..1 (haworthia) */
    float halo;                /* darkness cast on what lies below, 0..1 */
};

/* A blade from (cx, cy) along a to its tip; b is the half width at profile 1. a3, b3, n3 are the
 * same directions in the world, unit, for the light. */
struct leaf {
    float cx, cy, ax, ay, bx, by;
    struct vec3 a3, b3, n3;
    float shade; /* factor at the base, 1 at the tip: leaves above keep the light away */
};

void canvas_leaf(struct canvas *c, const struct leaf *l, const struct leaf_style *s);

/* Round (square false) or rounded-square disc; only where the radius is >= inner. */
void canvas_disc(struct canvas *c, const struct affine *m, bool square, float inner, shade_fn shade,
                 const void *ctx);

/* Convex polygon, 3..8 corners in either turn, not changed. Colour by pixel position. */
void canvas_polygon(struct canvas *c, float (*p)[2], int n, shade_fn shade, const void *ctx);

/* Line with round ends. */
void canvas_stroke(struct canvas *c, float x1, float y1, float x2, float y2, float width,
                   struct rgb colour, float alpha);

/* Darken a soft disc: at most by strength in the middle, nothing at the edge. */
void canvas_shadow(struct canvas *c, const struct affine *m, bool square, float strength);

/* Solid with the silhouette of an ellipse (a ball in any pose): shade gets the unit normal in view
 * space as (u, v), z follows. */
typedef struct rgb (*ball_fn)(const void *ctx, float nx, float ny, float nz);
void canvas_ball(struct canvas *c, const struct affine *m, ball_fn shade, const void *ctx);

#endif
