/* SPDX-License-Identifier: Apache-2.0
 *
 * Containers from masks. Runs once per container, a handful per photo, on outlines of some hundred
 * vertices. */
#include "vision/container.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

/* Class names of known container models, lower case. */
static const struct {
    const char *name;
    enum vision_container_type type;
} class_types[] = {
    {"almacigo", VISION_CONTAINER_ALMACIGO},
    {"almácigo", VISION_CONTAINER_ALMACIGO},
    {"bandeja", VISION_CONTAINER_PLUG},
    {"box", VISION_CONTAINER_BOX},
    {"caja", VISION_CONTAINER_BOX},
    {"cajon", VISION_CONTAINER_BOX},
    {"cajón", VISION_CONTAINER_BOX},
    {"charola", VISION_CONTAINER_PLUG},
    {"claro-cajon", VISION_CONTAINER_SEGMENT},
    {"claro-cajón", VISION_CONTAINER_SEGMENT},
    {"claro_cajon", VISION_CONTAINER_SEGMENT},
    {"claro_cajón", VISION_CONTAINER_SEGMENT},
    {"plug", VISION_CONTAINER_PLUG},
    {"segment", VISION_CONTAINER_SEGMENT},
    {"segmento", VISION_CONTAINER_SEGMENT},
};

int container_type(const char *class_name)
{
    for (size_t i = 0; i < DM_COUNT(class_types); i++) {
        if (!strcasecmp(class_types[i].name, class_name)) { /* ASCII in the C locale */
            return (int)class_types[i].type;
        }
    }
    return -1;
}

const char *container_word(enum vision_container_type type)
{
    static const char *const words[] = {
        [VISION_CONTAINER_SEGMENT] = "segmento",
        [VISION_CONTAINER_BOX] = "cajon",
        [VISION_CONTAINER_PLUG] = "plug",
        [VISION_CONTAINER_ALMACIGO] = "almacigo",
    };
    _Static_assert(DM_COUNT(words) == VISION_CONTAINER_MAX_, "a type without a word");
    return words[type];
}

/* ---- joining contours ---- */

/* Points of one contour, in the order they are walked: index k of the walk is point
 * (start + k) mod n, counted backwards when reversed. */
struct ring {
    const struct image_point *p;
    size_t n;
    bool reversed;
    size_t joint[2]; /* nearest points to the contour before and after, as indices of the outline */
    size_t n_joints;
};

static struct image_point ring_at(const struct ring *r, size_t k)
{
    size_t i = (r->joint[0] + k) % r->n;
    return r->p[r->reversed ? r->n - 1 - i : i];
}

/* First of the pairs of nearest points, in the order a then b. */
static void nearest_pair(const struct ring *a, const struct ring *b, size_t *ret_a, size_t *ret_b)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < a->n; i++) {
        for (size_t j = 0; j < b->n; j++) {
            int64_t dx = a->p[i].x - b->p[j].x;
            int64_t dy = a->p[i].y - b->p[j].y;
            int64_t d = dx * dx + dy * dy;
            if (d < least) {
                least = d;
                *ret_a = i;
                *ret_b = j;
            }
        }
    }
}

/* Points first..last of the walk, both included; returns the new end of out. */
static size_t walk(const struct ring *r, size_t first, size_t last, struct image_point *out,
                   size_t n)
{
    for (size_t k = first; k <= last; k++) {
        out[n++] = ring_at(r, k);
    }
    return n;
}

/* Forward whole first and last contour and up to the second joint of those between; back the rest
 * of those between. out holds n + 2 points for a contour of n. */
static size_t walk_all(struct ring *ring, size_t n_rings, struct image_point *out)
{
    size_t n = 0;
    for (size_t i = 0; i < n_rings; i++) {
        bool end = i == 0 || i == n_rings - 1;
        n = walk(&ring[i], 0, end ? ring[i].n : ring[i].joint[1] - ring[i].joint[0], out, n);
    }
    for (size_t i = n_rings - 1; i-- > 1;) {
        n = walk(&ring[i], ring[i].joint[1] - ring[i].joint[0], ring[i].n, out, n);
    }
    return n;
}

static void order_joints(struct ring *r)
{
    if (r->n_joints == 2 && r->joint[0] > r->joint[1]) {
        size_t first = r->joint[1];
        r->joint[1] = r->joint[0];
        r->joint[0] = first;
        r->reversed = true;
    }
}

