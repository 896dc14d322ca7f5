import Polyglot from "node-polyglot";
import polyglotI18nProvider from "ra-i18n-polyglot";
import englishMessages from "ra-language-english";
import { account } from "./account";
import { admin } from "./admin";
import { collectors } from "./collectors";
import { common } from "./common";
import { credentials } from "./credentials";
import { discovery } from "./discovery";
import { events } from "./events";
import { home } from "./home";
import { imports } from "./imports";
import { jobs } from "./jobs";
import { logs } from "./logs";
import { resources } from "./resources";
import { shell } from "./shell";
import { assets } from "./assets";
import { intake } from "./intake";
import { mibs } from "./mibs";
import { notify } from "./notify";
import { pipeline } from "./pipeline";
import { rules } from "./rules";
import { topology } from "./topology";
import { teams } from "./teams";
import { templates } from "./templates";
import { traps } from "./traps";
import { ticket } from "./ticket";

const english = { common, shell, account, home, resources, ticket, imports, admin, logs, events, intake, pipeline, mibs, traps, rules, notify, assets, collectors, credentials, discovery, jobs, topology, teams, templates };

type Leaves<T, Prefix extends string = ""> = {
  [K in keyof T & string]: T[K] extends string ? `${Prefix}${K}` : Leaves<T[K], `${Prefix}${K}.`>;
}[keyof T & string];

/** Every text has a key, and a key that does not exist does not compile. */
export type TextKey = Leaves<typeof english>;

const polyglot = new Polyglot({ locale: "en", phrases: english });

export function t(key: TextKey, values?: Record<string, string | number>): string {
  return polyglot.t(key, values ?? {});
}

/** react-admin's own texts; ours are already translated when they reach it. */
export const i18nProvider = polyglotI18nProvider(() => englishMessages, "en", undefined, { allowMissing: true, onMissingKey: (key: string) => key });
