import Box from "@mui/material/Box";
import { NavLink } from "react-router-dom";
import { useMetadata } from "../api/metadata";
import { userMay } from "../api/permissions";
import { useSession } from "../api/session";
import { t } from "../i18n";
import { AREA_PAGES, keysMeta, LIST_PAGES, rolesMeta } from "./pages";

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
            {pages.map((page) => <Entry key={page.to} to={page.to} label={t(page.label)} />)}
            {resources.map((resource) => <Entry key={resource.name} to={`/${resource.name}`} label={resource.plural} />)}
          </Box>
        );
      })}
      {admin.length > 0 && <Group label={t("shell.administration")} />}
      {admin.map((entry) => <Entry key={entry.to} {...entry} />)}
    </>
  );
}
