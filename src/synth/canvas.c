/* SPDX-License-Identifier: Apache-2.0
 *
 * The inner loops of the renderer. A 12 MP bench of 600 rosettes is some 30,000 leaves, so the leaf
 * is the loop that matters: one inverse affine map a pixel, a table for the outline, no branch on
 * the kind of plant. */
#include "synth/canvas.h"

#include <float.h>
#include <math.h>

#include "base/alloc.h"
#include "base/arith.h"

struct box {
    int x1, y1, x2, y2; /* half-open */
};

int canvas_init(struct canvas *c, int w, int h, const struct light *light, struct dm_err *e)
{
    *c = (struct canvas){.light = light};
    DM_TRY(image_init(&c->im, w, h, 3, e));
    c->id = dm_calloc((size_t)w * (size_t)h, sizeof *c->id);
    if (!c->id) {
        canvas_clear(c);
        DM_FAIL(e, DM_ENOMEM, "no memory for a picture of %d x %d", w, h);
    }
    return DM_OK;
}

void canvas_clear(struct canvas *c)
{
    image_clear(&c->im);
    dm_free(c->id);
    *c = (struct canvas){0};
}

void canvas_begin(struct canvas *c, uint16_t pen)
{
    c->pen = pen;
    c->painted = 0;
    c->x1 = c->y1 = FLT_MAX;
    c->x2 = c->y2 = -FLT_MAX;
}

/* Remember what a primitive would cover, in the frame or not. */
static void extend(struct canvas *c, float x1, float y1, float x2, float y2)
{
    if (c->pen != CANVAS_ID_NONE) {
        c->x1 = fminf(c->x1, x1);
        c->y1 = fminf(c->y1, y1);
        c->x2 = fmaxf(c->x2, x2);
        c->y2 = fmaxf(c->y2, y2);
    }
}

/* Clip a box to the picture; false when nothing is left. */
static bool box_clip(const struct canvas *c, float x1, float y1, float x2, float y2,
                     struct box *ret)
{
    if (!(x2 > x1) || !(y2 > y1) || x2 - x1 > 65536 || y2 - y1 > 65536) {
        return false;
    }
    if (x1 >= (float)c->im.w || y1 >= (float)c->im.h || x2 <= 0 || y2 <= 0) {
        return false;
    }
    *ret =
        (struct box){(int)floorf(fmaxf(x1, 0)), (int)floorf(fmaxf(y1, 0)),
                     (int)ceilf(fminf(x2, (float)c->im.w)), (int)ceilf(fminf(y2, (float)c->im.h))};
    return ret->x1 < ret->x2 && ret->y1 < ret->y2;
}

static inline uint8_t to_u8(float v)
{
    return (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : (int)(v + 0.5f));
}

static inline void blend(struct canvas *c, int x, int y, struct rgb k, float alpha)
{
    uint8_t *p = image_row(&c->im, y) + 3 * x;
    p[0] = to_u8((float)p[0] + (k.r - (float)p[0]) * alpha);
    p[1] = to_u8((float)p[1] + (k.g - (float)p[1]) * alpha);
    p[2] = to_u8((float)p[2] + (k.b - (float)p[2]) * alpha);
    if (alpha > 0.5f && c->pen != CANVAS_ID_NONE) {
        uint16_t *id = &c->id[(size_t)y * (size_t)c->im.w + (size_t)x];
        c->painted += *id != c->pen;
        *id = c->pen;
    }
}

static inline void darken(struct canvas *c, int x, int y, float factor)
{
    uint8_t *p = image_row(&c->im, y) + 3 * x;
    p[0] = (uint8_t)((float)p[0] * factor);
    p[1] = (uint8_t)((float)p[1] * factor);
    p[2] = (uint8_t)((float)p[2] * factor);
}

