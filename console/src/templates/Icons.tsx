import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { useNotify } from "react-admin";
import { toUpload } from "../api/files";
import { api, messageOf } from "../api/http";
import { Section } from "../common/blocks";
import { DropZone } from "../common/DropZone";
import { t } from "../i18n";
import type { FormPanel } from "../resources/panels";
import { KINDS, type Icons } from "./ItemIcons";
import { TemplateTest } from "./TemplateTest";

const TEMPLATES = "/ux/ims/device-template/";
const TYPES = "image/png,image/jpeg,image/gif,image/webp";
function TemplateIcons({ record }: Pick<FormPanel, "record">) {
  const notify = useNotify();
  const [icons, setIcons] = useState<Partial<Icons>>({ device_icon: String(record?.device_icon ?? ""), vendor_icon: String(record?.vendor_icon ?? ""), os_icon: String(record?.os_icon ?? "") });
  const [busy, setBusy] = useState(false);
  const act = async (change: () => Promise<Partial<Icons>>) => {
    setBusy(true);
    try {
      const made = await change();
      setIcons((before) => ({ ...before, ...made }));
    } catch (error) {
      notify(messageOf(error), { type: "error" });
    } finally {
      setBusy(false);
    }
  };
  if (!record) return <Section title={t("templates.icons")} testId="template-icons"><Typography color="text.secondary">{t("templates.iconsLater")}</Typography></Section>;
  const base = `${TEMPLATES}${String(record.id)}/icon/`;
  return (
    <Section title={t("templates.icons")} testId="template-icons">
      <Typography variant="body2" color="text.secondary" sx={{ mb: 1.5 }}>{t("templates.iconsHint")}</Typography>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 3 }}>
        {KINDS.map((kind) => {
          const url = icons[`${kind}_icon`];
          const name = t(`templates.icon.${kind}`);
          return (
            <DropZone key={kind} accept={TYPES} multiple={false} disabled={busy} inputLabel={t("templates.chooseIcon", { name })}
              onFiles={([file]) => file && void act(async () => (await api<{ icons: Icons }>(base, { method: "POST", body: { kind, ...(await toUpload(file)) } })).icons)}>
              {(choose) => (
                <Box sx={{ display: "flex", alignItems: "center", gap: 1 }} data-testid={`icon-${kind}`}>
                  <Box sx={{ width: 40, height: 40, border: 1, borderColor: "divider", borderRadius: 1, display: "grid", placeItems: "center", overflow: "hidden" }}>
                    {url && <img src={url} alt={name} width={36} height={36} style={{ objectFit: "contain" }} />}
                  </Box>
                  <Box>
                    <Typography variant="body2">{name}</Typography>
                    <Box sx={{ display: "flex", gap: 0.5 }}>
                      <Button size="small" disabled={busy} onClick={choose} aria-label={t("templates.chooseIcon", { name })}>{t(url ? "templates.changeIcon" : "templates.addIcon")}</Button>
                      {url && <Button size="small" color="inherit" disabled={busy} aria-label={t("templates.removeIcon", { name })} onClick={() => void act(async () => { await api(`${base}${kind}/`, { method: "DELETE" }); return { [`${kind}_icon`]: "" }; })}>{t("templates.remove")}</Button>}
                    </Box>
                  </Box>
                </Box>
              )}
            </DropZone>
          );
        })}
      </Box>
    </Section>
  );
}

/** What stands below the form of a template. */
export function TemplatePanels(panel: FormPanel) {
  return (
    <Box sx={{ display: "grid", gap: 2 }}>
      <TemplateIcons key={String(panel.record?.id ?? "")} record={panel.record} />
      <TemplateTest {...panel} />
    </Box>
  );
}
