/* SPDX-License-Identifier: Apache-2.0
 *
 * Where everything stands. A scene is a lattice of blocks (segmentos, trays, crates), a block a
 * lattice of places, a place may hold a plant. Two ways of framing: `whole` fits all blocks into
 * the frame and puts exactly so many plants on them; otherwise the lattice runs over the edges. */
#include <math.h>

#include "base/alloc.h"
#include "synth/scene.h"

#define PI         3.14159265f
#define PLACES_MAX 60000 /* ids are 16 bits wide */
#define BLOCKS_MAX 20000

struct lattice {
    int columns, rows;  /* places of a block */
    float gap_x, gap_y; /* between blocks, units */
    float edge;         /* from the outermost places to the block's border, units */
    float jitter;       /* of a place, units */
    bool staggered;     /* every other row moved by half a place */
    int nx, ny;         /* blocks; only for whole scenes */
};

static void choose_lattice(enum synth_scene kind, struct rng *r, struct lattice *g)
{
    static const int plug[][2] = {{6, 12}, {8, 16}, {12, 24}, {4, 5}, {5, 10}};
    static const int crate[][2] = {{3, 5}, {4, 6}, {5, 8}, {2, 4}};
    int pick;
    *g = (struct lattice){.edge = 0.55f};
    switch (kind) {
    case SYNTH_SCENE_PLUG:
        pick = rng_below(r, (int)DM_COUNT(plug));
        g->columns = plug[pick][0];
        g->rows = plug[pick][1];
        g->gap_x = g->gap_y = rng_range(r, 0.15f, 0.9f);
        g->jitter = 0.02f;
        break;
    case SYNTH_SCENE_CRATE:
        pick = rng_below(r, (int)DM_COUNT(crate));
        g->columns = crate[pick][0];
        g->rows = crate[pick][1];
        g->gap_x = g->gap_y = rng_range(r, 0.5f, 1.2f);
        g->edge = 0.6f;
        g->jitter = 0.04f;
        break;
    case SYNTH_SCENE_SEEDLING:
        g->columns = 5 + rng_below(r, 6);
        g->rows = 8 + rng_below(r, 8);
        g->gap_x = g->gap_y = rng_range(r, 0.6f, 1.4f);
        g->edge = 0.7f;
        g->jitter = rng_range(r, 0.05f, 0.2f);
        break;
    case SYNTH_SCENE_ANY:
    case SYNTH_SCENE_BENCH:
    case SYNTH_SCENE_LOOSE:
    case SYNTH_SCENE_MAX_:
        g->columns = 4 + rng_below(r, 12);
        g->rows = 6 + rng_below(r, 20);
        g->gap_x = rng_range(r, 0.8f, 2.2f);
        g->gap_y = rng_range(r, 0.8f, 2.2f);
        g->edge = rng_range(r, 0.5f, 0.8f);
        g->jitter = kind == SYNTH_SCENE_LOOSE ? rng_range(r, 0.05f, 0.12f) : 0.03f;
        g->staggered = rng_chance(r, 0.25f);
        break;
    }
}

/* Blocks side by side so that their outline comes near the frame's. Benches are cut to measure. */
static void fit_lattice(enum synth_scene kind, int places, float aspect, struct rng *r,
                        struct lattice *g)
{
    if (kind == SYNTH_SCENE_BENCH || kind == SYNTH_SCENE_LOOSE) {
        int blocks =
            kind == SYNTH_SCENE_LOOSE || places < 60 ? 1 : 1 + rng_below(r, places < 300 ? 2 : 4);
        g->nx = blocks;
        g->ny = 1;
        float each = (float)places / (float)blocks;
        float columns = sqrtf(each * aspect / (float)blocks);
        g->columns = DM_MAX(1, (int)(columns + 0.5f));
        g->rows = ((places + blocks - 1) / blocks + g->columns - 1) / g->columns;
        return;
    }
    int cells = g->columns * g->rows, blocks = (places + cells - 1) / cells;
    float best = 1e9f, bw = (float)g->columns + g->gap_x + 0.3f,
          bh = (float)g->rows + g->gap_y + 0.3f;
    for (int nx = 1; nx <= blocks; nx++) {
        int ny = (blocks + nx - 1) / nx;
        float shape = (float)nx * bw / ((float)ny * bh) / aspect;
        float cost = fabsf(logf(shape)) + 0.8f * (float)(nx * ny - blocks) / (float)blocks;
        if (cost < best) {
            best = cost;
            g->nx = nx;
            g->ny = ny;
        }
    }
}

