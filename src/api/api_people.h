/* SPDX-License-Identifier: Apache-2.0
 *
 * Shapes of people that several resources answer with. */
#ifndef API_API_PEOPLE_H
#define API_API_PEOPLE_H

#include "api/api.h"

/* Fields of an address that is accepted (user_email_clean). */
#define API_EMAIL_PATTERN "[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)+"
#define API_EMAIL         HTTP_TRIM, .min = 3, .max = 254, .pattern = API_EMAIL_PATTERN

extern const struct http_schema api_user_schema; /* User of api.md 9 */
extern const struct http_schema api_login_schema;
extern const struct http_schema api_message_schema;

/* New references; NULL when out of memory. */
json_t *api_user_json(const struct user *u);

/* A password that breaks a rule is 400 with rule PASSWORD_RULE (api.md 9), not 422. */
DM_MUST_CHECK int api_password_check(const char *password, struct dm_err *e);

/* The body of a sign-in (api.md 5.1: Login): a new refresh token, an access token of its session.
 * With HTTP header X-Session: cookie the refresh token goes into a cookie that scripts of a page
 * cannot read, and the body has null instead. */
DM_MUST_CHECK int api_reply_login(struct http_request *r, const struct user *u,
                                  const struct refresh *refresh, struct dm_err *e);

#endif
