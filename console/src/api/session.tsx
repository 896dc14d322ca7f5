import { createContext, useContext } from "react";
import type { AuthProvider } from "react-admin";
import { api } from "./http";
import type { Metadata, ResourceMeta, SessionAnswer, User } from "./types";

export interface SessionState {
  user: User;
  /** Reads again who the caller is, and which fields and rights there are. */
  refresh: () => Promise<void>;
  signOut: () => Promise<void>;
}

const Context = createContext<SessionState | null>(null);
export const SessionProvider = Context.Provider;

export function useSession(): SessionState {
  const session = useContext(Context);
  if (!session) throw new Error("useSession is called outside of SessionProvider");
  return session;
}

/** Where the caller's own picture is; nothing while there is none. */
export const pictureOf = (user: User) => (user.profile_image ? `/ux/common/user/profile/${user.profile_id}/picture/?v=${user.profile_image}` : undefined);

export const readSession = () => api<SessionAnswer>("/api/session");
export const readMetadata = () => api<Metadata>("/api/metadata");
export const endSession = () => api<void>("/api/session", { method: "DELETE" });

export function signIn(username: string, password: string): Promise<SessionAnswer> {
  return api<SessionAnswer>("/api/session", { method: "POST", body: { username, password } });
}

const ACTIONS: Record<string, string> = {
  list: "view", show: "view", create: "add", edit: "edit", delete: "delete", export: "export",
};

/**
 * Sign-in stands before the application (see app/Boot), which is only mounted for a caller; a lost session
 * takes it down again. What is left for react-admin is who the caller is and what they may do.
 */
export function createAuthProvider(user: User, byName: Map<string, ResourceMeta>, signOut: () => Promise<void>): AuthProvider {
  return {
    login: () => Promise.resolve(),
    logout: async () => {
      await signOut();
      return false;
    },
    checkAuth: () => Promise.resolve(),
    checkError: () => Promise.resolve(),
    getIdentity: () => Promise.resolve({ id: user.profile_id, fullName: user.full_name }),
    getPermissions: () => Promise.resolve(user.permissions),
    canAccess: ({ resource, action }) => {
      const meta = byName.get(resource);
      return Promise.resolve(meta ? meta.privileges.includes(ACTIONS[action] ?? action) : true);
    },
  };
}
