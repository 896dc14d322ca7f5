import Box from "@mui/material/Box";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import type { FormEvent, ReactNode } from "react";

/** The frame of the pages that stand before the application. */
export function AuthCard({ title, hint, onSubmit, children, label }: {
  title: string; hint?: string; label?: string; onSubmit: (event: FormEvent<HTMLFormElement>) => void; children: ReactNode;
}) {
  return (
    <Box component="main" sx={{ minHeight: "100dvh", display: "grid", placeItems: "center", p: 2 }}>
      <Paper component="form" variant="outlined" noValidate aria-label={label ?? title}
        onSubmit={(event: FormEvent<HTMLFormElement>) => { event.preventDefault(); onSubmit(event); }}
        sx={{ width: "100%", maxWidth: 380, p: 3, display: "grid", gap: 2 }}>
        <Box sx={{ display: "flex", alignItems: "center", gap: 1.25 }}>
          <img src="/favicon.svg" width={30} height={30} alt="" />
          <Typography variant="h1">{title}</Typography>
        </Box>
        {hint && <Typography color="text.secondary">{hint}</Typography>}
        {children}
      </Paper>
    </Box>
  );
}
