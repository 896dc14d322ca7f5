export interface PasswordPolicy {
  min_length?: number;
  require_upper?: boolean;
  require_lower?: boolean;
  require_digit?: boolean;
  require_symbol?: boolean;
  max_age_days?: number;
}

export type PolicyRule = "min_length" | "require_upper" | "require_lower" | "require_digit" | "require_symbol";

const CHECKS: Record<Exclude<PolicyRule, "min_length">, RegExp> = {
  require_upper: /\p{Lu}/u,
  require_lower: /\p{Ll}/u,
  require_digit: /\p{Nd}/u,
  require_symbol: /[^\p{L}\p{N}\s]/u,
};

/** Which rules a policy has and which of them a password meets; the server has the last word. */
export function checkPassword(password: string, policy: PasswordPolicy): { rule: PolicyRule; met: boolean }[] {
  const rules: { rule: PolicyRule; met: boolean }[] = [];
  if (policy.min_length) rules.push({ rule: "min_length", met: [...password].length >= policy.min_length });
  for (const rule of Object.keys(CHECKS) as (keyof typeof CHECKS)[]) {
    if (policy[rule]) rules.push({ rule, met: CHECKS[rule].test(password) });
  }
  return rules;
}

export function waitText(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return `${Math.ceil(seconds / 60)} min`;
}
