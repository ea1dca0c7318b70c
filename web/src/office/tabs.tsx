// SPDX-License-Identifier: Apache-2.0
// Parts of one screen as links: each has its own address.
import type {JSX} from 'preact';
import {useEffect, useRef} from 'preact/hooks';
import {t, type Key} from '../i18n';

export function Tabs({base, tabs, now}: {base: string; tabs: [string, Key][]; now: string}): JSX.Element {
  const bar = useRef<HTMLElement>(null);
  useEffect(() => bar.current?.querySelector('[aria-current]')?.scrollIntoView({block: 'nearest', inline: 'center'}), [now]);
  return (
    <nav class="tabs" ref={bar} aria-label={t('nav.tabs')}>
      {tabs.map(([name, key]) => (
        <a key={name} href={`#/${base}/${name}`} aria-current={name === now ? 'page' : undefined}>{t(key)}</a>
      ))}
    </nav>
  );
}
