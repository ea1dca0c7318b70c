/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of master data: what people give against the table of fields. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "base/zone.h"
#include "inventory/master_private.h"

int master_invalid(const char *field, const char *why, struct dm_err *e)
{
    DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", field)), "%s: %s", field, why);
}

static const struct master_field *find(const struct master_entity *entity, const char *name)
{
    for (size_t i = 0; i < entity->n_field; i++) {
        if (!strcmp(entity->field[i].name, name)) {
            return &entity->field[i];
        }
    }
    return NULL;
}

static bool listed(const char *const *words, const char *text)
{
    for (; *words; words++) {
        if (!strcmp(*words, text)) {
            return true;
        }
    }
    return false;
}

/* "A-Z0-9_-" as a set of characters; a '-' at the end is itself. */
static bool in_charset(const char *set, char c)
{
    for (; *set; set++) {
        if (set[1] == '-' && set[2]) {
            if (c >= set[0] && c <= set[2]) {
                return true;
            }
            set += 2;
        } else if (c == *set) {
            return true;
        }
    }
    return false;
}

static int check_characters(const struct master_field *f, const char *text, struct dm_err *e)
{
    for (const char *c = text; *c; c++) {
        const bool ok = f->charset ? in_charset(f->charset, *c)
                                   : (unsigned char)*c >= 0x20 || *c == '\n' || *c == '\t';
        if (!ok) {
            DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", f->name), DM_S("value", text)),
                      "%s: only %s is possible in '%.60s'", f->name,
                      f->charset ? f->charset : "printable text", text);
        }
    }
    return DM_OK;
}

/* Text without blanks around it, upper case where the field wants it; "" becomes null. */
static int take_text(const struct master_field *f, const char *text, struct dm_arena *a,
                     json_t **ret, struct dm_err *e)
{
    static const char blanks[] = " \t\r\n";
    text += strspn(text, blanks);
    size_t n = strlen(text);
    while (n > 0 && strchr(blanks, text[n - 1])) {
        n--;
    }
    char *copy = dm_arena_strndup(a, text, n);
    if (!copy) {
        DM_FAIL(e, DM_ENOMEM, "no memory for %s", f->name);
    }
    for (char *c = copy; (f->flags & MASTER_UPPER) && *c; c++) {
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    }
    if (f->words && !listed(f->words, copy)) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", f->name), DM_S("value", copy)),
                  "%s: '%.60s' is not one of its values", f->name, copy);
    }
    DM_TRY(check_characters(f, copy, e));
    const size_t width = dm_text_width(copy);
    if ((f->max && width > (size_t)f->max) || (n > 0 && width < (size_t)f->min)) {
        DM_REFUSE(e, INV_VALIDATION,
                  DM_FIELDS(DM_S("field", f->name), DM_I("min", f->min), DM_I("max", f->max)),
                  "%s: %d to %d characters are possible", f->name, f->min, f->max);
    }
    *ret = n > 0 || f->min == 0 ? json_string(copy) : json_null();
    return DM_OK;
}

static int take_number(const struct master_field *f, const json_t *value, json_t **ret,
                       struct dm_err *e)
{
    const bool whole = f->letter == 'i';
    if (whole ? !json_is_integer(value) : !json_is_number(value)) {
        return master_invalid(f->name, whole ? "a whole number is needed" : "a number is needed",
                              e);
    }
    const double x = json_number_value(value);
    if ((f->low != 0 || f->high != 0) && !(x >= f->low && x <= f->high)) {
        DM_REFUSE(e, INV_VALIDATION,
                  DM_FIELDS(DM_S("field", f->name), DM_F("min", f->low), DM_F("max", f->high)),
                  "%s: %.15g to %.15g is possible", f->name, f->low, f->high);
    }
    *ret = whole ? json_integer(json_integer_value(value)) : json_real(x);
    return DM_OK;
}

/* A given value in its stored form, new reference. */
static int take(const struct master_field *f, const json_t *value, struct dm_arena *a, json_t **ret,
                struct dm_err *e)
{
    struct dm_civil day;
    if (json_is_null(value)) {
        *ret = json_null();
        return DM_OK;
    }
    switch (f->letter) {
    case 'i':
    case 'r':
        return take_number(f, value, ret, e);
    case 'b':
        if (!json_is_boolean(value)) {
            return master_invalid(f->name, "true or false is needed", e);
        }
        *ret = json_incref((json_t *)value);
        return DM_OK;
    case 'j':
        *ret = json_incref((json_t *)value);
        return DM_OK;
    default:
        if (!json_is_string(value) ||
            strlen(json_string_value(value)) != json_string_length(value)) {
            return master_invalid(f->name, "text is needed", e);
        }
        if (f->letter == 'D' && !dm_date_parse(json_string_value(value), &day)) {
            return master_invalid(f->name, "a day YYYY-MM-DD is needed", e);
        }
        return take_text(f, json_string_value(value), a, ret, e);
    }
}

