/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files that make the document: field tables as JSON Schema 2020-12, routes as OpenAPI
 * 3.1 operations. */
#ifndef HTTP_OPENAPI_H
#define HTTP_OPENAPI_H

#include "http/http.h"

struct http_writer {
    const struct http_app *app;
    json_t *schemas; /* components/schemas so far */
    json_t *given;   /* name: address of the schema that took it */
    json_t *out;     /* names that replies use: all are known before the first request is written */
    bool failed;     /* out of memory, somewhere */
};

/* Put a member; value is taken, NULL fails the writer. */
void http_put(struct http_writer *w, json_t *object, const char *name, json_t *value);
/* Put a text unless it is NULL. */
void http_put_text(struct http_writer *w, json_t *object, const char *name, const char *text);
/* Append; value is taken, NULL fails the writer. */
void http_append(struct http_writer *w, json_t *array, json_t *value);

/* How a value is written: in the JSON of a request (what is required is HTTP_REQ, what is not may
 * be null, fallbacks are shown), as text of a request (path, query, header, form: there is no
 * null), or in a reply (all is there but HTTP_OPT). New references; NULL only when the writer has
 * failed. */
enum http_way { HTTP_IN, HTTP_TEXT, HTTP_OUT };
json_t *http_schema_json(struct http_writer *w, const struct http_schema *s, enum http_way way);
json_t *http_field_json(struct http_writer *w, const struct http_field *f, enum http_way way);
/* Object of a field table that belongs to no schema: a form. */
json_t *http_fields_json(struct http_writer *w, const struct http_field *f, enum http_way way);

#endif
