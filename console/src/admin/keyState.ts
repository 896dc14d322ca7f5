export interface ApiKeyRow {
  id: string;
  name: string;
  prefix: string;
  role: unknown;
  role_name?: string;
  expires_at: string | null;
  last_used_at: string | null;
  revoked: boolean;
}

export function keyState(key: Pick<ApiKeyRow, "revoked" | "expires_at">, now: Date): "keyRevoked" | "keyExpired" | "keyActive" {
  if (key.revoked) return "keyRevoked";
  return key.expires_at && new Date(key.expires_at) <= now ? "keyExpired" : "keyActive";
}