static inline float unit_clamp(float v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* ---- leaf ---- */

struct leaf_frame {
    float iux, iuy, ivx, ivy; /* pixel offset -> (u, v) */
    float width_px;           /* half width at profile 1 */
    float length_px;
};

static inline float profile_at(const struct leaf_style *s, float u)
{
    float f = u * CANVAS_PROFILE;
    int i = (int)f;
    float t = f - (float)i;
    return s->profile[i] + (s->profile[i < CANVAS_PROFILE ? i + 1 : i] - s->profile[i]) * t;
}

/* Light on the blade at u along, t across (-1..1). */
static struct rgb leaf_colour(const struct leaf *l, const struct leaf_style *s,
                              const struct light *g, float u, float t)
{
    float across = t * s->round, along = (0.35f - u) * 0.7f;
    struct vec3 n = {l->n3.x + l->b3.x * across - l->a3.x * along,
                     l->n3.y + l->b3.y * across - l->a3.y * along,
                     l->n3.z + l->b3.z * across - l->a3.z * along};
    float inverse = 1 / sqrtf(vec3_dot(n, n));
    float sun = vec3_dot(n, g->to_sun) * inverse;
    float sky = 0.5f + 0.5f * n.z * inverse;
    float lit = g->ambient * sky + g->sun * fmaxf(sun, 0);
    lit *= l->shade + (1 - l->shade) * fminf(1, u * 1.6f);
    struct rgb k = rgb_mix(s->base, s->mid, unit_clamp(u * 2.2f));
    float edge = fabsf(t);
    float rim = unit_clamp((edge - 1 + s->rim_width) / (s->rim_width + 1e-3f)) * 0.8f;
    rim = fmaxf(rim, unit_clamp((u - 1 + s->tip) / (s->tip + 1e-3f)));
    k = rgb_mix(k, s->rim, rim * unit_clamp(u * 3));
    if (s->bands > 0) {
        float wave = u * 9 - (float)(int)(u * 9);
        k = rgb_mix(k, (struct rgb){226, 230, 214}, wave < 0.3f && u < 0.92f ? s->bands : 0);
    }
    k = rgb_scale(k, lit);
    float shine = fmaxf(sun, 0) * sky;
    shine *= shine;
    shine *= shine * shine;
    float w = 70 * s->gloss * shine * g->sun;
    return (struct rgb){k.r + w, k.g + w, k.b + w};
}

void canvas_leaf(struct canvas *c, const struct leaf *l, const struct leaf_style *s)
{
    float det = l->ax * l->by - l->ay * l->bx;
    if (fabsf(det) < 1e-3f) {
        return;
    }
    struct leaf_frame f = {l->by / det, -l->bx / det, -l->ay / det, l->ax / det, 0, 0};
    f.width_px = fabsf(det) / hypotf(l->ax, l->ay);
    f.length_px = fabsf(det) / hypotf(l->bx, l->by);
    float halo = fminf(fmaxf(0.16f * hypotf(l->ax, l->ay), 1), 12);
    float ex = fabsf(l->bx), ey = fabsf(l->by);
    float x1 = fminf(l->cx, l->cx + l->ax) - ex, x2 = fmaxf(l->cx, l->cx + l->ax) + ex;
    float y1 = fminf(l->cy, l->cy + l->ay) - ey, y2 = fmaxf(l->cy, l->cy + l->ay) + ey;
    extend(c, x1, y1, x2, y2);
    struct box box;
    if (!box_clip(c, x1 - halo, y1 - halo, x2 + halo, y2 + halo, &box)) {
        return;
    }
    for (int y = box.y1; y < box.y2; y++) {
        float py = (float)y + 0.5f - l->cy;
        for (int x = box.x1; x < box.x2; x++) {
            float px = (float)x + 0.5f - l->cx;
            float u = px * f.iux + py * f.iuy, v = px * f.ivx + py * f.ivy;
            float uc = unit_clamp(u);
            float half = profile_at(s, uc);
            float side = (half - fabsf(v)) * f.width_px;
            float end = fminf(u, 1 - u) * f.length_px;
            float inside = fminf(side, end) + 0.5f;
            if (inside > 0) {
                float t = half > 1e-3f ? v / half : 0;
                blend(c, x, y, leaf_colour(l, s, c->light, uc, DM_CLAMP(t, -1, 1)),
                      fminf(inside, 1));
            } else if (inside > -halo && s->halo > 0 && u > 0.1f) {
                float away = 1 + inside / halo;
                darken(c, x, y, 1 - s->halo * away * away);
            }
        }
    }
}

/* ---- discs ---- */

struct inverse {
    float iux, iuy, ivx, ivy, radius_px;
};

static bool affine_invert(const struct affine *m, struct inverse *ret)
{
    float det = m->ux * m->vy - m->uy * m->vx;
    if (fabsf(det) < 1e-3f) {
        return false;
    }
    *ret =
        (struct inverse){m->vy / det, -m->vx / det, -m->uy / det, m->ux / det, sqrtf(fabsf(det))};
    return true;
}

static bool disc_box(struct canvas *c, const struct affine *m, bool square, bool solid,
                     struct box *ret)
{
    float ex = square ? fabsf(m->ux) + fabsf(m->vx) : hypotf(m->ux, m->vx);
    float ey = square ? fabsf(m->uy) + fabsf(m->vy) : hypotf(m->uy, m->vy);
    if (solid) {
        extend(c, m->cx - ex, m->cy - ey, m->cx + ex, m->cy + ey);
    }
    return box_clip(c, m->cx - ex - 0.5f, m->cy - ey - 0.5f, m->cx + ex + 0.5f, m->cy + ey + 0.5f,
                    ret);
}

static inline float disc_radius(float u, float v, bool square)
{
    float a = u * u, b = v * v;
    if (!square) {
        return sqrtf(a + b);
    }
    a *= a;
    b *= b;
    return sqrtf(sqrtf(sqrtf(a * a + b * b)));
}

void canvas_disc(struct canvas *c, const struct affine *m, bool square, float inner, shade_fn shade,
                 const void *ctx)
{
    struct inverse f;
    struct box box;
    if (!affine_invert(m, &f) || !disc_box(c, m, square, true, &box)) {
        return;
    }
    for (int y = box.y1; y < box.y2; y++) {
        float py = (float)y + 0.5f - m->cy;
        for (int x = box.x1; x < box.x2; x++) {
            float px = (float)x + 0.5f - m->cx;
            float u = px * f.iux + py * f.iuy, v = px * f.ivx + py * f.ivy;
            float r = disc_radius(u, v, square);
            float cover = (1 - r) * f.radius_px + 0.5f;
            if (inner > 0) {
                cover = fminf(cover, (r - inner) * f.radius_px + 0.5f);
            }
            if (cover > 0) {
                blend(c, x, y, shade(ctx, u, v), fminf(cover, 1));
            }
        }
    }
}

void canvas_shadow(struct canvas *c, const struct affine *m, bool square, float strength)
{
    struct inverse f;
    struct box box;
    if (!affine_invert(m, &f) || !disc_box(c, m, square, false, &box)) {
        return;
    }
    for (int y = box.y1; y < box.y2; y++) {
        float py = (float)y + 0.5f - m->cy;
        for (int x = box.x1; x < box.x2; x++) {
            float px = (float)x + 0.5f - m->cx;
            float u = px * f.iux + py * f.iuy, v = px * f.ivx + py * f.ivy;
            float r = disc_radius(u, v, square);
            if (r < 1) {
                darken(c, x, y, 1 - strength * fminf(1, (1 - r) * 3));
            }
        }
    }
}

void canvas_ball(struct canvas *c, const struct affine *m, ball_fn shade, const void *ctx)
{
    struct inverse f;
    struct box box;
    if (!affine_invert(m, &f) || !disc_box(c, m, false, true, &box)) {
        return;
    }
    for (int y = box.y1; y < box.y2; y++) {
        float py = (float)y + 0.5f - m->cy;
        for (int x = box.x1; x < box.x2; x++) {
            float px = (float)x + 0.5f - m->cx;
            float u = px * f.iux + py * f.iuy, v = px * f.ivx + py * f.ivy;
            float rr = u * u + v * v;
            if (rr > 1.3f) {
                continue;
            }
            float cover = (1 - sqrtf(rr)) * f.radius_px + 0.5f;
            if (cover > 0) {
                blend(c, x, y, shade(ctx, u, v, sqrtf(fmaxf(1 - rr, 0))), fminf(cover, 1));
            }
        }
    }
}

/* ---- polygons and strokes ---- */

void canvas_polygon(struct canvas *c, float (*p)[2], int n, shade_fn shade, const void *ctx)
{
    float edge[8][3]; /* a*x + b*y + d = distance to the inside */
    float x1 = FLT_MAX, y1 = FLT_MAX, x2 = -FLT_MAX, y2 = -FLT_MAX, area = 0;
    DM_BUG_UNLESS(n >= 3 && n <= 8);
    for (int i = 0; i < n; i++) {
        const float *a = p[i], *b = p[(i + 1) % n];
        area += a[0] * b[1] - a[1] * b[0];
        x1 = fminf(x1, a[0]);
        y1 = fminf(y1, a[1]);
        x2 = fmaxf(x2, a[0]);
        y2 = fmaxf(y2, a[1]);
    }
    float turn = area > 0 ? 1 : -1;
    for (int i = 0; i < n; i++) {
        const float *a = p[i], *b = p[(i + 1) % n];
        float dx = b[0] - a[0], dy = b[1] - a[1], len = fmaxf(hypotf(dx, dy), 1e-6f);
        edge[i][0] = -dy / len * turn;
        edge[i][1] = dx / len * turn;
        edge[i][2] = -(edge[i][0] * a[0] + edge[i][1] * a[1]);
    }
    extend(c, x1, y1, x2, y2);
    struct box box;
    if (!box_clip(c, x1 - 0.5f, y1 - 0.5f, x2 + 0.5f, y2 + 0.5f, &box)) {
        return;
    }
    for (int y = box.y1; y < box.y2; y++) {
        for (int x = box.x1; x < box.x2; x++) {
            float cover = 1, px = (float)x + 0.5f, py = (float)y + 0.5f;
            for (int i = 0; i < n && cover > 0; i++) {
                cover = fminf(cover, edge[i][0] * px + edge[i][1] * py + edge[i][2] + 0.5f);
            }
            if (cover > 0) {
                blend(c, x, y, shade(ctx, px, py), cover);
            }
        }
    }
}

void canvas_stroke(struct canvas *c, float x1, float y1, float x2, float y2, float width,
                   struct rgb colour, float alpha)
{
    float r = width * 0.5f, dx = x2 - x1, dy = y2 - y1;
    float inverse = 1 / fmaxf(dx * dx + dy * dy, 1e-6f);
    struct box box;
    if (!box_clip(c, fminf(x1, x2) - r - 1, fminf(y1, y2) - r - 1, fmaxf(x1, x2) + r + 1,
                  fmaxf(y1, y2) + r + 1, &box)) {
        return;
    }
    for (int y = box.y1; y < box.y2; y++) {
        for (int x = box.x1; x < box.x2; x++) {
            float px = (float)x + 0.5f - x1, py = (float)y + 0.5f - y1;
            float t = unit_clamp((px * dx + py * dy) * inverse);
            float cover = r - hypotf(px - t * dx, py - t * dy) + 0.5f;
            if (cover > 0) {
                blend(c, x, y, colour, fminf(cover, 1) * alpha * fminf(1, width));
            }
        }
    }
}
