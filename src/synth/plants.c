/* SPDX-License-Identifier: Apache-2.0
 *
 * Plants. Rosettes follow phyllotaxis: each leaf is turned by the golden angle against the one
 * before and is shorter and steeper (Vogel 1979). Cacti are balls whose normal carries the ribs.
 * A plant of the same species varies a little in every number, as seedlings of one tray do. */
#include <math.h>

#include "synth/scene.h"

#define PI 3.14159265f

static const struct rgb leaf_colours[][3] = {
    // clang-format off
    /*  base              blade             rim  */
    {{ 96, 122,  70}, {118, 150,  84}, {176, 110,  92}},
    {{122, 150, 110}, {146, 172, 128}, {206, 132, 118}},
    {{130, 152, 144}, {166, 186, 178}, {208, 190, 190}},
    {{146, 160, 150}, {192, 202, 196}, {214, 196, 198}},
    {{122, 150,  62}, {150, 182,  82}, {120, 150,  60}},
    {{104, 134,  74}, {130, 160,  94}, {190,  82,  76}},
    {{ 98,  96,  84}, {134, 112, 112}, {166,  96, 104}},
    {{ 74, 104,  66}, { 84, 122,  76}, { 70, 100,  60}},
    {{128, 146, 116}, {176, 176, 146}, {216, 150, 138}},
    {{ 84, 112,  88}, {108, 142, 116}, {140, 160, 130}},
    {{150, 140,  80}, {190, 172,  96}, {206, 120,  70}},
    {{ 80,  88,  60}, { 96, 100,  66}, {112,  58,  52}},
    // clang-format on
};

static const struct rgb cactus_colours[][2] = {
    // clang-format off
    {{ 96, 134,  82}, { 50,  82,  48}},
    {{122, 150, 104}, { 70, 100,  64}},
    {{132, 152, 138}, { 78, 104,  92}},
    {{ 86, 110,  70}, { 44,  66,  42}},
    {{150, 160, 110}, { 92, 108,  66}},
    // clang-format on
};

/* Outline u^a (1-u)^b scaled to 1 at its widest, which lies at a / (a + b). */
static void profile_blade(struct leaf_style *s, float a, float b)
{
    float widest = a / (a + b), top = powf(widest, a) * powf(1 - widest, b);
    for (int i = 0; i <= CANVAS_PROFILE; i++) {
        float u = (float)i / CANVAS_PROFILE;
        s->profile[i] = i == 0 || i == CANVAS_PROFILE ? 0 : powf(u, a) * powf(1 - u, b) / top;
    }
    s->profile[0] = s->profile[1] * 0.6f;
}

/* A stalk, then a round blade. */
static void profile_stalked(struct leaf_style *s, float stalk, float thin)
{
    for (int i = 0; i <= CANVAS_PROFILE; i++) {
        float u = (float)i / CANVAS_PROFILE, v = (u - stalk) / (1 - stalk) * 2 - 1;
        s->profile[i] = fmaxf(u < 0.95f ? thin : 0, v > -1 ? sqrtf(fmaxf(1 - v * v, 0)) : 0);
    }
    s->profile[CANVAS_PROFILE] = 0;
}

static struct rgb jitter(struct rgb c, struct rng *r, float amount)
{
    float light = 1 + rng_range(r, -amount, amount);
    float warm = rng_range(r, -amount, amount) * 0.5f;
    return (struct rgb){c.r * light * (1 + warm), c.g * light, c.b * light * (1 - warm)};
}

static void leaf_colours_init(struct leaf_style *s, struct rng *r)
{
    const struct rgb *k = leaf_colours[rng_below(r, (int)DM_COUNT(leaf_colours))];
    s->base = jitter(k[0], r, 0.12f);
    s->mid = jitter(k[1], r, 0.12f);
    s->rim = rng_chance(r, 0.35f) ? rgb_scale(s->mid, rng_range(r, 0.85f, 1.15f))
                                  : jitter(k[2], r, 0.1f);
}

static void rosette_init(struct species *s, struct rng *r)
{
    leaf_colours_init(&s->leaf, r);
    profile_blade(&s->leaf, rng_range(r, 0.7f, 1.5f), rng_range(r, 0.3f, 0.7f));
    s->leaves = 14 + rng_below(r, 34);
    s->width = rng_range(r, 0.17f, 0.31f);
    s->lift0 = rng_range(r, 0.0f, 0.45f);
    s->lift1 = rng_range(r, 1.0f, 1.4f);
    s->inner = rng_range(r, 0.12f, 0.3f);
}

