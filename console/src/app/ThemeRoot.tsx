import { CacheProvider } from "@emotion/react";
import CssBaseline from "@mui/material/CssBaseline";
import { ThemeProvider } from "@mui/material/styles";
import useMediaQuery from "@mui/material/useMediaQuery";
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from "react";
import { createStyleCache } from "./styles";
import { createAppTheme, isDark, storedMode, storeMode, type ThemeMode } from "./theme";

const Context = createContext<{ mode: ThemeMode; setMode: (mode: ThemeMode) => void }>({ mode: "system", setMode: () => undefined });
export const useThemeMode = () => useContext(Context);

const cache = createStyleCache();

export function ThemeRoot({ children }: { children: ReactNode }) {
  const systemDark = useMediaQuery("(prefers-color-scheme: dark)", { noSsr: true });
  const [mode, setModeState] = useState<ThemeMode>(storedMode);
  const dark = isDark(mode, systemDark);
  const theme = useMemo(() => createAppTheme(dark), [dark]);
  const setMode = useCallback((next: ThemeMode) => {
    storeMode(next);
    setModeState(next);
  }, []);
  const value = useMemo(() => ({ mode, setMode }), [mode, setMode]);
  return (
    <CacheProvider value={cache}>
      <ThemeProvider theme={theme}>
        <CssBaseline enableColorScheme />
        <Context.Provider value={value}>{children}</Context.Provider>
      </ThemeProvider>
    </CacheProvider>
  );
}
