export interface Upload {
  name: string;
  data: string;
}

/** A file as the data URI that the API takes; the name and type travel with it. */
export function toUpload(file: File): Promise<Upload> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      const text = String(reader.result);
      // A file of unknown type reads as "data:;base64,": give it a type that any server accepts.
      resolve({ name: file.name, data: text.replace(/^data:;/, "data:application/octet-stream;") });
    };
    reader.onerror = () => reject(new Error(`${file.name} could not be read.`));
    reader.readAsDataURL(file);
  });
}

/** Names a pasted picture, which the clipboard always calls image.png. */
export function pastedName(file: File, now: Date): string {
  if (file.name && file.name !== "image.png") return file.name;
  const stamp = now.toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
  const extension = file.type.split("/")[1]?.replace("jpeg", "jpg") ?? "bin";
  return `pasted-${stamp}.${extension}`;
}

export function saveAs(url: string, name = ""): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}

/** Text that the page has already, as a file. */
export function saveText(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  saveAs(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
