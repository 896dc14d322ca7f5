import ExpandMoreIcon from "@mui/icons-material/ExpandMore";
import Box from "@mui/material/Box";
import ButtonBase from "@mui/material/ButtonBase";
import { useStore } from "react-admin";
import { NavLink, useLocation } from "react-router-dom";
import { useMetadata } from "../api/metadata";
import { userMay } from "../api/permissions";
import { useSession } from "../api/session";
import type { ResourceMeta } from "../api/types";
import { t } from "../i18n";
import { AREA_PAGES, isRare, keysMeta, LIST_PAGES, rolesMeta } from "./pages";

const linkStyle = {
  display: "block", px: 2, py: 0.6, mx: 1, my: "1px", borderRadius: 1, color: "text.primary", textDecoration: "none", fontSize: 13,
  "&:hover": { bgcolor: "raised" },
  "&.active": { bgcolor: "raised", fontWeight: 600, boxShadow: (theme: { palette: { primary: { main: string } } }) => `inset 3px 0 ${theme.palette.primary.main}` },
} as const;

function Entry({ to, label, end }: { to: string; label: string; end?: boolean }) {
  return <Box component={NavLink} to={to} end={end} sx={linkStyle}>{label}</Box>;
}

function Group({ label }: { label: string }) {
  return <Box component="h2" sx={{ px: 3, pt: 1.5, pb: 0.5, m: 0, fontSize: 11, fontWeight: 600, letterSpacing: ".04em", textTransform: "uppercase", color: "text.secondary" }}>{label}</Box>;
}

/** Rarely used entries; open when somebody opened them, or stands on one. */
function Rare({ area, resources }: { area: string; resources: ResourceMeta[] }) {
  const [open, setOpen] = useStore(`navigation.${area}`, false);
  const { pathname } = useLocation();
  if (resources.length === 0) return null;
  const here = resources.some((resource) => pathname === `/${resource.name}` || pathname.startsWith(`/${resource.name}/`));
  const shown = open || here;
  return (
    <>
      <ButtonBase aria-expanded={shown} onClick={() => setOpen(!shown)}
        sx={{ display: "flex", width: "calc(100% - 16px)", justifyContent: "flex-start", px: 2, py: 0.6, mx: 1, my: "1px", borderRadius: 1, fontSize: 13, fontFamily: "inherit", color: "text.secondary", "&:hover, &:focus-visible": { bgcolor: "raised" } }}>
        {t("shell.configuration")}
        <ExpandMoreIcon aria-hidden sx={{ fontSize: 18, ml: 0.5, transform: shown ? "rotate(180deg)" : undefined }} />
      </ButtonBase>
      {shown && <Box sx={{ pl: 1.5 }}>{resources.map((resource) => <Entry key={resource.name} to={`/${resource.name}`} label={resource.plural} />)}</Box>}
    </>
  );
}

/** The areas and resources that the metadata names are those the caller may view. */
export function Navigation() {
  const { metadata, byName } = useMetadata();
  const { user } = useSession();
  const shown = metadata.resources.filter((resource) => !resource.hidden_in_menu && !(resource.page && LIST_PAGES[resource.page]));
  const admin = [
    rolesMeta(byName) && { to: "/admin/roles", label: t("shell.rolesMatrix") },
    keysMeta(byName) && { to: "/admin/keys", label: t("shell.apiKeys") },
    (user.is_admin || userMay(user, "settings", "view")) && { to: "/admin/settings", label: t("shell.settings") },
  ].filter((entry) => !!entry);
  return (
    <>
      <Entry to="/" end label={t("shell.home")} />
      {metadata.areas.map((area) => {
        const resources = shown.filter((resource) => resource.area === area.name);
        const pages = AREA_PAGES.filter((page) => page.area === area.name && userMay(user, page.module, "view"));
        if (resources.length + pages.length === 0) return null;
        return (
          <Box key={area.name}>
            <Group label={area.label} />
            {pages.filter((page) => page.first).map((page) => <Entry key={page.to} to={page.to} label={t(page.label)} />)}
            {resources.filter((resource) => !isRare(resource)).map((resource) => <Entry key={resource.name} to={`/${resource.name}`} label={resource.plural} />)}
            {pages.filter((page) => !page.first).map((page) => <Entry key={page.to} to={page.to} label={t(page.label)} />)}
            <Rare area={area.name} resources={resources.filter(isRare)} />
          </Box>
        );
      })}
      {admin.length > 0 && <Group label={t("shell.administration")} />}
      {admin.map((entry) => <Entry key={entry.to} {...entry} />)}
    </>
  );
}
