-- SPDX-License-Identifier: Apache-2.0
-- What a person has chosen for the screens: language, theme, notices.
ALTER TABLE users ADD COLUMN {json:preferences};