/* ---- blocks and places ---- */

struct builder {
    struct scene *s;
    struct lattice g;
    struct dm_arena *a;
    size_t cap_places, cap_blocks;
    float min_x, min_y, max_x, max_y; /* of the frame on the ground, lattice axes */
};

static void to_world(const struct scene *s, float u, float v, float ret[static 2])
{
    float ca = cosf(s->angle), sa = sinf(s->angle);
    ret[0] = u * ca - v * sa;
    ret[1] = u * sa + v * ca;
}

static float block_w(const struct lattice *g)
{
    return (float)(g->columns - 1) + 2 * g->edge + (g->staggered ? 0.5f : 0);
}

static float block_h(const struct lattice *g)
{
    return (float)(g->rows - 1) + 2 * g->edge;
}

/* Within a plant or two of the frame? Beyond, nothing of it can be seen. */
static bool in_sight(const struct scene *s, struct vec3 p)
{
    struct local l;
    camera_local(&s->cam, p, &l);
    float reach = 2.5f * l.scale;
    return l.px > -reach && l.py > -reach && l.px < (float)s->w + reach &&
           l.py < (float)s->h + reach;
}

static int add_place(struct builder *b, float u, float v, int block, struct rng *r)
{
    struct scene *s = b->s;
    float w[2];
    to_world(s, u, v, w);
    struct place p = {
        .at = {w[0], w[1], 0}, .angle = s->angle, .block = block, .seed = rng_next(r)};
    if (!s->whole && !in_sight(s, p.at)) {
        return 0;
    }
    if (s->n_place >= PLACES_MAX) {
        return -1;
    }
    s->place[s->n_place++] = p;
    return 0;
}

static int add_block(struct builder *b, float u0, float v0, struct rng *r)
{
    struct scene *s = b->s;
    const struct lattice *g = &b->g;
    float bw = block_w(g), bh = block_h(g);
    if (s->n_block >= BLOCKS_MAX) {
        return -1;
    }
    struct block k = {.cell = {u0, v0}, .pot = rng_below(r, s->n_pot)};
    to_world(s, u0, v0, k.corner[0]);
    to_world(s, u0 + bw, v0, k.corner[1]);
    to_world(s, u0 + bw, v0 + bh, k.corner[2]);
    to_world(s, u0, v0 + bh, k.corner[3]);
    int species = rng_below(r, s->n_species), index = s->n_block;
    bool mixed = rng_chance(r, 0.25f);
    s->block[s->n_block++] = k;
    for (int j = 0; j < g->rows; j++) {
        for (int i = 0; i < g->columns; i++) {
            float u = u0 + g->edge + (float)i + (g->staggered && (j & 1) ? 0.5f : 0);
            float v = v0 + g->edge + (float)j;
            u += rng_range(r, -g->jitter, g->jitter);
            v += rng_range(r, -g->jitter, g->jitter);
            int before = s->n_place;
            if (add_place(b, u, v, index, r) < 0) {
                return -1;
            }
            if (s->n_place > before) {
                s->place[before].species = mixed ? rng_below(r, s->n_species) : species;
            }
        }
    }
    return 0;
}

static int build(struct builder *b, struct rng *r, struct dm_err *e)
{
    const struct lattice *g = &b->g;
    float step_x = block_w(g) + g->gap_x, step_y = block_h(g) + g->gap_y;
    float u0, v0;
    int nx, ny;
    if (b->s->whole) {
        nx = g->nx;
        ny = g->ny;
        u0 = -0.5f * ((float)nx * step_x - g->gap_x);
        v0 = -0.5f * ((float)ny * step_y - g->gap_y);
    } else {
        u0 = b->min_x - rng_unit(r) * step_x;
        v0 = b->min_y - rng_unit(r) * step_y;
        nx = (int)ceilf((b->max_x - u0) / step_x);
        ny = (int)ceilf((b->max_y - v0) / step_y);
    }
    for (int j = 0; j < ny; j++) {
        for (int i = 0; i < nx; i++) {
            if (add_block(b, u0 + (float)i * step_x, v0 + (float)j * step_y, r) < 0) {
                DM_FAIL(e, DM_ELIMIT, "the scene has more than %d places", PLACES_MAX);
            }
        }
    }
    return DM_OK;
}

/* ---- framing ---- */

