import { useEffect, useRef } from "react";
import { isTyping, step, type Bindings, type KeyState } from "./keys";

const layers: { current: Bindings }[] = [];
let state: KeyState = { pending: "", at: 0 };

function onKeyDown(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
  // A dialog or menu has the keyboard to itself.
  if (document.querySelector('[role="dialog"], [role="menu"], [role="listbox"]')) return;
  const result = step(state, event.key, event.timeStamp, layers.map((layer) => layer.current));
  state = result.state;
  if (result.run) {
    event.preventDefault();
    result.run();
  }
}

/** Keys for as long as the component is mounted; the newest layer wins. */
export function useShortcuts(bindings: Bindings): void {
  const layer = useRef(bindings);
  layer.current = bindings;
  useEffect(() => {
    const own = layer;
    if (layers.length === 0) document.addEventListener("keydown", onKeyDown);
    layers.push(own);
    return () => {
      layers.splice(layers.indexOf(own), 1);
      if (layers.length === 0) document.removeEventListener("keydown", onKeyDown);
    };
  }, []);
}
