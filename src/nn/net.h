/* SPDX-License-Identifier: Apache-2.0
 *
 * Neural networks as the rest of the house sees them: a YOLO11 or YOLOv8 file opened once, shared
 * by all threads, run by one session per thread.
 *
 *   file --nn_model_open--> model (graph, metadata, weights)      shared, immutable
 *   model --nn_net_new--> net (prepared weights, plans by shape)  shared
 *   net --nn_session_new--> session (workspace)                   one per thread
 */
#ifndef NN_NET_H
#define NN_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/opt.h"
#include "base/pool.h"
#include "image/image.h"

enum nn_task { NN_TASK_DETECT, NN_TASK_SEGMENT };

enum nn_precision {
    NN_PRECISION_AUTO, /* fastest that this processor supports and the file is prepared for */
    NN_PRECISION_F32,
    NN_PRECISION_BF16,
    NN_PRECISION_INT8, /* needs calibration data beside the model (demeter model quantize) */
    NN_PRECISION_MAX_
};
extern const char *const nn_precision_names[]; /* "auto", "f32", "bf16", "int8", NULL */

/* What a file says of itself. Borrowed from the model. */
struct nn_model_info {
    enum nn_task task;
    int n_classes;
    const char *const *class_names; /* [n_classes] */
    int n_coefs;                    /* mask coefficients, 0 for detect */
    int stride;                     /* largest, 32 */
    bool dynamic;         /* any multiple of stride is a valid input; else exactly input_* */
    int input_w, input_h; /* as exported */
    int opset;            /* ai.onnx */
    int tile_px;          /* photo pixels of a tile that suits its plants; 0: it does not say */
    int plant_px;         /* how large a plant should reach it, input pixels; 0: it does not say */
    bool weights_f16;
    uint64_t n_params;   /* of convolutions, after folding */
    uint64_t macs;       /* multiply-adds of one run at input_w x input_h */
    const char *version; /* "8.3.220", "" when absent */
    const char *description, *author, *license, *date;
};

struct nn_model;

/* Read and check a file. DM_ENOTFOUND, DM_EIO; DM_EMODEL with the operator, attribute or metadata
 * at fault and what to do instead (nms=True exports, end2end heads, quantised files, pickled .pt).
 */
DM_MUST_CHECK int nn_model_open(const char *path, struct nn_model **ret, struct dm_err *e);
DM_MUST_CHECK int nn_model_parse(const void *bytes, size_t n, struct nn_model **ret,
                                 struct dm_err *e);
void nn_model_free(struct nn_model *m); /* accepts NULL */
DM_DEFINE_CLEANUP(nn_model_freep, struct nn_model *, nn_model_free)
const struct nn_model_info *nn_model_info(const struct nn_model *m);

/* ---- prepared network ---- */

struct nn_net_options {
    enum nn_precision precision;
    const char *backend;     /* "auto", "onednn", "avx512", "ref" */
    const char *calibration; /* path of the int8 calibration file; NULL = none. AUTO uses the file
                              * when it is there and the processor has int8 */
};

struct nn_net;

/* Choose kernels, fold and reorder weights. Borrows m, which must outlive the net: a dynamic model
 * is planned again for each new input size (at most LIMIT_PLANS are kept). DM_EUNSUPPORTED when the
 * processor lacks the precision asked for. */
DM_MUST_CHECK int nn_net_new(const struct nn_model *m, const struct nn_net_options *o,
                             struct nn_net **ret, struct dm_err *e);
void nn_net_free(struct nn_net *net); /* accepts NULL */
DM_DEFINE_CLEANUP(nn_net_freep, struct nn_net *, nn_net_free)
const struct nn_model_info *nn_net_info(const struct nn_net *net);
const char *nn_net_backend(const struct nn_net *net);         /* "onednn 2.6.3", ... */
enum nn_precision nn_net_precision(const struct nn_net *net); /* never AUTO */

/* ---- running ---- */

struct nn_session;

/* pool: borrowed; its threads share every step of a run, which is right for one large input (the
 * container model). NULL: a run stays in its calling thread, which is right for many tiles, one a
 * thread. */
DM_MUST_CHECK int nn_session_new(struct nn_net *net, struct dm_pool *pool, struct nn_session **ret,
                                 struct dm_err *e);
void nn_session_free(struct nn_session *s); /* accepts NULL */
DM_DEFINE_CLEANUP(nn_session_freep, struct nn_session *, nn_session_free)

/* Raw head of one pyramid level, rows (y, x) of the grid. Logits before sigmoid and softmax. */
struct nn_level {
    int w, h, stride;
    const float *cls;  /* [h*w][cls_step], first n_classes valid */
    const float *box;  /* [h*w][box_step], first 64 = 4 sides (l,t,r,b) x 16 bins */
    const float *coef; /* [h*w][coef_step], first n_coefs valid; NULL for detect */
    size_t cls_step, box_step, coef_step;
};

struct nn_heads {
    struct nn_level level[3]; /* strides 8, 16, 32 */
    int n_levels;
    int n_classes, n_coefs;
    const float *proto; /* [proto_h][proto_w][n_coefs], NULL for detect */
    int proto_w, proto_h;
};

/* One forward pass. in: RGB u8, already letterboxed, w and h as the net demands (multiples of
 * stride; exactly input_* for a static file). *ret borrows the session's workspace until its next
 * run. box and coef are only promised where the largest class logit is > min_logit: pass -INFINITY
 * for all. Threads: one caller per session. DM_EBADINPUT wrong size, DM_ENOMEM. */
DM_MUST_CHECK int nn_session_run(struct nn_session *s, const struct image *in, float min_logit,
                                 struct nn_heads *ret, struct dm_err *e);

#endif
