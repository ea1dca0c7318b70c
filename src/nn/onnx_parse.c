/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes to ONNX messages, and the checks that need no graph. The messages are unpacked by
 * protobuf-c on a heap with a budget: two bytes of wire can ask for a hundred bytes of structure,
 * so the budget is set by the size of the file. docs/decisions/002-onnx-with-protobuf-c.md */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "nn/onnx.h"

enum { OPSET_MIN = 11, OPSET_MAX = 22, HEAP_SLACK_BYTES = 16 << 20 };

static void *heap_alloc(void *data, size_t n)
{
    struct nn_onnx *o = data;
    if (n > o->left_bytes) {
        o->failed = DM_ELIMIT;
        return NULL;
    }
    o->left_bytes -= n; /* never given back: what the parser frees again is little */
    void *p = dm_alloc(n ? n : 1);
    o->failed = p ? o->failed : DM_ENOMEM;
    return p;
}

static void heap_free(void *data, void *p)
{
    (void)data;
    dm_free(p);
}

/* Files that people hand us by mistake. */
static const struct {
    size_t offset;
    const char *magic;
    size_t n;
    const char *what;
} lookalikes[] = {
    {8, "{\"", 2,
     "a safetensors file: it has weights but no network, export the model with "
     "`yolo export format=onnx`"},
    {0, "PK\003\004", 4, "a PyTorch checkpoint: export it with `yolo export format=onnx`"},
    {0, "\x80", 1, "a PyTorch checkpoint: export it with `yolo export format=onnx`"},
    {4, "TFL3", 4, "a TensorFlow Lite file: export the model with `yolo export format=onnx`"},
    {0, "version https://git-lfs", 23,
     "a Git LFS pointer: fetch the file itself with `git lfs pull`"},
    {0, "<?xml", 5, "an XML file (OpenVINO?): export the model with `yolo export format=onnx`"},
};

static int refuse_lookalikes(const char *bytes, size_t n, struct dm_err *e)
{
    for (size_t i = 0; i < DM_COUNT(lookalikes); i++) {
        size_t end = lookalikes[i].offset + lookalikes[i].n;
        if (n >= end &&
            memcmp(bytes + lookalikes[i].offset, lookalikes[i].magic, lookalikes[i].n) == 0) {
            DM_FAIL(e, DM_EMODEL, "not an ONNX file but %s", lookalikes[i].what);
        }
    }
    return DM_OK;
}

int nn_onnx_parse(const void *bytes, size_t n, struct nn_onnx **ret, struct dm_err *e)
{
    if (n == 0) {
        DM_FAIL(e, DM_EMODEL, "the file is empty");
    }
    if (n > LIMIT_MODEL_FILE_BYTES) {
        DM_FAIL(e, DM_ELIMIT, "%zu bytes, the limit is %zu", n, LIMIT_MODEL_FILE_BYTES);
    }
    DM_TRY(refuse_lookalikes(bytes, n, e));
    struct nn_onnx *o = dm_calloc(1, sizeof(*o));
    if (!o) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a model");
    }
    o->left_bytes = 2 * n + HEAP_SLACK_BYTES;
    o->heap = (ProtobufCAllocator){.alloc = heap_alloc, .free = heap_free, .allocator_data = o};
    o->model = onnx__model_proto__unpack(&o->heap, n, bytes);
    if (!o->model) {
        int failed = o->failed;
        dm_free(o);
        if (failed == DM_ENOMEM) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the %zu bytes of a model", n);
        }
        if (failed == DM_ELIMIT) {
            DM_FAIL(e, DM_ELIMIT, "the file asks for much more memory than its %zu bytes", n);
        }
        DM_FAIL(e, DM_EMODEL, "not an ONNX file, or truncated or damaged: copy or export it again");
    }
    if (!o->model->graph || o->model->graph->n_node == 0) {
        nn_onnx_free(o);
        DM_FAIL(e, DM_EMODEL, "not an ONNX file, or one without a network");
    }
    *ret = o;
    return DM_OK;
}

void nn_onnx_free(struct nn_onnx *o)
{
    if (!o) {
        return;
    }
    onnx__model_proto__free_unpacked(o->model, &o->heap);
    dm_free(o);
}

static bool is_standard_domain(const char *domain)
{
    return !domain || !*domain || strcmp(domain, "ai.onnx") == 0;
}

