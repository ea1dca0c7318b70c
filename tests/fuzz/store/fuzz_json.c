/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON on its way into the database: any bytes give either the canonical form, which is stable and
 * means the same as what was given, or an error; and the choice between the two is that of jansson,
 * but for what we limit: depth and the size of numbers. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "store/store.h"

enum { INPUT_MAX = 1 << 16 };

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static json_t *load(const char *text, size_t n)
{
    return json_loadb(text, n, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct dm_arena a = {0};
    struct dm_err e = {0};
    const char *form = NULL;
    const char *again = NULL;
    size_t form_n = 0;
    size_t again_n = 0;
    if (n > INPUT_MAX) {
        return 0;
    }
    json_t *given = load((const char *)bytes, n);
    int code = store_json_canonical((const char *)bytes, n, &a, &form, &form_n, &e);
    if (code < 0) {
        bool limited = strstr(e.text, "deep") || strstr(e.text, "too large");
        must(code == DM_EBADINPUT && !strncmp(e.text, "not JSON: ", 10));
        must(!given || limited || memchr(bytes, 0, n)); /* jansson takes a zero byte for the end */
    } else {
        must(store_json_canonical(form, form_n, &a, &again, &again_n, &e) == DM_OK);
        must(form_n == again_n && !memcmp(form, again, form_n) && strlen(form) == form_n);
        json_t *back = load(form, form_n);
        must(given && back && json_equal(given, back));
        json_decref(back);
    }
    json_decref(given);
    dm_arena_clear(&a);
    return 0;
}