static int merge_one(struct master_op *op, const struct master_field *f, const json_t *value,
                     struct dm_err *e)
{
    json_t *taken = NULL;
    if (f->flags & MASTER_DERIVED) {
        return master_invalid(f->name, "it is computed, not given", e);
    }
    DM_TRY(take(f, value, op->a, &taken, e));
    if (taken && op->before && (f->flags & MASTER_FIXED) &&
        !json_equal(taken, json_object_get(op->before, f->name))) {
        json_decref(taken);
        return master_invalid(f->name, "it cannot be changed any more", e);
    }
    return inv_json_set(op->row, f->name, taken, e);
}

int master_merge(struct master_op *op, const json_t *values, struct dm_err *e)
{
    const char *name;
    json_t *value;
    if (!json_is_object(values)) {
        return master_invalid("", "an object is needed", e);
    }
    for (size_t i = 0; !op->before && i < op->entity->n_field; i++) {
        const struct master_field *f = &op->entity->field[i];
        DM_TRY(inv_json_set(op->row, f->name,
                            f->def ? json_loads(f->def, JSON_DECODE_ANY, NULL) : json_null(), e));
    }
    json_object_foreach((json_t *)values, name, value)
    {
        const struct master_field *f = find(op->entity, name);
        if (!f) {
            DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", name)), "a %s has no '%.60s'",
                      op->entity->noun, name);
        }
        if (!(json_is_null(value) && !op->before)) { /* absent: the default stays */
            DM_TRY(merge_one(op, f, value, e));
        }
    }
    return DM_OK;
}

/* The row that a field refers to exists and is active. One that was there before may be inactive
 * by now. */
static int check_reference(struct master_op *op, const struct master_field *f, struct dm_err *e)
{
    const int64_t id = inv_json_int(op->row, f->name);
    const enum master_kind kind = (enum master_kind)(f->ref - 1);
    DM_CLEANUP(inv_json_freep) json_t *other = NULL;
    if (op->before && inv_json_int(op->before, f->name) == id) {
        return DM_OK;
    }
    DM_TRY(master_read(op->tx, kind, id, false, op->a, &other, e));
    if (json_is_false(json_object_get(other, "active"))) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", master_noun(kind)), DM_I("identifier", id)),
                  "this %s is inactive", master_noun(kind));
    }
    return DM_OK;
}

int master_complete(struct master_op *op, struct dm_err *e)
{
    for (size_t i = 0; i < op->entity->n_field; i++) {
        const struct master_field *f = &op->entity->field[i];
        const json_t *value = json_object_get(op->row, f->name);
        if (json_is_null(value) || !value) {
            if (f->flags & MASTER_REQUIRED) {
                return master_invalid(f->name, "it is needed", e);
            }
        } else if (f->ref) {
            DM_TRY(check_reference(op, f, e));
        }
    }
    return DM_OK;
}

int master_value(const struct master_field *f, const json_t *value, struct dm_arena *a,
                 struct store_value *ret, struct dm_err *e)
{
    const char *text;
    *ret = store_null();
    if (!value || json_is_null(value)) {
        return DM_OK;
    }
    switch (f->letter) {
    case 'i':
        *ret = store_i(json_integer_value(value));
        return DM_OK;
    case 'r':
        *ret = store_r(json_number_value(value));
        return DM_OK;
    case 'b':
        *ret = store_b(json_is_true(value));
        return DM_OK;
    case 'j':
        DM_TRY(inv_json_text(value, a, &text, e));
        *ret = store_j(text);
        return DM_OK;
    case 'D':
        *ret = store_d(json_string_value(value));
        return DM_OK;
    default:
        *ret = store_t(json_string_value(value));
        return DM_OK;
    }
}

const char *master_code_of(const char *text, size_t max, struct dm_arena *a)
{
    char *code = dm_text_fold(text, a);
    size_t n = 0;
    for (const char *c = code; c && *c && n < max; c++) {
        if (*c >= 'a' && *c <= 'z') {
            code[n++] = (char)(*c - 'a' + 'A');
        } else if (*c >= '0' && *c <= '9') {
            code[n++] = *c;
        }
    }
    if (code) {
        code[n] = '\0';
    }
    return code;
}
