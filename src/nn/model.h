/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the loader: what the files onnx_*.c, model.c and graph*.c share.
 *
 *   bytes --onnx_parse.c--> messages --onnx_graph.c--> source graph --graph.c--> graph at one size
 *                                    --onnx_meta.c---> nn_meta
 *
 * A model is opened once per process and turned into a graph once per input size. The file is
 * foreign: every number in it is checked before it is used. */
#ifndef NN_MODEL_H
#define NN_MODEL_H

#include "base/arena.h"
#include "nn/graph.h"
#include "nn/net.h"

/* metadata_props of the file, decoded (vision.md 3.1). Text is "" and numbers 0 when absent. */
struct nn_meta {
    const char *task;
    const char *const *names; /* [n_names], NULL when absent */
    int n_names;
    int stride;
    int imgsz_w, imgsz_h;
    int tile, plant_px; /* ours */
    bool nms, end2end, keypoints;
    const char *version, *description, *author, *license, *date;
};

/* The graph as the file has it: names resolved, attributes decoded, initialisers and Constant nodes
 * turned into constant values. Shapes of computed values are unknown (rank -1). */
struct nn_source {
    struct nn_value *value;
    int n_value;
    struct nn_node *node;
    int n_node;
    int input;
    int64_t input_dim[4]; /* declared; -1 symbolic */
    int output[2];
    int n_output;
    bool weights_f16;
};

struct nn_onnx; /* the parsed messages; weights point into them */

struct nn_model {
    struct dm_arena arena;
    struct nn_onnx *onnx;
    int opset;
    struct nn_meta meta;
    struct nn_source source;
    struct nn_model_info info;
};

/* ---- onnx_parse.c ---- */

/* DM_EMODEL when the bytes are no ONNX file; says which known other format they are. */
DM_MUST_CHECK int nn_onnx_parse(const void *bytes, size_t n, struct nn_onnx **ret,
                                struct dm_err *e);
void nn_onnx_free(struct nn_onnx *o); /* accepts NULL */

/* Version of the standard operator set; DM_EMODEL outside 11..22. */
DM_MUST_CHECK int nn_onnx_opset(const struct nn_onnx *o, struct dm_err *e);

/* DM_EMODEL when a node needs an operator that onnx_ops.def lacks; names them. */
DM_MUST_CHECK int nn_onnx_check_operators(const struct nn_onnx *o, struct dm_err *e);

/* Kind of an operator name, -1 when unknown. */
int nn_op_find(const char *onnx_name);

/* ---- onnx_meta.c ---- */

/* DM_EMODEL when an entry we need is malformed; names the key. */
DM_MUST_CHECK int nn_onnx_meta(const struct nn_onnx *o, struct dm_arena *a, struct nn_meta *ret,
                               struct dm_err *e);

/* ---- onnx_graph.c ---- */

/* Everything in ret lives in a or in o. */
DM_MUST_CHECK int nn_onnx_graph(const struct nn_onnx *o, int opset, struct dm_arena *a,
                                struct nn_source *ret, struct dm_err *e);

#endif
