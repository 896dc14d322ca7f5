import Button from "@mui/material/Button";
import Menu from "@mui/material/Menu";
import MenuItem from "@mui/material/MenuItem";
import { useState } from "react";
import { useListContext } from "react-admin";
import { verbUrl } from "../api/dataProvider";
import { saveAs } from "../api/files";
import { buildFilters, filterName, type ListFilter } from "../api/filters";
import { query } from "../api/http";
import type { FieldMeta, ResourceMeta } from "../api/types";
import { t } from "../i18n";

export function exportUrl(meta: ResourceMeta, format: "csv" | "xlsx", filter: ListFilter, columns: FieldMeta[]): string {
  const filters = buildFilters(filter);
  return verbUrl(meta, "export") + query({
    format, search: filter.q, filters: filters ? JSON.stringify(filters) : undefined, columns: columns.map(filterName).join(","),
  });
}

export function ExportButton({ meta, columns }: { meta: ResourceMeta; columns: FieldMeta[] }) {
  const { filterValues } = useListContext();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const run = (format: "csv" | "xlsx") => {
    setAnchor(null);
    saveAs(exportUrl(meta, format, filterValues as ListFilter, columns));
  };
  return (
    <>
      <Button color="inherit" aria-haspopup="menu" onClick={(event) => setAnchor(event.currentTarget)}>{t("resources.export")}</Button>
      <Menu anchorEl={anchor} open={!!anchor} onClose={() => setAnchor(null)}>
        <MenuItem dense onClick={() => run("csv")}>{t("resources.exportCsv")}</MenuItem>
        <MenuItem dense onClick={() => run("xlsx")}>{t("resources.exportXlsx")}</MenuItem>
      </Menu>
    </>
  );
}
