/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine behind vision_count: which networks it runs, and the lanes it runs them in. A lane is
 * what one thread needs for one network pass: a session and the pictures before it. Lanes are made
 * when a thread first needs one and kept for the next photo. Private to vision/. */
#ifndef VISION_ENGINE_H
#define VISION_ENGINE_H

#include <pthread.h>
#include <stddef.h>

#include "base/arena.h"
#include "image/image.h"
#include "nn/net.h"
#include "vision/vision.h"
#include "vision/yolo.h"

/* The calls into nn/, so that tests can plant a network that sees what we painted. */
struct vision_network {
    /* All slots required; contracts as the functions of nn/net.h they are named after. */
    const struct nn_model_info *(*info)(const struct nn_net *net);
    int (*session_new)(struct nn_net *net, struct dm_pool *pool, struct nn_session **ret,
                       struct dm_err *e);
    void (*session_free)(struct nn_session *s);
    int (*session_run)(struct nn_session *s, const struct image *in, float min_logit,
                       struct nn_heads *ret, struct dm_err *e);
};

extern const struct vision_network vision_network_nn; /* the real one */

enum lane_kind {
    LANE_DETECT,      /* one thread: many tiles at once */
    LANE_DETECT_WIDE, /* all threads of the pool share a pass: fewer passes than threads */
    LANE_SEGMENT,     /* all threads share a pass */
    LANE_MAX_
};

/* Memory that grows and is used again; contents are lost when it grows. */
struct scratch {
    void *p;
    size_t cap_bytes;
};

struct lane {
    struct lane *next; /* while idle */
    enum lane_kind kind;
    struct nn_session *session;
    struct scratch input, crop, alpha;
    struct dm_arena arena; /* of one pass: cleared before the next */
};

/* Locking: idle - mu; the rest is written before the engine is given out. */
struct vision_engine {
    const struct vision_network *network;
    struct nn_net *detect, *segment;
    struct dm_pool *pool;
    pthread_mutex_t mu;
    struct lane *idle[LANE_MAX_];
};

/* vision_engine_new on a network of the caller's. */
DM_MUST_CHECK int engine_new(const struct vision_network *network,
                             const struct vision_engine_options *o, struct vision_engine **ret,
                             struct dm_err *e);

/* What the file of the lane kind's network says. */
const struct nn_model_info *engine_info(const struct vision_engine *v, enum lane_kind kind);

/* An idle lane or a new one; give it back with lane_put. Threads: any. */
DM_MUST_CHECK int lane_take(struct vision_engine *v, enum lane_kind kind, struct lane **ret,
                            struct dm_err *e);
void lane_put(struct vision_engine *v, struct lane *l); /* accepts NULL */

/* At least n bytes, 64-byte aligned, or NULL. Borrowed from s until the next call. */
DM_MUST_CHECK void *scratch_get(struct scratch *s, size_t n);

/* w x h picture in s. Borrowed from s until the next call. DM_ENOMEM. */
DM_MUST_CHECK int scratch_image(struct scratch *s, int w, int h, int channels, struct image *ret,
                                struct dm_err *e);

/* One pass over a picture: letterbox to the size the network wants (size_px for one of free size),
 * then run. frame_px > 0: the network sees a square of that many pixels with the picture in its
 * middle; 0: the picture, scaled to fit. Heads are borrowed from the lane until its next pass. */
DM_MUST_CHECK int lane_run(struct vision_engine *v, struct lane *l, const struct image *in,
                           int size_px, int frame_px, float conf, struct yolo_letterbox *ret_lb,
                           struct nn_heads *ret, struct dm_err *e);

#endif