static void agave_init(struct species *s, struct rng *r)
{
    leaf_colours_init(&s->leaf, r);
    profile_blade(&s->leaf, rng_range(r, 0.25f, 0.6f), rng_range(r, 0.8f, 1.2f));
    s->leaves = 16 + rng_below(r, 30);
    s->width = rng_range(r, 0.07f, 0.13f);
    s->lift0 = rng_range(r, 0.1f, 0.6f);
    s->lift1 = rng_range(r, 1.0f, 1.4f);
    s->inner = rng_range(r, 0.3f, 0.6f);
    s->leaf.bands = rng_chance(r, 0.4f) ? rng_range(r, 0.3f, 0.8f) : 0;
}

static void seedling_init(struct species *s, struct rng *r)
{
    static const struct rgb greens[] = {
        {108, 150, 58}, {140, 176, 70}, {86, 128, 56}, {120, 160, 96}};
    s->leaf.mid = jitter(greens[rng_below(r, (int)DM_COUNT(greens))], r, 0.15f);
    s->leaf.base = rgb_scale(s->leaf.mid, 0.8f);
    s->leaf.rim = rgb_scale(s->leaf.mid, 1.12f);
    profile_stalked(&s->leaf, rng_range(r, 0.25f, 0.5f), 0.12f);
    s->leaves = 2 + rng_below(r, 6);
    s->width = rng_range(r, 0.2f, 0.36f);
    s->lift0 = rng_range(r, 0.1f, 0.5f);
    s->lift1 = rng_range(r, 0.5f, 1.1f);
    s->inner = rng_range(r, 0.3f, 0.75f);
    s->turn = rng_chance(r, 0.5f) ? 2.4f : PI * 0.52f;
}

static void pads_init(struct species *s, struct rng *r)
{
    leaf_colours_init(&s->leaf, r);
    profile_blade(&s->leaf, 0.6f, 0.5f);
    s->leaves = 3 + rng_below(r, 4);
    s->width = rng_range(r, 0.3f, 0.4f);
    s->lift0 = 0.5f;
    s->lift1 = 1.3f;
    s->inner = 0.8f;
    s->turn = 2.2f;
}

static void ball_init(struct species *s, struct rng *r)
{
    const struct rgb *k = cactus_colours[rng_below(r, (int)DM_COUNT(cactus_colours))];
    s->body = jitter(k[0], r, 0.15f);
    s->body2 = jitter(k[1], r, 0.15f);
    s->ribs = 7 + rng_below(r, 18);
    s->spines = rng_range(r, 0.08f, 0.3f);
    s->wool = rng_chance(r, 0.5f) ? rng_range(r, 0.08f, 0.25f) : 0;
    static const struct rgb straw[] = {
        {226, 214, 178}, {240, 238, 226}, {190, 130, 80}, {214, 180, 110}};
    s->leaf.rim = jitter(straw[rng_below(r, (int)DM_COUNT(straw))], r, 0.1f);
}

void species_init(struct species *s, enum plant_kind kind, struct rng *r)
{
    static void (*const init[PLANT_KIND_MAX_])(struct species *, struct rng *) = {
        [PLANT_ROSETTE] = rosette_init, [PLANT_CLUSTER] = rosette_init,
        [PLANT_AGAVE] = agave_init,     [PLANT_BALL] = ball_init,
        [PLANT_PADS] = pads_init,       [PLANT_SEEDLING] = seedling_init};
    *s = (struct species){.kind = kind, .turn = 2.39996f};
    s->leaf.rim_width = rng_range(r, 0.05f, 0.25f);
    s->leaf.tip = rng_range(r, 0.02f, 0.16f);
    s->leaf.round = rng_range(r, 0.4f, 1.0f);
    s->leaf.gloss = rng_range(r, 0.1f, 0.9f);
    s->leaf.halo = rng_range(r, 0.3f, 0.5f);
    init[kind](s, r);
}

/* One blade: direction in the plane, elevation, length and width in units. */
static void draw_blade(struct canvas *c, const struct local *l, const struct leaf_style *style,
                       float azimuth, float lift, float length, float width, float shade)
{
    float ca = cosf(azimuth), sa = sinf(azimuth), cl = cosf(lift), sl = sinf(lift);
    struct leaf leaf = {.cx = l->px,
                        .cy = l->py,
                        .a3 = {cl * ca, cl * sa, sl},
                        .b3 = {-sa, ca, 0},
                        .n3 = {-sl * ca, -sl * sa, cl},
                        .shade = shade};
    leaf.ax = local_x(l, leaf.a3) * length;
    leaf.ay = local_y(l, leaf.a3) * length;
    leaf.bx = local_x(l, leaf.b3) * width;
    leaf.by = local_y(l, leaf.b3) * width;
    canvas_leaf(c, &leaf, style);
}

