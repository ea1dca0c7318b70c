-- SPDX-License-Identifier: Apache-2.0
-- Notes of the field that were refused when they came, until somebody books or discards them.
CREATE TABLE stock_inbox (
    {id},
    {uuid:uuid} NOT NULL UNIQUE,
    {fk:user_id|users} NOT NULL,
    {json:operation} NOT NULL,
    {text:code|100},
    {long:reason} NOT NULL,
    {enum:status|'open', 'booked', 'discarded'} NOT NULL DEFAULT 'open',
    {json:movement_ids} NOT NULL DEFAULT '[]',
    {long:note},
    {fk:resolved_by_user_id|users},
    {ts:resolved_at},
    {times},
    {check:resolved|(status = 'open') = (resolved_at IS NULL)
        AND (resolved_at IS NULL) = (resolved_by_user_id IS NULL)}
);
{index:stock_inbox|user_id};
{index:stock_inbox|resolved_by_user_id};
CREATE INDEX stock_inbox_status_idx ON stock_inbox (status, id);
