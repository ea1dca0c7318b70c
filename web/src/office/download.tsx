// SPDX-License-Identifier: Apache-2.0
// Files from the server: behind the token, so fetched and handed to the browser under their own name.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {request} from '../api';
import {t} from '../i18n';
import {say} from '../store';
import {wordsOf} from '../words';
import '../i18n/office';

export function handOver(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** Fetch a file and give it to the person; the reason in words when the server has none. */
export async function download(path: string, fallback: string, init: RequestInit = {}): Promise<boolean> {
  try {
    const response = await request(`api/v1/${path}`, init);
    const name = /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition') ?? '')?.[1];
    handOver(await response.blob(), name ?? fallback);
    return true;
  } catch (error) {
    say(wordsOf(error));
    return false;
  }
}

/** Buttons for the formats of one export; `path` gets the format's ending in the place of {}. */
export function Downloads({path, name, formats = ['csv', 'xlsx', 'pdf']}: {
  path: string; name: string; formats?: string[];
}): JSX.Element {
  const [busy, setBusy] = useState('');
  const get = async (format: string) => {
    setBusy(format);
    await download(path.replace('{}', format), `${name}.${format}`);
    setBusy('');
  };
  return (
    <div class="row downloads" role="group" aria-label={t('office.download')}>
      <span class="muted" aria-hidden="true">↓</span>
      {formats.map((format) => (
        <button key={format} class="small" disabled={busy !== ''} onClick={() => void get(format)}>{format.toUpperCase()}</button>
      ))}
    </div>
  );
}
