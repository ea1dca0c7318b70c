/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks for pipeline tests. The detector really looks at the pixels it is given: a plant is a
 * patch of the colour fake_plant() makes, so that cut, masked and duplicated plants behave as they
 * would; the container network returns the rectangles it was told. Both speak raw heads. */
#ifndef TESTS_SUPPORT_FAKE_NETWORK_H
#define TESTS_SUPPORT_FAKE_NETWORK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "image/image.h"
#include "vision/engine.h"

/* A container in network pixels, multiples of 4; its mask is inset by 4 px and then exactly that
 * rectangle, less the notch (empty when w is 0). */
struct fake_container {
    struct image_rect box;
    struct image_rect notch; /* photo pixels cut out of the mask */
    double score;
    int class_id;
};

struct nn_net {
    struct nn_model_info info;
    const struct fake_container *container; /* segment nets */
    size_t n_container;
    /* What a test can ask for. */
    bool fail_on_marker; /* DM_EINTERNAL when a pixel of FAKE_MARKER is in the input */
    bool fail_session;   /* DM_EMODEL when a session is made */
    void (*see)(void *ctx, const struct image *in); /* called with every input; may be NULL */
    void *see_ctx;
    _Atomic int sessions, wide_sessions, open_sessions, runs;
};

extern const struct vision_network fake_network;

/* A detector of free size with one class, "item". */
void fake_detector(struct nn_net *net);

/* A container net of free size with the classes claro-cajon, cajon, plug, Almacigo, perro. */
void fake_segmenter(struct nn_net *net, const struct fake_container *c, size_t n);

/* Colour of a plant the detector sees with this score, 0.5 .. 0.89 in steps of 1/512. A plant that
 * touches the edge of the input gets 0.6 of it. */
void fake_paint_plant(struct image *im, struct image_rect r, double score);
double fake_score(double score); /* the score as the colour can hold it */

void fake_paint(struct image *im, struct image_rect r, uint8_t red, uint8_t green, uint8_t blue);

extern const uint8_t FAKE_MARKER[3];

#endif
