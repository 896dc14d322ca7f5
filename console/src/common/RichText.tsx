import CodeIcon from "@mui/icons-material/Code";
import FormatBold from "@mui/icons-material/FormatBold";
import FormatItalic from "@mui/icons-material/FormatItalic";
import FormatListBulleted from "@mui/icons-material/FormatListBulleted";
import FormatListNumbered from "@mui/icons-material/FormatListNumbered";
import FormatQuote from "@mui/icons-material/FormatQuote";
import LinkIcon from "@mui/icons-material/Link";
import StrikethroughS from "@mui/icons-material/StrikethroughS";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import IconButton from "@mui/material/IconButton";
import Popover from "@mui/material/Popover";
import TextField from "@mui/material/TextField";
import Placeholder from "@tiptap/extension-placeholder";
import { EditorContent, useEditor, useEditorState, type Editor } from "@tiptap/react";
import StarterKit from "@tiptap/starter-kit";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { t, type TextKey } from "../i18n";

interface Props {
  value: string;
  onChange: (html: string) => void;
  label: string;
  placeholder?: string;
  readOnly?: boolean;
  autoFocus?: boolean;
  onSubmit?: () => void;
  /** Buttons of the page, on the right of the formatting buttons. */
  extra?: ReactNode;
  minHeight?: number;
}

type Mark = { label: TextKey; name: string; icon: ReactNode; run: (editor: Editor) => void };

const MARKS: Mark[] = [
  { label: "ticket.bold", name: "bold", icon: <FormatBold fontSize="small" />, run: (editor) => editor.chain().focus().toggleBold().run() },
  { label: "ticket.italic", name: "italic", icon: <FormatItalic fontSize="small" />, run: (editor) => editor.chain().focus().toggleItalic().run() },
  { label: "ticket.strike", name: "strike", icon: <StrikethroughS fontSize="small" />, run: (editor) => editor.chain().focus().toggleStrike().run() },
  { label: "ticket.bullets", name: "bulletList", icon: <FormatListBulleted fontSize="small" />, run: (editor) => editor.chain().focus().toggleBulletList().run() },
  { label: "ticket.numbers", name: "orderedList", icon: <FormatListNumbered fontSize="small" />, run: (editor) => editor.chain().focus().toggleOrderedList().run() },
  { label: "ticket.quote", name: "blockquote", icon: <FormatQuote fontSize="small" />, run: (editor) => editor.chain().focus().toggleBlockquote().run() },
  { label: "ticket.code", name: "codeBlock", icon: <CodeIcon fontSize="small" />, run: (editor) => editor.chain().focus().toggleCodeBlock().run() },
];

function LinkButton({ editor, active }: { editor: Editor; active: boolean }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [href, setHref] = useState("");
  const apply = () => {
    const chain = editor.chain().focus().extendMarkRange("link");
    if (href.trim()) chain.setLink({ href: href.trim() }).run();
    else chain.unsetLink().run();
    setAnchor(null);
  };
  return (
    <>
      <IconButton aria-label={t("ticket.link")} aria-pressed={active} color={active ? "primary" : "default"} onMouseDown={(event) => event.preventDefault()}
        onClick={(event) => { setHref((editor.getAttributes("link").href as string | undefined) ?? "https://"); setAnchor(event.currentTarget); }}>
        <LinkIcon fontSize="small" />
      </IconButton>
      <Popover open={!!anchor} anchorEl={anchor} onClose={() => setAnchor(null)} anchorOrigin={{ vertical: "bottom", horizontal: "left" }}>
        <Box component="form" sx={{ p: 1, display: "flex", gap: 1, width: 340 }} onSubmit={(event) => { event.preventDefault(); event.stopPropagation(); apply(); }}>
          <TextField autoFocus label={t("ticket.linkAddress")} value={href} onChange={(event) => setHref(event.target.value)} />
          <Button type="submit" variant="outlined">{t("common.save")}</Button>
        </Box>
      </Popover>
    </>
  );
}

function Toolbar({ editor, extra }: { editor: Editor; extra?: ReactNode }) {
  const active = useEditorState({ editor, selector: ({ editor: current }) => Object.fromEntries([...MARKS.map((mark) => mark.name), "link"].map((name) => [name, current.isActive(name)])) });
  return (
    <Box role="toolbar" sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 0.25, borderTop: 1, borderColor: "divider", px: 0.5, py: 0.25 }}>
      {MARKS.map((mark) => (
        <IconButton key={mark.name} aria-label={t(mark.label)} aria-pressed={!!active[mark.name]} color={active[mark.name] ? "primary" : "default"} onMouseDown={(event) => event.preventDefault()} onClick={() => mark.run(editor)}>{mark.icon}</IconButton>
      ))}
      <LinkButton editor={editor} active={!!active.link} />
      <Box sx={{ flex: 1 }} />
      {extra}
    </Box>
  );
}

export default function RichText({ value, onChange, label, placeholder, readOnly = false, autoFocus, onSubmit, extra, minHeight = 96 }: Props) {
  const submit = useRef(onSubmit);
  submit.current = onSubmit;
  const change = useRef(onChange);
  change.current = onChange;
  const editor = useEditor({
    // Its style element would be refused by the content policy; the few rules needed stand below.
    injectCSS: false,
    extensions: [
      StarterKit.configure({ link: { openOnClick: false, autolink: true, defaultProtocol: "https" } }),
      Placeholder.configure({ placeholder: placeholder ?? "" }),
    ],
    content: value,
    editable: !readOnly,
    autofocus: autoFocus ? "end" : false,
    editorProps: {
      attributes: { "aria-label": label, role: "textbox", "aria-multiline": "true" },
      handleKeyDown: (_, event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !submit.current) return false;
        submit.current();
        return true;
      },
    },
    // At once, and not with the next frame: a tab in the background has no frames, and what is typed next must land here.
    onCreate: ({ editor: current }) => {
      if (autoFocus) current.view.focus();
    },
    onUpdate: ({ editor: current }) => change.current(current.isEmpty ? "" : current.getHTML()),
  });
  useEffect(() => {
    // Where a page is slow to appear, its first editor is given up before this runs, and another one follows.
    if (editor.isDestroyed) return;
    const shown = editor.isEmpty ? "" : editor.getHTML();
    if (value !== shown) editor.commands.setContent(value, { emitUpdate: false });
  }, [value, editor]);
  return (
    <Box sx={{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", "&:focus-within": { borderColor: "primary.main" },
      "& .tiptap": { outline: "none", minHeight, maxHeight: "45vh", overflowY: "auto", px: 1.5, py: 1, whiteSpace: "pre-wrap", overflowWrap: "anywhere", fontSize: 14 },
      "& .tiptap p": { my: 0.5 }, "& .tiptap pre": { bgcolor: "raised", p: 1, borderRadius: 1 }, "& .tiptap blockquote": { m: 0, pl: 1.5, borderLeft: 3, borderColor: "divider" },
      "& .tiptap p.is-editor-empty:first-of-type::before": { content: "attr(data-placeholder)", float: "left", height: 0, pointerEvents: "none", color: "text.secondary" } }}>
      <EditorContent editor={editor} />
      {!readOnly && <Toolbar editor={editor} extra={extra} />}
    </Box>
  );
}
