/** Light or dark: as the system has it, unless the reader chose. */
import { effect, signal } from '@preact/signals';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const PLACE = 'freshet-theme';

export const theme = signal<Theme>(
  THEMES.find((one) => one === localStorage.getItem(PLACE)) ?? 'system',
);

/** To be called once. */
export function showTheme(): void {
  effect(() => {
    const { value } = theme;
    if (value === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = value;
    localStorage.setItem(PLACE, value);
  });
}
