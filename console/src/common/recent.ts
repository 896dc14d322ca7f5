/** The records opened last, newest first; kept in the browser, by user. */
export interface Recent {
  resource: string;
  id: string;
  title: string;
}

const LIMIT = 12;
const key = (user: string) => `mainstay.recent.${user}`;

export function addRecent(list: Recent[], entry: Recent): Recent[] {
  const others = list.filter((item) => item.resource !== entry.resource || item.id !== entry.id);
  return [entry, ...others].slice(0, LIMIT);
}

export function readRecent(user: string): Recent[] {
  try {
    const list = JSON.parse(localStorage.getItem(key(user)) ?? "[]") as unknown;
    return Array.isArray(list) ? (list as Recent[]) : [];
  } catch {
    return [];
  }
}

export function rememberRecent(user: string, entry: Recent): void {
  localStorage.setItem(key(user), JSON.stringify(addRecent(readRecent(user), entry)));
}
