import { createTheme, type Theme } from "@mui/material/styles";

export type ThemeMode = "system" | "light" | "dark";

const KEY = "mainstay.theme";

export function storedMode(): ThemeMode {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

/** The theme out of a person's preferences; undefined where they never chose one. */
export function readMode(value: unknown): ThemeMode | undefined {
  return value === "light" || value === "dark" || value === "system" ? value : undefined;
}

export function storeMode(mode: ThemeMode): void {
  localStorage.setItem(KEY, mode);
}

export function isDark(mode: ThemeMode, systemDark: boolean): boolean {
  return mode === "dark" || (mode === "system" && systemDark);
}

/** Every text and background pair here reaches 4.5:1 (WCAG AA); `keys.test.ts` holds them to it. */
export const PALETTES = {
  light: {
    page: "#f6f7f9", paper: "#ffffff", raised: "#eef1f5", line: "#d9dee6",
    text: "#1b2330", muted: "#566175", primary: "#1f5fae", primaryText: "#ffffff",
    error: "#b3261e", warning: "#8a5300", success: "#1d6b3a", info: "#1f5fae", note: "#fff6db", noteText: "#4f3b00",
  },
  dark: {
    page: "#12161d", paper: "#1a1f28", raised: "#232a35", line: "#323b49",
    text: "#e7ebf1", muted: "#a3aec0", primary: "#84b6f7", primaryText: "#0b1a2e",
    error: "#ff9d94", warning: "#f0b860", success: "#7fd19b", info: "#84b6f7", note: "#332a12", noteText: "#f1dfae",
  },
} as const;

declare module "@mui/material/styles" {
  interface Palette {
    raised: string;
    line: string;
    note: { main: string; text: string };
  }
  interface PaletteOptions {
    raised?: string;
    line?: string;
    note?: { main: string; text: string };
  }
}

export function createAppTheme(dark: boolean): Theme {
  const colors = PALETTES[dark ? "dark" : "light"];
  return createTheme({
    palette: {
      mode: dark ? "dark" : "light",
      background: { default: colors.page, paper: colors.paper },
      text: { primary: colors.text, secondary: colors.muted },
      primary: { main: colors.primary, contrastText: colors.primaryText },
      secondary: { main: colors.primary, contrastText: colors.primaryText },
      error: { main: colors.error },
      warning: { main: colors.warning },
      success: { main: colors.success },
      info: { main: colors.info },
      divider: colors.line,
      raised: colors.raised,
      line: colors.line,
      note: { main: colors.note, text: colors.noteText },
    },
    shape: { borderRadius: 6 },
    typography: {
      fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif',
      fontSize: 13,
      body1: { fontSize: "0.8125rem" },
      body2: { fontSize: "0.75rem" },
      h1: { fontSize: "1.25rem", fontWeight: 600 },
      h2: { fontSize: "1rem", fontWeight: 600 },
      h3: { fontSize: "0.875rem", fontWeight: 600 },
      button: { textTransform: "none", fontWeight: 500 },
    },
    components: {
      MuiCssBaseline: {
        styleOverrides: {
          body: { overscrollBehaviorY: "none" },
          a: { color: colors.primary },
          ":focus-visible": { outline: `2px solid ${colors.primary}`, outlineOffset: 1 },
          ".visually-hidden": {
            position: "absolute", width: 1, height: 1, overflow: "hidden", clipPath: "inset(50%)", whiteSpace: "nowrap",
          },
        },
      },
      MuiButtonBase: { defaultProps: { disableRipple: true } },
      MuiButton: { defaultProps: { size: "small", disableElevation: true } },
      MuiIconButton: { defaultProps: { size: "small" } },
      MuiTextField: { defaultProps: { size: "small", variant: "outlined", fullWidth: true } },
      MuiFormControl: { defaultProps: { size: "small" } },
      MuiSelect: { defaultProps: { size: "small" } },
      MuiAutocomplete: { defaultProps: { size: "small" }, styleOverrides: { inputRoot: { "&.MuiOutlinedInput-root.MuiInputBase-sizeSmall": { paddingTop: 4, paddingBottom: 4, minHeight: 33 } }, option: { fontSize: "0.8125rem", minHeight: 32 } } },
      MuiOutlinedInput: { styleOverrides: { root: { backgroundColor: colors.paper, fontSize: "0.8125rem", "&.MuiInputBase-multiline": { padding: "7px 10px", "& .MuiInputBase-input": { padding: 0 } } }, inputSizeSmall: { padding: "7px 10px" } } },
      MuiInputLabel: { styleOverrides: { sizeSmall: { fontSize: "0.8125rem", "&:not(.MuiInputLabel-shrink)": { transform: "translate(11px, 8px) scale(1)" } } } },
      MuiMenuItem: { styleOverrides: { root: { fontSize: "0.8125rem", minHeight: 32 } } },
      MuiCheckbox: { defaultProps: { size: "small" }, styleOverrides: { sizeSmall: { padding: 5 } } },
      MuiFormControlLabel: { styleOverrides: { label: { fontSize: "0.8125rem" } } },
      MuiChip: { defaultProps: { size: "small" } },
      MuiPaper: { styleOverrides: { root: { backgroundImage: "none" } } },
      MuiTab: { styleOverrides: { root: { minHeight: 40, padding: "8px 12px", minWidth: 0 } } },
      MuiTabs: { styleOverrides: { root: { minHeight: 40 } } },
      // Its own grey does not reach 4.5 on the raised background.
      MuiToggleButton: { styleOverrides: { root: { color: colors.muted } } },
      MuiTooltip: { defaultProps: { enterDelay: 400 } },
      MuiDialog: { defaultProps: { fullWidth: true, maxWidth: "sm" } },
    },
  });
}
