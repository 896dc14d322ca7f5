import Box from "@mui/material/Box";
import Checkbox from "@mui/material/Checkbox";
import { useEffect, useRef, useState, type MouseEvent } from "react";
import { useListContext } from "react-admin";
import { useNavigate } from "react-router-dom";
import { titleOf } from "../api/records";
import type { FieldMeta, ResourceMeta, Row } from "../api/types";
import { useShortcuts } from "../app/shortcuts";
import { t } from "../i18n";
import { FieldValue, valueText } from "./FieldValue";

/** Styled once for the whole table: fifty rows of styled cells would cost a frame on every live update. */
const tableStyle = {
  overflow: "auto",
  flex: 1,
  minHeight: 200,
  borderTop: 1,
  borderColor: "divider",
  "& table": { borderCollapse: "separate", borderSpacing: 0, width: "100%", fontSize: 13 },
  "& th, & td": { textAlign: "left", px: 1, height: 32, borderBottom: 1, borderColor: "divider", whiteSpace: "nowrap", maxWidth: 360, overflow: "hidden", textOverflow: "ellipsis" },
  "& th": { position: "sticky", top: 0, bgcolor: "background.default", fontWeight: 600, fontSize: 12, color: "text.secondary", zIndex: 1, height: 30 },
  "& th button": { all: "unset", cursor: "pointer", "&:hover": { color: "text.primary" }, "&:focus-visible": { outline: "2px solid", outlineColor: "primary.main" } },
  "& td.title": { fontWeight: 500, maxWidth: 460 },
  "& td.title a": { color: "text.primary", textDecoration: "none", "&:hover": { textDecoration: "underline" } },
  "& td.number": { textAlign: "right", fontVariantNumeric: "tabular-nums" },
  "& tbody tr": { cursor: "pointer", bgcolor: "background.paper" },
  "& tbody tr:hover": { bgcolor: "raised" },
  "& tbody tr.at td:first-of-type": { boxShadow: (theme: { palette: { primary: { main: string } } }) => `inset 3px 0 ${theme.palette.primary.main}` },
  "& tbody tr.selected": { bgcolor: "action.selected" },
  "& .box": { width: 40, p: 0, pl: 0.5 },
} as const;

export function DataTable({ meta, columns }: { meta: ResourceMeta; columns: FieldMeta[] }) {
  const { data = [], sort, setSort, selectedIds, onSelect, onToggleItem } = useListContext<Row>();
  const navigate = useNavigate();
  const [at, setAt] = useState(-1);
  const body = useRef<HTMLTableSectionElement>(null);
  const titleColumn = columns.find((column) => column.name === meta.title) ?? columns[0];
  const selectable = meta.privileges.some((privilege) => privilege === "edit" || privilege === "delete");
  const to = (row: Row) => `/${meta.name}/${encodeURIComponent(String(row.id))}`;

  useEffect(() => {
    body.current?.rows[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);
  useShortcuts({
    j: () => setAt((before) => Math.min(before + 1, data.length - 1)),
    k: () => setAt((before) => Math.max(before - 1, 0)),
    x: () => data[at] && onToggleItem(data[at].id),
    ...(data[at] ? { Enter: () => { const row = data[at]; if (row) navigate(to(row)); } } : {}),
  });

  const onRowClick = (event: MouseEvent, row: Row) => {
    const target = event.target as HTMLElement;
    if (target.closest("a, button, input, label") || window.getSelection()?.toString()) return;
    if (event.metaKey || event.ctrlKey) window.open(to(row), "_blank", "noopener");
    else navigate(to(row));
  };
  const allSelected = data.length > 0 && data.every((row) => selectedIds.includes(row.id));
  return (
    <Box sx={tableStyle}>
      <table aria-label={meta.plural}>
        <thead>
          <tr>
            {selectable && (
              <th className="box" scope="col">
                <Checkbox checked={allSelected} indeterminate={!allSelected && data.some((row) => selectedIds.includes(row.id))} onChange={() => onSelect(allSelected ? [] : data.map((row) => row.id))}
                  slotProps={{ input: { "aria-label": t("resources.selectAll") } }} />
              </th>
            )}
            {columns.map((column) => {
              const sorted = sort.field === column.name;
              return (
                <th key={column.name} scope="col" aria-sort={sorted ? (sort.order === "ASC" ? "ascending" : "descending") : undefined}>
                  {column.sortable ? (
                    <button type="button" title={t("resources.sortBy", { name: column.label })}
                      onClick={() => setSort({ field: column.name, order: sorted && sort.order === "ASC" ? "DESC" : "ASC" })}>
                      {column.label} {sorted ? (sort.order === "ASC" ? "↑" : "↓") : ""}
                    </button>
                  ) : column.label}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody ref={body}>
          {data.map((row, index) => {
            const selected = selectedIds.includes(row.id);
            return (
              <tr key={row.id} className={`${selected ? "selected" : ""} ${index === at ? "at" : ""}`} data-id={row.id} onClick={(event) => onRowClick(event, row)}>
                {selectable && (
                  <td className="box">
                    <Checkbox checked={selected} onChange={() => onToggleItem(row.id)} slotProps={{ input: { "aria-label": t("resources.selectRow", { name: titleOf(row, meta) }) } }} />
                  </td>
                )}
                {columns.map((column) => {
                  const isTitle = column === titleColumn;
                  const className = isTitle ? "title" : column.kind === "integer" || column.kind === "number" ? "number" : undefined;
                  return (
                    <td key={column.name} className={className} title={isTitle ? valueText(row, column) : undefined}>
                      {isTitle
                        ? <a href={to(row)} onClick={(event) => { if (!event.metaKey && !event.ctrlKey) { event.preventDefault(); navigate(to(row)); } }}>{valueText(row, column) || titleOf(row, meta)}</a>
                        : <FieldValue record={row} field={column} />}
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
    </Box>
  );
}
