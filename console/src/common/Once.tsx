import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useId, type ReactNode } from "react";
import { useNotify } from "react-admin";
import { saveText } from "../api/files";
import { recordKey } from "../api/records";
import { t } from "../i18n";

const LEFT_MS = 2000;

/**
 * What is shown this once of a record, for as long as its page is open. State of a component would not do: the form
 * starts anew when its record changes, and giving it a new secret is such a change. The record is read again first, so
 * that what is typed next starts from it.
 */
export function useOnce<T>(resource: string, id: string): [T | undefined, (value: T) => Promise<void>] {
  const client = useQueryClient();
  const queryKey = ["once", resource, id];
  const { data } = useQuery<T | null>({ queryKey, queryFn: () => null, enabled: false, initialData: null, gcTime: LEFT_MS });
  const put = async (value: T) => {
    await client.invalidateQueries({ queryKey: recordKey(resource, id) });
    client.setQueryData(queryKey, value);
  };
  return [data ?? undefined, put];
}

/** Text that is shown this once, such as one with a token in it: to be copied, or saved where it is a file. */
export function Once({ title, hint, text, after, filename, testId, children }: { title: string; hint: string; text: string; after?: ReactNode; filename?: string; testId: string; children?: ReactNode }) {
  const notify = useNotify();
  const id = useId();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      notify(t("common.copied"), { type: "success" });
    } catch {
      // The clipboard is closed on plain HTTP: the text stays on screen to be selected by hand.
      document.getElementById(id)?.focus();
    }
  };
  return (
    <Alert severity="success" data-testid={testId} sx={{ "& .MuiAlert-message": { minWidth: 0, flex: 1 } }}>
      <strong>{title}</strong>
      <Box sx={{ my: 1 }}>{hint}</Box>
      <Box component="code" id={id} tabIndex={0} sx={{ display: "block", p: 0.75, border: 1, borderColor: "divider", borderRadius: 1, overflow: "auto", maxHeight: 360, whiteSpace: "pre-wrap", overflowWrap: "anywhere", userSelect: "all", bgcolor: "background.paper", color: "text.primary" }}>{text}</Box>
      <Box sx={{ my: 1 }}>{after}</Box>
      <Box sx={{ display: "flex", gap: 1 }}>
        <Button variant="outlined" onClick={() => void copy()}>{t("common.copy")}</Button>
        {filename && <Button variant="outlined" onClick={() => saveText(filename, text)}>{t("common.saveFile", { name: filename })}</Button>}
        {children}
      </Box>
    </Alert>
  );
}
