import ChevronLeft from "@mui/icons-material/ChevronLeft";
import ChevronRight from "@mui/icons-material/ChevronRight";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import Chip from "@mui/material/Chip";
import IconButton from "@mui/material/IconButton";
import ButtonLink from "@mui/material/Link";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { useNotify } from "react-admin";
import { Link } from "react-router-dom";
import { messageOf } from "../api/http";
import { useMetadata } from "../api/metadata";
import { allows } from "../api/permissions";
import type { ResourceMeta } from "../api/types";
import { Facts, PlainTable, Section, useTask, type Fact } from "../common/blocks";
import { DialogFrame } from "../common/dialogs";
import { count, dateTime } from "../common/format";
import { useDebounced } from "../common/hooks";
import { t } from "../i18n";
import { useRecord } from "../resources/RecordHead";
import { approve, PER_PAGE, useFindings, type Finding } from "./api";
import { resultsInOrder } from "./model";
import { resultColour, resultName } from "./words";

function Item({ finding }: { finding: Finding }) {
  const items = useMetadata().byName.has("ci");
  const name = finding.name || (finding.ci_id ? t("discovery.item") : "");
  // The click is the link's, not the row's.
  return finding.ci_id && items ? <Link to={`/ci/${encodeURIComponent(finding.ci_id)}`} onClick={(event) => event.stopPropagation()}>{name}</Link> : name;
}

/** A credential by its name, for whoever may see credentials; one that is gone by its id. */
function Credential({ id }: { id: string }) {
  const { data } = useRecord("credential", id);
  return <Link to={`/credential/${encodeURIComponent(id)}`}>{typeof data?.name === "string" ? data.name : id}</Link>;
}

function FindingDialog({ finding, onClose }: { finding: Finding; onClose: () => void }) {
  const credentials = useMetadata().byName.has("credential");
  const spoken = Object.entries(finding.ssh).filter(([name, value]) => value && name !== "credential");
  // The one that opened it by SNMP, else the one that logged in.
  const credential = finding.credential || (finding.ssh.credential ?? "");
  const facts: Fact[] = [
    [t("discovery.result"), resultName(finding.result)],
    [t("discovery.reason"), finding.reason],
    [t("discovery.item"), <Item key="item" finding={finding} />],
    [t("discovery.credential"), credential && credentials ? <Credential key="credential" id={credential} /> : ""],
    [t("discovery.answer"), finding.rtt_ms === null ? "" : finding.rtt_ms.toFixed(1)],
    [t("discovery.seen"), dateTime(finding.seen)],
    [t("discovery.ports"), finding.open_ports.join(", ")],
    [t("discovery.ssh"), spoken.map(([, value]) => value).join(" · ")],
    [t("discovery.depth"), finding.depth === null ? "" : String(finding.depth)],
    ...Object.entries(finding.identity).map(([name, value]): Fact => [name.replace(/_/g, " "), value]),
  ];
  const heads = [...new Set(finding.neighbours.flatMap((one) => Object.keys(one)))];
  return (
    <DialogFrame wide title={t("discovery.details", { name: finding.name ? `${finding.address} · ${finding.name}` : finding.address })} onClose={onClose}>
      <Box sx={{ display: "grid", gap: 2 }}>
        <Facts facts={facts.filter(([name]) => name !== t("discovery.item") || finding.name !== "" || finding.ci_id !== "")} />
        {finding.problems.length > 0 && (
          <Box>
            <Typography variant="h2">{t("discovery.problems")}</Typography>
            <Box component="ul" sx={{ m: 0, pl: 2.5 }}>{finding.problems.map((problem) => <li key={problem}>{problem}</li>)}</Box>
          </Box>
        )}
        {finding.neighbours.length > 0 && (
          <Box>
            <Typography variant="h2">{t("discovery.neighbours")}</Typography>
            <PlainTable label={t("discovery.neighbours")} head={heads.map((name) => name.replace(/_/g, " "))} rows={finding.neighbours.map((one, index) => ({ key: String(index), cells: heads.map((name) => String(one[name] ?? "")) }))} />
          </Box>
        )}
        <Button onClick={onClose} sx={{ justifySelf: "end" }}>{t("common.close")}</Button>
      </Box>
    </DialogFrame>
  );
}

