import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Paper from "@mui/material/Paper";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNotify } from "react-admin";
import { verbUrl } from "../api/dataProvider";
import { api, messageOf } from "../api/http";
import { useLive } from "../api/live";
import type { CommentInfo, ListEnvelope, ResourceMeta } from "../api/types";
import { Failure, Waiting } from "../app/Messages";
import { relativeTime, textToHtml } from "../common/format";
import { SafeHtml } from "../common/SafeHtml";
import { t } from "../i18n";

export function Comments({ meta, id }: { meta: ResourceMeta; id: string }) {
  const url = verbUrl(meta, "comments", id);
  const [text, setText] = useState("");
  const notify = useNotify();
  const { data, error, refetch } = useQuery({ queryKey: ["comments", meta.name, id], queryFn: ({ signal }) => api<ListEnvelope<CommentInfo>>(url, { signal }) });
  useLive("change", (change) => {
    if (change.resource === meta.name && String(change.id) === id) void refetch();
  });
  const { mutate, isPending } = useMutation({
    mutationFn: () => api(url, { method: "POST", body: { text: textToHtml(text.trim()) } }),
    onSuccess: () => { setText(""); void refetch(); },
    onError: (cause) => notify(messageOf(cause), { type: "error" }),
  });
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Waiting />;
  return (
    <Box sx={{ display: "grid", gap: 1.5 }}>
      {data.results.length === 0 && <Typography color="text.secondary">{t("resources.noComments")}</Typography>}
      {data.results.map((comment) => (
        <Paper key={comment.id} variant="outlined" component="article" sx={{ p: 1.5 }}>
          <Typography variant="body2" color="text.secondary" sx={{ mb: 0.5 }}><strong>{comment.author_name ?? t("ticket.system")}</strong> · {relativeTime(comment.creation_time)}</Typography>
          <SafeHtml html={comment.text} />
        </Paper>
      ))}
      <Box component="form" sx={{ display: "grid", gap: 1, justifyItems: "start" }} onSubmit={(event) => { event.preventDefault(); mutate(); }}>
        <TextField multiline minRows={2} label={t("resources.writeComment")} value={text} onChange={(event) => setText(event.target.value)} />
        <Button type="submit" variant="contained" disabled={isPending || !text.trim()}>{t("resources.addComment")}</Button>
      </Box>
    </Box>
  );
}
