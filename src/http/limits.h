/* SPDX-License-Identifier: Apache-2.0
 *
 * Stated maxima of the server (api.md 1.8). */
#ifndef HTTP_LIMITS_H
#define HTTP_LIMITS_H

#include <stdint.h>

#define LIMIT_HTTP_JSON_BYTES   ((int64_t)1 << 20)
#define LIMIT_HTTP_BULK_BYTES   ((int64_t)8 << 20)
#define LIMIT_HTTP_FORM_BYTES   ((int64_t)52 << 20) /* one photograph and its fields */
#define LIMIT_HTTP_URI_BYTES    8192
#define LIMIT_HTTP_HEADER_BYTES (32 << 10) /* of a head, its address included */
/* Memory that libmicrohttpd holds for each connection: a head, pointers into it, and the head of
 * the answer. It touches all of it, so this is most of what an idle connection costs. */
#define LIMIT_HTTP_CONNECTION_BYTES (LIMIT_HTTP_HEADER_BYTES + (4 << 10))
#define LIMIT_HTTP_QUERY_PAIRS      256
#define LIMIT_HTTP_JSON_DEPTH       64
#define LIMIT_HTTP_REPLY_BYTES      ((size_t)64 << 20)
#define LIMIT_HTTP_PARTS            256                /* of a multipart body */
#define LIMIT_HTTP_PART_TEXT        ((size_t)64 << 10) /* one text field */
#define LIMIT_HTTP_BODY_LEAST       8192 /* bytes of a body in 30 s: a tenth of a poor telephone line */
#define LIMIT_HTTP_STREAMS          1000
#define LIMIT_HTTP_KEPT             ((size_t)1 << 10) /* answers; a power of two */
#define LIMIT_HTTP_KEPT_BYTES       ((size_t)8 << 20) /* of all of them */
#define LIMIT_HTTP_KEPT_ONE         ((size_t)1 << 20)
#define LIMIT_TUS_METADATA          4096
#define LIMIT_TUS_UNFINISHED        10000                /* uploads of one server on their way */
#define LIMIT_TUS_BYTES             ((int64_t)64 << 30)  /* announced by all of them */
#define LIMIT_TUS_ROOM              ((int64_t)256 << 20) /* of the disk that they leave free */

#endif
