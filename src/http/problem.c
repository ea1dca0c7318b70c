/* SPDX-License-Identifier: Apache-2.0
 *
 * The error body: the union of the two shapes that clients know (api.md 1.5). */
#include "http/problem.h"

#include <string.h>
#include <time.h>

#include "http/http.h"
#include "http/server_priv.h"

static const struct dm_code_info code_rows[] = {
#define X(name, number, http, retry, exit_status, class, text)                                     \
    {(number), (http), (retry), (exit_status), #name, (text)},
#include "http/codes.def"
#undef X
};

static const struct {
    int code;
    const char *class;
} class_rows[] = {
#define X(name, number, http, retry, exit_status, class, text) {(number), (class)},
#include "http/codes.def"
#undef X
};

void http_setup(void)
{
    static struct dm_code_table table = {.rows = code_rows, .n = DM_COUNT(code_rows)};
    dm_codes_add(&table);
}

const char *http_code_class(int code)
{
    for (size_t i = 0; i < DM_COUNT(class_rows); i++) {
        if (class_rows[i].code == code) {
            return class_rows[i].class;
        }
    }
    return NULL;
}

int http_status_of(int code)
{
    int status = dm_code_info(code)->http_status;
    return status == 499 ? 503 : status; /* our own cancelling is not the client's */
}

/* What a fault is called when neither this room nor the program names it. */
static const char *class_by_status(int status)
{
    static const struct {
        int status;
        const char *class;
    } row[] = {
        {400, "ValidationException"},
        {404, "NotFoundException"},
        {409, "ConflictException"},
        {413, "PayloadTooLargeException"},
        {415, "UnsupportedMediaTypeException"},
        {422, "RequestValidationError"},
        {503, "ServiceUnavailableException"},
    };
    for (size_t i = 0; i < DM_COUNT(row); i++) {
        if (row[i].status == status) {
            return row[i].class;
        }
    }
    return "InternalServerError";
}

void http_class_of(const struct http_app *app, int code, const char **ret_class,
                   const char **ret_rule)
{
    *ret_class = http_code_class(code);
    *ret_rule = NULL;
    if (*ret_class == NULL && app->classify != NULL) {
        app->classify(code, ret_class, ret_rule);
    }
    if (*ret_class == NULL) {
        *ret_class = class_by_status(http_status_of(code));
    }
}

static json_t *details(const struct dm_err *err)
{
    json_t *object = json_object();
    for (size_t i = 0; object != NULL && i < err->n_fields; i++) {
        const struct dm_err_field *f = &err->field[i];
        json_t *value = f->type == DM_FIELD_STR   ? json_string(f->s)
                        : f->type == DM_FIELD_F64 ? json_real(f->f)
                                                  : json_integer(f->i);
        if (json_object_set_new(object, f->name, value) < 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

json_t *http_problem(const struct http_app *app, const struct http_request *r,
                     const struct dm_err *err, const json_t *issues, bool debug)
{
    int status = http_status_of(err->code);
    const char *class = NULL, *rule = NULL;
    http_class_of(app, err->code, &class, &rule);
    /* What went wrong inside is for the log; a stranger learns that it did. */
    const char *text = status >= 500 ? dm_code_info(err->code)->text : dm_err_text(err);
    if (app->translate != NULL && r != NULL) {
        const char *other = app->translate(r, err);
        text = other != NULL ? other : text;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char stamp[HTTP_INSTANT_SIZE];
    http_instant_text((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, stamp);
    json_t *detail = issues != NULL && json_array_size(issues) > 0
                         ? json_incref((json_t *)(uintptr_t)issues)
                         : json_string(text);
    json_t *body =
        json_pack("{s:o?, s:s, s:s, s:s, s:s?, s:o?, s:s, s:s}", "detail", detail, "error", text,
                  "message", text, "code", class, "rule", rule, "details",
                  err->n_fields > 0 && status < 500 ? details(err) : json_null(), "correlation_id",
                  r != NULL ? r->correlation_id : "", "timestamp", stamp);
    if (body != NULL && debug) {
        (void)json_object_set_new(body, "extra",
                                  json_pack("{s:s}", "technical_message", dm_err_text(err)));
    }
    return body;
}
