import AddIcon from "@mui/icons-material/Add";
import Button from "@mui/material/Button";
import Menu from "@mui/material/Menu";
import MenuItem from "@mui/material/MenuItem";
import { useState } from "react";
import { Link } from "react-router-dom";
import { useMetadata } from "../api/metadata";
import { abilities } from "../api/permissions";
import type { ResourceMeta } from "../api/types";
import { t } from "../i18n";

const FIRST = ["incident", "requester", "user", "team", "announcement", "department", "location"];

/** Where `c` leads: the resource being looked at, or a ticket. */
export function createTarget(pathname: string, byName: Map<string, ResourceMeta>): string | undefined {
  for (const name of [pathname.split("/")[1] ?? "", "incident"]) {
    const meta = byName.get(name);
    if (meta && abilities(meta).create) return `/${name}/create`;
  }
  return undefined;
}

export function CreateMenu() {
  const { byName } = useMetadata();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const creatable = FIRST.map((name) => byName.get(name)).filter((meta): meta is ResourceMeta => !!meta && abilities(meta).create);
  if (creatable.length === 0) return null;
  return (
    <>
      <Button variant="contained" startIcon={<AddIcon />} aria-haspopup="menu" aria-label={t("shell.createNew")} onClick={(event) => setAnchor(event.currentTarget)} data-testid="create-menu">
        {t("shell.create")}
      </Button>
      <Menu anchorEl={anchor} open={!!anchor} onClose={() => setAnchor(null)}>
        {creatable.map((meta) => (
          <MenuItem key={meta.name} dense component={Link} to={`/${meta.name}/create`} onClick={() => setAnchor(null)}>{meta.label}</MenuItem>
        ))}
      </Menu>
    </>
  );
}
