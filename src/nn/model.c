/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a model file: what it says of itself, held against what its network computes. */
#include "nn/model.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"

enum { STRIDE = 32, INPUT_SIDE_DEFAULT = 640, BOX_ROWS = 4 };

/* ---- what the metadata rules out ---- */

static int check_meta(const struct nn_meta *m, struct dm_err *e)
{
    if (*m->task && strcmp(m->task, "detect") != 0 && strcmp(m->task, "segment") != 0) {
        DM_FAIL(e, DM_EMODEL, "a model for the task %.20s: only detect and segment are supported",
                m->task);
    }
    if (m->keypoints) {
        DM_FAIL(e, DM_EMODEL, "a pose model: only detect and segment are supported");
    }
    if (m->nms) {
        DM_FAIL(e, DM_EMODEL, "exported with nms=True: export with nms=False");
    }
    if (m->end2end) {
        DM_FAIL(e, DM_EMODEL,
                "an end-to-end model, which gives finished boxes: use YOLO11 or "
                "YOLOv8, or export with end2end=False");
    }
    if (m->stride != 0 && m->stride != STRIDE) {
        DM_FAIL(e, DM_EMODEL,
                "largest stride %d: only models with strides 8, 16 and 32 are "
                "supported",
                m->stride);
    }
    return DM_OK;
}

/* ---- input ---- */

static int set_input(struct nn_model *m, struct dm_err *e)
{
    const int64_t *dim = m->source.input_dim;
    int64_t h = dim[2], w = dim[3];
    if ((h < 0) != (w < 0)) {
        DM_FAIL(e, DM_EMODEL,
                "only one side of the input is fixed: export with dynamic=True or "
                "dynamic=False");
    }
    m->info.dynamic = h < 0;
    if (m->info.dynamic) {
        h = m->meta.imgsz_h ? m->meta.imgsz_h : INPUT_SIDE_DEFAULT;
        w = m->meta.imgsz_w ? m->meta.imgsz_w : INPUT_SIDE_DEFAULT;
    }
    if (h < STRIDE || w < STRIDE || h % STRIDE || w % STRIDE || h > LIMIT_MODEL_INPUT_SIDE ||
        w > LIMIT_MODEL_INPUT_SIDE) {
        DM_FAIL(e, DM_EMODEL, "input size %lldx%lld: sides must be multiples of %d up to %d",
                (long long)w, (long long)h, STRIDE, LIMIT_MODEL_INPUT_SIDE);
    }
    m->info.input_h = (int)h;
    m->info.input_w = (int)w;
    m->info.stride = STRIDE;
    return DM_OK;
}

/* ---- outputs ---- */

static int64_t count_anchors(const struct nn_model_info *i)
{
    int64_t n = 0;
    for (int stride = 8; stride <= STRIDE; stride *= 2) {
        n += (int64_t)(i->input_w / stride) * (i->input_h / stride);
    }
    return n;
}

static const struct nn_shape *output_shape(const struct nn_graph *g, int i)
{
    return &g->value[g->output[i]].shape;
}

static int check_prototypes(struct nn_model *m, const struct nn_graph *g, struct dm_err *e)
{
    if (m->info.task == NN_TASK_DETECT) {
        return DM_OK;
    }
    const struct nn_shape *s = output_shape(g, 1);
    if (s->rank != 4 || s->dim[0] != 1 || s->dim[2] != m->info.input_h / 4 ||
        s->dim[3] != m->info.input_w / 4 || s->dim[1] > LIMIT_MODEL_CLASSES) {
        DM_FAIL(e, DM_EMODEL,
                "output1 is not mask prototypes [1,n,H/4,W/4]: not a YOLO11 or "
                "YOLOv8 segment export");
    }
    m->info.n_coefs = (int)s->dim[1];
    return DM_OK;
}

/* output0 is [1, 4 + classes + coefficients, anchors]. */
static int check_predictions(struct nn_model *m, const struct nn_graph *g, struct dm_err *e)
{
    const struct nn_shape *s = output_shape(g, 0);
    int64_t anchors = count_anchors(&m->info);
    if (s->rank == 3 && s->dim[2] < anchors && s->dim[2] <= 6 + m->info.n_coefs) {
        DM_FAIL(e, DM_EMODEL,
                "output0 is %lld finished boxes, not raw predictions: export with nms=False",
                (long long)s->dim[1]);
    }
    if (s->rank != 3 || s->dim[0] != 1 || s->dim[2] != anchors) {
        DM_FAIL(e, DM_EMODEL,
                "output0 does not hold the %lld anchors of strides 8, 16 and 32 at %dx%d: not a "
                "YOLO11 or YOLOv8 detect or segment export",
                (long long)anchors, m->info.input_w, m->info.input_h);
    }
    int64_t classes = s->dim[1] - BOX_ROWS - m->info.n_coefs;
    if (classes < 1 || classes > LIMIT_MODEL_CLASSES) {
        DM_FAIL(e, DM_EMODEL, "output0 has %lld rows: no room for 1 to %d classes",
                (long long)s->dim[1], LIMIT_MODEL_CLASSES);
    }
    if (m->meta.names && m->meta.n_names != classes) {
        DM_FAIL(e, DM_EMODEL, "the metadata names %d classes, the network has %lld",
                m->meta.n_names, (long long)classes);
    }
    m->info.n_classes = (int)classes;
    return DM_OK;
}

