"""The keys of a page: a hand scanner types as a keyboard does, so its bursts have to be told from a person's keys."""

from __future__ import annotations

# A scanner types a character every few milliseconds and ends with Enter (or Tab, or nothing). Until it is clear who
# types, a sign is held back: the first digits of a serial number must not press the keys of the page, which 1 to 9 are.
# What turns out to be a person's key is sent on, with the key's own code: shortcuts look at that.
LISTEN_JS = r"""
const GAP_MS = 50, GRACE_MS = 15, BROKEN_MS = 250, FEWEST = 4, FEWEST_WITHOUT_END = 8;
const GROUP = "\u001d";
const SIGNS = {Minus: "-_", Equal: "=+", BracketLeft: "[{", BracketRight: "]}", Backslash: "\\|", Semicolon: ";:",
  Quote: "'\"", Comma: ",<", Period: ".>", Slash: "/?", Backquote: "`~"};
const NOT_TYPED = ["checkbox", "radio", "range", "button", "file", "submit", "reset", "color"];
const QUIET = ["Shift", "Control", "Alt", "Meta", "CapsLock", "HangulMode", "Process"];

// With a Korean layout on, a scanner's letters arrive as Hangul: which key it was says the letter.
const signOf = (event) => {
  if (event.key.length === 1 && event.key.charCodeAt(0) < 128) return event.key;
  const capital = event.shiftKey !== event.getModifierState("CapsLock");
  if (/^Key[A-Z]$/.test(event.code)) return capital ? event.code[3] : event.code[3].toLowerCase();
  if (/^Digit[0-9]$/.test(event.code)) return event.shiftKey ? ")!@#$%^&*("[Number(event.code[5])] : event.code[5];
  if (/^Numpad[0-9]$/.test(event.code)) return event.code[6];
  return event.code in SIGNS ? SIGNS[event.code][event.shiftKey ? 1 : 0] : null;
};
const boxOf = (event) => event.composedPath().find((one) => one instanceof HTMLElement && (one.isContentEditable
  || one.tagName === "TEXTAREA" || one.tagName === "SELECT"
  || (one.tagName === "INPUT" && !NOT_TYPED.includes(one.type))));
const isButton = (event) => event.composedPath().some((one) => one instanceof HTMLElement
  && one.matches("button, a[href], summary, input, [role=button], [role=tab], [role=radio]"));
const block = (event) => { event.preventDefault(); event.stopImmediatePropagation(); };

// `onScan(text)` gets what a scanner typed, and "" for a scan of which the beginning was taken for a person's keys:
// half a serial number is worse than none. `onKey(event)` a person's key outside of boxes, and returns whether it took
// it. Returns a function that ends the listening.
const listen = ({onScan, onKey = () => false}) => {
  let held = [], text = "", timer = 0, inBox = "", inBoxAt = 0;
  let released = -BROKEN_MS;
  // A button that was clicked keeps the focus; only who came to it by Tab means it with Enter or the space bar.
  let tabbed = false;
  const point = () => { tabbed = false; };
  const forget = () => { held = []; text = ""; window.clearTimeout(timer); };
  const send = (event, type) => {
    const again = new KeyboardEvent(type, {key: signOf(event) ?? event.key, code: event.code, bubbles: true,
      cancelable: true, composed: true, shiftKey: event.shiftKey});
    for (const name of ["keyCode", "which"]) Object.defineProperty(again, name, {get: () => event.keyCode});
    again.geomsaSent = true;
    (event.target?.isConnected ? event.target : document.body).dispatchEvent(again);
  };
  const tell = (scanned, first) => onScan(first.timeStamp - released < BROKEN_MS ? "" : scanned);
  // Keys that wait in a busy browser come before the end of the second wait.
  const expire = () => { timer = window.setTimeout(release, GRACE_MS); };
  const release = () => {
    const keys = held, typed = text;
    forget();
    if (typed.length >= FEWEST_WITHOUT_END) { tell(typed, keys[0]); return; }
    released = keys[keys.length - 1]?.timeStamp ?? released;
    for (const event of keys) if (!onKey(event)) { send(event, "keydown"); send(event, "keyup"); }
  };
  const watchBox = (box, event) => {
    // A list that has the focus would look for the scan among its own entries.
    if (box.getAttribute("role") !== "combobox") return;
    if (event.timeStamp - inBoxAt > GAP_MS) inBox = "";
    inBoxAt = event.timeStamp;
    if (event.key === "Enter" && inBox.length >= FEWEST_WITHOUT_END) {
      block(event);
      box.blur();
      onScan(inBox);
      inBox = "";
    } else inBox += signOf(event) ?? "";
  };
  const down = (event) => {
    if (event.geomsaSent || event.isComposing) return;
    if (event.key === "Tab" && !held.length) tabbed = true;
    const box = boxOf(event);
    if (box) { watchBox(box, event); return; }
    if (held.length && event.timeStamp - held[held.length - 1].timeStamp > GAP_MS) release();
    const isEnd = event.key === "Enter" || event.key === "Tab";
    if (isEnd && text.length >= FEWEST) {
      const scanned = text, first = held[0];
      forget();
      block(event);
      tell(scanned, first);
      return;
    }
    const isGroup = held.length > 0 && event.ctrlKey && event.code === "BracketRight";
    const sign = isGroup ? GROUP : event.ctrlKey || event.metaKey || event.altKey ? null : signOf(event);
    if (QUIET.includes(event.key) && sign === null) return;
    if (sign === null || event.repeat || (event.key === " " && !held.length)) {
      if (held.length) release();
      const pressesItself = tabbed && (event.key === "Enter" || event.key === " ") && isButton(event);
      if (!pressesItself && onKey(event)) block(event);
      return;
    }
    block(event);
    held.push(event);
    text += sign;
    window.clearTimeout(timer);
    timer = window.setTimeout(expire, GAP_MS);
  };
  window.addEventListener("keydown", down, true);
  window.addEventListener("pointerdown", point, true);
  return () => {
    forget();
    window.removeEventListener("keydown", down, true);
    window.removeEventListener("pointerdown", point, true);
  };
};
"""
