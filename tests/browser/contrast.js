// Texts whose contrast with what lies behind them is below 4.5 (3 for large ones); WCAG leaves out what is disabled.
() => {
  const parse = (text) => {
    const found = text.match(/[\d.]+/g);
    if (!found) return [0, 0, 0, 0];
    const [r, g, b, a = 1] = found.map(Number);
    return text.startsWith("color(srgb") ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  };
  const over = (top, below) => {
    const a = top[3] + below[3] * (1 - top[3]);
    if (a === 0) return [0, 0, 0, 0];
    return [0, 1, 2].map((i) => (top[i] * top[3] + below[i] * below[3] * (1 - top[3])) / a).concat(a);
  };
  const behind = (element) => {
    let color = [0, 0, 0, 0];
    for (let at = element; at && color[3] < 1; at = at.parentElement) color = over(color, parse(getComputedStyle(at).backgroundColor));
    return over(color, [255, 255, 255, 1]);
  };
  const channel = (value) => { const c = value / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const opacity = (element) => { let value = 1; for (let at = element; at; at = at.parentElement) value *= Number(getComputedStyle(at).opacity); return value; };
  const poor = [];
  let measured = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    const text = walk.currentNode.textContent.trim();
    if (!text || !element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })) continue;
    const box = element.getBoundingClientRect();
    if (box.width < 2 || box.height < 2 || element.closest(":disabled, [aria-disabled=true], .Mui-disabled, legend, style, script")) continue;
    const style = getComputedStyle(element);
    const back = behind(element);
    const ink = parse(style.color);
    ink[3] *= opacity(element);
    const [a, b] = [light(over(ink, back)), light(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    measured += 1;
    if (ratio < (large ? 3 : 4.5) - 0.01) poor.push(`${ratio.toFixed(2)} "${text.slice(0, 40)}" ${style.color} on rgb(${back.slice(0, 3).map(Math.round)})`);
  }
  return { measured, poor };
}
