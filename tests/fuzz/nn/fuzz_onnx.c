/* SPDX-License-Identifier: Apache-2.0
 *
 * Model files: any bytes are refused with a message, or give a model that describes itself within
 * the limits. Whatever has a graph at all, YOLO or not, is folded and, when it is small, run by the
 * oracle. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "nn/model.h"

enum { ELEMENTS_MAX = 1 << 20, WORK_MAX = 1 << 24, SIDE_MAX = 64 };

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Small enough to run thousands of times a second: elements held, and a bound of their arithmetic.
 */
static bool is_small(const struct nn_graph *g)
{
    int64_t elements = 0;
    double work = 0;
    for (int v = 0; v < g->n_value; v++) {
        elements += nn_shape_count(&g->value[v].shape);
    }
    for (int i = 0; i < g->n_node && elements <= ELEMENTS_MAX; i++) {
        const struct nn_node *n = &g->node[i];
        double each = 1;
        for (int j = 0; j < n->n_in; j++) {
            each += n->in[j] < 0 ? 0 : (double)nn_shape_count(&g->value[n->in[j]].shape);
        }
        if (n->kind == NN_OP_MAX_POOL) {
            each = (double)n->attr.kernel[0] * n->attr.kernel[1];
        }
        for (int j = 0; j < n->n_out; j++) {
            work += each * (double)nn_shape_count(&g->value[n->out[j]].shape);
        }
    }
    return elements <= ELEMENTS_MAX && work <= WORK_MAX;
}

static void use_graph(const struct nn_model *m, int w, int h)
{
    struct nn_graph *g = NULL;
    struct dm_err e = {0};
    int code = nn_graph_new(m, w, h, &g, &e);
    if (code < 0) {
        must(code == e.code && *e.text && !g);
        return;
    }
    for (int i = 0; i < g->n_node; i++) {
        for (int j = 0; j < g->node[i].n_out; j++) {
            must(g->value[g->node[i].out[j]].producer == i);
        }
    }
    if (is_small(g)) {
        struct dm_arena a = {0};
        const float *out[2];
        float *x = calloc(3 * (size_t)w * (size_t)h, sizeof(*x));
        must(x && nn_graph_interpret(g, x, out, &a, &e) == DM_OK);
        free(x);
        dm_arena_clear(&a);
    }
    nn_graph_free(g);
}

static void describe(const uint8_t *bytes, size_t n)
{
    struct nn_model *m = NULL;
    struct dm_err e = {0};
    int code = nn_model_parse(bytes, n, &m, &e);
    if (code < 0) {
        must(code == e.code && *e.text && !m);
        return;
    }
    const struct nn_model_info *i = nn_model_info(m);
    must(i->n_classes >= 1 && i->n_classes <= LIMIT_MODEL_CLASSES);
    must(i->input_w % 32 == 0 && i->input_h % 32 == 0 && i->input_w > 0 && i->input_h > 0);
    must((i->task == NN_TASK_SEGMENT) == (i->n_coefs > 0));
    for (int c = 0; c < i->n_classes; c++) {
        must(strlen(i->class_names[c]) <= LIMIT_MODEL_NAME_BYTES);
    }
    nn_model_free(m);
}

/* The graph of a file whatever its purpose: without the checks of nn_model_parse. */
static void fold(const uint8_t *bytes, size_t n)
{
    struct nn_model m = {.info = {.stride = 1}};
    if (nn_onnx_parse(bytes, n, &m.onnx, NULL) < 0) {
        return;
    }
    m.opset = nn_onnx_opset(m.onnx, NULL);
    if (m.opset > 0 && nn_onnx_check_operators(m.onnx, NULL) == DM_OK &&
        nn_onnx_graph(m.onnx, m.opset, &m.arena, &m.source, NULL) == DM_OK) {
        m.info.dynamic = true; /* of any size: a static graph that cannot take it says so */
        use_graph(&m, 8, 8);
        int64_t h = m.source.input_dim[2], w = m.source.input_dim[3];
        if (h > 0 && h <= SIDE_MAX && w > 0 && w <= SIDE_MAX) {
            use_graph(&m, (int)w, (int)h);
        }
    }
    nn_onnx_free(m.onnx);
    dm_arena_clear(&m.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    describe(bytes, n);
    fold(bytes, n);
    return 0;
}
