// SPDX-License-Identifier: Apache-2.0
// Files from this device: by a button or dropped.
import type {JSX} from 'preact';
import {useId, useState} from 'preact/hooks';
import {bytes, t, type Key} from '../i18n';

export function FilePick({label, accept, files, onFiles, many}: {
  label: Key; accept: string; files: File[]; onFiles: (files: File[]) => void; many?: boolean;
}): JSX.Element {
  const id = useId();
  const [over, setOver] = useState(false);
  return (
    <div class={`drop ${over ? 'over' : ''}`} onDragOver={(e) => { e.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)}
      onDrop={(e) => { e.preventDefault(); setOver(false); onFiles([...(e.dataTransfer?.files ?? [])]); }}>
      <input id={id} class="visually-hidden" type="file" accept={accept} multiple={many ?? false} onChange={(e) => onFiles([...(e.currentTarget.files ?? [])])} />
      <label for={id} class="button">{t(label)}</label>
      <span class="muted">{files.length ? files.map((f) => `${f.name} (${bytes(f.size)})`).join(', ') : t('file.drop')}</span>
    </div>
  );
}
