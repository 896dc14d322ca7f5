import MenuIcon from "@mui/icons-material/Menu";
import SearchIcon from "@mui/icons-material/Search";
import AppBar from "@mui/material/AppBar";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Drawer from "@mui/material/Drawer";
import IconButton from "@mui/material/IconButton";
import Toolbar from "@mui/material/Toolbar";
import Tooltip from "@mui/material/Tooltip";
import useMediaQuery from "@mui/material/useMediaQuery";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useLocation, useNavigate } from "react-router-dom";
import { useLive, useLiveConnected } from "../api/live";
import { useMetadata } from "../api/metadata";
import { useSession } from "../api/session";
import { t } from "../i18n";
import { AccountMenu } from "./AccountMenu";
import { CreateMenu, createTarget } from "./CreateMenu";
import { Navigation } from "./Navigation";
import { tasksMeta } from "./pages";
import { SearchDialog } from "./SearchDialog";
import { ShortcutHelp } from "./ShortcutHelp";
import { useShortcuts } from "./shortcuts";

const WIDTH = 216;

const GO: Record<string, string> = {
  t: "incident", u: "user", r: "requester", e: "team", d: "department", l: "location", v: "vendor", a: "announcement",
};

/** Resources that say which fields and rights there are. */
const DECLARES = new Set(["custom_field", "field_config", "role"]);

export function Layout({ children }: { children: ReactNode }) {
  const wide = useMediaQuery("(min-width:900px)", { noSsr: true });
  const [open, setOpen] = useState(false);
  const [searching, setSearching] = useState(false);
  const [helping, setHelping] = useState(false);
  const navigate = useNavigate();
  const location = useLocation();
  const { byName, metadata } = useMetadata();
  const connected = useLiveConnected();

  const { refresh } = useSession();
  const stale = useRef(false);
  useLive("change", (change) => {
    if (DECLARES.has(change.resource)) stale.current = true;
  });
  useEffect(() => {
    setOpen(false);
    // With the next page, so that no form changes under somebody's hands.
    if (stale.current) void refresh();
    stale.current = false;
  }, [location.pathname]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setSearching(true);
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);

  const go = Object.fromEntries(
    Object.entries(GO).filter(([, name]) => byName.has(name)).map(([key, name]) => [`g ${key}`, () => navigate(`/${name}`)]),
  );
  const tasks = tasksMeta(byName);
  useShortcuts({
    ...(tasks ? { "g j": () => navigate(`/${tasks.name}`) } : {}),
    "/": () => setSearching(true),
    "?": () => setHelping(true),
    c: () => {
      const target = createTarget(location.pathname, byName);
      if (target) navigate(target);
    },
    "g h": () => navigate("/"),
    "g p": () => navigate("/me"),
    ...go,
  });

  return (
    <Box sx={{ display: "flex", minHeight: "100dvh" }}>
      <Box component="a" href="#content" sx={{ position: "fixed", left: 8, top: -60, zIndex: 2000, bgcolor: "background.paper", p: 1, "&:focus": { top: 8 } }}>
        {t("shell.skip")}
      </Box>
      <AppBar position="fixed" color="inherit" elevation={0} sx={{ borderBottom: 1, borderColor: "divider", bgcolor: "background.paper", zIndex: (theme) => theme.zIndex.drawer + 1 }}>
        <Toolbar variant="dense" sx={{ gap: 1, minHeight: 48, px: { xs: 1, sm: 2 } }}>
          {!wide && (
            <IconButton aria-label={t("shell.openNavigation")} onClick={() => setOpen(!open)} edge="start"><MenuIcon /></IconButton>
          )}
          <Box component="a" href="/" onClick={(event: React.MouseEvent) => { event.preventDefault(); navigate("/"); }}
            sx={{ display: "flex", alignItems: "center", gap: 1, color: "text.primary", textDecoration: "none", fontWeight: 650, mr: 1 }}>
            <img src="/favicon.svg" width={22} height={22} alt="" />
            <Box component="span" sx={{ display: { xs: "none", sm: "inline" } }}>{metadata.product}</Box>
          </Box>
          {wide ? (
            <Button onClick={() => setSearching(true)} startIcon={<SearchIcon />} color="inherit" variant="outlined" data-testid="global-search"
              sx={{ justifyContent: "flex-start", color: "text.secondary", borderColor: "divider", width: 320, fontWeight: 400 }}>
              {t("shell.searchHint")}
              <Box component="kbd" sx={{ ml: "auto", fontFamily: "inherit", fontSize: 12 }}>/</Box>
            </Button>
          ) : null}
          <Box sx={{ flex: 1 }} />
          {!wide && <IconButton aria-label={t("shell.search")} data-testid="global-search" onClick={() => setSearching(true)}><SearchIcon /></IconButton>}
          <Tooltip title={connected ? t("shell.live") : t("shell.offline")}>
            <Box role="status" data-testid="live-state" data-live={connected} aria-label={connected ? t("shell.live") : t("shell.offline")}
              sx={{ width: 9, height: 9, borderRadius: "50%", mx: 0.5, ...(connected ? { bgcolor: "success.main" } : { border: 2, borderColor: "warning.main" }) }} />
          </Tooltip>
          <CreateMenu />
          <AccountMenu onHelp={() => setHelping(true)} />
        </Toolbar>
      </AppBar>
      {wide ? (
        <Box component="nav" aria-label={t("shell.navigation")} sx={{ width: WIDTH, flexShrink: 0 }}>
          <Box sx={{ position: "fixed", top: 48, bottom: 0, width: WIDTH, overflowY: "auto", borderRight: 1, borderColor: "divider", bgcolor: "background.paper", py: 1 }}>
            <Navigation />
          </Box>
        </Box>
      ) : (
        <Drawer open={open} onClose={() => setOpen(false)} slotProps={{ paper: { sx: { width: 264, pt: "52px" }, component: "nav", "aria-label": t("shell.navigation") } as object }}>
          <Navigation />
        </Drawer>
      )}
      <Box component="main" id="content" tabIndex={-1} sx={{ flex: 1, minWidth: 0, pt: "48px", outline: "none" }}>{children}</Box>
      {searching && <SearchDialog onClose={() => setSearching(false)} />}
      {helping && <ShortcutHelp onClose={() => setHelping(false)} />}
    </Box>
  );
}
