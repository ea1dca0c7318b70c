// SPDX-License-Identifier: Apache-2.0
// What the server refused, in the person's language: by its rule where there is one, else its own words.
import {ApiError} from './api';
import {isKey, t, type Values} from './i18n';

export function wordsOf(error: unknown): string {
  if (!(error instanceof ApiError)) return t('error.server');
  if (error.offline) return t('error.offline');
  const key = `rule.${error.problem?.rule ?? ''}`;
  if (isKey(key)) return t(key, (error.problem?.details ?? {}) as Values);
  return error.status >= 400 && error.status < 500 ? error.problem?.error ?? t('error.server') : t('error.server');
}
