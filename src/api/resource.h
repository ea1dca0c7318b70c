/* SPDX-License-Identifier: Apache-2.0
 *
 * Master data over HTTP: warehouses, products, packaging, prices and their like are listed, read,
 * created, changed and removed by the same five handlers. What differs stands in a struct resource,
 * which is the `own` of their routes. Reading goes through lists (inventory/list.h), writing
 * through inventory/master.h. */
#ifndef API_RESOURCE_H
#define API_RESOURCE_H

#include "api/api.h"
#include "inventory/list.h"
#include "inventory/master.h"

/* A member of the API whose column has another name. */
struct resource_name {
    const char *api, *column;
};

/* Parameter of path or query that names another row, which must be there (and active). */
struct resource_link {
    const char *param;
    const struct resource *of;
    const char *filter; /* of the list; NULL: has the parameter's name */
};

enum resource_removal {
    RESOURCE_HARD, /* refused while others refer to it */
    RESOURCE_INACTIVE,
    RESOURCE_RETIRED,      /* containers */
    RESOURCE_DISCONTINUED, /* prices */
    RESOURCE_HIDDEN,       /* hard, or inactive when the query says force_soft_delete */
};

struct resource {
    const char *noun;        /* "warehouse" */
    const char *path;        /* "/api/v1/locations/warehouses": of Location */
    const struct list *list; /* has a filter "id" */
    const struct list *one;  /* of single rows; NULL: list */
    enum master_kind kind;
    enum resource_removal removal;
    bool active_only;                 /* lists: inactive rows only when active_only=false */
    const struct resource_name *name; /* api NULL ends; NULL: all names are the same */
    const struct resource_link *link; /* param NULL ends; NULL: none */
    /* Last touch of a row that was written; NULL for none. */
    int (*written)(struct http_request *r, const json_t *warnings, json_t *row, struct dm_err *e);
};

/* Handlers. Path parameter of a single row: "id". */
int resource_list(struct http_request *r, struct dm_err *e);
int resource_get(struct http_request *r, struct dm_err *e);
int resource_create(struct http_request *r, struct dm_err *e);
int resource_change(struct http_request *r, struct dm_err *e);
int resource_delete(struct http_request *r, struct dm_err *e);

/* Filters of a list with what the request says, its links and active_only; in the arena. */
DM_MUST_CHECK int resource_ask(struct http_request *r, const struct resource *res,
                               struct list_ask *ret, struct dm_err *e);
/* ask with one more filter, in the arena. */
DM_MUST_CHECK int resource_also(const struct http_request *r, struct list_ask *ask,
                                const char *name, struct store_value v, struct dm_err *e);

/* One row. Code of its kind when it is not there. */
DM_MUST_CHECK int resource_read(const struct http_request *r, const struct resource *res,
                                int64_t id, json_t **ret, struct dm_err *e);
/* It exists and is not inactive. */
DM_MUST_CHECK int resource_need(const struct http_request *r, const struct resource *res,
                                int64_t id, struct dm_err *e);

/* INV_NOT_FOUND of a place becomes the code of its kind (api.md 1.6). */
int resource_missing(int code, struct dm_err *e);
/* The same; and a value that fits the schema but breaks a rule is 400 (api.md 1.5), not 422. */
int resource_refused(int code, struct dm_err *e);

/* The members of a body under the names of their columns; `without` (NULL: none) stays out. */
DM_MUST_CHECK int resource_stored(const struct resource *res, const json_t *body,
                                  const char *without, json_t **ret, struct dm_err *e);

/* {"success": true, "deleted_id", "mode", "message"} with 200. */
DM_MUST_CHECK int resource_reply_deleted(struct http_request *r, int64_t id, const char *mode,
                                         const char *message, struct dm_err *e);

/* `written` of rows with warnings: a member "warnings" when there are some. */
int resource_add_warnings(struct http_request *r, const json_t *warnings, json_t *row,
                          struct dm_err *e);

extern const struct http_schema DeleteResult;

/* Query parameters that several tables share. */
#define RESOURCE_ACTIVE_ONLY                                                                       \
    {                                                                                              \
        "active_only", HTTP_BOOL, .fallback = "true", .about = "false: inactive rows, too"         \
    }
#define RESOURCE_Q                                                                                 \
    {                                                                                              \
        "q", HTTP_STR, HTTP_TRIM, .min = 1, .max = 100,                                            \
                                  .about = "part of a code or name, ignoring case and accents"     \
    }
#define RESOURCE_ID(member)                                                                        \
    {                                                                                              \
        member, HTTP_INT, .min = 1, .max = 2147483647                                              \
    }

/* The five routes of a resource. one and many are words for ids of operations, role may write;
 * errors besides the common ones: of listing (NULL), creating, changing, removing. */
// clang-format off
#define RESOURCE_ROUTES(base, one, many, tag_, write_role, res, Shape, New, Edit, query_,         \
                        list_errors, new_errors, edit_errors, delete_errors)                                   \
    {HTTP_GET, base, "list_" many, tag_, "List " many, .role = API_VIEWER, .flags = HTTP_OFFSET,  \
     .query = (query_), .answer = {{200, &(Shape), true}}, .errors = (list_errors),               \
     .handle = resource_list, .own = &(res)},                                                     \
    {HTTP_POST, base, "create_" one, tag_, "Create a " one, .role = (write_role),                 \
     .flags = HTTP_IDEMPOTENT, .body = &(New), .answer = {{201, &(Shape)}},                       \
     .errors = (new_errors), .handle = resource_create, .own = &(res)},                           \
    RESOURCE_ROW_ROUTES(base, one, tag_, write_role, res, Shape, Edit, edit_errors, delete_errors)
#define RESOURCE_ROW_ROUTES(base, one, tag_, write_role, res, Shape, Edit, edit_errors,           \
                            delete_errors)                                                        \
    {HTTP_GET, base "/{id}", "get_" one, tag_, "One " one, .role = API_VIEWER,                    \
     .flags = HTTP_ETAG, .answer = {{200, &(Shape)}}, .errors = "404", .handle = resource_get,    \
     .own = &(res)},                                                                              \
    {HTTP_PATCH | HTTP_PUT, base "/{id}", "update_" one, tag_, "Change a " one,                   \
     .role = (write_role), .flags = HTTP_IF_MATCH, .body = &(Edit), .answer = {{200, &(Shape)}},  \
     .errors = (edit_errors), .handle = resource_change, .own = &(res)},                          \
    {HTTP_DELETE, base "/{id}", "delete_" one, tag_, "Remove a " one, .role = (write_role),       \
     .flags = HTTP_IF_MATCH, .answer = {{200, &DeleteResult}}, .errors = (delete_errors),         \
     .handle = resource_delete, .own = &(res)}
// clang-format on

#endif
