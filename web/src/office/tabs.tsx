// SPDX-License-Identifier: Apache-2.0
// Parts of one screen as links: each has its own address.
import type {JSX} from 'preact';
import {t, type Key} from '../i18n';

export function Tabs({base, tabs, now}: {base: string; tabs: [string, Key][]; now: string}): JSX.Element {
  return (
    <nav class="tabs" aria-label={t('nav.tabs')}>
      {tabs.map(([name, key]) => (
        <a key={name} href={`#/${base}/${name}`} aria-current={name === now ? 'page' : undefined}>{t(key)}</a>
      ))}
    </nav>
  );
}
