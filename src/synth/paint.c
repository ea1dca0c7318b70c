/* SPDX-License-Identifier: Apache-2.0
 *
 * From a plan to pixels, back to front: ground, blocks, shadows, then every place with its pot and
 * its plant. */
#include <math.h>

#include "synth/scene.h"

/* ---- ground ---- */

static float flat_light(const struct light *g)
{
    return g->ambient + 0.85f * g->sun * g->to_sun.z;
}

static void put(uint8_t *p, struct rgb c)
{
    p[0] = (uint8_t)DM_CLAMP(c.r, 0, 255);
    p[1] = (uint8_t)DM_CLAMP(c.g, 0, 255);
    p[2] = (uint8_t)DM_CLAMP(c.b, 0, 255);
}

static void paint_ground(const struct scene *s, struct canvas *c)
{
    float lit = flat_light(&s->light), ca = cosf(-s->angle), sa = sinf(-s->angle);
    for (int y = 0; y < s->h; y++) {
        uint8_t *row = image_row(&c->im, y);
        for (int x = 0; x < s->w; x++) {
            float g[2];
            camera_ground(&s->cam, (float)x + 0.5f, (float)y + 0.5f, g);
            struct rgb k = ground_colour(&s->ground, g[0] * ca - g[1] * sa, g[0] * sa + g[1] * ca);
            put(row + 3 * x, rgb_scale(k, lit));
        }
    }
}

/* ---- blocks ---- */

struct surface {
    const struct scene *s;
    const struct ground_style *ground; /* NULL: plain colour */
    struct rgb colour;
    float lit, ca, sa;
};

static struct rgb surface_colour(const void *ctx, float x, float y)
{
    const struct surface *f = ctx;
    float g[2];
    camera_ground(&f->s->cam, x, y, g);
    if (f->ground) {
        return rgb_scale(
            ground_colour(f->ground, g[0] * f->ca - g[1] * f->sa, g[0] * f->sa + g[1] * f->ca),
            f->lit);
    }
    float worn = texture_cloud(&f->s->texture, g[0] * 21, g[1] * 21);
    return rgb_scale(f->colour, f->lit * (0.88f + 0.24f * worn));
}

static struct surface surface(const struct scene *s, const struct ground_style *ground,
                              struct rgb colour, float lit)
{
    return (struct surface){
        s, ground, colour, lit * flat_light(&s->light), cosf(-s->angle), sinf(-s->angle)};
}

/* Rectangle at height z, grown outwards by `out` units on all sides. */
static void block_corners(const struct block *b, float out, float ret[4][2])
{
    for (int k = 0; k < 4; k++) {
        const float *p = b->corner[k], *next = b->corner[(k + 1) & 3],
                    *last = b->corner[(k + 3) & 3];
        float ax = p[0] - next[0], ay = p[1] - next[1], bx = p[0] - last[0], by = p[1] - last[1];
        float al = fmaxf(hypotf(ax, ay), 1e-6f), bl = fmaxf(hypotf(bx, by), 1e-6f);
        ret[k][0] = p[0] + out * (ax / al + bx / bl);
        ret[k][1] = p[1] + out * (ay / al + by / bl);
    }
}

static void paint_quad(const struct scene *s, struct canvas *c, float corner[4][2], float z,
                       const struct surface *f)
{
    float p[4][2];
    for (int k = 0; k < 4; k++) {
        camera_project(&s->cam, (struct vec3){corner[k][0], corner[k][1], z}, p[k]);
    }
    canvas_polygon(c, p, 4, surface_colour, f);
}

/* Upright wall between two corners from z = 0 to `top`, if its outside faces the camera. */
static void paint_wall(const struct scene *s, struct canvas *c, const float *a, const float *b,
                       float top)
{
    float p[4][2];
    camera_project(&s->cam, (struct vec3){a[0], a[1], 0}, p[0]);
    camera_project(&s->cam, (struct vec3){b[0], b[1], 0}, p[1]);
    camera_project(&s->cam, (struct vec3){b[0], b[1], top}, p[2]);
    camera_project(&s->cam, (struct vec3){a[0], a[1], top}, p[3]);
    float dx = b[0] - a[0], dy = b[1] - a[1], len = fmaxf(hypotf(dx, dy), 1e-6f);
    float sun = fmaxf((dy * s->light.to_sun.x - dx * s->light.to_sun.y) / len, 0);
    struct surface f = surface(s, NULL, s->tray, 1);
    f.lit = 0.6f * s->light.ambient + 0.8f * s->light.sun * sun;
    canvas_polygon(c, p, 4, surface_colour, &f);
}