static void draw_rosette(struct canvas *c, const struct camera *cam, const struct species *s,
                         struct vec3 at, float radius, struct rng *r)
{
    struct local l;
    camera_local(cam, at, &l);
    int n = s->leaves;
    if (radius * l.scale < 14 && n > 16) {
        n = 16; /* what a few pixels can show */
    }
    n = DM_MAX(2, n + (n > 9 ? rng_below(r, n / 4 + 1) - n / 8 : rng_below(r, 3) - 1));
    struct leaf_style style = s->leaf;
    style.mid = jitter(style.mid, r, 0.07f);
    style.rim = jitter(style.rim, r, 0.07f);
    float turn0 = rng_range(r, 0, 2 * PI);
    float width = s->width * rng_range(r, 0.9f, 1.1f);
    for (int i = 0; i < n; i++) {
        float t = n > 1 ? (float)i / (float)(n - 1) : 0;
        float lift = s->lift0 + (s->lift1 - s->lift0) * t + rng_range(r, -0.09f, 0.09f);
        float length = radius * (1 + (s->inner - 1) * powf(t, 0.85f)) * rng_range(r, 0.9f, 1.04f);
        length /= fmaxf(cosf(s->lift0), 0.5f);
        struct local k = l;
        float up = 0.18f * t * radius;
        k.px += l.jx[2] * up;
        k.py += l.jy[2] * up;
        struct leaf_style leaf = style;
        leaf.mid = jitter(style.mid, r, 0.05f);
        draw_blade(c, &k, &leaf, turn0 + (float)i * s->turn + rng_range(r, -0.1f, 0.1f), lift,
                   length, length * width * (1 + 0.5f * t), 0.34f + 0.36f * t);
    }
}

static void draw_cluster(struct canvas *c, const struct camera *cam, const struct species *s,
                         struct vec3 at, float radius, struct rng *r)
{
    int heads = 2 + rng_below(r, 4);
    float turn = rng_range(r, 0, 2 * PI);
    for (int i = 0; i < heads; i++) {
        float a = turn + 2 * PI * (float)i / (float)heads;
        float size = radius * rng_range(r, 0.5f, 0.62f), off = radius - size;
        struct vec3 p = {at.x + off * cosf(a), at.y + off * sinf(a), at.z};
        draw_rosette(c, cam, s, p, size, r);
    }
}

static void draw_pads(struct canvas *c, const struct camera *cam, const struct species *s,
                      struct vec3 at, float radius, struct rng *r)
{
    struct local l;
    camera_local(cam, at, &l);
    float turn = rng_range(r, 0, 2 * PI);
    for (int i = 0; i < s->leaves; i++) {
        float a = turn + (float)i * s->turn, lift = rng_range(r, 0.35f, 1.0f);
        float length = radius * rng_range(r, 0.85f, 1.05f) / fmaxf(cosf(lift), 0.6f) * 0.9f;
        draw_blade(c, &l, &s->leaf, a, lift, length, length * s->width, 0.55f);
        struct vec3 along = {cosf(lift) * cosf(a), cosf(lift) * sinf(a), sinf(lift)};
        float ax = local_x(&l, along) * length, ay = local_y(&l, along) * length;
        uint16_t pen = c->pen;
        c->pen = CANVAS_ID_NONE;
        for (int k = 0; k < 9 && length * l.scale > 14; k++) {
            float u = rng_range(r, 0.25f, 0.9f), v = rng_range(r, -0.6f, 0.6f) * s->width;
            float x = l.px + ax * u - ay * v, y = l.py + ay * u + ax * v;
            canvas_stroke(c, x, y, x + 0.5f, y + 0.5f, fmaxf(1, length * l.scale * 0.03f),
                          (struct rgb){228, 214, 170}, 0.8f);
        }
        c->pen = pen;
    }
}

/* ---- globular cactus ---- */

struct ball {
    const struct species *s;
    const struct local *l;
    const struct light *g;
    float turn; /* where the first rib stands, radians */
};

static struct rgb ball_colour(const void *ctx, float nx, float ny, float nz)
{
    const struct ball *b = ctx;
    const struct local *l = b->l;
    struct vec3 n = {l->right.x * nx + l->down.x * ny + l->back.x * nz,
                     l->right.y * nx + l->down.y * ny + l->back.y * nz,
                     l->right.z * nx + l->down.z * ny + l->back.z * nz};
    float around = atan2f(n.y, n.x) - b->turn, equator = sqrtf(n.x * n.x + n.y * n.y);
    float wave = cosf(around * (float)b->s->ribs), slope = -sinf(around * (float)b->s->ribs);
    float depth = fminf(equator * 1.6f, 1);
    struct vec3 side = {-n.y, n.x, 0};
    float lean = -slope * 0.75f * depth / fmaxf(equator, 0.05f);
    struct vec3 m = {n.x + side.x * lean, n.y + side.y * lean, n.z};
    float inverse = 1 / sqrtf(vec3_dot(m, m));
    float sun = fmaxf(vec3_dot(m, b->g->to_sun) * inverse, 0);
    float sky = 0.45f + 0.55f * n.z;
    float lit = b->g->ambient * sky + b->g->sun * sun;
    struct rgb k = rgb_mix(b->s->body2, b->s->body, (0.5f + 0.5f * wave) * depth + (1 - depth));
    k = rgb_scale(k, lit * (1 - 0.25f * depth * (0.5f - 0.5f * wave)));
    float top = b->s->wool > 0 ? DM_CLAMP((b->s->wool - equator) / b->s->wool * 3, 0, 1) : 0;
    return n.z > 0 ? rgb_mix(k, rgb_scale((struct rgb){235, 230, 215}, lit), top * 0.85f) : k;
}

