/* SPDX-License-Identifier: Apache-2.0
 *
 * Calibration files: {"format": "demeter-int8-1", "model": "16 hex digits", "ranges":
 * [[low, high], ...]}. */
#include "nn/calibration.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"

static const char format_name[] = "demeter-int8-1";
enum { FILE_BYTES_MAX = 1 << 20 };

static void json_freep(json_t **j)
{
    json_decref(*j);
}

void nn_calibration_clear(struct nn_calibration *c)
{
    dm_free(c->range);
    *c = (struct nn_calibration){0};
}

static int parse(const json_t *root, const char *path, struct nn_calibration *ret, struct dm_err *e)
{
    const char *format = json_string_value(json_object_get(root, "format"));
    const char *model = json_string_value(json_object_get(root, "model"));
    const json_t *ranges = json_object_get(root, "ranges");
    size_t n = json_array_size(ranges);
    if (!format || strcmp(format, format_name) != 0 || !model || n == 0 ||
        n > LIMIT_MODEL_NODES * 2) {
        DM_FAIL(e, DM_EMODEL, "%s: not a calibration of `demeter model quantize`", path);
    }
    ret->range = dm_calloc(n, sizeof(*ret->range));
    if (!ret->range) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a calibration");
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *pair = json_array_get(ranges, i);
        double lo = json_number_value(json_array_get(pair, 0));
        double hi = json_number_value(json_array_get(pair, 1));
        if (json_array_size(pair) != 2 || !isfinite((float)lo) || !isfinite((float)hi) || lo > hi) {
            nn_calibration_clear(ret);
            DM_FAIL(e, DM_EMODEL, "%s: range %zu is damaged", path, i);
        }
        ret->range[i][0] = (float)lo;
        ret->range[i][1] = (float)hi;
    }
    ret->n = (int)n;
    ret->fingerprint = strtoull(model, NULL, 16);
    return DM_OK;
}

int nn_calibration_read(const char *path, bool required, struct nn_calibration *ret,
                        struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(FILE_BYTES_MAX);
    int code = dm_buf_read_file(&text, path, e);
    if (code == DM_ENOTFOUND && !required) {
        if (e) {
            *e = (struct dm_err){0};
        }
        return DM_OK;
    }
    if (code == DM_ENOTFOUND) {
        DM_FAIL(e, DM_ENOTFOUND, "%s: no calibration: run `demeter model quantize` first", path);
    }
    DM_TRY(code);
    DM_CLEANUP(json_freep) json_t *root = json_loadb(dm_buf_str(&text), text.len, 0, NULL);
    return parse(root, path, ret, e);
}

int nn_calibration_write(const char *path, const struct nn_calibration *c, struct dm_err *e)
{
    DM_CLEANUP(dm_buf_clear) struct dm_buf text = dm_buf_init(FILE_BYTES_MAX);
    dm_buf_printf(&text, "{\"format\": \"%s\", \"model\": \"%016" PRIx64 "\", \"ranges\": [\n",
                  format_name, c->fingerprint);
    for (int i = 0; i < c->n; i++) {
        dm_buf_printf(&text, "[%.9g, %.9g]%s\n", (double)c->range[i][0], (double)c->range[i][1],
                      i + 1 < c->n ? "," : "");
    }
    dm_buf_puts(&text, "]}\n");
    DM_TRY(dm_buf_ok(&text, e));
    return dm_file_write_atomic(path, dm_buf_str(&text), text.len, e);
}