static void paint_box(const struct scene *s, struct canvas *c, const struct block *b, float top,
                      bool open)
{
    float outer[4][2], inner[4][2];
    block_corners(b, 0, outer);
    block_corners(b, -0.1f, inner);
    for (int k = 0; k < 4; k++) {
        paint_wall(s, c, outer[k], outer[(k + 1) & 3], top);
    }
    struct surface rim = surface(s, NULL, s->tray, 1.15f);
    paint_quad(s, c, outer, top, &rim);
    if (open) {
        struct surface wall = surface(s, NULL, s->tray, 0.4f),
                       floor = surface(s, NULL, s->tray, 0.62f);
        paint_quad(s, c, inner, top, &wall);
        block_corners(b, -0.14f, inner);
        paint_quad(s, c, inner, 0.05f, &floor);
    }
}

static void paint_tray_soil(const struct scene *s, struct canvas *c, const struct block *b)
{
    float inner[4][2];
    struct ground_style earth = {GROUND_SOIL, &s->texture, s->pot[0].earth, 1.6f, s->ground.px};
    earth.tint = rgb_scale(earth.tint, 1.25f);
    struct surface f = surface(s, &earth, s->tray, 0.95f);
    block_corners(b, -0.18f, inner);
    paint_quad(s, c, inner, s->wall * 0.75f, &f);
}

static void paint_bed(const struct scene *s, struct canvas *c, const struct block *b)
{
    float edge[4][2];
    struct surface bed = surface(s, &s->bed, s->tray, 1);
    if (s->seed & 1) {
        struct ground_style planks = {GROUND_WOOD, &s->texture, {150, 118, 86}, 1, s->ground.px};
        struct surface wood = surface(s, &planks, s->tray, 1);
        block_corners(b, 0, edge);
        paint_quad(s, c, edge, 0, &wood);
    }
    block_corners(b, s->seed & 1 ? -0.12f : 0, edge);
    paint_quad(s, c, edge, 0, &bed);
}

static void paint_blocks(const struct scene *s, struct canvas *c)
{
    for (int i = 0; i < s->n_block; i++) {
        const struct block *b = &s->block[i];
        switch (s->kind) {
        case SYNTH_SCENE_BENCH:
            paint_bed(s, c, b);
            break;
        case SYNTH_SCENE_PLUG:
            paint_box(s, c, b, s->wall, false);
            break;
        case SYNTH_SCENE_CRATE:
            paint_box(s, c, b, s->wall, true);
            break;
        case SYNTH_SCENE_SEEDLING:
            paint_box(s, c, b, s->wall, true);
            paint_tray_soil(s, c, b);
            break;
        case SYNTH_SCENE_ANY:
        case SYNTH_SCENE_LOOSE:
        case SYNTH_SCENE_MAX_:
            break;
        }
    }
}

/* ---- places ---- */

static bool has_pots(const struct scene *s)
{
    return s->kind == SYNTH_SCENE_BENCH || s->kind == SYNTH_SCENE_LOOSE ||
           s->kind == SYNTH_SCENE_CRATE;
}

static const struct pot_style *pot_of(const struct scene *s, const struct place *p)
{
    return &s->pot[s->block[p->block].pot];
}

static void paint_pot_shadows(const struct scene *s, struct canvas *c)
{
    float strength = 0.25f + 0.35f * s->light.sun;
    for (int i = 0; has_pots(s) && i < s->n_place; i++) {
        const struct place *p = &s->place[i];
        if (p->content == PLACE_NOTHING) {
            continue;
        }
        const struct pot_style *pot = pot_of(s, p);
        float reach = 0.3f * pot->height * s->light.sun / fmaxf(s->light.to_sun.z, 0.3f);
        struct vec3 at = {p->at.x - s->light.to_sun.x * reach, p->at.y - s->light.to_sun.y * reach,
                          p->at.z};
        shadow_draw(c, &s->cam, at, pot->radius * 1.3f, strength);
    }
}

