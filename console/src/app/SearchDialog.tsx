import Box from "@mui/material/Box";
import Dialog from "@mui/material/Dialog";
import InputBase from "@mui/material/InputBase";
import LinearProgress from "@mui/material/LinearProgress";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState, type KeyboardEvent } from "react";
import { useNavigate } from "react-router-dom";
import { api, query } from "../api/http";
import { useMetadata } from "../api/metadata";
import { useDebounced } from "../common/hooks";
import { t } from "../i18n";

interface Hit {
  resource: string;
  id: string;
  title: string;
  subtitle?: string;
  label?: string;
}

export function SearchDialog({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const q = useDebounced(text.trim(), 150);
  const navigate = useNavigate();
  const { byName, metadata } = useMetadata();
  const { data, isFetching } = useQuery({
    queryKey: ["search", q],
    queryFn: ({ signal }) => api<{ results: Hit[] }>(`/api/search${query({ q, limit: 12 })}`, { signal }),
    enabled: q.length >= 2,
    placeholderData: keepPreviousData,
  });
  // Pages are found by their names too: the quickest way to a list is to type it.
  const pages = q.length < 2 ? [] : metadata.resources
    .filter((resource) => !resource.hidden_in_menu && resource.plural.toLowerCase().includes(q.toLowerCase()))
    .slice(0, 4)
    .map((resource) => ({ key: resource.name, to: `/${resource.name}`, title: resource.plural, subtitle: "", label: t("shell.navigation") }));
  const hits = q.length < 2 ? [] : (data?.results ?? []).map((hit) => ({
    key: `${hit.resource}/${hit.id}`, to: `/${hit.resource}/${encodeURIComponent(hit.id)}`, title: hit.title,
    subtitle: hit.subtitle ?? "", label: hit.label ?? byName.get(hit.resource)?.label ?? hit.resource,
  }));
  const all = [...hits, ...pages];
  const open = (index: number) => {
    const entry = all[index];
    if (!entry) return;
    onClose();
    navigate(entry.to);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const move = event.key === "ArrowDown" ? 1 : -1;
      setAt((before) => (all.length ? (before + move + all.length) % all.length : 0));
    } else if (event.key === "Enter") {
      event.preventDefault();
      open(at);
    }
  };
  return (
    <Dialog open onClose={onClose} aria-label={t("shell.search")} slotProps={{ paper: { sx: { position: "absolute", top: "8vh", m: 0, width: "calc(100% - 24px)" } } }}>
      <InputBase
        autoFocus fullWidth value={text} placeholder={t("shell.searchPlaceholder")} onKeyDown={onKeyDown}
        onChange={(event) => { setText(event.target.value); setAt(0); }}
        inputProps={{ "aria-label": t("shell.search"), role: "combobox", "aria-expanded": all.length > 0, "aria-controls": "search-hits", "aria-activedescendant": all[at] ? `hit-${at}` : undefined }}
        sx={{ px: 2, py: 1.25, fontSize: 16, borderBottom: 1, borderColor: "divider" }}
      />
      <Box sx={{ height: 2 }}>{isFetching && <LinearProgress sx={{ height: 2 }} />}</Box>
      <Box id="search-hits" role="listbox" aria-label={t("shell.search")} sx={{ overflowY: "auto", maxHeight: "60vh", py: 0.5 }}>
        {all.map((entry, index) => (
          <Box key={entry.key} id={`hit-${index}`} role="option" aria-selected={index === at} onMouseMove={() => setAt(index)} onClick={() => open(index)}
            sx={{ px: 2, py: 0.75, cursor: "pointer", display: "flex", gap: 1, alignItems: "baseline", bgcolor: index === at ? "raised" : undefined }}>
            <Box sx={{ minWidth: 0, overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap", flex: 1 }}>
              {entry.title}
              {entry.subtitle && <Typography component="span" variant="body2" color="text.secondary"> · {entry.subtitle}</Typography>}
            </Box>
            <Typography variant="caption" color="text.secondary">{entry.label}</Typography>
          </Box>
        ))}
        {all.length === 0 && (
          <Typography color="text.secondary" sx={{ px: 2, py: 1.5 }}>
            {q.length < 2 ? t("shell.searchStart") : isFetching ? t("common.loading") : t("shell.searchEmpty", { q })}
          </Typography>
        )}
      </Box>
    </Dialog>
  );
}