static bool fits(const struct scene *s, float height)
{
    float margin = 0.015f * (float)DM_MIN(s->w, s->h);
    for (int i = 0; i < s->n_block; i++) {
        for (int k = 0; k < 8; k++) {
            const float *q = s->block[i].corner[k & 3];
            float p[2];
            camera_project(&s->cam, (struct vec3){q[0] * 1.01f, q[1] * 1.01f, k > 3 ? height : 0},
                           p);
            if (p[0] < margin || p[1] < margin || p[0] > (float)s->w - margin ||
                p[1] > (float)s->h - margin) {
                return false;
            }
        }
    }
    return true;
}

/* The nearest camera that still sees all blocks. */
static void frame_whole(struct scene *s, float focal, float tilt, float height)
{
    float lo = 1, hi = 4096;
    for (int i = 0; i < 40; i++) {
        float mid = sqrtf(lo * hi);
        camera_init(&s->cam, s->w, s->h, focal, tilt, mid);
        if (fits(s, height)) {
            hi = mid;
        } else {
            lo = mid;
        }
    }
    camera_init(&s->cam, s->w, s->h, focal, tilt, hi);
}

static void frame_bounds(struct builder *b)
{
    const struct scene *s = b->s;
    float ca = cosf(-s->angle), sa = sinf(-s->angle);
    b->min_x = b->min_y = 1e9f;
    b->max_x = b->max_y = -1e9f;
    for (int k = 0; k < 4; k++) {
        float g[2];
        camera_ground(&s->cam, k & 1 ? (float)s->w * 1.08f : -0.08f * (float)s->w,
                      k & 2 ? (float)s->h * 1.08f : -0.08f * (float)s->h, g);
        float u = g[0] * ca - g[1] * sa, v = g[0] * sa + g[1] * ca;
        b->min_x = fminf(b->min_x, u - 1);
        b->max_x = fmaxf(b->max_x, u + 1);
        b->min_y = fminf(b->min_y, v - 1);
        b->max_y = fmaxf(b->max_y, v + 1);
    }
}

/* ---- what the scene is made of ---- */

struct share_row {
    float upto; /* of a draw in 0..1 */
    enum plant_kind kind;
};

static enum plant_kind draw_kind(const struct share_row *row, struct rng *r)
{
    float x = rng_unit(r);
    while (x >= row->upto) {
        row++;
    }
    return row->kind;
}

static enum plant_kind choose_plant(enum synth_scene kind, struct rng *r)
{
    static const struct share_row young[] = {{0.75f, PLANT_SEEDLING}, {1, PLANT_ROSETTE}};
    static const struct share_row plug[] = {
        {0.6f, PLANT_ROSETTE}, {0.8f, PLANT_AGAVE}, {1, PLANT_BALL}};
    static const struct share_row pots[] = {{0.44f, PLANT_ROSETTE}, {0.5f, PLANT_CLUSTER},
                                            {0.64f, PLANT_AGAVE},   {0.87f, PLANT_BALL},
                                            {0.92f, PLANT_PADS},    {1, PLANT_SEEDLING}};
    float x = rng_unit(r);
    if (kind == SYNTH_SCENE_SEEDLING || (kind == SYNTH_SCENE_PLUG && x < 0.45f)) {
        return draw_kind(young, r);
    }
    return draw_kind(kind == SYNTH_SCENE_PLUG ? plug : pots, r);
}

static struct ground_style choose_ground(struct rng *r, const struct texture *t, bool bed)
{
    static const struct rgb tints[GROUND_MAX_][2] = {
        [GROUND_GRAVEL] = {{176, 170, 160}, {150, 138, 122}},
        [GROUND_CLOTH] = {{44, 46, 48}, {58, 62, 58}},
        [GROUND_FILM] = {{34, 35, 38}, {48, 48, 50}},
        [GROUND_CONCRETE] = {{182, 178, 170}, {158, 156, 152}},
        [GROUND_SOIL] = {{134, 110, 86}, {112, 88, 68}},
        [GROUND_WOOD] = {{168, 134, 98}, {142, 128, 112}}};
    static const enum ground beds[] = {GROUND_CLOTH, GROUND_FILM, GROUND_WOOD, GROUND_GRAVEL,
                                       GROUND_CLOTH};
    enum ground kind =
        bed ? beds[rng_below(r, (int)DM_COUNT(beds))] : (enum ground)rng_below(r, GROUND_MAX_);
    struct rgb tint = rgb_mix(tints[kind][0], tints[kind][1], rng_unit(r));
    return (struct ground_style){kind, t, rgb_scale(tint, rng_range(r, 0.85f, 1.12f)),
                                 rng_range(r, 0.7f, 1.6f), 64};
}

