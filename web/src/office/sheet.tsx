// SPDX-License-Identifier: Apache-2.0
// A sheet over the screen: from below on phones, at the side on desks. The browser keeps the focus in it.
import type {ComponentChildren, JSX} from 'preact';
import {useEffect, useRef} from 'preact/hooks';
import {t} from '../i18n';

export function Sheet({title, onClose, children, wide}: {
  title: string; onClose: () => void; children: ComponentChildren; wide?: boolean;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => before?.focus();
  }, []);
  return (
    <dialog ref={dialog} class={`sheet ${wide ? 'wide' : ''}`} aria-label={title}
      onCancel={(e) => { e.preventDefault(); onClose(); }}
      onMouseDown={(e) => e.target === dialog.current && onClose()}>
      <div class="inside">
        <header class="row between">
          <h2>{title}</h2>
          <button class="plain" aria-label={t('common.close')} onClick={onClose}>✕</button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