/* White stick-in label. */
static void paint_label(const struct scene *s, struct canvas *c, const struct place *p, float z,
                        struct rng *r)
{
    struct local l;
    camera_local(&s->cam, (struct vec3){p->at.x, p->at.y, z}, &l);
    float a = rng_range(r, 0, 6.28f), u = cosf(a), v = sinf(a), len = rng_range(r, 0.12f, 0.3f),
          w = 0.05f;
    float at = 0.3f * l.scale, q[4][2];
    for (int k = 0; k < 4; k++) {
        float along = k == 1 || k == 2 ? len : 0, across = k < 2 ? -w : w;
        q[k][0] = l.px + u * at + (u * along - v * across) * l.scale;
        q[k][1] = l.py + v * at + (v * along + u * across) * l.scale;
    }
    struct surface f = surface(s, NULL, (struct rgb){236, 236, 230}, 1);
    canvas_polygon(c, q, 4, surface_colour, &f);
}

/* What a plant stands on; returns the height of its foot. */
static float paint_stand(const struct scene *s, struct canvas *c, const struct place *p,
                         struct rng *r)
{
    if (has_pots(s)) {
        const struct pot_style *pot = pot_of(s, p);
        pot_draw(c, &s->cam, &s->texture, pot, p->at, p->angle, r);
        return p->at.z + pot->height * (1 - pot->soil);
    }
    if (s->kind == SYNTH_SCENE_PLUG) {
        const struct pot_style *pot = pot_of(s, p);
        struct vec3 top = {p->at.x, p->at.y, s->wall};
        soil_draw(c, &s->cam, &s->texture, rgb_scale(s->tray, 0.45f), 0, pot->square, top, 0.43f,
                  p->angle);
        soil_draw(c, &s->cam, &s->texture, pot->earth, pot->perlite, pot->square, p->at, 0.39f,
                  p->angle);
    }
    return p->at.z;
}

static int class_of(const struct scene *s, const struct place *p)
{
    switch (p->content) {
    case PLACE_PLANT:
        return SYNTH_ITEM;
    case PLACE_DEAD:
        return SYNTH_DEAD_PLANT;
    case PLACE_EMPTY:
        return s->kind == SYNTH_SCENE_SEEDLING ? -1 : SYNTH_EMPTY_POT;
    default:
        return -1;
    }
}

static void paint_place(const struct scene *s, struct canvas *c, int index,
                        struct paint_record *ret)
{
    const struct place *p = &s->place[index];
    struct rng r = rng_fork(p->seed, 2);
    *ret = (struct paint_record){.class = class_of(s, p), .place = index};
    if (p->content == PLACE_NOTHING) {
        return;
    }
    uint16_t pen = (uint16_t)(index + 1);
    canvas_begin(c, ret->class == SYNTH_EMPTY_POT ? pen : 0);
    float z = paint_stand(s, c, p, &r);
    if (p->content == PLACE_PLANT || p->content == PLACE_DEAD) {
        struct vec3 at = {p->at.x, p->at.y, z};
        float off = 0.05f * rng_unit(&r);
        at.x += off;
        shadow_draw(
            c, &s->cam,
            (struct vec3){at.x - s->light.to_sun.x * 0.08f, at.y - s->light.to_sun.y * 0.08f, z},
            p->radius * 1.15f, 0.3f + 0.3f * s->light.sun);
        canvas_begin(c, pen);
        if (p->content == PLACE_PLANT) {
            plant_draw(c, &s->cam, &s->species[p->species], at, p->radius, &r);
        } else {
            plant_draw_dead(c, &s->cam, at, p->radius, &r);
        }
    }
    *ret = (struct paint_record){c->x1, c->y1, c->x2, c->y2, c->painted, ret->class, index};
    if (rng_chance(&r, 0.03f) && s->kind != SYNTH_SCENE_SEEDLING) {
        canvas_begin(c, 0);
        paint_label(s, c, p, z, &r);
    }
}

void scene_paint(const struct scene *s, struct canvas *c, struct paint_record *record)
{
    canvas_begin(c, 0);
    paint_ground(s, c);
    paint_blocks(s, c);
    paint_pot_shadows(s, c);
    for (int i = 0; i < s->n_place; i++) {
        paint_place(s, c, i, &record[i]);
    }
}
