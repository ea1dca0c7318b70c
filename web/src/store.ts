// SPDX-License-Identifier: Apache-2.0
// What the whole page knows: who is signed in, the theme, the toast. A value with listeners.
import {useEffect, useState} from 'preact/hooks';
import type {Me} from './api';

export class Value<T> {
  private listeners = new Set<() => void>();
  constructor(private value: T) {}
  get(): T {
    return this.value;
  }
  set(value: T): void {
    this.value = value;
    this.listeners.forEach((listener) => listener());
  }
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

export function useValue<T>(value: Value<T>): T {
  const [, turn] = useState(0);
  useEffect(() => value.listen(() => turn((n) => n + 1)), [value]);
  return value.get();
}

export interface Toast {
  text: string;
  undo?: () => void;
}

export const me = new Value<Me | null>(null);
export const toast = new Value<Toast | null>(null);
export const theme = new Value<string>(localStorage.getItem('theme') ?? 'auto');

let timer = 0;
export function say(text: string, undo?: () => void): void {
  clearTimeout(timer);
  toast.set(undo ? {text, undo} : {text});
  timer = window.setTimeout(() => toast.set(null), undo ? 10000 : 4000);
}

const darkSystem = matchMedia('(prefers-color-scheme: dark)');

/** The style sheet knows light, dark and sun; "auto" is what the system says at this moment. */
function showTheme(): void {
  const name = theme.get();
  document.documentElement.dataset.theme = name === 'auto' ? (darkSystem.matches ? 'dark' : 'light') : name;
}
darkSystem.addEventListener('change', showTheme);

export function setTheme(name: string): void {
  localStorage.setItem('theme', name);
  theme.set(name);
  showTheme();
}