/* Spines stand in stars on the ridges. */
static void draw_spines(struct canvas *c, const struct local *l, const struct species *s,
                        float radius, float turn, struct rng *r)
{
    float size = radius * l->scale;
    int rows = (int)DM_CLAMP(size / 7, 2, 7), star = size > 40 ? 7 : size > 20 ? 5 : 3;
    float width = fmaxf(0.7f, size * 0.012f);
    for (int k = 0; k < s->ribs; k++) {
        for (int j = 0; j < rows; j++) {
            float lift = PI * 0.5f * ((float)j + 0.6f) / (float)rows;
            float a = turn + 2 * PI * (float)k / (float)s->ribs;
            struct vec3 n = {cosf(lift) * cosf(a), cosf(lift) * sinf(a), sinf(lift)};
            if (vec3_dot(n, l->back) < 0.05f) {
                continue;
            }
            float x = l->px + vec3_dot(n, l->right) * size * 1.02f;
            float y = l->py + vec3_dot(n, l->down) * size * 1.02f;
            for (int i = 0; i < star; i++) {
                float t = 2 * PI * (float)i / (float)star + rng_range(r, -0.3f, 0.3f);
                float len = s->spines * size * rng_range(r, 0.6f, 1.1f);
                canvas_stroke(c, x, y, x + cosf(t) * len, y + sinf(t) * len, width,
                              rgb_scale(s->leaf.rim, c->light->ambient + 0.6f * c->light->sun),
                              0.75f);
            }
        }
    }
}

static void draw_ball(struct canvas *c, const struct camera *cam, const struct species *s,
                      struct vec3 at, float radius, struct rng *r)
{
    struct local l;
    camera_local(cam, (struct vec3){at.x, at.y, at.z + radius * 0.7f}, &l);
    float turn = rng_range(r, 0, 2 * PI);
    struct ball b = {s, &l, c->light, turn};
    float size = radius * l.scale;
    canvas_ball(c, &(struct affine){l.px, l.py, size, 0, 0, size}, ball_colour, &b);
    uint16_t pen = c->pen;
    c->pen = CANVAS_ID_NONE;
    if (size > 7) {
        draw_spines(c, &l, s, radius, turn, r);
    }
    c->pen = pen;
}

void plant_draw(struct canvas *c, const struct camera *cam, const struct species *s, struct vec3 at,
                float radius, struct rng *r)
{
    static void (*const draw[PLANT_KIND_MAX_])(
        struct canvas *, const struct camera *, const struct species *, struct vec3, float,
        struct rng *) = {[PLANT_ROSETTE] = draw_rosette, [PLANT_CLUSTER] = draw_cluster,
                         [PLANT_AGAVE] = draw_rosette,   [PLANT_BALL] = draw_ball,
                         [PLANT_PADS] = draw_pads,       [PLANT_SEEDLING] = draw_rosette};
    draw[s->kind](c, cam, s, at, radius, r);
}

void plant_draw_dead(struct canvas *c, const struct camera *cam, struct vec3 at, float radius,
                     struct rng *r)
{
    struct species s = {.turn = 2.39996f,
                        .leaves = 6 + rng_below(r, 8),
                        .width = rng_range(r, 0.05f, 0.12f),
                        .lift0 = -0.1f,
                        .lift1 = 0.6f,
                        .inner = 0.4f};
    profile_blade(&s.leaf, 0.6f, 0.9f);
    s.leaf.base = (struct rgb){92, 72, 52};
    s.leaf.mid = jitter((struct rgb){142, 112, 76}, r, 0.2f);
    s.leaf.rim = (struct rgb){168, 138, 98};
    s.leaf.round = 1;
    s.leaf.rim_width = 0.2f;
    s.leaf.tip = 0.1f;
    s.leaf.halo = 0.3f;
    draw_rosette(c, cam, &s, at, radius * rng_range(r, 0.6f, 0.9f), r);
}
