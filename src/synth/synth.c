/* SPDX-License-Identifier: Apache-2.0
 *
 * The public call: plan, paint, measure what can be seen, finish. What is true of the picture is
 * read from the id plane after everything is drawn, not from the plan: a plant hidden by its
 * neighbour has no box, and a box ends where the last visible leaf does. */
#include "synth/synth.h"

#include <math.h>

#include "base/alloc.h"
#include "synth/scene.h"

const char *const synth_scene_names[] = {"any",      "bench", "plug", "crate",
                                         "seedling", "loose", NULL};
const char *const synth_class_names[] = {"item", "empty_pot", "dead_plant", NULL};
const char *const synth_container_names[] = {"segmento", "cajon", "plug", "almacigo", NULL};

#define VISIBLE_MIN 0.25f /* share of its pixels that must show for a plant to count */
#define INSIDE_MIN  0.2f  /* share of its extent that must lie in the frame */
#define SIDE_MIN_PX 4

void synth_params_init(struct synth_params *p)
{
    *p = (struct synth_params){.w = 1024, .h = 768, .tilt_deg = -1, .empty = -1, .dead = -1};
}

static int params_check(const struct synth_params *p, struct dm_err *e)
{
    if (p->w < 64 || p->h < 64 || p->w > 16384 || p->h > 16384) {
        DM_FAIL(e, DM_EUSAGE, "picture of %d x %d: sides must be 64 to 16384", p->w, p->h);
    }
    if (p->scene < SYNTH_SCENE_ANY || p->scene >= SYNTH_SCENE_MAX_) {
        DM_FAIL(e, DM_EUSAGE, "no such scene: %d", (int)p->scene);
    }
    if (p->plants < 0 || p->plants > 20000) {
        DM_FAIL(e, DM_EUSAGE, "%d plants: 0 to 20000", p->plants);
    }
    if (!(p->tilt_deg <= 45) || !(p->empty <= 0.9) || !(p->dead <= 0.9) ||
        p->empty + p->dead > 0.9) {
        DM_FAIL(e, DM_EUSAGE,
                "tilt above 45 degrees, or more than 0.9 of the places without a plant");
    }
    if (p->plant_px != 0 && !(p->plant_px >= 8 && p->plant_px <= 4096)) {
        DM_FAIL(e, DM_EUSAGE, "plants every %g px: 8 to 4096", p->plant_px);
    }
    return DM_OK;
}

/* ---- objects ---- */

struct seen {
    int x1, y1, x2, y2; /* half-open */
    uint32_t px;
};

static void measure(const struct canvas *c, struct seen *seen, int n)
{
    for (int i = 0; i < n; i++) {
        seen[i] = (struct seen){c->im.w, c->im.h, 0, 0, 0};
    }
    for (int y = 0; y < c->im.h; y++) {
        const uint16_t *id = c->id + (size_t)y * (size_t)c->im.w;
        for (int x = 0; x < c->im.w; x++) {
            if (id[x] == 0) {
                continue;
            }
            struct seen *s = &seen[id[x] - 1];
            s->x1 = DM_MIN(s->x1, x);
            s->y1 = DM_MIN(s->y1, y);
            s->x2 = DM_MAX(s->x2, x + 1);
            s->y2 = DM_MAX(s->y2, y + 1);
            s->px++;
        }
    }
}

static float inside_share(const struct paint_record *r, int w, int h)
{
    float area = (r->x2 - r->x1) * (r->y2 - r->y1);
    float iw = fminf(r->x2, (float)w) - fmaxf(r->x1, 0),
          ih = fminf(r->y2, (float)h) - fmaxf(r->y1, 0);
    return area > 0 && iw > 0 && ih > 0 ? iw * ih / area : 0;
}

