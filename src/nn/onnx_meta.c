/* SPDX-License-Identifier: Apache-2.0
 *
 * metadata_props of an Ultralytics export, and the entries of ours that say at which scale a plant
 * model counts best. Other exporters write none or other keys: everything is optional, but what is
 * there must be readable. */
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "nn/onnx.h"
#include "nn/pyrepr.h"

static const char *find(const struct nn_onnx *o, const char *key)
{
    for (size_t i = 0; i < o->model->n_metadata_props; i++) {
        const Onnx__StringStringEntryProto *p = o->model->metadata_props[i];
        if (p->key && strcmp(p->key, key) == 0) {
            return p->value ? p->value : "";
        }
    }
    return NULL;
}

/* Value of a key for people to read, "" when absent. */
static int text_of(const struct nn_onnx *o, const char *key, struct dm_arena *a, const char **ret,
                   struct dm_err *e)
{
    const char *v = find(o, key);
    *ret = v ? dm_text_clean(v, DM_TEXT_TERMINAL, a) : "";
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the metadata");
    }
    return DM_OK;
}

/* min_n to max_n whole numbers in 1..LIMIT_MODEL_INPUT_SIDE; 0 numbers when the key is absent. */
static int numbers_of(const struct nn_onnx *o, const char *key, int max_n, int64_t ret[],
                      struct dm_err *e)
{
    const char *v = find(o, key);
    if (!v) {
        return 0;
    }
    int n = nn_py_ints(v, max_n, ret);
    for (int i = 0; i < n; i++) {
        if (ret[i] < 1 || ret[i] > LIMIT_MODEL_INPUT_SIDE) {
            n = -1;
        }
    }
    if (n < 1) {
        DM_FAIL(e, DM_EMODEL,
                "metadata entry %s is not %s in 1..%d: export the model again with Ultralytics 8.x",
                key, max_n == 1 ? "a number" : "one or two numbers", LIMIT_MODEL_INPUT_SIDE);
    }
    return n;
}

static bool is_true(const char *v)
{
    return v && strcmp(v, "False") != 0 && strcmp(v, "None") != 0 && strcmp(v, "0") != 0;
}

int nn_onnx_meta(const struct nn_onnx *o, struct dm_arena *a, struct nn_meta *ret, struct dm_err *e)
{
    struct nn_meta m = {0};
    const struct {
        const char *key;
        const char **to;
    } texts[] = {
        {"task", &m.task},     {"version", &m.version}, {"description", &m.description},
        {"author", &m.author}, {"license", &m.license}, {"date", &m.date},
    };
    for (size_t i = 0; i < DM_COUNT(texts); i++) {
        DM_TRY(text_of(o, texts[i].key, a, texts[i].to, e));
    }
    const char *names = find(o, "names");
    if (names) {
        m.n_names = nn_py_names(names, a, &m.names, e);
        if (m.n_names < 0) {
            (void)dm_err_context(e, "metadata entry names");
            return m.n_names;
        }
    }
    int64_t v[2] = {0};
    int n = numbers_of(o, "stride", 1, v, e);
    DM_TRY(n);
    m.stride = n > 0 ? (int)v[0] : 0;
    n = numbers_of(o, "imgsz", 2, v, e);
    DM_TRY(n);
    if (n > 0) { /* [H, W] */
        m.imgsz_h = (int)v[0];
        m.imgsz_w = (int)v[n - 1];
    }
    const struct {
        const char *key;
        int *to;
    } ours[] = {{"demeter_tile", &m.tile}, {"demeter_plant_px", &m.plant_px}};
    for (size_t i = 0; i < DM_COUNT(ours); i++) {
        n = numbers_of(o, ours[i].key, 1, v, e);
        DM_TRY(n);
        *ours[i].to = n > 0 ? (int)v[0] : 0;
    }
    const char *args = find(o, "args");
    m.nms = args && nn_py_dict_true(args, "nms");
    m.end2end = is_true(find(o, "end2end"));
    m.keypoints = find(o, "kpt_shape") != NULL;
    *ret = m;
    return DM_OK;
}
