/* SPDX-License-Identifier: Apache-2.0
 *
 * A pinhole camera above the bench, leaning back by the tilt. Objects are small against their
 * distance, so each is drawn with the linear map at its own place (weak perspective): pots at the
 * edge of the frame lean outwards as they do in a photograph. */
#include <math.h>

#include "synth/scene.h"

void camera_init(struct camera *c, int w, int h, float focal, float tilt_rad, float distance)
{
    *c = (struct camera){.f = focal,
                         .cx = (float)w * 0.5f,
                         .cy = (float)h * 0.5f,
                         .sin_tilt = sinf(tilt_rad),
                         .cos_tilt = cosf(tilt_rad),
                         .distance = distance};
}

/* Position relative to the camera along the picture's right, down and the line of sight. */
static struct vec3 to_camera(const struct camera *c, struct vec3 p)
{
    float y = p.y - c->distance * c->sin_tilt, z = p.z - c->distance * c->cos_tilt;
    return (struct vec3){p.x, y * c->cos_tilt - z * c->sin_tilt,
                         -y * c->sin_tilt - z * c->cos_tilt};
}

void camera_project(const struct camera *c, struct vec3 p, float ret[static 2])
{
    struct vec3 q = to_camera(c, p);
    float k = c->f / fmaxf(q.z, 0.05f * c->distance);
    ret[0] = c->cx + q.x * k;
    ret[1] = c->cy + q.y * k;
}

void camera_local(const struct camera *c, struct vec3 p, struct local *ret)
{
    struct vec3 q = to_camera(c, p);
    float depth = fmaxf(q.z, 0.05f * c->distance), k = c->f / depth;
    float tx = q.x / depth, ty = q.y / depth;
    /* derivative of (q.x, q.y, q.z) along world x, y, z */
    const float dq[3][3] = {
        {1, 0, 0}, {0, c->cos_tilt, -c->sin_tilt}, {0, -c->sin_tilt, -c->cos_tilt}};
    *ret = (struct local){.px = c->cx + q.x * k, .py = c->cy + q.y * k, .scale = k};
    for (int i = 0; i < 3; i++) {
        ret->jx[i] = k * (dq[i][0] - tx * dq[i][2]);
        ret->jy[i] = k * (dq[i][1] - ty * dq[i][2]);
    }
    /* The line of sight at p, and two directions across it. */
    float norm = 1 / sqrtf(tx * tx + ty * ty + 1);
    ret->back = (struct vec3){-tx * norm, (-ty * c->cos_tilt + c->sin_tilt) * norm,
                              (ty * c->sin_tilt + c->cos_tilt) * norm};
    float rn = 1 / sqrtf(1 + tx * tx);
    ret->right = (struct vec3){rn, -tx * rn * -c->sin_tilt, -tx * rn * -c->cos_tilt};
    float dot = vec3_dot(ret->right, ret->back);
    ret->right.x -= dot * ret->back.x;
    ret->right.y -= dot * ret->back.y;
    ret->right.z -= dot * ret->back.z;
    float len = 1 / sqrtf(vec3_dot(ret->right, ret->right));
    ret->right = (struct vec3){ret->right.x * len, ret->right.y * len, ret->right.z * len};
    /* down = right x back, so that (right, down, away) follow the picture's axes */
    const struct vec3 a = ret->right, b = ret->back;
    ret->down = (struct vec3){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
    if (ret->down.y < 0) {
        ret->down = (struct vec3){-ret->down.x, -ret->down.y, -ret->down.z};
    }
}

void camera_ground(const struct camera *c, float x, float y, float ret[static 2])
{
    float tx = (x - c->cx) / c->f, ty = (y - c->cy) / c->f;
    float dy = ty * c->cos_tilt - c->sin_tilt;
    float dz = -ty * c->sin_tilt - c->cos_tilt;
    float t = c->distance * c->cos_tilt / fmaxf(-dz, 0.05f);
    ret[0] = tx * t;
    ret[1] = c->distance * c->sin_tilt + dy * t;
}

struct affine local_disc(const struct local *l, float rx, float ry, float angle, float z)
{
    float cosa = cosf(angle), sina = sinf(angle);
    struct vec3 u = {rx * cosa, rx * sina, 0}, v = {-ry * sina, ry * cosa, 0}, up = {0, 0, z};
    return (struct affine){l->px + local_x(l, up), l->py + local_y(l, up), local_x(l, u),
                           local_y(l, u),          local_x(l, v),          local_y(l, v)};
}