int container_join(const struct image_contours *c, struct dm_arena *a, struct image_point **ret,
                   size_t *ret_n, struct dm_err *e)
{
    size_t points = c->n ? c->first[c->n] : 0;
    struct ring *ring = dm_arena_calloc(a, c->n, sizeof(*ring));
    struct image_point *out = dm_arena_calloc(a, points + 2 * c->n, sizeof(*out));
    if (!ring || !out) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an outline of %zu points", points);
    }
    *ret = out;
    *ret_n = points;
    if (c->n < 2) {
        if (points) {
            memcpy(out, c->points, points * sizeof(*out));
        }
        return DM_OK;
    }
    for (size_t i = 0; i < c->n; i++) {
        ring[i].p = c->points + c->first[i];
        ring[i].n = c->first[i + 1] - c->first[i];
    }
    for (size_t i = 1; i < c->n; i++) {
        struct ring *before = &ring[i - 1];
        nearest_pair(before, &ring[i], &before->joint[before->n_joints++], &ring[i].joint[0]);
        ring[i].n_joints = 1;
    }
    for (size_t i = 0; i < c->n; i++) {
        order_joints(&ring[i]);
    }
    *ret_n = walk_all(ring, c->n, out);
    return DM_OK;
}

/* ---- shape of one container ---- */

/* Vertex in network pixels -> fraction of the photo; f32 up to photo pixels, as the reference. */
static double to_fraction(int v, int pad, double gain, int side)
{
    float x = ((float)v - (float)pad) / (float)gain;
    return (double)DM_CLAMP(x, 0.0f, (float)side) / side;
}

static int outline(const struct image *mask, const struct yolo_letterbox *lb, struct dm_arena *a,
                   struct container_shape *ret, struct dm_err *e)
{
    DM_CLEANUP(image_contours_clear) struct image_contours contours = {0};
    DM_CLEANUP(dm_arena_clear) struct dm_arena scratch = {0};
    struct image_point *point = NULL;
    DM_TRY(image_find_contours(mask, &contours, e));
    DM_TRY(container_join(&contours, &scratch, &point, &ret->n_points, e));
    ret->polygon = dm_arena_calloc(a, ret->n_points, 2 * sizeof(*ret->polygon));
    if (!ret->polygon) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an outline of %zu points", ret->n_points);
    }
    for (size_t i = 0; i < ret->n_points; i++) {
        ret->polygon[2 * i] = to_fraction(point[i].x, lb->left, lb->gain, lb->w);
        ret->polygon[2 * i + 1] = to_fraction(point[i].y, lb->top, lb->gain, lb->h);
    }
    return DM_OK;
}

int container_shape(const struct nn_heads *heads, const struct yolo_letterbox *lb,
                    const struct yolo_box *b, struct dm_arena *a, struct container_shape *ret,
                    struct dm_err *e)
{
    DM_CLEANUP(image_clear) struct image mask = {0};
    struct yolo_box photo = *b;
    yolo_unletterbox(lb, &photo, 1);
    *ret = (struct container_shape){
        .confidence = b->score,
        .norm = {(double)photo.x1 / lb->w, (double)photo.y1 / lb->h, (double)photo.x2 / lb->w,
                 (double)photo.y2 / lb->h},
    };
    DM_TRY(yolo_mask(heads, lb, b, &mask, e));
    return outline(&mask, lb, a, ret, e);
}

struct image_rect container_bbox(const struct container_shape *s, int w, int h)
{
    int x1 = (int)(s->norm[0] * w);
    int y1 = (int)(s->norm[1] * h);
    return (struct image_rect){x1, y1, (int)(s->norm[2] * w) - x1, (int)(s->norm[3] * h) - y1};
}

bool container_valid(const struct container_shape *s, int w, int h)
{
    bool inside = s->confidence >= 0 && s->confidence <= 1;
    for (int i = 0; i < 4; i++) {
        inside = inside && s->norm[i] >= 0 && s->norm[i] <= 1;
    }
    if (!inside || s->n_points == 0) {
        return false;
    }
    struct image_rect r = container_bbox(s, w, h);
    return r.w > 0 && r.h > 0;
}