int nn_onnx_opset(const struct nn_onnx *o, struct dm_err *e)
{
    for (size_t i = 0; i < o->model->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *p = o->model->opset_import[i];
        if (!is_standard_domain(p->domain)) {
            continue;
        }
        if (p->version < OPSET_MIN || p->version > OPSET_MAX) {
            DM_FAIL(e, DM_EMODEL,
                    "operator set %lld is not supported: export with opset=%d (%d to %d will do)",
                    (long long)p->version, OPSET_MAX, OPSET_MIN, OPSET_MAX);
        }
        return (int)p->version;
    }
    DM_FAIL(e, DM_EMODEL, "the file names no standard operator set");
}

/* ---- operators ---- */

static const char *const op_names[NN_OP_MAX_] = {
#define X(NAME, onnx_name) [NN_OP_##NAME] = onnx_name,
#include "nn/onnx_ops.def"
#undef X
};

const char *nn_op_name(enum nn_op_kind kind)
{
    return op_names[kind];
}

int nn_op_find(const char *onnx_name)
{
    int lo = 0;
    int hi = NN_OP_MAX_ - 1;
    while (lo <= hi) {
        int mid = (lo + hi) / 2;
        int order = strcmp(onnx_name, op_names[mid]);
        if (order == 0) {
            return mid;
        }
        if (order < 0) {
            hi = mid - 1;
        } else {
            lo = mid + 1;
        }
    }
    return -1;
}

/* Operators that tell why a file is not for us. */
static const struct {
    const char *op;
    const char *why;
} telltales[] = {
#define QUANTISED                                                                                  \
    "quantised ONNX files are not supported: export without int8 and use `demeter model quantize`"
#define FINISHED "the file ends in finished boxes, not in raw predictions: export with nms=False"
    {"ConvInteger", QUANTISED},
    {"DequantizeLinear", QUANTISED},
    {"DynamicQuantizeLinear", QUANTISED},
    {"MatMulInteger", QUANTISED},
    {"QLinearConv", QUANTISED},
    {"QLinearMatMul", QUANTISED},
    {"QuantizeLinear", QUANTISED},
    {"NonMaxSuppression", FINISHED},
    {"TopK", FINISHED " from a model that is not end-to-end (YOLO11, YOLOv8)"},
};

static const char *telltale(const char *op)
{
    for (size_t i = 0; i < DM_COUNT(telltales); i++) {
        if (strcmp(op, telltales[i].op) == 0) {
            return telltales[i].why;
        }
    }
    return NULL;
}

static bool is_known(const Onnx__NodeProto *n)
{
    return is_standard_domain(n->domain) && n->op_type && nn_op_find(n->op_type) >= 0;
}

/* Names of up to four unknown operators, each once, in the order of the file. */
static int name_unknown(const struct nn_onnx *o, struct dm_arena *a, struct dm_err *e)
{
    const char *seen[4];
    size_t n = 0;
    const Onnx__GraphProto *g = o->model->graph;
    for (size_t i = 0; i < g->n_node && n < DM_COUNT(seen); i++) {
        const char *op = g->node[i]->op_type ? g->node[i]->op_type : "";
        bool is_new = !is_known(g->node[i]);
        for (size_t j = 0; j < n; j++) {
            is_new = is_new && strcmp(seen[j], op) != 0;
        }
        if (is_new) {
            seen[n++] = op;
        }
    }
    DM_FAIL(e, DM_EMODEL,
            "operator%s %s%s%s%s%s%s%s not supported: export a YOLO11 or YOLOv8 detect or "
            "segment model with `yolo export format=onnx`",
            n > 1 ? "s" : "", nn_onnx_label(seen[0], a), n > 1 ? ", " : "",
            n > 1 ? nn_onnx_label(seen[1], a) : "", n > 2 ? ", " : "",
            n > 2 ? nn_onnx_label(seen[2], a) : "", n > 3 ? " and others" : "",
            n > 1 ? " are" : " is");
}

int nn_onnx_check_operators(const struct nn_onnx *o, struct dm_err *e)
{
    const Onnx__GraphProto *g = o->model->graph;
    bool unknown = false;
    for (size_t i = 0; i < g->n_node; i++) {
        if (is_known(g->node[i])) {
            continue;
        }
        const char *why = g->node[i]->op_type ? telltale(g->node[i]->op_type) : NULL;
        if (why) {
            DM_FAIL(e, DM_EMODEL, "%s (operator %s)", why, g->node[i]->op_type);
        }
        unknown = true;
    }
    if (!unknown) {
        return DM_OK;
    }
    struct dm_arena a = {0};
    int code = name_unknown(o, &a, e);
    dm_arena_clear(&a);
    return code;
}
