import Divider from "@mui/material/Divider";
import IconButton from "@mui/material/IconButton";
import ListSubheader from "@mui/material/ListSubheader";
import Menu from "@mui/material/Menu";
import MenuItem from "@mui/material/MenuItem";
import { useState } from "react";
import { Link } from "react-router-dom";
import { savePreferences } from "../api/pageConfig";
import { pictureOf, useSession } from "../api/session";
import { PersonAvatar } from "../common/PersonAvatar";
import { t } from "../i18n";
import type { ThemeMode } from "./theme";
import { useThemeMode } from "./ThemeRoot";

export const THEMES: { mode: ThemeMode; label: "shell.themeSystem" | "shell.themeLight" | "shell.themeDark" }[] = [
  { mode: "system", label: "shell.themeSystem" },
  { mode: "light", label: "shell.themeLight" },
  { mode: "dark", label: "shell.themeDark" },
];

export function AccountMenu({ onHelp }: { onHelp: () => void }) {
  const { user, signOut } = useSession();
  const { mode, setMode } = useThemeMode();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const close = () => setAnchor(null);
  return (
    <>
      <IconButton aria-label={t("shell.account", { name: user.full_name })} aria-haspopup="menu" data-testid="account-menu" onClick={(event) => setAnchor(event.currentTarget)}>
        <PersonAvatar name={user.full_name} picture={pictureOf(user)} size={28} />
      </IconButton>
      <Menu anchorEl={anchor} open={!!anchor} onClose={close}>
        <ListSubheader sx={{ lineHeight: 1.4, py: 1, bgcolor: "transparent" }}>
          {user.full_name}
          <br />
          {user.organization_name}
        </ListSubheader>
        <MenuItem dense component={Link} to="/me" onClick={close}>{t("shell.profile")}</MenuItem>
        <MenuItem dense onClick={() => { close(); onHelp(); }}>{t("shell.shortcuts")}</MenuItem>
        <MenuItem dense component="a" href="/schema/swagger/" target="_blank" rel="noopener">{t("shell.apiReference")}</MenuItem>
        <Divider />
        {THEMES.map((theme) => (
          <MenuItem key={theme.mode} dense role="menuitemradio" aria-checked={mode === theme.mode} selected={mode === theme.mode}
            onClick={() => { setMode(theme.mode); void savePreferences({ theme: theme.mode }).catch(() => undefined); close(); }}>
            {t("shell.theme")}: {t(theme.label)}
          </MenuItem>
        ))}
        <Divider />
        <MenuItem dense onClick={() => void signOut()}>{t("shell.signOut")}</MenuItem>
      </Menu>
    </>
  );
}