/** What became of each address of a run, why, and the approval of what waits. */
export function Findings({ meta, id, run, live, results, onApproved }: { meta: ResourceMeta; id: string; run: string; live: boolean; results: Record<string, number>; onApproved: () => void }) {
  const [result, setResult] = useState("");
  const [typed, setTyped] = useState("");
  const [page, setPage] = useState(1);
  const [chosen, setChosen] = useState<string[]>([]);
  const [opened, setOpened] = useState<Finding>();
  const search = useDebounced(typed.trim(), 250);
  const notify = useNotify();
  const { busy, run: attempt } = useTask();
  const { data, error } = useFindings(meta.path, id, { run, result, search, page }, live);
  const waiting = results.awaiting ?? 0;
  const mayApprove = allows(meta, "approve") && waiting > 0;
  const rows = data?.results ?? [];
  const total = data?.count ?? 0;
  const pages = Math.max(1, Math.ceil(total / PER_PAGE));
  const show = (name: string) => { setResult(name); setPage(1); };
  const take = (addresses: string[]) => attempt(async () => {
    const told = await approve(meta.path, run, addresses);
    const refused = told.results.find((one) => one.result === "refused");
    if (refused) notify(t("discovery.approvedPartly", { count: count(told.approved), reason: `${refused.address}: ${refused.reason}` }), { type: "warning", autoHideDuration: 8000 });
    else notify(t("discovery.approved", { count: count(told.approved), smart_count: told.approved }), { type: "success" });
    setChosen([]);
    if (result === "awaiting") show("");
    onApproved();
  });
  const heads = [t("discovery.address"), t("discovery.result"), t("discovery.name"), t("discovery.reason"), `#${t("discovery.answer")}`];
  const every = Object.values(results).reduce((sum, number) => sum + number, 0);
  return (
    <Section title={t("discovery.findings")} testId="findings"
      actions={mayApprove && (
        <>
          <Typography color="warning.main">{t("discovery.awaiting", { count: count(waiting), smart_count: waiting })}</Typography>
          {chosen.length > 0 && <Button variant="outlined" disabled={busy} onClick={() => void take(chosen)}>{t("discovery.approveChosen", { count: count(chosen.length) })}</Button>}
          <Button variant="contained" disabled={busy} onClick={() => void take([])}>{t("discovery.approveAll")}</Button>
        </>
      )}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 0.75, alignItems: "center", mb: 1 }}>
        {[["", every] as [string, number], ...resultsInOrder(results)].map(([name, number]) => (
          <Chip key={name} size="small" clickable aria-pressed={result === name} variant={result === name ? "filled" : "outlined"} color={name ? resultColour(name) : "default"} label={`${name ? resultName(name) : t("discovery.all")} ${count(number)}`} onClick={() => show(name)} />
        ))}
        <Box sx={{ ml: "auto", width: { xs: "100%", sm: 280 } }}>
          <TextField fullWidth size="small" type="search" placeholder={t("discovery.searchFindings")} value={typed} onChange={(event) => { setTyped(event.target.value); setPage(1); }} slotProps={{ htmlInput: { "aria-label": t("discovery.searchFindings") } }} />
        </Box>
      </Box>
      {error && <Typography color="error">{messageOf(error)}</Typography>}
      {data && rows.length === 0 && <Typography color="text.secondary">{every === 0 || (result === "" && search === "") ? t("discovery.noneYet") : t("discovery.noFindings")}</Typography>}
      {rows.length > 0 && (
        <PlainTable label={t("discovery.findings")} testId="finding-table" head={mayApprove ? ["", ...heads] : heads}
          rows={rows.map((one) => {
            const cells = [
              <ButtonLink key="address" component="button" type="button" onClick={(event) => { event.stopPropagation(); setOpened(one); }}>{one.address}</ButtonLink>,
              <Chip key="result" size="small" variant="outlined" color={resultColour(one.result)} label={resultName(one.result)} />,
              <Item key="item" finding={one} />,
              <Box key="reason">
                {one.reason}
                {one.problems.length > 0 && <Box sx={{ color: "text.secondary", fontSize: 12 }}>{one.problems.join(" ")}</Box>}
              </Box>,
              one.rtt_ms === null ? "" : one.rtt_ms.toFixed(1),
            ];
            const box = one.result === "awaiting" ? <Checkbox key="choose" size="small" sx={{ p: 0 }} checked={chosen.includes(one.address)} onClick={(event) => event.stopPropagation()}
              onChange={(event) => setChosen((before) => (event.target.checked ? [...before, one.address] : before.filter((address) => address !== one.address)))} slotProps={{ input: { "aria-label": t("discovery.choose", { address: one.address }) } }} /> : "";
            return { key: one.address, cells: mayApprove ? [box, ...cells] : cells, onClick: () => setOpened(one) };
          })} />
      )}
      {total > PER_PAGE && (
        <Box sx={{ display: "flex", alignItems: "center", justifyContent: "flex-end", gap: 1, mt: 0.5 }}>
          <Box sx={{ fontVariantNumeric: "tabular-nums" }}>{t("resources.range", { from: count((page - 1) * PER_PAGE + 1), to: count(Math.min(page * PER_PAGE, total)), total: count(total) })}</Box>
          <IconButton aria-label={t("resources.previousPage")} disabled={page <= 1} onClick={() => setPage(page - 1)}><ChevronLeft /></IconButton>
          <IconButton aria-label={t("resources.nextPage")} disabled={page >= pages} onClick={() => setPage(page + 1)}><ChevronRight /></IconButton>
        </Box>
      )}
      {opened && <FindingDialog finding={opened} onClose={() => setOpened(undefined)} />}
    </Section>
  );
}