static void choose_light(struct scene *s, struct rng *r)
{
    float azimuth = rng_range(r, 0, 2 * PI), elevation = rng_range(r, 0.6f, 1.3f);
    bool overcast = rng_chance(r, 0.4f);
    s->light.to_sun = (struct vec3){cosf(elevation) * cosf(azimuth),
                                    cosf(elevation) * sinf(azimuth), sinf(elevation)};
    s->light.sun = overcast ? rng_range(r, 0.1f, 0.3f) : rng_range(r, 0.45f, 0.75f);
    s->light.ambient = rng_range(r, 0.98f, 1.14f) - s->light.sun * 0.7f;
}

static void choose_things(struct scene *s, struct rng *r)
{
    static const struct rgb trays[] = {{36, 37, 40}, {28, 30, 30}, {60, 62, 66}, {206, 206, 200}};
    static const struct rgb crates[] = {{66, 104, 150}, {38, 40, 42},    {150, 116, 80},
                                        {160, 62, 54},  {196, 196, 190}, {70, 120, 84}};
    texture_init(&s->texture, s->seed);
    s->ground = choose_ground(r, &s->texture, false);
    s->bed = choose_ground(r, &s->texture, true);
    s->tray = s->kind == SYNTH_SCENE_CRATE ? crates[rng_below(r, (int)DM_COUNT(crates))]
                                           : trays[rng_below(r, (int)DM_COUNT(trays))];
    s->wall = s->kind == SYNTH_SCENE_CRATE ? rng_range(r, 0.5f, 0.9f) : rng_range(r, 0.2f, 0.5f);
    choose_light(s, r);
    s->n_species = rng_chance(r, 0.35f) ? 1 : 1 + rng_below(r, SCENE_SPECIES);
    for (int i = 0; i < s->n_species; i++) {
        species_init(&s->species[i], choose_plant(s->kind, r), r);
    }
    s->n_pot = rng_chance(r, 0.6f) ? 1 : 1 + rng_below(r, SCENE_POTS);
    for (int i = 0; i < s->n_pot; i++) {
        pot_style_init(&s->pot[i], r);
    }
}

/* ---- contents ---- */

struct shares {
    float empty, dead, size, spread;
};

static void choose_shares(const struct scene *s, const struct synth_params *p, struct rng *r,
                          struct shares *ret)
{
    float empty = rng_chance(r, 0.35f) ? 0 : rng_range(r, 0.01f, 0.16f);
    float dead = rng_chance(r, 0.5f) ? 0 : rng_range(r, 0.005f, 0.05f);
    if (rng_chance(r, 0.03f) && !s->whole) {
        empty = 0.97f; /* a delivery of pots: nothing to count, much to mistake */
        dead = 0;
    }
    ret->empty = p->empty >= 0 ? (float)p->empty : empty;
    ret->dead = p->dead >= 0 ? (float)p->dead : dead;
    bool young = rng_chance(
        r, s->kind == SYNTH_SCENE_PLUG || s->kind == SYNTH_SCENE_SEEDLING ? 0.35f : 0.15f);
    if (s->whole) {
        young = false; /* pictures to look at and to count: plants one can see */
    }
    ret->size = young ? rng_range(r, 0.2f, 0.32f) : rng_range(r, 0.32f, 0.47f);
    ret->spread = rng_range(r, 0.03f, 0.14f);
}

static void size_plant(const struct scene *s, struct place *p, const struct shares *sh,
                       struct rng *r)
{
    enum plant_kind kind = s->species[p->species].kind;
    float most = kind == PLANT_BALL ? 0.4f : kind == PLANT_CLUSTER ? 0.44f : 0.52f;
    p->radius = fminf(sh->size * (1 + rng_range(r, -sh->spread, sh->spread)), most);
}

