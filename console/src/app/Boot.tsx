import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { useLocation } from "react-router-dom";
import { ApiError, hasSession, isSignedOut, onSessionError } from "../api/http";
import { endSession, readMetadata, readSession, SessionProvider } from "../api/session";
import type { Metadata, User } from "../api/types";
import { ForcedPasswordPage } from "../account/ForcedPasswordPage";
import { InvitePage } from "../account/InvitePage";
import { LoginPage } from "../account/LoginPage";
import { Failure, Waiting } from "./Messages";
import { readMode } from "./theme";
import { useThemeMode } from "./ThemeRoot";

const loadApp = () => import("./AdminApp");
const AdminApp = lazy(loadApp);

type State =
  | { step: "starting" }
  | { step: "login"; ended: boolean }
  | { step: "password" }
  | { step: "ready"; user: User; metadata: Metadata }
  | { step: "failed"; error: unknown };

/** Decides what a visitor sees: sign-in, a required password change, or the application for this caller. */
export function Boot() {
  const [state, setState] = useState<State>({ step: "starting" });
  const { pathname } = useLocation();
  const { setMode } = useThemeMode();
  const invited = pathname === "/invite";

  const start = useCallback(async () => {
    // To ask who a stranger is costs a round trip, and an error in the browser's log.
    if (!hasSession()) return setState({ step: "login", ended: false });
    try {
      const session = await readSession();
      if (session.password_change_required) return setState({ step: "password" });
      const metadata = await readMetadata();
      // The person's own theme goes with them to every device.
      const theme = readMode(session.user.preferences?.theme);
      if (theme) setMode(theme);
      setState({ step: "ready", user: session.user, metadata });
    } catch (error) {
      if (error instanceof ApiError && error.code === "password_change_required") setState({ step: "password" });
      else if (isSignedOut(error)) setState({ step: "login", ended: false });
      else setState({ step: "failed", error });
    }
  }, [setMode]);

  useEffect(() => {
    if (!invited) void start();
  }, [invited, start]);

  useEffect(
    () =>
      onSessionError((error) => {
        setState((before) => {
          if (error.code === "password_change_required") return { step: "password" };
          return before.step === "ready" ? { step: "login", ended: true } : before;
        });
      }),
    [],
  );

  if (invited) return <InvitePage />;
  switch (state.step) {
    case "starting":
      return <Waiting />;
    case "login":
      // The application is fetched while the password is being typed.
      void loadApp();
      return <LoginPage ended={state.ended} onDone={start} />;
    case "password":
      return <ForcedPasswordPage onDone={start} />;
    case "failed":
      return <Failure error={state.error} onRetry={() => { setState({ step: "starting" }); void start(); }} />;
    case "ready": {
      const session = {
        user: state.user,
        refresh: async () => {
          const [{ user }, metadata] = await Promise.all([readSession(), readMetadata()]);
          setState({ step: "ready", user, metadata });
        },
        signOut: async () => {
          await endSession().catch(() => undefined);
          setState({ step: "login", ended: false });
        },
      };
      return (
        <SessionProvider value={session}>
          <Suspense fallback={<Waiting />}>
            <AdminApp metadata={state.metadata} />
          </Suspense>
        </SessionProvider>
      );
    }
  }
}
