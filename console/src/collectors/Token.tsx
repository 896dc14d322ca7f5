import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useNotify } from "react-admin";
import type { ReactNode } from "react";
import { t } from "../i18n";

/** The command with a collector's token, which is shown this once. */
export function Token({ title, command, children }: { title: string; command: string; children?: ReactNode }) {
  const notify = useNotify();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(command);
      notify(t("common.copied"), { type: "success" });
    } catch {
      // The clipboard is closed on plain HTTP: the command stays on screen to be selected by hand.
      document.getElementById("collector-command")?.focus();
    }
  };
  return (
    <Alert severity="success" data-testid="collector-token">
      <strong>{title}</strong>
      <Box sx={{ my: 1 }}>{t("collectors.once")}</Box>
      <Box component="code" id="collector-command" tabIndex={0} sx={{ display: "block", p: 0.75, border: 1, borderColor: "divider", borderRadius: 1, overflowWrap: "anywhere", userSelect: "all", bgcolor: "background.paper", color: "text.primary" }}>{command}</Box>
      <Box sx={{ my: 1 }}>{t("collectors.elsewhere")}</Box>
      <Box sx={{ display: "flex", gap: 1 }}>
        <Button variant="outlined" onClick={() => void copy()}>{t("common.copy")}</Button>
        {children}
      </Box>
    </Alert>
  );
}