/* Exactly `plants` of the places, drawn without preference, hold one. */
static int fill_exact(struct scene *s, int plants, const struct shares *sh, struct rng *r,
                      struct dm_err *e)
{
    int *order = dm_calloc((size_t)s->n_place, sizeof *order);
    if (!order) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %d places", s->n_place);
    }
    for (int i = 0; i < s->n_place; i++) {
        int j = rng_below(r, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    int rest = (int)((float)plants / fmaxf(1 - sh->empty - sh->dead, 0.05f));
    int dead = (int)((float)rest * sh->dead + 0.5f);
    for (int i = 0; i < s->n_place; i++) {
        struct place *p = &s->place[order[i]];
        p->content = i < plants                                ? PLACE_PLANT
                     : i < plants + dead                       ? PLACE_DEAD
                     : i < rest || s->kind == SYNTH_SCENE_PLUG ? PLACE_EMPTY
                                                               : PLACE_NOTHING;
        size_plant(s, p, sh, r);
    }
    dm_free(order);
    return DM_OK;
}

static void fill_freely(struct scene *s, const struct shares *sh, struct rng *r)
{
    for (int i = 0; i < s->n_place; i++) {
        struct place *p = &s->place[i];
        float x = rng_unit(r);
        p->content = x < sh->empty              ? PLACE_EMPTY
                     : x < sh->empty + sh->dead ? PLACE_DEAD
                                                : PLACE_PLANT;
        if (s->kind == SYNTH_SCENE_LOOSE && rng_chance(r, 0.12f)) {
            p->content = PLACE_NOTHING;
        }
        size_plant(s, p, sh, r);
    }
}

/* Far from the point under the camera first: what is nearer hides what is behind. */
static int by_distance(const void *a, const void *b, void *ctx)
{
    const struct place *p = a, *q = b;
    const float *foot = ctx;
    float dp = hypotf(p->at.x, p->at.y - *foot), dq = hypotf(q->at.x, q->at.y - *foot);
    if (dp != dq) {
        return dp > dq ? -1 : 1;
    }
    return p->seed < q->seed ? -1 : p->seed > q->seed;
}

static float base_height(const struct scene *s)
{
    return s->kind == SYNTH_SCENE_PLUG       ? s->wall * 0.92f
           : s->kind == SYNTH_SCENE_SEEDLING ? s->wall * 0.75f
           : s->kind == SYNTH_SCENE_CRATE    ? 0.05f
                                             : 0;
}

int scene_plan(struct scene *s, const struct synth_params *p, struct dm_arena *a, struct dm_err *e)
{
    struct rng r = rng_fork(p->seed, 1);
    *s = (struct scene){
        .kind = p->scene, .seed = p->seed, .w = p->w, .h = p->h, .whole = p->plants > 0};
    enum synth_scene any = (enum synth_scene)(1 + rng_below(&r, SYNTH_SCENE_MAX_ - 1));
    if (s->kind == SYNTH_SCENE_ANY) {
        s->kind = any;
    }
    struct builder b = {.s = s, .a = a};
    struct shares sh;
    choose_things(s, &r);
    choose_lattice(s->kind, &r, &b.g);
    choose_shares(s, p, &r, &sh);
    float side = (float)DM_MAX(p->w, p->h), u = rng_unit(&r);
    float tilt = (p->tilt_deg >= 0 ? (float)p->tilt_deg : u * u * 30) * PI / 180;
    float focal =
        side * (s->whole ? rng_range(&r, 0.95f, 1.25f) : 0.95f * expf(rng_range(&r, 0, 1.8f)));
    float pitch = (float)p->plant_px;
    float drawn = expf(rng_range(&r, logf(20), logf(fminf(280, 0.8f * side))));
    pitch = pitch > 0 ? pitch : drawn;
    s->angle = s->whole ? rng_range(&r, -0.05f, 0.05f) : rng_range(&r, -0.8f, 0.8f);
    s->place = dm_arena_calloc(a, PLACES_MAX, sizeof *s->place);
    s->block = dm_arena_calloc(a, BLOCKS_MAX, sizeof *s->block);
    if (!s->place || !s->block) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the scene");
    }
    if (s->whole) {
        int places = (int)ceilf((float)p->plants / fmaxf(1 - sh.empty - sh.dead, 0.05f));
        fit_lattice(s->kind, places, (float)p->w / (float)p->h, &r, &b.g);
    } else {
        camera_init(&s->cam, p->w, p->h, focal, tilt, focal / pitch);
        frame_bounds(&b);
    }
    DM_TRY(build(&b, &r, e));
    if (s->whole) {
        frame_whole(s, focal, tilt, 0.9f);
        DM_TRY(fill_exact(s, p->plants, &sh, &r, e));
    } else {
        fill_freely(s, &sh, &r);
    }
    for (int i = 0; i < s->n_place; i++) {
        s->place[i].at.z = base_height(s);
    }
    float foot = s->cam.distance * s->cam.sin_tilt;
    qsort_r(s->place, (size_t)s->n_place, sizeof *s->place, by_distance, &foot);
    s->ground.px = s->bed.px = s->cam.f / s->cam.distance;
    return DM_OK;
}
