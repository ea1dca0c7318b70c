/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the renderer: the camera, the noise, what a scene is made of, and who draws what.
 * World: x right, y towards the viewer, z up; the unit is the distance of neighbouring places. */
#ifndef SYNTH_SCENE_H
#define SYNTH_SCENE_H

#include "base/arena.h"
#include "synth/canvas.h"
#include "synth/rng.h"
#include "synth/synth.h"

/* ---- camera.c ---- */

struct camera {
    float f;      /* focal length, pixels */
    float cx, cy; /* principal point */
    float sin_tilt, cos_tilt;
    float distance; /* from the world's origin, which lies in the middle of the picture */
};

void camera_init(struct camera *c, int w, int h, float focal, float tilt_rad, float distance);

/* Pixel of a world point. */
void camera_project(const struct camera *c, struct vec3 p, float ret[static 2]);

/* The same as a local linear map: pixels per unit along each world axis at p. */
struct local {
    float px, py; /* pixel of p itself */
    float jx[3], jy[3];
    float scale;                   /* pixels per unit across the line of sight */
    struct vec3 right, down, back; /* axes of the picture at p; back points at the viewer */
};
void camera_local(const struct camera *c, struct vec3 p, struct local *ret);

/* World point with z = 0 under a pixel. Tilt and field of view keep the horizon out of the frame.
 */
void camera_ground(const struct camera *c, float x, float y, float ret[static 2]);

static inline float local_x(const struct local *l, struct vec3 d)
{
    return l->jx[0] * d.x + l->jx[1] * d.y + l->jx[2] * d.z;
}
static inline float local_y(const struct local *l, struct vec3 d)
{
    return l->jy[0] * d.x + l->jy[1] * d.y + l->jy[2] * d.z;
}

/* Disc of the given half axes lying at height z above the base point. */
struct affine local_disc(const struct local *l, float rx, float ry, float angle, float z);

/* ---- texture.c ---- */

#define TEXTURE_SIDE 256

/* Periodic tiles, made once a picture and sampled for every ground pixel. */
struct texture {
    float cloud[TEXTURE_SIDE * TEXTURE_SIDE];  /* fractal noise, 0..1, mean 0.5 */
    float pebble[TEXTURE_SIDE * TEXTURE_SIDE]; /* 0 in the gaps .. 1 on top of a stone */
    float tone[TEXTURE_SIDE * TEXTURE_SIDE];   /* one value per stone, 0..1 */
};
void texture_init(struct texture *t, uint64_t seed);
float texture_cloud(const struct texture *t, float x, float y); /* bilinear, period 256 */

enum ground {
    GROUND_GRAVEL,
    GROUND_CLOTH,
    GROUND_FILM,
    GROUND_CONCRETE,
    GROUND_SOIL,
    GROUND_WOOD,
    GROUND_MAX_
};

/* Colour of a material at world (x, y). */
struct ground_style {
    enum ground kind;
    const struct texture *texture;
    struct rgb tint;
    float scale; /* texture cells per unit */
    float px;    /* pixels per unit, to drop detail that would only alias */
};
struct rgb ground_colour(const struct ground_style *g, float x, float y);

/* ---- plants.c ---- */

enum plant_kind {
    PLANT_ROSETTE,
    PLANT_CLUSTER, /* several heads that grew from one plant */
    PLANT_AGAVE,
    PLANT_BALL, /* globular cactus */
    PLANT_PADS, /* opuntia */
    PLANT_SEEDLING,
    PLANT_KIND_MAX_
};

struct species {
    enum plant_kind kind;
    struct leaf_style leaf;
    int leaves;             /* of one head */
    float width;            /* of a leaf, share of its length */
    float lift0, lift1;     /* elevation of the outermost and innermost leaf, radians */
    float inner;            /* length of the innermost leaf, share of the outermost */
    float turn;             /* divergence angle, radians; 137.5 degrees for most */
    int ribs;               /* of a cactus */
    float spines;           /* their length, share of the radius */
    struct rgb body, body2; /* cactus ridge and furrow */
    float wool;
};
void species_init(struct species *s, enum plant_kind kind, struct rng *r);

