/* SPDX-License-Identifier: Apache-2.0
 *
 * Photographs of nursery benches that never were, with their exact truth: the source of the demo
 * pictures, the benchmark photos, the exact-count tests and the training set. Everything follows
 * from the seed: the same parameters give the same bytes on the same machine.
 *
 *   params --synth_render--> pixels + truth --synth_truth_*--> YOLO, YOLO-segment, JSON text
 *
 * Threads: reentrant, no global state. Called once a picture; 640 x 640 takes tens of ms, 12 MP
 * about two seconds. */
#ifndef SYNTH_SYNTH_H
#define SYNTH_SYNTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "image/image.h"

enum synth_scene {
    SYNTH_SCENE_ANY,      /* drawn from the seed */
    SYNTH_SCENE_BENCH,    /* segmentos: rectangles of pots on the ground */
    SYNTH_SCENE_PLUG,     /* plug trays */
    SYNTH_SCENE_CRATE,    /* cajones: crates holding a few pots */
    SYNTH_SCENE_SEEDLING, /* almacigos: open trays of soil with seedlings */
    SYNTH_SCENE_LOOSE,    /* pots standing about, no container */
    SYNTH_SCENE_MAX_
};
extern const char *const synth_scene_names[]; /* "any", "bench", ..., NULL */

enum synth_class { SYNTH_ITEM, SYNTH_EMPTY_POT, SYNTH_DEAD_PLANT, SYNTH_CLASS_MAX_ };
extern const char *const synth_class_names[]; /* "item", "empty_pot", "dead_plant", NULL */

enum synth_container_type {
    SYNTH_SEGMENTO,
    SYNTH_CAJON,
    SYNTH_PLUG,
    SYNTH_ALMACIGO,
    SYNTH_CONTAINER_MAX_
};
extern const char *const synth_container_names[]; /* "segmento", ..., NULL */

struct synth_params {
    uint64_t seed;
    int w, h; /* pixels */
    enum synth_scene scene;
    int plants;      /* > 0: exactly so many, all whole and in the frame; 0: the benches run on over
                      * the edges of the frame and plant_px sets the scale */
    double plant_px; /* distance of neighbouring plants at the centre when plants is 0;
                      * 0 = drawn from the seed */
    double tilt_deg; /* 0 = straight from above; negative = drawn from the seed, 0..30 */
    double empty;    /* share of places without a plant, negative = drawn from the seed */
    double dead;     /* share of places with a dead one, negative = drawn from the seed */
};

struct synth_object {
    enum synth_class class;
    float x1, y1, x2, y2; /* pixels, of the visible part, exclusive on the right and bottom */
    float visible;        /* share of its painted pixels that nothing covers, 0..1 */
    int container;        /* index, -1 = none */
};

struct synth_container {
    enum synth_container_type type;
    const float (*polygon)[2]; /* [n_polygon] pixels, clipped to the frame, clockwise */
    int n_polygon;
};

struct synth_truth {
    struct dm_arena arena; /* owns the arrays */
    uint64_t seed;
    int w, h;
    enum synth_scene scene;
    double tilt_deg;
    const struct synth_object *object; /* far to near */
    int n_object;
    const struct synth_container *container;
    int n_container;
    int count[SYNTH_CLASS_MAX_]; /* of objects by class; count[SYNTH_ITEM] is the answer */
};

/* Defaults: everything drawn from the seed, 1024 x 768. */
void synth_params_init(struct synth_params *p);

/* Render. ret_image and ret_truth are the caller's: image_clear, synth_truth_clear.
 * DM_EUSAGE for parameters out of range (sides 64..16384, plants 0..20000, tilt up to 45,
 * shares 0..0.9), DM_ELIMIT when the scene would hold too many places, DM_ENOMEM. */
DM_MUST_CHECK int synth_render(const struct synth_params *p, struct image *ret_image,
                               struct synth_truth *ret_truth, struct dm_err *e);

/* Accepts an empty truth. */
void synth_truth_clear(struct synth_truth *t);

/* "class cx cy w h" a line, fractions of the picture. mask selects the classes (bit n = class n).
 */
void synth_truth_yolo(const struct synth_truth *t, unsigned mask, struct dm_buf *out);

/* "class x y x y ..." a line for the containers, class = enum synth_container_type. */
void synth_truth_yolo_segment(const struct synth_truth *t, struct dm_buf *out);

/* One JSON object: seed, size, counts, objects, containers. */
void synth_truth_json(const struct synth_truth *t, struct dm_buf *out);

#endif
