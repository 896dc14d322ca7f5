/** What is being written to a ticket survives a reload, a crash of the browser and a lost session. */
const key = (ticketId: string, kind: string) => `mainstay.draft.${ticketId}.${kind}`;

export function readDraft(ticketId: string, kind: string): string {
  return localStorage.getItem(key(ticketId, kind)) ?? "";
}

export function writeDraft(ticketId: string, kind: string, html: string): void {
  if (html) localStorage.setItem(key(ticketId, kind), html);
  else localStorage.removeItem(key(ticketId, kind));
}
