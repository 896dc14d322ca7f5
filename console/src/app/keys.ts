/** Single keys and two-key sequences ("g t"), kept apart from React so that they can be tested. */

export type Bindings = Record<string, () => void>;

export interface KeyState {
  pending: string;
  at: number;
}

const WINDOW_MS = 1200;

/** The binding that a key completes, and what is pending after it. */
export function step(state: KeyState, key: string, now: number, layers: Bindings[]): { state: KeyState; run?: () => void } {
  const pending = state.pending && now - state.at <= WINDOW_MS ? state.pending : "";
  for (const sequence of pending ? [`${pending} ${key}`, key] : [key]) {
    for (let index = layers.length - 1; index >= 0; index--) {
      const run = layers[index]?.[sequence];
      if (run) return { state: { pending: "", at: now }, run };
    }
    const begins = layers.some((layer) => Object.keys(layer).some((name) => name.startsWith(`${sequence} `)));
    if (begins) return { state: { pending: sequence, at: now } };
  }
  return { state: { pending: "", at: now } };
}

/** Typing into a box is never a shortcut. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "submit"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.getAttribute("role") === "combobox";
}
