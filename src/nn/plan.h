/* SPDX-License-Identifier: Apache-2.0
 *
 * A network made ready for one input size: a list of fused steps over one workspace whose layout is
 * fixed. Built once per size (nn/plan_build.c and friends), immutable afterwards, shared by every
 * session; a session only adds the workspace (nn/session.c).
 *
 *   graph --match--> steps over values --place--> buffers and views --memory--> offsets
 *
 * match   plan_match.c   convolution + SiLU + shortcut become one step, attention one step
 * head    plan_head.c    the decode arithmetic after the last convolutions is cut off: vision
 * decodes only the anchors above the threshold place   plan_place.c   a split is a view; a
 * concatenation is a buffer its inputs write into memory  plan_memory.c  buffers with disjoint
 * lifetimes share bytes */
#ifndef NN_PLAN_H
#define NN_PLAN_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/pool.h"
#include "nn/backend.h"
#include "nn/graph.h"
#include "nn/kernels.h"
#include "nn/net.h"

enum plan_kind { PLAN_CONV, PLAN_COPY, PLAN_ADD, PLAN_UPSAMPLE, PLAN_MAX_POOL, PLAN_ATTENTION };

enum {
    PLAN_LEVELS = 3,
    PLAN_NO_GATE = -1,
    PLAN_GRID_ROWS_MAX = LIMIT_MODEL_INPUT_SIDE / 8, /* of the finest level */
    ATTENTION_HEADS_MAX = 64,                        /* YOLO11x has 6 */
};

/* Channels [c_off, c_off + c) of a buffer. */
struct plan_tensor {
    int buffer; /* -1: the input image */
    int c_off, h, w, c;
    enum nn_dtype dtype;
    float scale; /* U8 */
    int zero;
};

struct plan_buffer {
    int h, w, c;
    enum nn_dtype dtype;
    int first, last; /* steps during which it must survive */
    size_t offset_bytes, size_bytes;
};

struct plan_step {
    enum plan_kind kind;
    int src, src2, dst; /* tensors; src2 the residual or second addend, -1 when none */
    int gate; /* run only for the rows of level `gate` with a candidate; PLAN_NO_GATE always */
    int halo; /* rows more on either side, for the kernels of later steps of the same gate */
    int node; /* of the graph, for messages */
    const struct nn_backend *backend; /* CONV */
    struct nn_conv *conv;             /* CONV, owned by the plan */
    int kernel;                       /* MAX_POOL */
    struct nn_attention_desc attention;
};

struct plan_level {
    int h, w, stride;
    int cls, box, coef; /* tensors, coef -1 for detect */
};

struct nn_plan {
    struct dm_arena arena;
    int in_w, in_h;
    int n_classes, n_coefs;
    struct plan_tensor *tensor;
    int n_tensor;
    struct plan_buffer *buffer;
    int n_buffer;
    struct plan_step *step;
    int n_step;
    struct plan_level level[PLAN_LEVELS];
    int n_level;
    int proto;              /* tensor, -1 for detect */
    uint64_t fingerprint;   /* of the trained numbers, the same at every size and precision */
    size_t workspace_bytes; /* buffers */
    size_t scratch_bytes;   /* the largest any step asks for */
};

/* Activation ranges for int8: real value range of each step's result, by step index in the order of
 * the f32 plan of the same model and size. NULL unless precision is INT8. */
struct plan_ranges {
    float (*range)[2];
    int n;
    uint64_t fingerprint; /* of the plan they were measured on */
};

struct plan_options {
    enum nn_precision precision;             /* never AUTO */
    const struct nn_backend *const *backend; /* NULL-ended, asked in order */
    const struct plan_ranges *ranges;
};

/* DM_EMODEL when the graph is not a YOLO network this planner knows: names the first node it could
 * not place. DM_EUNSUPPORTED when no back end takes a convolution. */
DM_MUST_CHECK int nn_plan_new(const struct nn_graph *g, const struct nn_model_info *info,
                              const struct plan_options *o, struct nn_plan **ret, struct dm_err *e);
void nn_plan_free(struct nn_plan *p); /* accepts NULL */
DM_DEFINE_CLEANUP(nn_plan_freep, struct nn_plan *, nn_plan_free)

/* One forward pass over a workspace.
 *   in         u8 image of the plan's size, dense rows
 *   min_logit  gated steps compute only rows with a class logit above it; -INFINITY runs all
 *   scratch    p->scratch_bytes for each thread of the pool, one after the other
 *   pool       shares every step among its threads; NULL runs everything in the caller
 *   seen       called after each step with its number and result, for calibration and profiles;
 * NULL DM_EAGAIN only from the pool. Threads: one caller per workspace. */
typedef void (*plan_seen_fn)(void *ctx, int step, const struct nn_view *dst);
struct plan_run {
    const struct nn_plan *plan;
    const struct image *in;
    float min_logit;
    void *workspace;
    void *scratch;
    struct dm_pool *pool;
    plan_seen_fn seen;
    void *seen_ctx;
};
DM_MUST_CHECK int nn_plan_run(const struct plan_run *r, struct dm_err *e);

/* View of a tensor inside a workspace (image for the input tensor). */
struct nn_view nn_plan_view(const struct nn_plan *p, int tensor, void *workspace,
                            const struct image *in);

/* ---- between the plan_*.c files ---- */

/* A step while values are not yet placed: names graph values instead of tensors. */
struct match_step {
    enum plan_kind kind;
    int node;           /* last node fused into it */
    int conv;           /* node of the convolution */
    int src, src2, dst; /* values */
    int src_c_off;      /* COPY: first channel of src to take */
    int dst_c_off, c;   /* COPY: where they go, how many */
    bool silu;
    int kernel;
    struct nn_attention_desc attention;
    int gate, halo;
};

/* Where a value lives: inside another value from channel off, or (parent -1) in its own buffer. */
struct match_place {
    int parent, off;
};

struct match {
    const struct nn_graph *g;
    struct dm_arena *arena;
    int **user; /* [n_value] nodes that read it, each list n_user long */
    int *n_user;
    bool *claimed; /* [n_node] part of a step, a view or the decode tail */
    struct match_step *step;
    int n_step, cap_step;
    struct match_place *place;                                 /* [n_value] */
    int box[PLAN_LEVELS], cls[PLAN_LEVELS], coef[PLAN_LEVELS]; /* values */
    int n_level;
    int proto; /* value, -1 */
};

/* Cut the decode tail off: claims its nodes, fills box, cls, coef, proto. */
DM_MUST_CHECK int plan_match_head(struct match *m, const struct nn_model_info *info,
                                  struct dm_err *e);
/* Everything before the head becomes steps. */
DM_MUST_CHECK int plan_match_body(struct match *m, struct dm_err *e);
/* Steps only needed for boxes or mask coefficients run last and behind their level's gate: where no
 * class scores, nobody asks for a box. */
DM_MUST_CHECK int plan_match_gates(struct match *m, struct dm_err *e);
/* Values to tensors and buffers. */
DM_MUST_CHECK int plan_place(struct nn_plan *p, struct match *m, const struct plan_options *o,
                             struct dm_err *e);
/* Lifetimes and offsets. */
DM_MUST_CHECK int plan_memory(struct nn_plan *p, struct dm_err *e);

#endif
