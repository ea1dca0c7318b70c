// SPDX-License-Identifier: Apache-2.0
// Something that is shown once: copied by a button.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {t} from '../i18n';

export function Secret({label, value, note}: {label: string; value: string; note?: string}): JSX.Element {
  const [copied, setCopied] = useState(false);
  return (
    <div class="notice good">
      <strong>{label}</strong>
      <code class="secret">{value}</code>
      {note && <span>{note}</span>}
      <button onClick={() => void navigator.clipboard.writeText(value).then(() => setCopied(true))}>
        {copied ? t('common.copied') : t('common.copy')}
      </button>
    </div>
  );
}