static int collect(const struct scene *s, const struct canvas *c, const struct paint_record *record,
                   struct synth_truth *t, struct dm_err *e)
{
    size_t n = (size_t)DM_MAX(s->n_place, 1);
    DM_CLEANUP(dm_freep) struct seen *seen = dm_calloc(n, sizeof *seen);
    struct synth_object *object = dm_arena_calloc(&t->arena, n, sizeof *object);
    if (!seen || !object) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the truth of %d places", s->n_place);
    }
    measure(c, seen, s->n_place);
    for (int i = 0; i < s->n_place; i++) {
        const struct paint_record *r = &record[i];
        const struct seen *v = &seen[i];
        if (r->class < 0 || r->painted == 0 || v->px == 0) {
            continue;
        }
        float visible = (float)v->px / (float)r->painted;
        if (!s->whole && (visible < VISIBLE_MIN || inside_share(r, s->w, s->h) < INSIDE_MIN ||
                          v->x2 - v->x1 < SIDE_MIN_PX || v->y2 - v->y1 < SIDE_MIN_PX)) {
            continue; /* what nobody could be asked to count at the edge of a cut */
        }
        object[t->n_object++] =
            (struct synth_object){(enum synth_class)r->class,
                                  (float)v->x1,
                                  (float)v->y1,
                                  (float)v->x2,
                                  (float)v->y2,
                                  visible,
                                  s->kind == SYNTH_SCENE_LOOSE ? -1 : s->place[r->place].block};
        t->count[r->class]++;
    }
    t->object = object;
    return DM_OK;
}

/* ---- containers ---- */

#define CLIP_MAX 12

/* Sutherland & Hodgman 1974, one side of the frame. keep: a*x + b*y + d >= 0. */
static int clip_side(float (*p)[2], int n, float a, float b, float d)
{
    float out[CLIP_MAX][2];
    int m = 0;
    for (int i = 0; i < n; i++) {
        const float *q = p[i], *z = p[(i + 1) % n];
        float fq = a * q[0] + b * q[1] + d, fz = a * z[0] + b * z[1] + d;
        if (fq >= 0 && m < CLIP_MAX) {
            out[m][0] = q[0];
            out[m++][1] = q[1];
        }
        if ((fq >= 0) != (fz >= 0) && m < CLIP_MAX) {
            float t = fq / (fq - fz);
            out[m][0] = q[0] + (z[0] - q[0]) * t;
            out[m++][1] = q[1] + (z[1] - q[1]) * t;
        }
    }
    memcpy(p, out, sizeof *out * (size_t)m);
    return m;
}

static int clip_frame(float (*p)[2], int n, float w, float h)
{
    n = clip_side(p, n, 1, 0, 0);
    n = clip_side(p, n, -1, 0, w);
    n = clip_side(p, n, 0, 1, 0);
    return clip_side(p, n, 0, -1, h);
}

static int add_containers(const struct scene *s, struct synth_truth *t, struct dm_err *e)
{
    static const enum synth_container_type types[SYNTH_SCENE_MAX_] = {
        [SYNTH_SCENE_BENCH] = SYNTH_SEGMENTO,
        [SYNTH_SCENE_PLUG] = SYNTH_PLUG,
        [SYNTH_SCENE_CRATE] = SYNTH_CAJON,
        [SYNTH_SCENE_SEEDLING] = SYNTH_ALMACIGO};
    if (s->kind == SYNTH_SCENE_LOOSE) {
        return DM_OK;
    }
    struct synth_container *k = dm_arena_calloc(&t->arena, (size_t)s->n_block, sizeof *k);
    if (!k) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %d containers", s->n_block);
    }
    float z = s->kind == SYNTH_SCENE_BENCH ? 0 : s->wall;
    for (int i = 0; i < s->n_block; i++) {
        float p[CLIP_MAX][2];
        for (int j = 0; j < 4; j++) {
            const float *q = s->block[i].corner[j];
            camera_project(&s->cam, (struct vec3){q[0], q[1], z}, p[j]);
        }
        int n = clip_frame(p, 4, (float)s->w, (float)s->h);
        float(*copy)[2] = dm_arena_calloc(&t->arena, (size_t)DM_MAX(n, 1), sizeof *copy);
        if (!copy) {
            DM_FAIL(e, DM_ENOMEM, "no memory for %d containers", s->n_block);
        }
        memcpy(copy, p, sizeof *copy * (size_t)n);
        k[i] = (struct synth_container){types[s->kind], (const float(*)[2])copy, n};
    }
    t->container = k;
    t->n_container = s->n_block;
    return DM_OK;
}

/* ---- the call ---- */

static int render(const struct scene *s, struct canvas *c, struct synth_truth *t, struct dm_err *e)
{
    size_t n = (size_t)DM_MAX(s->n_place, 1);
    DM_CLEANUP(dm_freep) struct paint_record *record = dm_calloc(n, sizeof *record);
    if (!record) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %d places", s->n_place);
    }
    scene_paint(s, c, record);
    t->seed = s->seed;
    t->w = s->w;
    t->h = s->h;
    t->scene = s->kind;
    t->tilt_deg = (double)asinf(s->cam.sin_tilt) * 180 / 3.14159265358979;
    DM_TRY(collect(s, c, record, t, e));
    DM_TRY(add_containers(s, t, e));
    return scene_finish(s, &c->im, e);
}

