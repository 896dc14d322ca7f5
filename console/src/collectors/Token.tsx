import type { ReactNode } from "react";
import { Once } from "../common/Once";
import { t } from "../i18n";

/** The command with a collector's token, which is shown this once. */
export function Token({ title, command, children }: { title: string; command: string; children?: ReactNode }) {
  return <Once testId="collector-token" title={title} hint={t("collectors.once")} text={command} after={t("collectors.elsewhere")}>{children}</Once>;
}
