/* SPDX-License-Identifier: Apache-2.0
 *
 * Pots and what is in them before a plant is. A pot is a stack of discs from foot to rim, as many
 * as the view leans, then the rim ring and the soil inside. */
#include <math.h>

#include "synth/scene.h"

void pot_style_init(struct pot_style *s, struct rng *r)
{
    static const struct rgb bodies[] = {{34, 34, 36},   {178, 92, 62}, {232, 232, 228},
                                        {52, 52, 54},   {150, 74, 52}, {206, 202, 190},
                                        {88, 116, 132}, {110, 84, 66}, {24, 26, 26}};
    *s = (struct pot_style){.square = rng_chance(r, 0.3f), .bag = rng_chance(r, 0.2f)};
    s->body = bodies[rng_below(r, (int)DM_COUNT(bodies))];
    if (s->bag) {
        s->square = false;
        s->body = (struct rgb){30, 31, 33};
    }
    s->rim = rgb_mix(s->body, (struct rgb){255, 255, 255}, rng_range(r, 0.03f, 0.16f));
    s->radius = rng_range(r, 0.38f, 0.485f) * (s->square ? 0.98f : 1);
    s->foot = rng_range(r, 0.68f, 0.85f);
    s->height = rng_range(r, 0.4f, 0.95f);
    s->wall = rng_range(r, 0.05f, 0.13f);
    s->soil = rng_range(r, 0.04f, 0.2f);
    static const struct rgb earths[] = {
        {104, 82, 62}, {74, 58, 46}, {128, 106, 84}, {56, 48, 42}, {120, 112, 104}};
    s->earth = earths[rng_below(r, (int)DM_COUNT(earths))];
    s->perlite = rng_chance(r, 0.5f) ? rng_range(r, 0.01f, 0.08f) : 0;
}

/* ---- soil ---- */

struct earth {
    const struct texture *t;
    struct rgb colour;
    float perlite, scale, ox, oy, light;
    float fine; /* speckles a pixel can still show, 0..1 */
};

static struct rgb earth_colour(const void *ctx, float u, float v)
{
    const struct earth *s = ctx;
    float x = u * s->scale + s->ox, y = v * s->scale + s->oy;
    float broad = texture_cloud(s->t, x, y);
    int ix = (int)floorf(x * 1.7f) & (TEXTURE_SIDE - 1);
    int iy = (int)floorf(y * 1.7f) & (TEXTURE_SIDE - 1);
    size_t at = (size_t)iy * TEXTURE_SIDE + (size_t)ix;
    float clod = s->t->pebble[at], tone = s->t->tone[at];
    float edge = u * u + v * v;
    float lit = (0.5f + 0.5f * clod * s->fine + 0.5f * (broad - 0.5f) + 0.25f * (1 - s->fine)) *
                (1 - 0.35f * edge) * s->light;
    if (tone < s->perlite && clod > 0.6f) {
        return rgb_scale((struct rgb){226, 224, 214}, lit);
    }
    return rgb_scale(s->colour, lit * (0.75f + 0.5f * tone * s->fine));
}

void soil_draw(struct canvas *c, const struct camera *cam, const struct texture *t,
               struct rgb colour, float perlite, bool square, struct vec3 at, float radius,
               float angle)
{
    struct local l;
    camera_local(cam, at, &l);
    float hash = rng_lattice((int)(at.x * 64), (int)(at.y * 64), 5);
    struct earth s = {t, colour, perlite, 56 * radius / 0.45f, hash * 200, hash * 977, 0, 0};
    s.light = c->light->ambient + 0.85f * c->light->sun * c->light->to_sun.z;
    s.fine = DM_CLAMP(radius * l.scale / 16, 0, 1);
    struct affine m = local_disc(&l, radius, radius, angle, 0);
    canvas_disc(c, &m, square, 0, earth_colour, &s);
}

void shadow_draw(struct canvas *c, const struct camera *cam, struct vec3 at, float radius,
                 float strength)
{
    struct local l;
    camera_local(cam, at, &l);
    struct affine m = local_disc(&l, radius, radius, 0, 0);
    canvas_shadow(c, &m, false, strength);
}

/* ---- pot ---- */

struct wall {
    struct rgb colour;
    float lx, ly; /* light from the side, in the disc's own frame */
    float base, gain;
};

static struct rgb wall_colour(const void *ctx, float u, float v)
{
    const struct wall *w = ctx;
    float toward = (u * w->lx + v * w->ly) / fmaxf(sqrtf(u * u + v * v), 0.05f);
    return rgb_scale(w->colour, w->base + w->gain * toward);
}

static struct wall wall_shade(const struct canvas *c, struct rgb colour, float angle, float dim)
{
    const struct light *g = c->light;
    float cosa = cosf(angle), sina = sinf(angle);
    float x = g->to_sun.x * cosa + g->to_sun.y * sina, y = -g->to_sun.x * sina + g->to_sun.y * cosa;
    return (struct wall){colour, x, y, dim * (g->ambient + 0.5f * g->sun), dim * 0.45f * g->sun};
}

void pot_draw(struct canvas *c, const struct camera *cam, const struct texture *t,
              const struct pot_style *s, struct vec3 at, float angle, struct rng *r)
{
    struct local l;
    camera_local(cam, at, &l);
    float lean = hypotf(l.jx[2], l.jy[2]) * s->height;
    int steps = (int)DM_CLAMP(lean / 1.5f, 1, 20);
    struct wall side = wall_shade(c, s->body, angle, 0.8f);
    for (int i = 0; i < steps; i++) {
        float f = (float)i / (float)steps, radius = s->radius * (s->foot + (1 - s->foot) * f);
        struct affine m = local_disc(&l, radius, radius, angle, s->height * f);
        canvas_disc(c, &m, s->square, 0, wall_colour, &side);
    }
    struct vec3 top = {at.x, at.y, at.z + s->height};
    camera_local(cam, top, &l);
    struct wall rim = wall_shade(c, s->rim, angle, 1.0f);
    rim.base += 0.25f * c->light->sun;
    float ax = 1, ay = 1;
    if (s->bag) {
        ax = rng_range(r, 0.9f, 1.04f);
        ay = rng_range(r, 0.9f, 1.04f);
    }
    struct affine m = local_disc(&l, s->radius * ax, s->radius * ay, angle, 0);
    canvas_disc(c, &m, s->square, 0, wall_colour, &rim);
    struct wall hole = wall_shade(c, s->body, angle, 0.4f);
    hole.gain = -hole.gain; /* inside, the far wall is the lit one */
    float inner = s->radius * (1 - s->wall);
    m = local_disc(&l, inner * ax, inner * ay, angle, 0);
    canvas_disc(c, &m, s->square, 0, wall_colour, &hole);
    struct vec3 earth = {at.x, at.y, at.z + s->height * (1 - s->soil)};
    soil_draw(c, cam, t, s->earth, s->perlite, s->square, earth,
              inner * (1 - 0.25f * s->soil) * fminf(ax, ay), angle);
}