static int set_task(struct nn_model *m, struct dm_err *e)
{
    bool two = m->source.n_output == 2;
    bool wanted_two = strcmp(m->meta.task, "segment") == 0;
    if (*m->meta.task && two != wanted_two) {
        DM_FAIL(e, DM_EMODEL, "a %s model with %d outputs", m->meta.task, m->source.n_output);
    }
    m->info.task = two ? NN_TASK_SEGMENT : NN_TASK_DETECT;
    return DM_OK;
}

static int set_names(struct nn_model *m, struct dm_err *e)
{
    m->info.class_names = m->meta.names;
    if (m->meta.names) {
        return DM_OK;
    }
    const char **names = dm_arena_calloc(&m->arena, (size_t)m->info.n_classes, sizeof(*names));
    for (int i = 0; names && i < m->info.n_classes; i++) {
        names[i] = dm_arena_printf(&m->arena, "class%d", i);
        if (!names[i]) {
            names = NULL;
        }
    }
    if (!names) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %d class names", m->info.n_classes);
    }
    m->info.class_names = names;
    return DM_OK;
}

/* ---- size and cost ---- */

/* Each result element of a convolution is a sum over one kernel; of a transposed one, each input
 * element goes into one kernel. */
static void count_work(struct nn_model_info *info, const struct nn_graph *g)
{
    for (int i = 0; i < g->n_node; i++) {
        const struct nn_node *n = &g->node[i];
        if (n->kind != NN_OP_CONV && n->kind != NN_OP_CONV_TRANSPOSE) {
            continue;
        }
        const struct nn_shape *w = &g->value[n->in[1]].shape;
        const struct nn_shape *places =
            &g->value[n->kind == NN_OP_CONV ? n->out[0] : n->in[0]].shape;
        uint64_t kernel = (uint64_t)(w->dim[1] * w->dim[2] * w->dim[3]);
        info->macs += (uint64_t)nn_shape_count(places) * kernel;
        info->n_params += (uint64_t)nn_shape_count(w);
        if (n->n_in > 2) {
            info->n_params += (uint64_t)nn_shape_count(&g->value[n->in[2]].shape);
        }
    }
}

static int describe(struct nn_model *m, struct dm_err *e)
{
    DM_CLEANUP(nn_graph_freep) struct nn_graph *g = NULL;
    DM_TRY(set_input(m, e));
    DM_TRY(set_task(m, e));
    DM_TRY(nn_graph_new(m, m->info.input_w, m->info.input_h, &g, e));
    DM_TRY(check_prototypes(m, g, e));
    DM_TRY(check_predictions(m, g, e));
    DM_TRY(set_names(m, e));
    count_work(&m->info, g);
    m->info.opset = m->opset;
    m->info.weights_f16 = m->source.weights_f16;
    m->info.tile_px = m->meta.tile;
    m->info.plant_px = m->meta.plant_px;
    m->info.version = m->meta.version;
    m->info.description = m->meta.description;
    m->info.author = m->meta.author;
    m->info.license = m->meta.license;
    m->info.date = m->meta.date;
    return DM_OK;
}

int nn_model_parse(const void *bytes, size_t n, struct nn_model **ret, struct dm_err *e)
{
    DM_CLEANUP(nn_model_freep) struct nn_model *m = dm_calloc(1, sizeof(*m));
    if (!m) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a model");
    }
    m->arena.max_bytes = 2 * LIMIT_MODEL_FILE_BYTES; /* f16 weights double */
    DM_TRY(nn_onnx_parse(bytes, n, &m->onnx, e));
    m->opset = nn_onnx_opset(m->onnx, e);
    DM_TRY(m->opset);
    DM_TRY(nn_onnx_meta(m->onnx, &m->arena, &m->meta, e));
    DM_TRY(check_meta(&m->meta, e));
    DM_TRY(nn_onnx_check_operators(m->onnx, e));
    DM_TRY(nn_onnx_graph(m->onnx, m->opset, &m->arena, &m->source, e));
    DM_TRY(describe(m, e));
    *ret = DM_STEAL(m);
    return DM_OK;
}

int nn_model_open(const char *path, struct nn_model **ret, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf b = dm_buf_init(LIMIT_MODEL_FILE_BYTES);
    DM_TRY(dm_buf_read_file(&b, path, e));
    int code = nn_model_parse(dm_buf_str(&b), b.len, ret, e);
    if (code < 0) {
        (void)dm_err_context(e, "%s", path);
    }
    return code;
}

void nn_model_free(struct nn_model *m)
{
    if (!m) {
        return;
    }
    nn_onnx_free(m->onnx);
    dm_arena_clear(&m->arena);
    dm_free(m);
}

const struct nn_model_info *nn_model_info(const struct nn_model *m)
{
    return &m->info;
}
