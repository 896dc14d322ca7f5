import SearchIcon from "@mui/icons-material/Search";
import InputAdornment from "@mui/material/InputAdornment";
import TextField from "@mui/material/TextField";
import { useEffect, useRef, useState } from "react";

/** Searches shortly after the last key; what is being typed is never overwritten by an answer. */
export function SearchBox({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value);
  const sent = useRef(value);
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => {
    if (value !== sent.current) {
      sent.current = value;
      setText(value);
    }
  }, [value]);
  useEffect(() => {
    if (text.trim() === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = text.trim();
      latest.current(text.trim());
    }, 250);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <TextField type="search" value={text} onChange={(event) => setText(event.target.value)} placeholder={label} fullWidth={false} sx={{ width: { xs: "100%", sm: label.length > 24 ? 370 : 240 }, order: { xs: 1, sm: 0 } }}
      slotProps={{ htmlInput: { "aria-label": label }, input: { startAdornment: <InputAdornment position="start"><SearchIcon fontSize="small" /></InputAdornment> } }} />
  );
}