/* Draw one plant: centre at `at` (world), outer radius in units. The pen is set by the caller. */
void plant_draw(struct canvas *c, const struct camera *cam, const struct species *s, struct vec3 at,
                float radius, struct rng *r);

/* A dried one: few brown shrivelled leaves. */
void plant_draw_dead(struct canvas *c, const struct camera *cam, struct vec3 at, float radius,
                     struct rng *r);

/* ---- pots.c ---- */

struct pot_style {
    bool square;
    bool bag; /* black nursery bag: uneven rim */
    struct rgb body, rim;
    float radius; /* units, of the rim */
    float foot;   /* radius at the ground, share of the rim's */
    float height; /* units */
    float wall;   /* thickness, share of the radius */
    float soil;   /* depth of the soil below the rim, share of the height */
    struct rgb earth;
    float perlite; /* share of white specks */
};
void pot_style_init(struct pot_style *s, struct rng *r);

/* Pot with its soil; at = centre of its foot, angle about the vertical. */
void pot_draw(struct canvas *c, const struct camera *cam, const struct texture *t,
              const struct pot_style *s, struct vec3 at, float angle, struct rng *r);

/* Soil alone, as a disc of the given radius at height at.z. */
void soil_draw(struct canvas *c, const struct camera *cam, const struct texture *t,
               struct rgb colour, float perlite, bool square, struct vec3 at, float radius,
               float angle);

/* Soft shadow on a horizontal disc. */
void shadow_draw(struct canvas *c, const struct camera *cam, struct vec3 at, float radius,
                 float strength);

/* ---- layout.c ---- */

/* One place where a plant may stand. */
struct place {
    struct vec3 at; /* where its pot (or the plant itself) touches what carries it */
    float angle;    /* of the rows */
    float radius;   /* of the plant */
    int block;      /* index */
    int content;    /* enum place_content */
    int species;    /* index into the scene's species */
    uint64_t seed;
};
enum place_content { PLACE_NOTHING, PLACE_PLANT, PLACE_EMPTY, PLACE_DEAD };

/* A rectangle of places: a segmento, a crate, a tray. */
struct block {
    float corner[4][2]; /* world, clockwise seen from above */
    float cell[2];      /* its lower corner in lattice units, for its own texture */
    int pot;            /* index into the scene's pots */
};

#define SCENE_SPECIES 6
#define SCENE_POTS    3

struct scene {
    enum synth_scene kind;
    uint64_t seed;
    int w, h;
    struct camera cam;
    struct light light;
    struct texture texture;
    struct ground_style ground, bed; /* around the blocks and inside a segmento */
    struct rgb tray;                 /* colour of crates and trays */
    float angle;                     /* of the rows, radians */
    float wall;                      /* height of crates and trays, units */
    struct species species[SCENE_SPECIES];
    int n_species;
    struct pot_style pot[SCENE_POTS];
    int n_pot;
    bool whole; /* every place lies in the frame */
    struct place *place;
    int n_place;
    struct block *block;
    int n_block;
};

/* Choose everything and place it. place and block come from a. */
DM_MUST_CHECK int scene_plan(struct scene *s, const struct synth_params *p, struct dm_arena *a,
                             struct dm_err *e);

/* ---- paint.c ---- */

/* Draw everything. object[n_place] receives the extents: painted pixels in `visible` until
 * truth_measure turns them into a share; class -1 for places that show nothing. */
struct paint_record {
    float x1, y1, x2, y2; /* unclipped extent */
    uint32_t painted;
    int class; /* enum synth_class or -1 */
    int place;
};
void scene_paint(const struct scene *s, struct canvas *c, struct paint_record *record);

/* ---- finish.c ---- */

/* What lens, sensor and shade cloth do to the finished picture. */
DM_MUST_CHECK int scene_finish(const struct scene *s, struct image *im, struct dm_err *e);

#endif
