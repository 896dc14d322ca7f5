import Box from "@mui/material/Box";
import { useRef, useState, type ClipboardEvent, type DragEvent, type ReactNode } from "react";
import { pastedName } from "../api/files";
import { t } from "../i18n";

/** Takes files by drop, by paste and, through the function it hands to its children, by choosing. */
export function DropZone({ onFiles, accept, multiple = true, disabled, children, inputLabel }: {
  onFiles: (files: File[]) => void; accept?: string; multiple?: boolean; disabled?: boolean; inputLabel?: string; children: (choose: () => void) => ReactNode;
}) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const take = (files: FileList | File[] | null | undefined) => {
    const list = Array.from(files ?? []);
    if (list.length > 0 && !disabled) onFiles(multiple ? list : list.slice(0, 1));
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files);
  };
  const onPaste = (event: ClipboardEvent) => {
    const files = Array.from(event.clipboardData.files);
    if (files.length === 0) return;
    event.preventDefault();
    take(files.map((file) => new File([file], pastedName(file, new Date()), { type: file.type })));
  };
  return (
    <Box sx={{ position: "relative" }} onPasteCapture={onPaste} onDrop={onDrop}
      onDragOver={(event) => { if (!disabled && event.dataTransfer.types.includes("Files")) { event.preventDefault(); setOver(true); } }}
      onDragLeave={(event) => { if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false); }}>
      <input ref={input} type="file" hidden accept={accept} multiple={multiple} data-testid="file-input" aria-label={inputLabel ?? t("resources.chooseFiles")}
        onChange={(event) => { take(event.target.files); event.target.value = ""; }} />
      {children(() => input.current?.click())}
      {over && (
        <Box sx={{ position: "absolute", inset: 0, display: "grid", placeItems: "center", bgcolor: "background.paper", opacity: 0.94, border: 2, borderStyle: "dashed", borderColor: "primary.main", borderRadius: 1, zIndex: 3, pointerEvents: "none" }}>
          {t("ticket.dropHere")}
        </Box>
      )}
    </Box>
  );
}
