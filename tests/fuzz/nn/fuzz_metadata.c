/* SPDX-License-Identifier: Apache-2.0
 *
 * Python literals in a model's metadata: any text gives names within the limits, in valid UTF-8, or
 * an error. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "nn/pyrepr.h"

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct dm_arena a = {0};
    struct dm_err e = {0};
    const char *const *names = NULL;
    int64_t v[2];
    const char *text = dm_arena_strndup(&a, (const char *)bytes, n);
    must(text);
    int count = nn_py_names(text, &a, &names, &e);
    must(count > 0 || (count == e.code && *e.text));
    must(count <= LIMIT_MODEL_CLASSES);
    for (int i = 0; i < count; i++) {
        must(strlen(names[i]) <= LIMIT_MODEL_NAME_BYTES);
        must(dm_text_clean(names[i], DM_TEXT_JSON, &a) == names[i]);
    }
    int numbers = nn_py_ints(text, 2, v);
    must(numbers >= -1 && numbers != 0 && numbers <= 2);
    must(!nn_py_dict_true(text, "nms") || strstr(text, "nms"));
    dm_arena_clear(&a);
    return 0;
}
