import SearchIcon from "@mui/icons-material/Search";
import Autocomplete from "@mui/material/Autocomplete";
import InputAdornment from "@mui/material/InputAdornment";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useDebounced } from "../common/hooks";
import { t } from "../i18n";
import { readSuggestions, type Range, type Suggestion } from "./api";

/** The query: suggestions while typing, what is wrong with it below, Enter searches. */
export function QueryBox({ range, onSubmit }: { range: Range; onSubmit: (query: string) => void }) {
  const [text, setText] = useState(range.query);
  const [position, setPosition] = useState(range.query.length);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setText(range.query), [range.query]);
  const settled = useDebounced({ text, position }, 150);
  const { data } = useQuery({
    queryKey: ["logs", "suggest", settled.text, settled.position, range.from, range.to],
    queryFn: ({ signal }) => readSuggestions(range, settled.text, settled.position, signal),
    staleTime: 30_000,
  });
  const put = (chosen: Suggestion) => {
    const next = text.slice(0, chosen.start) + chosen.text + text.slice(chosen.end);
    const caret = chosen.start + chosen.text.length;
    setText(next);
    setPosition(caret);
    requestAnimationFrame(() => input.current?.setSelectionRange(caret, caret));
  };
  // While something is being typed at the end it is not wrong yet.
  const wrong = text.trim() && data?.error && settled.text === text ? data.error : "";
  return (
    <Autocomplete<Suggestion, false, true, true>
      freeSolo disableClearable options={data?.results ?? []} filterOptions={(options) => options} getOptionLabel={(option) => (typeof option === "string" ? option : option.label)}
      inputValue={text} value={text} autoHighlight={false} blurOnSelect={false} sx={{ flex: 1, minWidth: 220 }}
      isOptionEqualToValue={() => false}
      onInputChange={(_event, value, reason) => { if (reason === "input") { setText(value); setPosition(input.current?.selectionStart ?? value.length); } }}
      onChange={(_event, value) => { if (typeof value === "string") onSubmit(value.trim()); else put(value); }}
      renderOption={({ key, ...props }, option) => (
        <li key={`${key}${option.start}${option.kind}`} {...props}>
          <span>{option.label}</span>
          <Typography component="span" variant="body2" color="text.secondary" sx={{ ml: "auto", pl: 2 }}>{option.kind}</Typography>
        </li>
      )}
      renderInput={(params) => (
        <TextField {...params} inputRef={input} placeholder={t("logs.placeholder")} error={!!wrong} helperText={wrong || undefined}
          onSelect={(event) => setPosition((event.target as HTMLInputElement).selectionStart ?? 0)}
          slotProps={{ htmlInput: { ...params.inputProps, "aria-label": t("logs.query"), spellCheck: false, "data-testid": "log-query" }, input: { ...params.InputProps, startAdornment: <InputAdornment position="start"><SearchIcon fontSize="small" /></InputAdornment> } }} />
      )}
    />
  );
}
