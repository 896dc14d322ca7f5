import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError, messageOf } from "../api/http";
import { PlainTable } from "../common/blocks";
import { DropZone } from "../common/DropZone";
import { t } from "../i18n";
import { uploadMib, type Loaded } from "./api";
import { problemsOf, type Trouble } from "./model";

/** Files in; what was loaded and what could not be read, by file and line. */
export function Upload() {
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [loaded, setLoaded] = useState<Loaded[]>([]);
  const [refused, setRefused] = useState<Trouble[]>([]);
  const take = async (files: File[]) => {
    setBusy(true);
    const good: Loaded[] = [];
    const bad: Trouble[] = [];
    for (const file of files) {
      try {
        good.push(await uploadMib(file));
      } catch (error) {
        const reasons = error instanceof ApiError && error.fields.mib_file ? error.fields.mib_file : [messageOf(error)];
        bad.push(...reasons.map((reason) => ({ file: file.name, line: 0, reason: reason.startsWith(`${file.name}: `) ? reason.slice(file.name.length + 2) : reason })));
      }
    }
    setLoaded(good);
    setRefused(bad);
    setBusy(false);
    for (const key of ["mib-tree", "mib-modules", "mib-notifications", "mib-object", "mib-search"]) void client.invalidateQueries({ queryKey: [key] });
  };
  const modules = loaded.flatMap((item) => item.modules);
  const troubles = [...refused, ...problemsOf(loaded)];
  const missing = [...new Set(modules.flatMap((item) => item.missing))];
  return (
    <Box sx={{ display: "grid", gap: 1.5 }}>
      <Typography variant="body2" color="text.secondary">{t("mibs.uploadHint")}</Typography>
      <DropZone onFiles={(files) => void take(files)} disabled={busy}>
        {(choose) => <Button variant="outlined" disabled={busy} onClick={choose}>{t("resources.chooseFiles")}</Button>}
      </DropZone>
      {modules.length > 0 && (
        <Alert severity={troubles.length > 0 ? "warning" : "success"} data-testid="mib-loaded">
          {t("mibs.uploaded", { count: modules.length })}: {modules.map((item) => `${item.mib_name} (${item.object_count} ${t("mibs.objects").toLowerCase()}, ${item.notification_count} ${t("mibs.notifications").toLowerCase()})`).join(", ")}
          {missing.length > 0 && <Box>{t("mibs.missing", { modules: missing.join(", ") })}</Box>}
        </Alert>
      )}
      {troubles.length > 0 && (
        <Box>
          <Typography sx={{ fontWeight: 600, color: "error.main" }}>{t("mibs.problems")}</Typography>
          <PlainTable label={t("mibs.problems")} testId="mib-problems" head={[t("mibs.file"), `#${t("mibs.line")}`, t("mibs.reason")]}
            rows={troubles.map((item, index) => ({ key: String(index), cells: [item.file, item.line || "", item.reason] }))} />
        </Box>
      )}
    </Box>
  );
}
