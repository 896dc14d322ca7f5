const ALLOWED = new Set([
  "A", "ABBR", "B", "BLOCKQUOTE", "BR", "CODE", "DD", "DEL", "DIV", "DL", "DT", "EM", "H1", "H2", "H3", "H4", "H5", "H6", "HR", "I", "IMG", "INS",
  "LI", "OL", "P", "PRE", "S", "SPAN", "STRONG", "SUB", "SUP", "TABLE", "TBODY", "TD", "TFOOT", "TH", "THEAD", "TR", "U", "UL",
]);
const DROPPED = new Set(["SCRIPT", "STYLE", "IFRAME", "OBJECT", "EMBED", "TEMPLATE", "NOSCRIPT", "SVG", "MATH", "FORM", "LINK", "META", "BASE", "TITLE", "TEXTAREA", "SELECT"]);
const ATTRIBUTES = new Set(["href", "src", "alt", "title", "colspan", "rowspan", "start"]);

export function isSafeUrl(url: string, image: boolean): boolean {
  // Control characters and spaces are ignored by browsers inside a scheme, so they are taken out before it is read.
  const bare = url.replace(/[\u0000-\u0020]/g, "");
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(bare)?.[1]?.toLowerCase();
  if (!scheme) return true;
  if (image) return /^data:image\/(png|jpe?g|gif|webp);/i.test(bare) || scheme === "blob";
  return ["http", "https", "mailto", "tel"].includes(scheme);
}

/** Parses without running anything (a DOMParser document is inert), then keeps the tags and attributes known to be harmless. */
export function cleanHtml(html: string): string {
  const body = new DOMParser().parseFromString(html, "text/html").body;
  scrub(body);
  return body.innerHTML;
}

function scrub(parent: Element): void {
  for (const element of Array.from(parent.children)) {
    const tag = element.tagName.toUpperCase();
    if (DROPPED.has(tag)) {
      element.remove();
      continue;
    }
    scrub(element);
    if (!ALLOWED.has(tag)) {
      element.replaceWith(...Array.from(element.childNodes));
      continue;
    }
    for (const { name, value } of Array.from(element.attributes)) {
      const isUrl = name === "href" || name === "src";
      if (!ATTRIBUTES.has(name) || (isUrl && !isSafeUrl(value, name === "src"))) element.removeAttribute(name);
    }
    if (tag === "A") {
      element.setAttribute("rel", "noopener noreferrer");
      element.setAttribute("target", "_blank");
    }
  }
}
