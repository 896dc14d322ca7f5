import createCache, { type EmotionCache } from "@emotion/cache";
import { StyleSheet } from "@emotion/sheet";

/**
 * Emotion writes its rules into <style> elements, which the policy `style-src 'self'` refuses. Constructed
 * style sheets need no exception in the policy, so the rules go there.
 */
class AdoptedSheet extends StyleSheet {
  private sheets: CSSStyleSheet[] = [];

  override insert(rule: string): void {
    let sheet = this.sheets[this.sheets.length - 1];
    if (!sheet) {
      sheet = new CSSStyleSheet();
      this.sheets.push(sheet);
      // Global rules come first, so that a component's own rule wins over them.
      const adopted = document.adoptedStyleSheets;
      document.adoptedStyleSheets = this.key.endsWith("-global") ? [sheet, ...adopted] : [...adopted, sheet];
    }
    try {
      sheet.insertRule(rule, sheet.cssRules.length);
    } catch {
      // A vendor's pseudo-selector that this browser does not know is left out, as in emotion itself.
    }
  }

  override flush(): void {
    const own = new Set(this.sheets);
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => !own.has(sheet));
    this.sheets = [];
  }

  override hydrate(): void {}
}

export function createStyleCache(): EmotionCache {
  const cache = createCache({ key: "m", speedy: true });
  cache.sheet = new AdoptedSheet({ key: "m", container: document.head, speedy: true });
  return cache;
}
