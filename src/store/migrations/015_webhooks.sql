-- SPDX-License-Identifier: Apache-2.0
-- Who wants to be told what happens, and the log of what was told.
CREATE TABLE webhooks (
    {id},
    {uuid:uuid} NOT NULL UNIQUE,
    {text:url|2000} NOT NULL,
    {text:secret|64} NOT NULL,
    {json:events} NOT NULL,
    {bool:active} NOT NULL DEFAULT {true},
    {fk:user_id|users} NOT NULL,
    {times}
);
{index:webhooks|user_id};

CREATE TABLE webhook_deliveries (
    {id},
    {uuid:uuid} NOT NULL UNIQUE,
    {fk:webhook_id|webhooks|ON DELETE CASCADE} NOT NULL,
    {text:event|50} NOT NULL,
    {json:payload} NOT NULL,
    {enum:status|'pending', 'delivered', 'failed'} NOT NULL DEFAULT 'pending',
    {int:attempts} NOT NULL DEFAULT 0,
    {int:response_status},
    {long:error},
    {ts:delivered_at},
    {times}
);
CREATE INDEX webhook_deliveries_webhook_id_idx ON webhook_deliveries (webhook_id, id DESC);
