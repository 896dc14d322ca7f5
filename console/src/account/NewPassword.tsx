import Box from "@mui/material/Box";
import TextField from "@mui/material/TextField";
import { useEffect, useState } from "react";
import { api } from "../api/http";
import { t } from "../i18n";
import { checkPassword, type PasswordPolicy } from "./policy";

/** A new password twice, with the rules it has to meet ticked off while it is typed. */
export function NewPassword({ value, repeat, onChange, error, autoFocus }: {
  value: string; repeat: string; error?: string; autoFocus?: boolean; onChange: (value: string, repeat: string) => void;
}) {
  const [policy, setPolicy] = useState<PasswordPolicy>({});
  useEffect(() => {
    // Without the policy the server still refuses a weak password, with the reason.
    api<PasswordPolicy>("/api/password-policy").then(setPolicy, () => undefined);
  }, []);
  const rules = checkPassword(value, policy);
  return (
    <>
      <TextField label={t("account.newPassword")} type="password" name="new_password" autoComplete="new-password" autoFocus={autoFocus} required
        value={value} onChange={(event) => onChange(event.target.value, repeat)} error={!!error} helperText={error} slotProps={{ htmlInput: { "aria-describedby": "password-rules" } }} />
      {rules.length > 0 && (
        <Box component="ul" id="password-rules" sx={{ m: 0, pl: 0, listStyle: "none", fontSize: 12, color: "text.secondary", "& .met": { color: "success.main" } }}>
          {rules.map(({ rule, met }) => (
            <li key={rule} className={met ? "met" : undefined}>
              <span aria-hidden>{met ? "✓ " : "○ "}</span>
              {t(`account.policy.${rule}`, { n: policy.min_length ?? 0 })}
            </li>
          ))}
        </Box>
      )}
      <TextField label={t("account.repeatPassword")} type="password" name="repeat_password" autoComplete="new-password" required
        value={repeat} onChange={(event) => onChange(value, event.target.value)}
        error={repeat !== "" && repeat !== value} helperText={repeat !== "" && repeat !== value ? t("account.mismatch") : undefined} />
    </>
  );
}