static void scene_freep(struct scene **s)
{
    dm_free(*s);
}

int synth_render(const struct synth_params *p, struct image *ret_image,
                 struct synth_truth *ret_truth, struct dm_err *e)
{
    DM_TRY(params_check(p, e));
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(synth_truth_clear) struct synth_truth t = {0};
    DM_CLEANUP(canvas_clear) struct canvas c = {0};
    DM_CLEANUP(scene_freep)
    struct scene *s = dm_calloc(1, sizeof *s); /* its noise tiles are 768 KiB */
    if (!s) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the scene");
    }
    DM_TRY(scene_plan(s, p, &a, e));
    DM_TRY(canvas_init(&c, p->w, p->h, &s->light, e));
    DM_TRY(render(s, &c, &t, e));
    *ret_image = c.im;
    c.im = (struct image){0};
    *ret_truth = t;
    t = (struct synth_truth){0};
    return DM_OK;
}

void synth_truth_clear(struct synth_truth *t)
{
    dm_arena_clear(&t->arena);
    *t = (struct synth_truth){0};
}

/* ---- text ---- */

void synth_truth_yolo(const struct synth_truth *t, unsigned mask, struct dm_buf *out)
{
    for (int i = 0; i < t->n_object; i++) {
        const struct synth_object *o = &t->object[i];
        if (mask >> o->class & 1) {
            dm_buf_printf(out, "%d %.6f %.6f %.6f %.6f\n", (int)o->class,
                          (double)(o->x1 + o->x2) * 0.5 / t->w,
                          (double)(o->y1 + o->y2) * 0.5 / t->h, (double)(o->x2 - o->x1) / t->w,
                          (double)(o->y2 - o->y1) / t->h);
        }
    }
}

void synth_truth_yolo_segment(const struct synth_truth *t, struct dm_buf *out)
{
    for (int i = 0; i < t->n_container; i++) {
        const struct synth_container *k = &t->container[i];
        if (k->n_polygon < 3) {
            continue;
        }
        dm_buf_printf(out, "%d", (int)k->type);
        for (int j = 0; j < k->n_polygon; j++) {
            dm_buf_printf(out, " %.6f %.6f", (double)k->polygon[j][0] / t->w,
                          (double)k->polygon[j][1] / t->h);
        }
        dm_buf_putc(out, '\n');
    }
}

void synth_truth_json(const struct synth_truth *t, struct dm_buf *out)
{
    dm_buf_printf(
        out,
        "{\n  \"generator\": \"demeter synth\",\n  \"seed\": %llu,\n  \"scene\": \"%s\",\n"
        "  \"width\": %d,\n  \"height\": %d,\n  \"tilt_deg\": %.2f,\n  \"plants\": %d,\n"
        "  \"empty_pots\": %d,\n  \"dead_plants\": %d,\n  \"containers\": [",
        (unsigned long long)t->seed, synth_scene_names[t->scene], t->w, t->h, t->tilt_deg,
        t->count[SYNTH_ITEM], t->count[SYNTH_EMPTY_POT], t->count[SYNTH_DEAD_PLANT]);
    for (int i = 0; i < t->n_container; i++) {
        const struct synth_container *k = &t->container[i];
        dm_buf_printf(out, "%s\n    {\"type\": \"%s\", \"polygon\": [", i ? "," : "",
                      synth_container_names[k->type]);
        for (int j = 0; j < k->n_polygon; j++) {
            dm_buf_printf(out, "%s[%.1f, %.1f]", j ? ", " : "", (double)k->polygon[j][0],
                          (double)k->polygon[j][1]);
        }
        dm_buf_puts(out, "]}");
    }
    dm_buf_puts(out, "\n  ],\n  \"objects\": [");
    for (int i = 0; i < t->n_object; i++) {
        const struct synth_object *o = &t->object[i];
        dm_buf_printf(out,
                      "%s\n    {\"class\": \"%s\", \"box\": [%.0f, %.0f, %.0f, %.0f], "
                      "\"visible\": %.2f, \"container\": %d}",
                      i ? "," : "", synth_class_names[o->class], (double)o->x1, (double)o->y1,
                      (double)o->x2, (double)o->y2, (double)o->visible, o->container);
    }
    dm_buf_puts(out, "\n  ]\n}\n");
}
